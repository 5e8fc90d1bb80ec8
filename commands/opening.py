"""Opens what a command works on, the settings and a shop's records, and says plainly why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from config import boot, logs
from config.settings import Settings, SettingsError
from jobs import bell
from records import database, tenants

# Who did it, on timelines and jobs.
BY = "person:command line"
# No row can have another id; PostgreSQL would refuse it in words of its own.
LARGEST_ID = 2**63 - 1
ROW_ID = click.IntRange(1, LARGEST_ID)


def settings() -> Settings:
    """The settings of this process, complete; a mistake in them ends the command with what is wrong."""
    try:
        read = boot.complete()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    logs.set_up(read)
    bell.set_up(read.redis_url)
    return read


@contextmanager
def engine(read: Settings, *, owner: bool = False) -> Iterator[Engine]:
    """The database, for this command, or as the tables' owner; what it cannot do is said without a traceback."""
    opened = database.connect(read.owner_url if owner else read.database_url, pool_size=2, role="command")
    try:
        yield opened
    except OperationalError as error:
        raise click.ClickException(f"the database does not answer ({first_line(error)}): packline doctor") from error
    except ProgrammingError as error:
        raise click.ClickException(
            f"the database has another shape than this version ({first_line(error)}): packline migrate"
        ) from error
    finally:
        opened.dispose()


@contextmanager
def shop(tenant: int, read: Settings | None = None) -> Iterator[Session]:
    """One transaction for one shop, which exists; what it asks for is rung when it is committed."""
    with engine(read or settings()) as opened:
        with database.transaction(opened, tenant) as session:
            yield _of_a_shop(session, tenant)
        bell.flush()


@contextmanager
def looking(tenant: int) -> Iterator[Session]:
    """The same for a command that only looks: PostgreSQL itself refuses to write anything in it."""
    with engine(settings()) as opened, database.looking(opened, tenant) as session:
        yield _of_a_shop(session, tenant)


@contextmanager
def house(read: Settings, *, why: str) -> Iterator[Session]:
    """One transaction over every shop."""
    with engine(read) as opened:
        with database.across_tenants(opened, why=why) as session:
            yield session
        bell.flush()


def _of_a_shop(session: Session, tenant: int) -> Session:
    if session.get(tenants.Tenant, tenant) is None:
        raise click.ClickException(f"there is no tenant {tenant}: packline tenants list")
    return session


def first_line(error: Exception) -> str:
    """What the driver said, without the statement that it said it about."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [type(cause).__name__])[0].strip()
