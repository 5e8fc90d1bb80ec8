"""Keeps the schedule: a table of chores and how often each is done. Two clocks act as one, by an advisory lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from jobs import bell, going_live, queue, sweep
from records import database, tenants

log = structlog.get_logger(__name__)

# The clock's own number among PostgreSQL's advisory locks.
_LOCK = 7_221_001


@dataclass(frozen=True, kw_only=True)
class Chore:
    """Something to be done every so often. One that fails is logged and done again at its next time."""

    name: str
    every_s: float
    do: Callable[[], object]


def chores(engine: Engine, redis_url: str, *, patience_s: float) -> list[Chore]:
    """The schedule."""
    connection = bell.connect(redis_url)
    return [
        # A sale, a delivery or a count that its webhook did not tell of is seen within the hour.
        Chore(name="read catalogues", every_s=3600.0, do=lambda: _read_catalogues(engine)),
        # A delivery that never came costs an order a quarter of an hour; Shopify itself may be that late with one.
        Chore(name="reconcile", every_s=900.0, do=lambda: _ask_for(engine, "reconcile")),
        Chore(name="check connections", every_s=3600.0, do=lambda: _ask_for(engine, "check_connection")),
        # What was begun for real is over in seconds as a rule; then a shop that is to watch may only watch.
        Chore(name="settle into shadow", every_s=60.0, do=lambda: _settle_into_shadow(engine)),
        # A shop that left is forgotten 48 hours later; ten minutes more are no matter.
        Chore(name="forget shops", every_s=600.0, do=lambda: _forget_shops(engine)),
        Chore(name="let old things go", every_s=3600.0, do=lambda: _let_old_things_go(engine)),
        # Weeks are what is forecast: four times a day is soon enough for what a week, or a cancelled order, changes.
        Chore(name="forecast demand", every_s=21_600.0, do=lambda: _forecast_demand(engine)),
        # Levels drift only where somebody writes past the ledger, which a day later is early enough to know.
        Chore(name="check stock", every_s=86_400.0, do=lambda: _check_stock(engine)),
        # A merchant orders once a day at most; what is new by then stands in one letter.
        Chore(name="mail stock", every_s=86_400.0, do=lambda: _mail_stock(engine)),
        Chore(name="sweep", every_s=1.0, do=lambda: sweep.run(engine, connection, patience_s=patience_s)),
    ]


def _read_catalogues(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock has every store read again") as session:
        for connection in tenants.storefronts(session):
            queue.add(session, connection.tenant_id, "read_catalogue", f"connection/{connection.id}")


def _settle_into_shadow(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock lets shops that are to watch come to that") as session:
        going_live.settle_all(session)


def _ask_for(engine: Engine, kind: str) -> None:
    with database.across_tenants(engine, why=f"the clock asks for {kind} of every connection") as session:
        for connection in tenants.living(session):
            queue.add(session, connection.tenant_id, kind, f"connection/{connection.id}")


def _forget_shops(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock has shops forgotten that left two days ago") as session:
        for tenant in tenants.left_for_good(session):
            queue.add(session, tenant, "forget_shop", f"shop/{tenant}")


def _let_old_things_go(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock has every shop let go what it keeps no longer") as session:
        for tenant in tenants.not_forgotten(session):
            queue.add(session, tenant, "expire_kept", f"shop/{tenant}")


def _forecast_demand(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock has every shop's demand forecast") as session:
        for tenant in tenants.open_shops(session):
            queue.add(session, tenant, "forecast_demand", f"shop/{tenant}")


def _check_stock(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock has every shop's stock held against its ledger") as session:
        for tenant in tenants.not_forgotten(session):
            queue.add(session, tenant, "check_stock", f"shop/{tenant}")


def _mail_stock(engine: Engine) -> None:
    with database.across_tenants(engine, why="the clock has merchants told of their stock") as session:
        for tenant in tenants.open_shops(session):
            queue.add(session, tenant, "mail_stock", f"shop/{tenant}")


def run(engine: Engine, schedule: list[Chore], stop: threading.Event) -> None:
    """Do the chores until told to stop; while another clock holds the lock, wait for it to let go."""
    while not stop.is_set():
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if _hold_lock(connection):
                    log.info("clock runs")
                    _tick(connection, schedule, stop)
                    # The connection goes back to its pool and lives on there, and with it the lock.
                    connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
        except DBAPIError as error:
            log.warning("clock lost the database", error=type(error).__name__)
        stop.wait(1.0)


def _hold_lock(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar_one())


def _tick(connection: Connection, schedule: list[Chore], stop: threading.Event) -> None:
    due = {chore.name: time.monotonic() for chore in schedule}
    while not stop.is_set():
        # The lock lives as long as its connection: asking over it proves that it is still ours. Raises DBAPIError.
        connection.execute(text("SELECT 1"))
        for chore in schedule:
            if time.monotonic() >= due[chore.name]:
                due[chore.name] = time.monotonic() + chore.every_s
                _do(chore)
        stop.wait(max(0.05, min(due.values()) - time.monotonic()))


def _do(chore: Chore) -> None:
    try:
        chore.do()
    except redis.RedisError as error:
        log.warning("chore could not reach Redis", chore=chore.name, error=type(error).__name__)
    except DBAPIError as error:
        log.warning("chore could not reach the database", chore=chore.name, error=type(error).__name__)
    except Exception:
        log.exception("chore failed", chore=chore.name)
