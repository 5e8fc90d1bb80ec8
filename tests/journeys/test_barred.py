"""What may not be sent waits for the merchant and not for stock: no label, no question to the buyer, and a way on."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.world import World, variant


def open_shop(world: World, **product: object) -> None:
    fuel = {"title": "Fuel", "variants": [variant("FUEL", stock={"Reno": 9, "Newark": 9})]} | product
    bag = {"title": "Bag", "variants": [variant("BAG", stock={"Reno": 9})]}
    world.open_shop(products=[fuel, bag])


def run(world: World, sql: str, **values: object) -> None:
    with world.engine.begin() as connection:
        connection.execute(text(sql), values)


def holds(world: World) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in world.rows("SELECT kind, reason, state FROM holds ORDER BY id")]


def labels(world: World) -> int:
    return len([call for call in world.calls(vendor="easypost") if call["path"].endswith("/buy")])


def tag(world: World, sku: str, *tags: str) -> None:
    product = world.rows("SELECT product_remote_id AS id FROM variants WHERE sku = :s", s=sku)[0].id
    world.control("POST", f"/shopify/products/{product.rpartition('/')[2]}/tag", {"tags": list(tags)})
    world.gathered()


def test_hazardous_goods_that_no_location_may_send_are_held_and_leave_once_one_may(world: World):
    open_shop(world, tags=["HazMat", "camping"])
    run(world, "UPDATE tenants SET rules = rules || '{\"ask_when_short\": true}'")
    placed = world.place(("FUEL", 2))
    world.settle()

    told = "No location may send 2 × FUEL to US: "
    ((kind, reason, state),) = holds(world)
    assert (kind, state, reason.startswith(told)) == ("barred", "open", True)
    assert sorted(reason.removeprefix(told).rstrip(".").split("; ")) == [
        "Newark: it may not send hazardous goods",
        "Reno: it may not send hazardous goods",
    ]
    assert (labels(world), world.rows("SELECT 1 FROM choices"), world.rows("SELECT 1 FROM reservations")) == (0, [], [])
    (kept,) = world.rows("SELECT sentence, answer FROM routing_decisions")
    assert kept.sentence == "No place may send any of it. Short: 2 units."
    assert {one["rule"] for one in kept.answer["left_out"]} == {"hazmat"}

    run(world, "UPDATE locations SET sending = '{\"sends_hazmat\": true}' WHERE name = 'Newark'")
    run(world, "UPDATE jobs SET due_at = now(), state = 'due' WHERE kind = 'reserve_stock'")
    world.settle()

    assert [(kind, state) for kind, _, state in holds(world)] == [("barred", "released")]
    assert (world.order(placed).state, labels(world)) == ("fulfilled", 1)
    assert world.rows("SELECT l.name FROM shipments s JOIN locations l ON l.id = s.location_id") == [("Newark",)]


def test_a_tag_that_is_taken_off_in_the_store_lets_the_order_go(world: World):
    open_shop(world, tags=["no-ship-us", "no-ship-ca"])
    placed = world.place(("FUEL", 1))
    world.settle()
    assert holds(world) == [("barred", "1 × FUEL may not be sent to US.", "open")]

    tag(world, "FUEL", "no-ship-ca", "no-ship-xyz")

    assert [(kind, state) for kind, _, state in holds(world)] == [("barred", "released")]
    assert (world.order(placed).state, labels(world)) == ("fulfilled", 1)


def test_a_tag_that_is_added_counts_from_then_on_and_a_hand_s_mark_stays(world: World):
    open_shop(world)
    run(world, "UPDATE variants SET bans = '{\"never_to\": [\"AU\"]}', making_days = 3 WHERE sku = 'FUEL'")

    tag(world, "FUEL", "hazmat")

    assert world.rows("SELECT bans, store_bans, making_days FROM variants WHERE sku = 'FUEL'") == [
        ({"never_to": ["AU"]}, {"hazmat": True, "never_to": []}, 3)
    ]


@pytest.mark.parametrize("when_short", ["ship_what_is_there", "wait_for_all"])
def test_the_rest_of_an_order_leaves_or_waits_as_the_shop_has_it(world: World, when_short):
    open_shop(world, tags=["hazmat"])
    run(world, "UPDATE tenants SET rules = rules || jsonb_build_object('when_short', cast(:w AS text))", w=when_short)
    placed = world.place(("FUEL", 1), ("BAG", 1))
    world.settle()

    assert [(kind, state) for kind, _, state in holds(world)] == [("barred", "open")]
    left = {"ship_what_is_there": 1, "wait_for_all": 0}[when_short]
    assert labels(world) == left
    assert world.order(placed).state == ("shipping" if left else "released")
    assert world.rows("SELECT sku FROM order_lines l JOIN shipment_lines s ON s.line_id = l.id") == [("BAG",)] * left


def test_a_line_that_is_given_up_in_the_store_is_not_held_any_more(world: World):
    open_shop(world, tags=["hazmat"])
    placed = world.place(("FUEL", 1), ("BAG", 1))
    world.settle()

    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"lines": [{"sku": "FUEL", "quantity": 0}]})
    world.settle()

    assert [(kind, state) for kind, _, state in holds(world)] == [("barred", "released")]
    assert world.order(placed).state == "fulfilled"
