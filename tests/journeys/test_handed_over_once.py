"""What is handed over in parts is handed over once: each unit that the store shows belongs to one shipment of ours."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from test_picked_up import asked, ledger_is_the_levels, pickup, ready_calls, say, shipments

from integrations.nouns import ShippedLine
from jobs import desk, queue
from tests.world import SHOP, World, variant


@pytest.fixture
def shop(world: World) -> World:
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1, "Newark": 0})])
    return world


def lands(world: World, units: int) -> None:
    """So many are counted at Reno now."""
    world.next_second()
    wish = {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": units}
    world.control("POST", "/shopify/inventory", wish)
    world.read_catalogue()
    world.settle()


def fulfillments_of(world: World, placed: dict[str, Any]) -> list[list[str]]:
    rows = world.rows("SELECT fulfillments FROM shipments WHERE order_id = :o ORDER BY id", o=world.order(placed).id)
    return [list(row.fulfillments) for row in rows]


def readings(world: World) -> int:
    """How often goods were to be read again, read by now or not."""
    return len(world.rows("SELECT id FROM jobs WHERE kind = 'read_stock'"))


def by_the_merchant(world: World, placed: dict[str, Any]) -> None:
    """Somebody hands one unit over in the store's own admin."""
    (place,) = [one.remote_id for one in world.storefront().read_locations() if one.name == "Reno"]
    line = ShippedLine(line_remote_id=placed["lines"][0]["admin_graphql_api_id"], units=1)
    world.storefront().hand_over(placed["admin_graphql_api_id"], place, [line], tell_buyer=True)


def left_open(world: World) -> list[Any]:
    """What keeps a shop from being turned to watching, though nothing is to be done any more."""
    return [
        *world.rows("SELECT kind FROM intentions WHERE state = 'intended'"),
        *world.rows("SELECT kind FROM jobs WHERE state = 'parked'"),
    ]


def test_a_lost_answer_hands_over_no_second_unit_of_a_line(shop: World):
    placed = pickup(shop, ("BAG", 2))
    shop.fault(vendor="shopify", kind="5xx_after", operation="fulfillmentCreate", times=1)

    say(shop, placed, desk.give)
    shop.settle()
    shop.hurry()
    shop.settle()

    (made,) = shop.fulfillments(placed)
    assert asked(shop, "fulfillmentCreate") == 1
    assert fulfillments_of(shop, placed) == [[made["admin_graphql_api_id"]]]
    assert (shipments(shop, placed), shop.open_holds(placed)) == ([("collected", "handed_over")], ["stock"])
    assert shop.level("BAG", "Reno") == (0, 0)


def test_each_unit_that_is_handed_over_in_the_store_is_of_one_shipment(shop: World):
    placed = pickup(shop, ("BAG", 2))
    lands(shop, 2)
    assert shipments(shop, placed) == [("collected", "planned")] * 2
    shop.next_second()
    by_the_merchant(shop, placed)
    by_the_merchant(shop, placed)
    shop.settle()

    first, second = shop.fulfillments(placed)
    ids = {first["admin_graphql_api_id"], second["admin_graphql_api_id"]}
    shown = fulfillments_of(shop, placed)
    assert ([len(one) for one in shown], {id for one in shown for id in one}) == ([1, 1], ids)
    assert shop.level("BAG", "Reno") == (0, 0)

    shop.next_second()
    shop.storefront().cancel_shipped(first["admin_graphql_api_id"])
    shop.settle()
    assert sorted(shipments(shop, placed)) == [
        ("collected", "cancelled"),
        ("collected", "handed_over"),
        ("collected", "planned"),
    ]
    assert shop.level("BAG", "Reno") == (1, 1)
    assert ledger_is_the_levels(shop)


def test_what_was_refused_and_is_handed_over_in_the_store_leaves_nothing_to_do(shop: World):
    placed = pickup(shop)
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    (held,) = shop.storefront().hold(placed["admin_graphql_api_id"], handle="theirs", reason="other", notes="")
    say(shop, placed, desk.give)
    shop.settle()
    assert [row.kind for row in left_open(shop)] == ["push_tracking"]

    shop.storefront().release(placed["admin_graphql_api_id"], [held])
    shop.control("POST", "/deliveries/plan", {"drop": 0.0})
    shop.next_second()
    shop.control("POST", f"/shopify/orders/{placed['id']}/fulfil", {})
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("fulfilled", [("collected", "handed_over")])
    assert left_open(shop) == []
    assert (shop.level("BAG", "Reno"), asked(shop, "fulfillmentCreate")) == ((0, 0), 0)


def test_a_word_of_being_ready_that_was_lost_ends_when_the_buyer_has_it(shop: World):
    placed = pickup(shop)
    (row,) = shop.rows("SELECT id FROM shipments")
    with shop.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest) "
                "VALUES (:tenant, :key, 'tell_ready', :subject, 1, '')"
            ),
            {"tenant": shop.tenant, "key": f"ready/{row.id}", "subject": f"shipment/{row.id}"},
        )

    assert say(shop, placed, desk.give) == ""
    shop.settle()

    assert (shop.order(placed).state, left_open(shop)) == ("fulfilled", [])


def test_what_lands_after_a_part_was_picked_up_is_ready_only_when_the_buyer_was_written(shop: World):
    placed = pickup(shop, ("BAG", 2))
    say(shop, placed, desk.give)
    shop.settle()
    lands(shop, 1)

    assert shipments(shop, placed) == [("collected", "handed_over"), ("collected", "planned")]
    assert ready_calls(shop) == 0
    assert say(shop, placed, desk.ready) == ""
    shop.settle()
    assert shipments(shop, placed) == [("collected", "handed_over"), ("collected", "ready")]
    assert ready_calls(shop) == 1


def test_units_that_the_store_had_counted_off_already_are_counted_off_once(shop: World):
    lands(shop, 5)
    placed = pickup(shop)
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    shop.control("POST", f"/shopify/orders/{placed['id']}/fulfil", {})
    shop.heard()
    shop.read_catalogue()
    shop.hurry()
    shop.work_off()
    assert shop.level("BAG", "Reno") == (4, 1)
    before = readings(shop)

    with shop.reading() as session:
        queue.add(session, shop.tenant, "verify_order", f"order/{shop.order(placed).id}")
        session.commit()
    shop.work_off()
    assert shipments(shop, placed) == [("collected", "handed_over")]
    assert readings(shop) == before + 1
    shop.hurry()
    shop.work_off()
    assert shop.level("BAG", "Reno") == (4, 0)
    assert ledger_is_the_levels(shop)


def test_a_cancellation_in_the_store_gives_nothing_free_that_the_buyer_has(shop: World):
    placed = pickup(shop)
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    shop.storefront().hold(placed["admin_graphql_api_id"], handle="theirs", reason="other", notes="")
    say(shop, placed, desk.give)
    shop.settle()
    assert shipments(shop, placed) == [("collected", "handing_over")]

    shop.control("POST", "/deliveries/plan", {"drop": 0.0})
    shop.next_second()
    shop.control("POST", f"/shopify/orders/{placed['id']}/cancel", {})
    shop.settle()

    assert (shop.order(placed).state, shipments(shop, placed)) == ("cancelled", [("collected", "handed_over")])
    assert shop.level("BAG", "Reno") == (0, 0)
    assert ledger_is_the_levels(shop)
    assert left_open(shop) == []
