"""A bundle is sold in the store and leaves as its parts; both sides count the same units afterwards."""

from __future__ import annotations

import pytest

from orders import bundles
from tests.world import SHOP, World, variant
from web.queries import order as order_page


@pytest.fixture
def kits(world: World) -> World:
    """A picnic set of one bag and two mugs, which the store sells and does not count."""
    world.open_shop(
        variants=[
            variant("BAG", stock={"Reno": 10}),
            variant("MUG", stock={"Reno": 10}, grams=200),
            variant("SET", price="30.00", grams=0, tracked=False, stock={}),
        ]
    )
    named = {row.sku: row.id for row in world.rows("SELECT sku, id FROM variants")}
    with world.reading() as session:
        assert bundles.put_in(session, world.tenant, named["SET"], named["BAG"], 1) is None
        assert bundles.put_in(session, world.tenant, named["SET"], named["MUG"], 2) is None
    return world


def test_a_bundle_leaves_as_its_parts(kits: World):
    placed = kits.place(("SET", 2))
    kits.settle()

    assert kits.order(placed).state == "fulfilled"
    assert (kits.level("BAG", "Reno"), kits.level("MUG", "Reno")) == ((8, 0), (6, 0))
    (line,) = kits.rows("SELECT unit_grams FROM order_lines")
    assert line.unit_grams == 300 + 2 * 200
    with kits.reading() as session:
        whole = order_page.whole(session, kits.tenant, kits.order(placed).id)
    assert [(place.units, place.made_of) for place in whole.lines[0].places] == [(2, ("2 × BAG", "4 × MUG"))]


def test_a_bundle_of_which_a_part_is_missing_waits_and_goes_on_when_it_is_there(kits: World):
    placed = kits.place(("SET", 6))
    kits.settle()
    assert (kits.open_holds(placed), kits.order(placed).state) == (["stock"], "shipping")

    kits.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "MUG", "location": "Reno", "on_hand": 20})
    kits.read_catalogue()
    kits.settle()

    assert (kits.open_holds(placed), kits.order(placed).state) == ([], "fulfilled")
