"""Brings the database to the shape that this code wants; safe to run from many processes at once."""

from __future__ import annotations

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from records import database, walls

log = structlog.get_logger(__name__)

_FOLDER = Path(__file__).parent / "migrations"
# Migrations of two processes queue up behind this advisory lock.
_LOCK = 7_221_002


def upgrade(engine: Engine, *, login: str = "") -> None:
    """Apply what is missing, all of it in one transaction, as the tables' owner.

    `login` is whom web and workers come as, where that is somebody else. Raises MayNotWall.
    """
    with engine.begin() as connection:
        # A migration waits its turn and takes its time, unlike everything else here.
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SET LOCAL statement_timeout = '30min'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        walls.stand_roles(connection, login=login)
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the shape that this code wants."""
    try:
        with database.across_tenants(engine, why="the database's shape belongs to no tenant") as session:
            found = MigrationContext.configure(session.connection()).get_current_revision()
    except ProgrammingError as error:  # no wall, or none that this login may stand behind
        log.info("no shape to be seen", error=str(error.orig))
        return False
    return found == ScriptDirectory.from_config(configuration()).get_current_head()


def is_too_old(engine: Engine) -> bool:
    """Whether the server cannot hold the walls. Asked of the login itself: on such a server there are no roles."""
    with engine.connect() as connection:
        return walls.is_too_old(connection)


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config
