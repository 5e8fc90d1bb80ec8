"""What a buyer picks up at a location, or the shop brings itself, is kept for them there, and handed over once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from jobs import desk
from tests.world import World, variant

ANN = "person:Ann"


@pytest.fixture
def shop(world: World) -> World:
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1, "Newark": 0}), variant("MUG", stock={"Reno": 5})])
    return world


def pickup(world: World, *lines: tuple[str, int], method: str = "PICK_UP", **more: Any) -> dict[str, Any]:
    placed = world.place(*(lines or (("BAG", 1),)), delivery_method=method, location="Reno", **more)
    world.settle()
    return placed


def shipments(world: World, placed: dict[str, Any]) -> list[tuple[str, str]]:
    rows = world.rows(
        "SELECT way, state FROM shipments WHERE order_id = :order ORDER BY id", order=world.order(placed).id
    )
    return [(row.way, row.state) for row in rows]


def say(world: World, placed: dict[str, Any], what: Any) -> str:
    """Ann presses a button of the order's newest shipment; answers why it was refused."""
    (row,) = world.rows(
        "SELECT id FROM shipments WHERE order_id = :order AND way <> 'carried' ORDER BY id DESC LIMIT 1",
        order=world.order(placed).id,
    )
    with world.reading() as session:
        refusal: str = what(session, world.tenant, row.id, by=ANN)
        session.commit()
    return refusal


def asked(world: World, operation: str) -> int:
    """How often the store did it."""
    return len(world.calls(vendor="shopify", operation=operation, effect="true"))


def ready_calls(world: World) -> int:
    return asked(world, "fulfillmentOrderLineItemsPreparedForPickup")


def ledger_is_the_levels(world: World) -> bool:
    return not world.rows(
        "SELECT 1 FROM stock_levels s LEFT JOIN (SELECT variant_id, location_id, sum(on_hand_change) AS hand, "
        "sum(reserved_change) AS reserved FROM movements GROUP BY 1, 2) m USING (variant_id, location_id) "
        "WHERE s.on_hand <> coalesce(m.hand, 0) OR s.reserved <> coalesce(m.reserved, 0)"
    )


def test_the_last_unit_that_a_buyer_comes_for_is_not_sent_to_another(shop: World):
    collected = pickup(shop)
    sent = shop.place(("BAG", 1))
    shop.settle()

    assert shop.level("BAG", "Reno") == (1, 1)
    assert (shop.order(collected).state, shipments(shop, collected)) == ("allocated", [("collected", "planned")])
    assert (shipments(shop, sent), shop.open_holds(sent)) == ([], ["stock"])
    assert shop.labels_bought() == []
    assert shop.order(collected).ship_by is None
    assert shop.order(collected).deliver_by is None


def test_what_is_picked_up_is_told_ready_once_and_handed_over_once(shop: World):
    placed = pickup(shop)

    assert [say(shop, placed, desk.ready) for _ in range(2)] == ["", ""]
    shop.settle()
    assert (shipments(shop, placed), ready_calls(shop)) == ([("collected", "ready")], 1)
    assert "ready already" in say(shop, placed, desk.ready)
    assert shop.level("BAG", "Reno") == (1, 1)
    assert [say(shop, placed, desk.give) for _ in range(2)] == ["", "It was handed over already."]
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("fulfilled", [("collected", "handed_over")])
    (made,) = shop.fulfillments(placed)
    assert made["tracking"] == []
    assert (asked(shop, "fulfillmentCreate"), ready_calls(shop)) == (1, 1)
    assert shop.level("BAG", "Reno") == (0, 0)
    assert ledger_is_the_levels(shop)
    assert shop.labels_bought() == []


def test_what_is_handed_over_without_a_word_of_being_ready_is_handed_over_all_the_same(shop: World):
    placed = pickup(shop)

    assert say(shop, placed, desk.give) == ""
    shop.settle()

    assert (shop.order(placed).state, ready_calls(shop)) == ("fulfilled", 0)
    assert shop.level("BAG", "Reno") == (0, 0)


def test_what_the_shop_brings_itself_needs_no_label_and_is_never_ready_for_pickup(shop: World):
    placed = pickup(shop, method="LOCAL")

    assert shipments(shop, placed) == [("brought", "planned")]
    assert "delivers it itself" in say(shop, placed, desk.ready)
    assert say(shop, placed, desk.give) == ""
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("fulfilled", [("brought", "handed_over")])
    assert (ready_calls(shop), shop.labels_bought()) == (0, [])
    assert shop.level("BAG", "Reno") == (0, 0)


