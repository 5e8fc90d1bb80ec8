"""A bundle is sold in the store and leaves as its parts; both sides count the same units afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from jobs import stock_desk
from orders import bundles, choice_told
from records.choices import Choice
from tests.journeys.test_fulfilled_in_admin import by_the_merchant
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


def counted_by_the_store(world: World) -> dict[str, tuple[int, int]]:
    """On hand and available."""
    levels = world.control("GET", f"/shopify/inventory?shop={SHOP}")["levels"]
    return {
        level["sku"]: (level["on_hand"], level["available"])
        for level in levels
        if level["location"] == "Reno" and level["on_hand"]
    }


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


def test_both_sides_count_the_same_while_a_bundle_is_on_its_way_and_after(kits: World):
    kits.fault(vendor="easypost", kind="429", operation="shipment.buy", times=1, retry_after=3600)
    kits.place(("SET", 2))
    kits.settle()

    assert counted_by_the_store(kits) == {"BAG": (10, 8), "MUG": (10, 6)}  # kept for the order there, too
    kits.read_catalogue()
    assert (kits.level("BAG", "Reno"), kits.level("MUG", "Reno")) == ((10, 2), (10, 4))
    assert kits.rows("SELECT 1 FROM stock_levels WHERE safety <> 0 OR damaged <> 0") == []

    kits.hurry()
    kits.settle()
    assert counted_by_the_store(kits) == {"BAG": (8, 8), "MUG": (6, 6)}
    kits.read_catalogue()
    kits.settle()
    assert (kits.level("BAG", "Reno"), kits.level("MUG", "Reno")) == ((8, 0), (6, 0))
    assert kits.rows("SELECT 1 FROM stock_levels WHERE safety <> 0 OR damaged <> 0") == []


def test_a_bundle_that_is_cancelled_is_free_again_on_both_sides(kits: World):
    kits.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = kits.place(("SET", 2))
    kits.settle()
    kits.next_second()
    kits.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    kits.settle()

    assert counted_by_the_store(kits) == {"BAG": (10, 10), "MUG": (10, 10)}
    assert (kits.level("BAG", "Reno"), kits.level("MUG", "Reno")) == ((10, 0), (10, 0))


def test_a_bundle_of_which_a_part_is_missing_waits_and_goes_on_when_it_is_there(kits: World):
    placed = kits.place(("SET", 6))
    kits.settle()
    assert (kits.open_holds(placed), kits.order(placed).state) == (["stock"], "shipping")

    kits.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "MUG", "location": "Reno", "on_hand": 20})
    kits.read_catalogue()
    kits.settle()

    assert (kits.open_holds(placed), kits.order(placed).state) == ([], "fulfilled")


def test_the_buyer_of_a_bundle_is_told_when_its_missing_part_comes(kits: World):
    with kits.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = rules || '{\"ask_when_short\": true}'"))
    lies = {row.sku: (row.id, row.place) for row in kits.rows(
        "SELECT v.sku, v.id, l.id AS place FROM variants v, locations l WHERE l.name = 'Reno'")}  # fmt: skip
    today = datetime.now(UTC).date()
    soon, later = today + timedelta(days=3), today + timedelta(days=9)
    with kits.reading() as session:
        for sku, due_on in (("BAG", soon), ("MUG", later)):
            stock_desk.expect(session, kits.tenant, lies[sku], 50, due_on=due_on, reference="", by="person:Ann")

    kits.place(("SET", 6))  # twelve mugs of ten, and bags enough
    kits.settle()

    with kits.reading() as session:
        (choice,) = session.scalars(select(Choice))
        (line,) = choice_told.told(session, choice, today=today).lines
    assert (line.sku, line.restock) == ("SET", later)


def test_the_parts_of_a_bundle_are_gone_on_both_sides_and_go_to_nobody_who_waits(kits: World):
    with kits.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = jsonb_set(rules, '{minutes_to_change}', '60')"))
    placed = kits.place(("SET", 5))
    kits.settle()
    other = kits.place(("MUG", 4))
    kits.settle()
    assert (kits.level("MUG", "Reno"), kits.open_holds(other)) == ((10, 10), ["stock"])

    by_the_merchant(kits, placed)
    kits.gathered()

    assert (kits.level("BAG", "Reno"), kits.level("MUG", "Reno")) == ((5, 0), (0, 0))
    assert (counted_by_the_store(kits), kits.open_holds(other)) == ({"BAG": (5, 5)}, ["stock"])
    kits.read_catalogue()
    kits.settle()
    assert (kits.level("MUG", "Reno"), kits.open_holds(other), kits.labels_bought()) == ((0, 0), ["stock"], [])
