"""Units that the store says are gone stay with the order that they were promised to, and go to nobody after it."""

from __future__ import annotations

from jobs import stock_desk
from records.tenants import Rules
from tests.world import SHOP, World, variant


def in_the_store(world: World, units: int) -> None:
    """Somebody corrects the number in the store."""
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": units})
    world.read_catalogue()
    world.settle()


def test_an_order_that_waits_gets_nothing_of_what_is_not_there_when_another_is_cancelled(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5})], rules=Rules(minutes_to_change=60))
    first = world.place(("BAG", 5))
    world.settle()
    second = world.place(("BAG", 5))
    world.settle()
    assert world.open_holds(second) == ["stock"]

    in_the_store(world, 0)
    assert world.level("BAG", "Reno") == (5, 5)
    world.next_second()
    world.control("POST", f"/shopify/orders/{first['id']}/cancel", {"reason": "CUSTOMER", "restock": False})
    world.settle()

    assert (world.order(first).state, world.order(second).state) == ("cancelled", "released")
    assert (world.open_holds(second), world.level("BAG", "Reno")) == (["stock"], (0, 0))
    in_the_store(world, 5)
    assert (world.open_holds(second), world.level("BAG", "Reno")) == ([], (5, 5))


def test_what_a_person_finds_after_all_is_there_for_the_store_too_and_for_who_waits(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5})], rules=Rules(minutes_to_change=60))
    first = world.place(("BAG", 5))
    world.settle()
    second = world.place(("BAG", 5))
    world.settle()
    in_the_store(world, 3)
    (level,) = world.rows("SELECT variant_id, location_id, missing FROM stock_levels WHERE reserved = 5")
    assert level.missing == 2

    with world.reading() as session:
        said = {"reason": "They were in the other box.", "reference": "", "by": "person:Ann"}
        stock_desk.count(session, world.tenant, (level.variant_id, level.location_id), 5, **said)
    world.settle()
    world.read_catalogue()  # the store's own number is the same by now
    world.settle()

    (there,) = world.control("GET", f"/shopify/inventory?shop={SHOP}")["levels"]
    assert (there["on_hand"], world.level("BAG", "Reno")) == (5, (5, 5))
    assert world.rows("SELECT 1 FROM stock_levels WHERE missing > 0") == []
    world.next_second()
    world.control("POST", f"/shopify/orders/{first['id']}/cancel", {"reason": "CUSTOMER", "restock": True})
    world.settle()
    assert (world.open_holds(second), world.level("BAG", "Reno")) == ([], (5, 5))
