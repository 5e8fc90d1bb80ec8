"""What comes off an order is counted in again in the store where the store had it committed, and nowhere else."""

from __future__ import annotations

from jobs import desk
from orders.reversing import Wish
from records.tenants import Rules
from tests.journeys.test_chosen import choose, link_in
from tests.world import NEWARK, RENO, SHOP, World, variant


def in_the_store(world: World, sku: str) -> dict[str, int]:
    levels = world.control("GET", f"/shopify/inventory?shop={SHOP}")["levels"]
    return {one["location"]: one["on_hand"] for one in levels if one["sku"] == sku}


def here(world: World, sku: str) -> dict[str, int]:
    rows = world.rows(
        "SELECT l.name, s.on_hand FROM stock_levels s JOIN locations l ON l.id = s.location_id"
        " JOIN variants v ON v.id = s.variant_id WHERE v.sku = :sku",
        sku=sku,
    )
    return {row.name: row.on_hand for row in rows}


def takes_off(world: World, placed: dict, sku: str, units: int) -> None:
    (line,) = world.rows("SELECT id FROM order_lines WHERE sku = :sku", sku=sku)
    wish = Wish(purpose="cancel_lines", wanted={line.id: units}, reason="buyer")
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, wish, by="person:Olga")
        session.commit()
    world.settle()
    world.gathered()


def test_a_line_that_was_never_here_is_counted_in_where_the_store_had_it(world: World):
    """The store sold an axe that nobody has, from Newark: refunded, it must not turn up in Reno for who waits."""
    goods = [
        variant("BAG", stock={"Newark": 10}),
        variant("AXE", price="30.00", stock={"Reno": 0, "Newark": 0}),
    ]
    world.open_shop(rules=Rules(ask_when_short=True), locations=[RENO, NEWARK], variants=goods)
    waiting = world.place(("AXE", 1), email="bob@example.com")
    world.settle()
    world.place(("BAG", 1), ("AXE", 1))
    world.settle()

    choose(world, link_in(world.letters()[-1]), "refund")
    world.gathered()

    assert in_the_store(world, "AXE") == here(world, "AXE") == {"Reno": 0, "Newark": 0}
    assert world.open_holds(waiting) == ["stock"]
    assert world.rows("SELECT 1 FROM shipments WHERE order_id = :id", id=world.order(waiting).id) == []


def test_units_of_an_order_that_nobody_planned_yet_stay_where_they_lie(world: World):
    world.open_shop(locations=[RENO, NEWARK], variants=[variant("BAG", stock={"Reno": 0, "Newark": 10})])
    placed = world.place(("BAG", 2), financial_status="pending")
    world.settle()

    takes_off(world, placed, "BAG", 1)

    assert in_the_store(world, "BAG") == here(world, "BAG") == {"Reno": 0, "Newark": 10}