def test_what_the_merchant_hands_over_in_the_store_is_taken_over_and_told_nobody(shop: World):
    placed = pickup(shop)
    shop.next_second()
    shop.control("POST", f"/shopify/orders/{placed['id']}/ready")
    shop.settle()
    assert (shipments(shop, placed), ready_calls(shop)) == ([("collected", "ready")], 0)

    shop.next_second()
    shop.control("POST", f"/shopify/orders/{placed['id']}/fulfil", {})
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("fulfilled", [("collected", "handed_over")])
    assert shop.level("BAG", "Reno") == (0, 0)
    assert ledger_is_the_levels(shop)
    assert (len(shop.fulfillments(placed)), asked(shop, "fulfillmentCreate")) == (1, 0)
    assert "handed over already" in say(shop, placed, desk.give)


def test_what_the_store_takes_off_the_order_is_free_for_others_and_not_off_the_shelf(shop: World):
    placed = pickup(shop)
    shop.control("POST", f"/shopify/orders/{placed['id']}/cancel", {})
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("cancelled", [("collected", "cancelled")])
    assert shop.level("BAG", "Reno") == (1, 0)
    assert ledger_is_the_levels(shop)


def test_what_is_not_there_waits_at_its_own_location_and_stops_nothing_else(shop: World):
    pickup(shop)
    late = pickup(shop)
    (hold,) = shop.rows("SELECT reason FROM holds WHERE order_id = :order", order=shop.order(late).id)

    assert hold.reason == "Out of stock: 1 × BAG at Reno."
    assert shipments(shop, late) == []
    assert shop.level("BAG", "Reno") == (1, 1)


def test_what_the_store_shows_no_more_as_handed_over_is_put_aside_anew(shop: World):
    placed = pickup(shop)
    say(shop, placed, desk.give)
    shop.settle()
    (made,) = shop.fulfillments(placed)

    shop.next_second()
    shop.storefront().cancel_shipped(made["admin_graphql_api_id"])
    shop.settle()

    assert shipments(shop, placed) == [("collected", "cancelled"), ("collected", "planned")]
    assert (shop.order(placed).state, shop.level("BAG", "Reno")) == ("allocated", (1, 1))
    assert ledger_is_the_levels(shop)


def test_lost_answers_write_the_buyer_once_and_hand_over_once(shop: World):
    placed = pickup(shop)
    shop.fault(vendor="shopify", kind="5xx_after", operation="fulfillmentOrderLineItemsPreparedForPickup", times=1)
    shop.fault(vendor="shopify", kind="5xx_after", operation="fulfillmentCreate", times=1)

    say(shop, placed, desk.ready)
    shop.settle()
    say(shop, placed, desk.give)
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("fulfilled", [("collected", "handed_over")])
    assert (ready_calls(shop), asked(shop, "fulfillmentCreate"), len(shop.fulfillments(placed))) == (1, 1, 1)
    assert shop.level("BAG", "Reno") == (0, 0)


def test_a_refusal_of_the_store_waits_for_a_person_and_takes_nothing_off_the_shelf(shop: World):
    placed = pickup(shop)
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    (held,) = shop.storefront().hold(placed["admin_graphql_api_id"], handle="theirs", reason="other", notes="")

    say(shop, placed, desk.give)
    shop.settle()

    assert shipments(shop, placed) == [("collected", "handing_over")]
    assert shop.level("BAG", "Reno") == (1, 1)
    (job,) = shop.rows("SELECT id, reason, remedy FROM jobs WHERE state = 'parked'")
    assert "on hold in Shopify" in job.reason
    assert "Release the hold" in job.remedy
    shop.storefront().release(placed["admin_graphql_api_id"], [held])
    with shop.reading() as session:
        desk.retry(session, shop.tenant, job.id, by=ANN)
        session.commit()
    shop.settle()
    assert (shop.order(placed).state, shop.level("BAG", "Reno")) == ("fulfilled", (0, 0))


def test_a_part_that_is_collected_and_a_part_that_is_sent_each_go_their_way(shop: World):
    placed = shop.place(("MUG", 1), location="Reno")
    pickup(shop)
    shop.settle()

    assert (shop.order(placed).state, len(shop.labels_bought())) == ("fulfilled", 1)
    assert shop.level("MUG", "Reno") == (4, 0)


def test_an_order_on_hold_is_neither_made_ready_nor_handed_over(shop: World):
    placed = pickup(shop)
    with shop.reading() as session:
        desk.hold(session, shop.tenant, shop.order(placed).id, reason="Ask first.", by=ANN)
        session.commit()

    assert "on hold (operator)" in say(shop, placed, desk.ready)
    assert "on hold (operator)" in say(shop, placed, desk.give)
    shop.settle()

    assert (shipments(shop, placed), ready_calls(shop)) == ([("collected", "planned")], 0)


def test_a_shop_that_only_watches_keeps_nothing_aside(shop: World):
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET mode = 'shadow'"))
    placed = pickup(shop)

    assert (shop.order(placed).state, shipments(shop, placed)) == ("closed", [])
    assert shop.level("BAG", "Reno") == (1, 0)
