"""How many reservations of one hot variant commit a second: against bare guarded UPDATEs of the same row, and in a
warehouse of a thousand stock levels against one of a million.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.orm import Session

from config.settings import Settings
from integrations.nouns import Address
from orders import inventory
from orders.allocation import Pick
from orders.inventory import Holding
from orders.routing.decision import decide
from orders.routing.question import Place, Point, Question, Shelf, Want
from orders.routing.ways import Taking
from records import database, migrate

THREADS = 8
EACH = 250
ROUNDS = 9
# Things, and locations that each of them lies at: a thousand stock levels in one database, a million in the other.
SIZES = {"small": (100, 10), "large": (10_000, 100)}


@dataclass(frozen=True)
class Warehouse:
    """One database with one hot variant at one place, and an order with a line for every reservation of a round."""

    engine: Engine
    tenant: int
    variant: int
    place: int
    lines: list[tuple[int, int]]


def measure(settings: Settings) -> dict[str, float]:
    """Rounds of all, one after the other, and the medians of each; `reserve.flat` is 1 where size does not matter."""
    with ExitStack() as opened:
        warehouses = {name: opened.enter_context(_warehouse(settings, name, *size)) for name, size in SIZES.items()}
        rates = _rounds(warehouses["small"], warehouses["large"])
    return {
        "reserve.ratio": rates["small"] / rates["bare"],
        "reserve.per_s": rates["small"],
        "reserve.bare_per_s": rates["bare"],
        "reserve.large_per_s": rates["large"],
        "reserve.flat": rates["small"] / rates["large"],
    }


def _rounds(small: Warehouse, large: Warehouse) -> dict[str, float]:
    """Each is measured in each round: the machine's speed changes from minute to minute."""
    rates: dict[str, list[float]] = {"bare": [], "small": [], "large": []}
    for round_number in range(ROUNDS + 1):
        for name, warehouse, once in (
            ("bare", small, _bare),
            ("small", small, _reserve),
            ("large", large, _reserve),
        ):
            _refill(warehouse)
            rate = _hammer(partial(once, warehouse))
            if round_number:
                rates[name].append(rate)
            _check(warehouse, held=once is _reserve)
    return {name: statistics.median(values) for name, values in rates.items()}


def _hammer(once: Callable[[int], None]) -> float:
    """Run it from all threads at once, every run with a number of its own; answers runs a second."""
    start = threading.Barrier(THREADS + 1)
    failed: list[BaseException] = []

    def work(first: int) -> None:
        start.wait()
        try:
            for number in range(first, first + EACH):
                once(number)
        except BaseException as error:  # noqa: BLE001 - told to the main thread, which stops the run
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n * EACH,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    start.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return THREADS * EACH / (time.perf_counter() - started)


def _bare(warehouse: Warehouse, number: int) -> None:  # noqa: ARG001
    with database.transaction(warehouse.engine, warehouse.tenant) as session:
        of = {"tenant": warehouse.tenant, "variant": warehouse.variant, "place": warehouse.place}
        if session.execute(_TAKE, of).first() is None:
            raise RuntimeError("the row ran out of units")


_TAKE = text("""
UPDATE stock_levels SET reserved = reserved + 1
WHERE tenant_id = :tenant AND variant_id = :variant AND location_id = :place AND on_hand - reserved >= 1
RETURNING reserved
""")


def _reserve(warehouse: Warehouse, number: int) -> None:
    tenant, variant, place = warehouse.tenant, warehouse.variant, warehouse.place
    order, line = warehouse.lines[number]
    with database.transaction(warehouse.engine, tenant) as session:
        free = inventory.available(session, tenant, [variant], [place])
        way = decide(_question(line, variant, place, free[variant, place])).chosen
        holdings = [] if way is None else [Holding(pick=_pick(taking), shipment=order) for taking in way.takings]
        inventory.reserve(session, tenant, order, holdings, actor="bench")


def _question(line: int, variant: int, place: int, free: int) -> Question:
    return Question(
        wants=(Want(line=line, variant=variant, units=1),),
        to=Point(country="US"),
        places=(Place(id=place, name="Here", at=Point(country="US")),),
        shelves=(Shelf(variant=variant, place=place, units=free),),
    )


def _pick(taking: Taking) -> Pick:
    return Pick(line=taking.line, variant=taking.variant, location=taking.place, units=taking.units)


@contextmanager
def _warehouse(settings: Settings, name: str, things: int, places: int) -> Iterator[Warehouse]:
    """A database of its own, next to the one of the settings."""
    database_name = f"reserve_{name}"
    with _owner(settings.owner_url) as owner:
        owner.execute(text(f"DROP DATABASE IF EXISTS {database_name} WITH (FORCE)"))
        owner.execute(text(f"CREATE DATABASE {database_name}"))
    owner_url = _in(settings.owner_url, database_name)
    owners = database.connect(owner_url, pool_size=1, role="bench")
    migrate.upgrade(owners, login=settings.database_login)
    owners.dispose()
    engine = database.connect(_in(settings.database_url, database_name), pool_size=THREADS, role="bench")
    warehouse = _prepare(engine)
    _fill(warehouse, things, places)
    with _owner(owner_url) as owner:  # what autovacuum would do within the hour
        owner.execute(text("VACUUM ANALYZE variants, locations, stock_levels, reservations, movements"))
    yield warehouse
    engine.dispose()


@contextmanager
def _owner(url: str) -> Iterator[Connection]:
    """A connection outside any transaction, as whoever owns the tables."""
    engine = database.connect(url, pool_size=1, role="bench")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    engine.dispose()


