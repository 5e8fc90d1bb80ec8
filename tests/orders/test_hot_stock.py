"""Many orders want the same units at once: the job that reserves stock, on many connections."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
from sqlalchemy import Engine, text

from jobs import claims, queue, reserve_stock
from jobs.outcomes import Done, Snoozed
from jobs.work import Work
from orders import inventory
from records import database
from tests.orders.test_inventory import LEDGER
from tests.shop import AUSTIN, NEWARK, RENO

THREADS = 16


@pytest.fixture
def wide_engine(engine: Engine, base_settings):
    """Connections for every thread, all opened for real."""
    wide = database.connect(base_settings.database_url, pool_size=THREADS + 2, role="hot-stock")
    yield wide
    wide.dispose()


def want(shop, number, lines):
    """`number` orders for the same (variant, units) lines, each with its job, in a few statements."""
    with shop.transaction() as session:
        orders = session.execute(
            text("""
                INSERT INTO orders (tenant_id, connection_id, remote_id, state, ship_to)
                SELECT :tenant, :connection, gen_random_uuid()::text, 'released', cast(:ship_to AS jsonb)
                FROM generate_series(1, :number) RETURNING id
            """),
            {"tenant": shop.tenant, "connection": shop.connection, "number": number, "ship_to": RENO.model_dump_json()},
        ).scalars().all()  # fmt: skip
        for position, (variant, units) in enumerate(lines):
            session.execute(
                text("""
                    INSERT INTO order_lines (tenant_id, order_id, remote_id, variant_id, variant_remote_id, sku, title,
                                             units, to_ship, unit_price_minor, unit_grams, needs_shipping)
                    SELECT :tenant, id, :position, :variant, '', 'BAG', 'Bag', :units, :units, 1, 100, true
                    FROM unnest(cast(:orders AS bigint[])) AS id
                """),
                {"tenant": shop.tenant, "position": str(position), "variant": variant, "units": units,
                "orders": orders},
            )  # fmt: skip
        for order in orders:
            queue.add(session, shop.tenant, "reserve_stock", f"order/{order}")
    return orders


def reserve(services, tenant, order):
    """Run the order's job as a worker does, until it is done; answers how often it had to look again later."""
    for snoozes in range(50):
        claim = claims.claim_next(services.engine, tenant, f"order/{order}", worker="hot", lease_s=60)
        outcome = reserve_stock.run(Work(services=services, claim=claim))
        again = isinstance(outcome, Snoozed)
        with database.transaction(services.engine, tenant) as session:
            claims.conclude(
                session, claim, state="due" if again else "done", wait_s=0.0 if again else None, fresh=again
            )
        if isinstance(outcome, Done):
            return snoozes
    raise AssertionError(f"order {order} is never done")


def test_of_500_orders_for_the_last_100_units_exactly_100_units_are_reserved(shop, wide_engine):
    places = [shop.location(address) for address in (RENO, NEWARK, AUSTIN)]
    bag = shop.variant(stock=dict(zip(places, (50, 30, 20), strict=True)))
    orders = want(shop, 500, [(bag, 1)])
    services = shop.services(engine=wide_engine)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda order: reserve(services, shop.tenant, order), orders))

    assert shop.rows("SELECT on_hand, reserved FROM stock_levels ORDER BY location_id") == [
        (50, 50),
        (30, 30),
        (20, 20),
    ]
    assert shop.one("SELECT count(*), sum(units) FROM reservations WHERE state = 'held'") == (100, 100)
    assert shop.one("SELECT count(DISTINCT order_id) FROM reservations") == 100
    assert shop.rows("SELECT state, count(*) FROM orders GROUP BY state ORDER BY state") == [
        ("allocated", 100),
        ("released", 400),
    ]
    assert shop.rows("SELECT kind, state, reason, count(*) FROM holds GROUP BY 1, 2, 3") == [
        ("stock", "open", "Out of stock: 1 × BAG.", 400)
    ]
    assert shop.one(
        "SELECT count(*) FROM holds JOIN reservations USING (tenant_id, order_id) WHERE holds.state = 'open'"
    ) == 0  # fmt: skip
    assert shop.one("SELECT count(*) FROM jobs WHERE kind = 'buy_label' AND state = 'due'") == 100
    assert shop.rows(LEDGER) == []


def test_orders_with_their_lines_in_opposite_order_never_wait_for_each_other_in_a_ring(shop, wide_engine):
    place = shop.location()
    variants = [shop.variant(f"V{number}", stock={place: 40}) for number in range(3)]
    orders = [
        order
        for round_ in zip(
            *(want(shop, 10, [(variant, 1) for variant in lines]) for lines in permutations(variants)), strict=True
        )
        for order in round_
    ]
    services = shop.services(engine=wide_engine)

    def count_again(_):
        """A catalogue that is read meanwhile locks the same rows."""
        with database.transaction(wide_engine, shop.tenant) as session:
            inventory.count(
                session, shop.tenant, {(variant, place): 40 for variant in reversed(variants)}, actor="count"
            )

    def cancel(order):
        reserve(services, shop.tenant, order)
        with database.transaction(wide_engine, shop.tenant) as session:
            return inventory.release(session, shop.tenant, order, actor="cancel")

    with ThreadPoolExecutor(THREADS) as pool:
        given_back = [pool.submit(cancel, order) for order in orders[:20]]
        counts = [pool.submit(count_again, number) for number in range(20)]
        kept = [pool.submit(reserve, services, shop.tenant, order) for order in orders[20:]]
        for one in [*counts, *kept]:
            one.result()
        freed = sum(one.result() for one in given_back)

    held = shop.one("SELECT coalesce(sum(units), 0) FROM reservations WHERE state = 'held'")
    short = shop.one("SELECT count(*) FROM holds WHERE state = 'open'")
    assert shop.one("SELECT sum(reserved) FROM stock_levels") == held
    assert shop.rows("SELECT 1 FROM stock_levels WHERE on_hand <> 40 OR reserved > 40 OR reserved < 0") == []
    assert held + freed <= 180
    assert held == 120 or short == 0  # units stay free only where nobody is short of them
    assert shop.rows(LEDGER) == []
