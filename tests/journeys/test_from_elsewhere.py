"""An order that the store does not have: what it holds is taken out of what the store sells, and comes back with it."""

from __future__ import annotations

from sqlalchemy import text

from jobs import queue, tell_stock
from orders import inventory
from tests.journeys.test_bundles_sold import counted_by_the_store
from tests.world import World, variant

_PLACE = text("""
WITH payer AS (SELECT tenant_id, id FROM connections WHERE vendor = 'stripe'), placed AS (
    INSERT INTO orders (tenant_id, connection_id, remote_id, state, name, currency, total_minor, standing, ship_to)
    SELECT tenant_id, id, 'cs_1', 'released', 'L-1', 'USD', 2400, 'paid', cast(:ship_to AS jsonb) FROM payer
    RETURNING tenant_id, id
)
INSERT INTO order_lines (tenant_id, order_id, remote_id, variant_id, variant_remote_id, sku, title, units, to_ship,
                         unit_price_minor, unit_grams, needs_shipping)
SELECT placed.tenant_id, placed.id, 'l', v.id, v.remote_id, 'BAG', 'Bag', 2, 2, 1200, 300, true
FROM placed JOIN variants v ON v.tenant_id = placed.tenant_id AND v.sku = 'BAG'
RETURNING order_id
""")
ADA = (
    '{"name": "Ada Buyer", "street1": "388 Townsend St", "city": "San Francisco", "region": "CA", '
    '"postcode": "94107", "country": "US"}'
)


def paid_by_link(world: World) -> int:
    """Two bags, bought by a payment link: the payment provider has the order, and the store has not."""
    with world.reading() as session:
        order = int(session.execute(_PLACE, {"ship_to": ADA}).scalar_one())
        queue.add(session, world.tenant, "reserve_stock", f"order/{order}")
    world.settle()
    return order


def test_what_it_holds_is_kept_from_sale_in_the_store_until_it_is_given_back(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10})])
    order = paid_by_link(world)

    assert (world.level("BAG", "Reno"), counted_by_the_store(world)) == ((10, 2), {"BAG": (10, 8)})
    world.read_catalogue()
    world.settle()
    assert (world.level("BAG", "Reno"), world.rows("SELECT 1 FROM stock_levels WHERE safety <> 0")) == ((10, 2), [])

    with world.reading() as session:
        assert inventory.release(session, world.tenant, order, actor="test") == 2
        tell_stock.ask_about_unsold(session, world.tenant, order)
    world.settle()
    assert (world.level("BAG", "Reno"), counted_by_the_store(world)) == ((10, 0), {"BAG": (10, 10)})


def test_what_of_it_has_left_is_gone_in_the_store_too(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10})])
    order = paid_by_link(world)
    (shipment,) = world.rows("SELECT id FROM shipments")

    with world.reading() as session:
        assert inventory.consume(session, world.tenant, order, shipment.id, actor="test") == 2
        tell_stock.ask_about_unsold(session, world.tenant, order)
    world.settle()
    assert (world.level("BAG", "Reno"), counted_by_the_store(world)) == ((8, 0), {"BAG": (8, 8)})
    world.read_catalogue()
    world.settle()
    assert world.level("BAG", "Reno") == (8, 0)


def test_what_the_store_has_sold_itself_is_not_told_to_it(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10})])
    world.fault(vendor="easypost", kind="429", operation="shipment.buy", times=1, retry_after=3600)
    world.place(("BAG", 2))
    world.settle()

    assert (world.level("BAG", "Reno"), counted_by_the_store(world)) == ((10, 2), {"BAG": (10, 8)})
    assert world.rows("SELECT 1 FROM jobs WHERE kind = 'tell_stock'") == []
    assert [row.reference for row in world.rows("SELECT reference FROM movements WHERE cause = 'reserved'")] == [""]
