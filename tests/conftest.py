"""What every test may ask for: real PostgreSQL and Redis, empty, and the application on them."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from redis.connection import AbstractConnection
from sqlalchemy import Engine, text

from config import boot, embedded
from config.settings import Settings
from jobs import bell
from records import database, migrate, schema
from tests import compiled_once

# Deleting the few rows of a test takes 5 ms, where truncating two dozen tables takes 40 to 120. As everything goes,
# foreign keys need not be looked up: after an order of ten thousand lines that takes half a minute.
EMPTY_TABLES = "SET LOCAL session_replication_role = replica; " + "; ".join(
    f"DELETE FROM {table.name}" for table in reversed(schema.METADATA.sorted_tables)
)
FIRST_IDS = text(
    "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
)
# A power cut is no part of any test, so nothing waits for the disk; what was committed survives the server's own crash.
WAIT_FOR_NO_DISK = ("fsync = off", "full_page_writes = off")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name a failure at once: of a run that is stopped before its end, nothing else would say which story failed."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        what = getattr(getattr(report.longrepr, "reprcrash", None), "message", report.longreprtext)
        sys.stderr.write(f"\nFAILED {report.nodeid} ({report.when}): {what.strip().partition(chr(10))[0]}\n")


@contextmanager
def folder_of_its_own(name: str) -> Iterator[Path]:
    """Never one that an earlier run left: with a short path for sockets, open to PostgreSQL's user, gone at the end."""
    # Redis takes its own socket away while it ends, which may be while the folder is taken away.
    with tempfile.TemporaryDirectory(prefix=f"packline-{name}-", ignore_cleanup_errors=True) as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder of this run's own for the embedded servers, which are stopped at the end."""
    with folder_of_its_own("tests") as folder:
        yield folder
        embedded.stop_postgresql(folder / "postgresql")
        embedded.stop_redis(folder / "redis")


@pytest.fixture(scope="session")
def base_settings(home: Path) -> Settings:
    return boot.complete(
        Settings(
            _env_file=None,
            packline_home=home,
            database_url="",
            redis_url="",
            log_level="WARNING",
            log_format="text",
            job_lease_seconds=3,
            bell_patience_seconds=0.5,
        )
    )


@pytest.fixture(scope="session")
def base_engine(base_settings: Settings) -> Iterator[Engine]:
    """The owner's: a test looks past the walls, and database.transaction stands behind them whoever logs in."""
    engine = database.connect(base_settings.owner_url, pool_size=20, role="tests")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in WAIT_FOR_NO_DISK:
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    migrate.upgrade(engine, login=base_settings.database_login)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(base_settings: Settings) -> Settings:
    return base_settings


@pytest.fixture
def engine(base_engine: Engine, base_settings: Settings) -> Iterator[Engine]:
    """An engine on a database with every table and no row, where nobody has used up any limit."""
    with redis.Redis.from_url(base_settings.redis_url) as counts:
        for key in counts.scan_iter("packline:limits*"):
            counts.delete(key)
    with base_engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # ten thousand lines of one test take their time
        connection.exec_driver_sql(f"DO $$ BEGIN {EMPTY_TABLES}; END $$")
        connection.execute(FIRST_IDS)
    return base_engine


@pytest.fixture
def redis_connection(base_settings: Settings) -> Iterator[redis.Redis]:
    connection = redis.Redis.from_url(base_settings.redis_url)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture
def talkers(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the threads that talk to Redis: whoever does waits for it."""
    names: set[str] = set()
    for verb in ("connect", "send_packed_command"):
        real = getattr(AbstractConnection, verb)

        def told(connection: Any, *words: Any, real: Any = real, **more: Any) -> Any:
            names.add(threading.current_thread().name)
            return real(connection, *words, **more)

        monkeypatch.setattr(AbstractConnection, verb, told)
    return names


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        compiled_once.attach(patched)
        yield


@pytest.fixture(autouse=True)
def _silent_bell() -> Iterator[None]:
    """No test rings a Redis that it did not ask for."""
    bell.set_up("")
    yield
    bell.set_up("")


@pytest.fixture
def app(settings: Settings, engine: Engine) -> Iterator[Flask]:
    from app import create_app

    made = create_app(settings)
    own_engine = made.extensions["engine"]
    yield made
    own_engine.dispose()  # a connection that the collector finds open complains in the middle of another test


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
