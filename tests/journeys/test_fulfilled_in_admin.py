"""The merchant ships in the store what is planned here: nothing is bought for it, and it is counted off once."""

from __future__ import annotations

import pytest

from orders import inventory
from records.tenants import Rules
from tests.journeys.test_changed import edit
from tests.world import SHOP, World, variant


def in_the_store(world: World) -> tuple[int, int]:
    """On hand and available."""
    (level,) = world.control("GET", f"/shopify/inventory?shop={SHOP}")["levels"]
    return level["on_hand"], level["available"]


@pytest.fixture
def planned(world: World) -> dict:
    """All five bags are this order's, whose label waits an hour."""
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5})], rules=Rules(minutes_to_change=60))
    placed = world.place(("BAG", 5))
    world.settle()
    assert world.level("BAG", "Reno") == (5, 5)
    return placed


def by_the_merchant(world: World, placed: dict) -> None:
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/fulfil", {})
    world.settle()


def test_no_label_is_bought_and_both_sides_count_the_same(world: World, planned: dict):
    by_the_merchant(world, planned)
    world.gathered()

    assert (world.level("BAG", "Reno"), in_the_store(world)) == ((0, 0), (0, 0))
    assert world.rows("SELECT 1 FROM reservations WHERE state = 'held'") == []
    world.hurry()
    world.settle()
    assert (world.labels_bought(), len(world.fulfillments(planned))) == ([], 1)
    assert world.level("BAG", "Reno") == (0, 0)


def test_an_order_that_waits_gets_nothing_of_what_has_left(world: World, planned: dict):
    other = world.place(("BAG", 5))
    world.settle()
    assert world.open_holds(other) == ["stock"]

    by_the_merchant(world, planned)
    world.gathered()

    assert (world.order(other).state, world.open_holds(other)) == ("released", ["stock"])
    assert world.level("BAG", "Reno") == (0, 0)
    assert "Shipment 1 does not leave: the store shows that somebody has sent it; 0 units are free again." in [
        row.sentence for row in world.rows("SELECT sentence FROM timeline_entries")
    ]


def test_a_count_that_came_first_takes_them_off_once(world: World, planned: dict):
    other = world.place(("BAG", 3))
    world.settle()
    world.next_second()
    world.control("POST", f"/shopify/orders/{planned['id']}/fulfil", {})
    world.heard()
    with world.reading() as session:  # the store's stock was read before its order was looked at
        levels = {
            (row.variant_id, row.location_id): 0 for row in world.rows("SELECT * FROM stock_levels WHERE on_hand = 5")
        }
        inventory.count(session, world.tenant, levels, actor="shopify")
    world.settle()
    world.gathered()

    assert (world.level("BAG", "Reno"), world.open_holds(other)) == ((0, 0), ["stock"])
    assert world.labels_bought() == []


def test_what_the_store_asks_for_no_more_as_it_was_taken_off_the_order_is_free(world: World, planned: dict):
    other = world.place(("BAG", 3))
    world.settle()

    edit(world, planned, ("BAG", 2))
    world.gathered()

    assert (world.level("BAG", "Reno"), world.open_holds(other)) == ((5, 5), [])
    assert world.rows("SELECT 1 FROM movements WHERE cause = 'shipped'") == []


def test_one_whose_label_is_bought_gets_our_number_and_is_counted_off_once(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5})])
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(("BAG", 2))
    world.settle()
    assert (len(world.labels_bought()), world.level("BAG", "Reno")) == (1, (5, 2))

    by_the_merchant(world, placed)
    world.hurry()
    world.settle()
    world.gathered()

    (shown,) = world.fulfillments(placed)
    numbers = [row.tracking_code for row in world.rows("SELECT tracking_code FROM labels")]
    assert (world.order(placed).state, [one["number"] for one in shown["tracking"]]) == ("fulfilled", numbers)
    assert (world.level("BAG", "Reno"), in_the_store(world)) == ((3, 0), (3, 3))
    told = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries")]
    assert any(sentence.startswith("Somebody had marked these units as shipped in the store") for sentence in told)