def _in(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _prepare(engine: Engine) -> Warehouse:
    with database.across_tenants(engine, why="bench") as session:
        tenant = session.execute(
            text("INSERT INTO tenants (name, currency, rules) VALUES ('Reserve', 'USD', '{}') RETURNING id")
        ).scalar_one()
        values: dict[str, Any] = {"tenant": tenant, "address": Address(country="US").model_dump_json()}
        session.execute(
            text(
                "INSERT INTO connections (tenant_id, id, vendor, role, account, live, sealed_secrets) "
                "VALUES (:tenant, 'bench-' || :tenant, 'none', 'storefront', '', false, '')"
            ),
            values,
        )
        place = session.execute(
            text(
                "INSERT INTO locations (tenant_id, connection_id, remote_id, name, address, ships) "
                "VALUES (:tenant, 'bench-' || :tenant, 'l', 'Here', cast(:address AS jsonb), true) RETURNING id"
            ),
            values,
        ).scalar_one()
        variant = session.execute(_VARIANT, values).scalar_one()
        session.execute(
            text("INSERT INTO stock_levels (tenant_id, variant_id, location_id) VALUES (:tenant, :variant, :place)"),
            {"tenant": tenant, "variant": variant, "place": place},
        )
        return Warehouse(engine, tenant, variant, place, _orders(session, tenant))


_VARIANT = text("""
INSERT INTO variants (tenant_id, connection_id, remote_id, inventory_remote_id, sku, title, unit_price_minor, currency,
                      unit_grams, needs_shipping, tracked, hs_code, origin_country)
VALUES (:tenant, 'bench-' || :tenant, 'v', 'i', 'HOT', 'Hot', 100, 'USD', 100, true, true, '', 'US') RETURNING id
""")


def _fill(warehouse: Warehouse, things: int, places: int) -> None:
    """So many things at so many locations each, beside the hot one."""
    with database.across_tenants(warehouse.engine, why="bench") as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        for statement in _SHELVES:
            session.execute(statement, {"tenant": warehouse.tenant, "things": things, "places": places})


_SHELVES = (
    text("""
    INSERT INTO variants (tenant_id, connection_id, remote_id, inventory_remote_id, sku, title, unit_price_minor,
                          currency, unit_grams, needs_shipping, tracked, hs_code, origin_country)
    SELECT :tenant, 'bench-' || :tenant, 'v' || n, 'i' || n, 'SKU-' || n, 'Thing', 100, 'USD', 100, true, true, '', 'US'
    FROM generate_series(1, :things) n
    """),
    text("""
    INSERT INTO locations (tenant_id, connection_id, remote_id, name, address, ships)
    SELECT :tenant, 'bench-' || :tenant, 'l' || n, 'Place ' || n, '{"country": "US"}'::jsonb, true
    FROM generate_series(1, :places) n
    """),
    text("""
    INSERT INTO stock_levels (tenant_id, variant_id, location_id, on_hand)
    SELECT :tenant, v.id, l.id, 10 FROM variants v CROSS JOIN locations l
    WHERE v.tenant_id = :tenant AND l.tenant_id = :tenant AND v.remote_id <> 'v' AND l.remote_id <> 'l'
    """),
)


def _orders(session: Session, tenant: int) -> list[tuple[int, int]]:
    rows = session.execute(
        text("""
        WITH placed AS (
            INSERT INTO orders (tenant_id, connection_id, remote_id, state)
            SELECT :tenant, 'bench-' || :tenant, 'o' || n, 'released' FROM generate_series(1, :count) n
            RETURNING id
        )
        INSERT INTO order_lines (tenant_id, order_id, remote_id, variant_remote_id, sku, title, units, to_ship,
                                 unit_price_minor, unit_grams, needs_shipping)
        SELECT :tenant, id, 'l', 'v', 'HOT', 'Hot', 1, 1, 100, 100, true FROM placed
        RETURNING order_id, id
        """),
        {"tenant": tenant, "count": THREADS * EACH},
    )
    return [(row.order_id, row.id) for row in rows]


def _refill(warehouse: Warehouse) -> None:
    of = {"tenant": warehouse.tenant, "variant": warehouse.variant, "units": THREADS * EACH}
    with database.transaction(warehouse.engine, warehouse.tenant) as session:
        session.execute(text("DELETE FROM reservations WHERE tenant_id = :tenant"), of)
        session.execute(
            text(
                "UPDATE stock_levels SET on_hand = :units, reserved = 0 "
                "WHERE tenant_id = :tenant AND variant_id = :variant"
            ),
            of,
        )


def _check(warehouse: Warehouse, *, held: bool) -> None:
    """To the unit: the level says what was taken, and the reservations say the same where there are any."""
    of = {"tenant": warehouse.tenant, "variant": warehouse.variant}
    with database.transaction(warehouse.engine, warehouse.tenant) as session:
        reserved = session.execute(
            text("SELECT reserved FROM stock_levels WHERE tenant_id = :tenant AND variant_id = :variant"), of
        ).scalar_one()
        kept = session.execute(
            text("SELECT coalesce(sum(units), 0) FROM reservations WHERE tenant_id = :tenant AND state = 'held'"), of
        ).scalar_one()
    expected = (THREADS * EACH, THREADS * EACH if held else 0)
    if (reserved, int(kept)) != expected:
        raise RuntimeError(f"{reserved} units reserved in {kept} reservations, not {expected}")
