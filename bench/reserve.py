"""How many reservations of one hot variant commit a second: against bare guarded UPDATEs of the same row, and in a
warehouse of a thousand stock levels against one of a million.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config.settings import Settings
from integrations.nouns import Address
from orders import inventory
from orders.allocation import Pick
from orders.inventory import Holding
from orders.routing.decision import decide
from orders.routing.question import Place, Point, Question, Shelf, Want
from orders.routing.ways import Taking
from records import database

THREADS = 8
EACH = 250
ROUNDS = 5
# Things, and locations that each of them lies at: a thousand stock levels, then a million.
SMALL, LARGE = (100, 10), (10_000, 100)


def measure(settings: Settings) -> dict[str, float]:
    """Rounds of both, one after the other, and the medians of each; `reserve.flat` is 1 where size does not matter."""
    engine = database.connect(settings.database_url, pool_size=THREADS, role="bench")
    prepared = _prepare(engine)
    found: dict[str, float] = {}
    for name, (things, places) in (("small", SMALL), ("large", LARGE)):
        _fill(engine, prepared[0], things, places)
        _tidy(settings)
        rates = _rounds(engine, *prepared)
        if name == "small":
            found = {
                "reserve.ratio": rates["reserve"] / rates["bare"],
                "reserve.per_s": rates["reserve"],
                "reserve.bare_per_s": rates["bare"],
            }
        else:
            found |= {
                "reserve.large_per_s": rates["reserve"],
                "reserve.flat": found["reserve.per_s"] / rates["reserve"],
            }
    engine.dispose()
    return found


def _rounds(engine: Engine, tenant: int, variant: int, place: int, lines: list[tuple[int, int]]) -> dict[str, float]:
    rates: dict[str, list[float]] = {"bare": [], "reserve": []}
    for round_number in range(ROUNDS + 1):
        for name, once in (
            ("bare", lambda _number: _bare(engine, tenant, variant, place)),
            ("reserve", lambda number: _reserve(engine, tenant, variant, place, *lines[number])),
        ):
            _refill(engine, tenant, variant)
            rate = _hammer(once)
            if round_number:
                rates[name].append(rate)
            _check(engine, tenant, variant, name)
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


def _bare(engine: Engine, tenant: int, variant: int, place: int) -> None:
    with database.transaction(engine, tenant) as session:
        taken = session.execute(_TAKE, {"tenant": tenant, "variant": variant, "place": place}).first()
        if taken is None:
            raise RuntimeError("the row ran out of units")


_TAKE = text("""
UPDATE stock_levels SET reserved = reserved + 1
WHERE tenant_id = :tenant AND variant_id = :variant AND location_id = :place AND on_hand - reserved >= 1
RETURNING reserved
""")


def _reserve(engine: Engine, tenant: int, variant: int, place: int, order: int, line: int) -> None:
    with database.transaction(engine, tenant) as session:
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


def _prepare(engine: Engine) -> tuple[int, int, int, list[tuple[int, int]]]:
    """A tenant with one variant at one place, and an order with a line for every run."""
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
        return tenant, variant, place, _orders(session, tenant)


_VARIANT = text("""
INSERT INTO variants (tenant_id, connection_id, remote_id, inventory_remote_id, sku, title, unit_price_minor, currency,
                      unit_grams, needs_shipping, tracked, hs_code, origin_country)
VALUES (:tenant, 'bench-' || :tenant, 'v', 'i', 'HOT', 'Hot', 100, 'USD', 100, true, true, '', 'US') RETURNING id
""")


def _fill(engine: Engine, tenant: int, things: int, places: int) -> None:
    """So many things at so many locations each, beside the hot one; what is there already counts."""
    with database.across_tenants(engine, why="bench") as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        for statement in _SHELVES:
            session.execute(statement, {"tenant": tenant, "things": things, "places": places})


def _tidy(settings: Settings) -> None:
    """What autovacuum would do within the hour, done by the owner of the tables."""
    owner = database.connect(settings.owner_url, pool_size=1, role="bench")
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE variants, locations, stock_levels, reservations, movements"))
    owner.dispose()


_SHELVES = (
    text("""
    INSERT INTO variants (tenant_id, connection_id, remote_id, inventory_remote_id, sku, title, unit_price_minor,
                          currency, unit_grams, needs_shipping, tracked, hs_code, origin_country)
    SELECT :tenant, 'bench-' || :tenant, 'v' || n, 'i' || n, 'SKU-' || n, 'Thing', 100, 'USD', 100, true, true, '', 'US'
    FROM generate_series(1, :things) n ON CONFLICT DO NOTHING
    """),
    text("""
    INSERT INTO locations (tenant_id, connection_id, remote_id, name, address, ships)
    SELECT :tenant, 'bench-' || :tenant, 'l' || n, 'Place ' || n, '{"country": "US"}'::jsonb, true
    FROM generate_series(1, :places) n ON CONFLICT DO NOTHING
    """),
    text("""
    INSERT INTO stock_levels (tenant_id, variant_id, location_id, on_hand)
    SELECT :tenant, v.id, l.id, 10 FROM variants v CROSS JOIN locations l
    WHERE v.tenant_id = :tenant AND l.tenant_id = :tenant AND v.remote_id <> 'v' AND l.remote_id <> 'l'
    ON CONFLICT DO NOTHING
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


def _refill(engine: Engine, tenant: int, variant: int) -> None:
    with database.transaction(engine, tenant) as session:
        session.execute(text("DELETE FROM reservations WHERE tenant_id = :tenant"), {"tenant": tenant})
        session.execute(
            text(
                "UPDATE stock_levels SET on_hand = :units, reserved = 0 "
                "WHERE tenant_id = :tenant AND variant_id = :variant"
            ),
            {"tenant": tenant, "variant": variant, "units": THREADS * EACH},
        )


def _check(engine: Engine, tenant: int, variant: int, name: str) -> None:
    with database.transaction(engine, tenant) as session:
        reserved = session.execute(
            text("SELECT reserved FROM stock_levels WHERE tenant_id = :tenant AND variant_id = :variant"),
            {"tenant": tenant, "variant": variant},
        ).scalar_one()
        held = session.execute(
            text("SELECT coalesce(sum(units), 0) FROM reservations WHERE tenant_id = :tenant AND state = 'held'"),
            {"tenant": tenant},
        ).scalar_one()
    expected = (THREADS * EACH, THREADS * EACH if name == "reserve" else 0)
    if (reserved, int(held)) != expected:
        raise RuntimeError(f"{name}: {reserved} units reserved in {held} reservations, not {expected}")
