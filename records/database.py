"""Opens PostgreSQL and hands out transactions, each for one tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

# Nothing here waits long: a lock that is not free soon is somebody else's work in progress, and the job comes again.
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000


def connect(url: str, *, pool_size: int, role: str) -> Engine:
    """An engine over psycopg 3. `role` names this process in pg_stat_activity, for the person who looks there."""
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_pre_ping=False,
        connect_args={
            "application_name": f"packline-{role}",
            "connect_timeout": 5,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
        },
    )


@contextmanager
def transaction(engine: Engine, tenant: int) -> Iterator[Session]:
    """One transaction for one tenant: commits at the end, rolls back on any exception.

    After the commit, the session's bells are rung (see jobs.queue).
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.info["tenant"] = tenant
        yield session


@contextmanager
def across_tenants(engine: Engine, *, why: str) -> Iterator[Session]:
    """One transaction that may see every tenant: the door, the sweep, and the pages of ops. `why` says which."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.info["across_tenants"] = why
        yield session


def is_up(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT 1")).scalar_one())
