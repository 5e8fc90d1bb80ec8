"""Opens PostgreSQL and hands out transactions, each for one tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from records import walls

log = structlog.get_logger(__name__)

ACROSS = Counter("packline_across_tenants_total", "Transactions that could see every tenant, by their reason", ["why"])

# Nothing here waits long: a lock that is not free soon is somebody else's work in progress, and the job comes again.
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000
# No transaction is open while a vendor is called, so one that rests this long belongs to a process that is stopped or
# cut off, and everybody else waits for its locks. Twice the longest statement: what works is never mistaken for it.
IDLE_TIMEOUT_MS = 60_000
# A server that lost its power or its network says nothing at all, and Linux asks after it only two hours later. Asked
# after ten silent seconds, three times, a dead one is known within half a minute: about a lease's length.
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

# What a database raises that is away, restarting, full, deadlocked or locked too long: the same can be tried again.
# Anything else that it says is a fault of ours. psycopg files most of these under OperationalError (a full disk 53100,
# too many connections 53300, shutdowns 57P01 and 57P02, deadlocks 40P01, unserialisable 40001); the rest are moved.
NO_DATABASE = (OperationalError, InterfaceError, PoolTimeout)
# The same of the driver's own exceptions, for the few who speak to it. A connection that may only read leads, after a
# failover, to the server that was in charge before.
MOVED = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.IdleInTransactionSessionTimeout)
NO_DATABASE_OF_PSYCOPG = (psycopg.OperationalError, psycopg.InterfaceError, *MOVED)


def connect(url: str, *, pool_size: int, role: str) -> Engine:
    """An engine over psycopg 3. `role` names this process in pg_stat_activity, for the person who looks there."""
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_pre_ping=False,
        hide_parameters=True,  # they are buyers, and would stand in the words of every exception
        connect_args={
            "application_name": f"packline-{role}",
            "connect_timeout": 5,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} "
            f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} -c timezone=UTC",
            **KEEPALIVES,
        },
    )
    event.listen(engine, "handle_error", _away_is_away)
    return engine


def _away_is_away(context: ExceptionContext) -> OperationalError | None:
    """Call a server that cannot be written to what it is: away. Its connections are given up for new ones."""
    error = context.original_exception
    if not isinstance(error, MOVED):
        return None
    context.is_disconnect = True
    return OperationalError(context.statement, context.parameters, error, connection_invalidated=True)


@contextmanager
def transaction(engine: Engine, tenant: int) -> Iterator[Session]:
    """One transaction for one tenant: commits at the end, rolls back on any exception.

    It sees, changes and adds rows of that tenant only, whatever it asks for. After the commit, the session's bells are
    rung (see jobs.queue).
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.info["tenant"] = tenant
        _work_as(session, walls.SHOP, str(tenant))
        yield session


@contextmanager
def looking(engine: Engine, tenant: int) -> Iterator[Session]:
    """The same for one that only looks: PostgreSQL itself refuses to write anything in it."""
    with transaction(engine, tenant) as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        yield session


@contextmanager
def across_tenants(engine: Engine, *, why: str, by: str = "") -> Iterator[Session]:
    """One transaction that may see every tenant: the door, the sweep, and the pages of ops. `why` says which.

    `by` names the person who looks, where one does: who looked across shops is told in the log.
    """
    ACROSS.labels(why).inc()
    if by:
        log.info("looks across shops", why=why, by=by)
    else:
        log.debug("looks across shops", why=why)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.info["across_tenants"] = why
        _work_as(session, walls.HOUSE, "")
        yield session


def ask_driver(session: Session, statement: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
    """What a statement answers, asked of the driver itself: for the few that are run thousands of times in a sale.

    A statement of some tenths of a millisecond costs a tenth more in SQLAlchemy's way. It is written as psycopg has it,
    and what fails is raised in SQLAlchemy's words, as of any other.
    """
    connection: Connection = session.info["connection"]
    driver: Any = connection.connection.driver_connection
    try:
        rows: Sequence[tuple[Any, ...]] = driver.execute(statement, values).fetchall()
    except psycopg.Error as error:
        raise _in_other_words(connection, statement, error) from error
    return rows


def _in_other_words(connection: Connection, statement: str, error: psycopg.Error) -> Exception:
    """SQLAlchemy's exception for one of the driver's; a connection that is no good any more is given up."""
    driver: Any = connection.connection.driver_connection
    away = isinstance(error, MOVED) or driver.closed
    if away:
        connection.invalidate(error)
    if isinstance(error, MOVED):
        return OperationalError(statement, None, error, connection_invalidated=True)
    return DBAPIError.instance(statement, None, error, psycopg.Error, connection_invalidated=away)


def is_up(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT 1")).scalar_one())


# Both hold until the transaction ends and never longer, so that a pool's connection remembers nobody.
_WORK_AS = f"SELECT set_config('role', %s, true), set_config('{walls.TENANT}', %s, true)"


def _work_as(session: Session, role: str, tenant: str) -> None:
    connection = session.info["connection"] = session.connection()  # the one that it works on until it ends
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(_WORK_AS, (role, tenant))  # every transaction begins so, and SQLAlchemy's way costs twice that
    except psycopg.Error:
        _say_it_again(connection, role, tenant)


def _say_it_again(connection: Connection, role: str, tenant: str) -> None:
    """Repeat what failed, in SQLAlchemy's way: it knows which connections are to be given up, and our exceptions."""
    with suppress(psycopg.Error):  # a connection that is gone cannot, which the repetition then says
        connection.connection.rollback()
    try:
        connection.exec_driver_sql(_WORK_AS, (role, tenant))
    except DBAPIError as error:
        if isinstance(error.orig, _NO_SUCH_ROLE):
            raise ProgrammingError(error.statement, error.params, error.orig) from error
        raise


# The database was not migrated, or its login was not let behind the wall: a missing shape, like a missing table.
_NO_SUCH_ROLE = (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege)
