"""An order of which a part is sent and a part is picked up, or that changes from the one to the other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from integrations.nouns import StoreOrder, Way
from integrations.storefronts.shopify.storefront import ShopifyStorefront
from jobs import desk, queue
from records.tenants import Rules
from tests.journeys.test_picked_up import pickup, say, shipments
from tests.journeys.test_reconciled import compare, lose_everything, lose_nothing
from tests.journeys.test_reserved_unpaid import days_pass, pay
from tests.journeys.test_shadowed import only_watch
from tests.world import AUSTIN, SHOP, World, variant


def open_shop(world: World, rules: Rules | None = None) -> None:
    world.open_shop(rules=rules, variants=[variant("BAG", stock={"Reno": 5}), variant("MUG", stock={"Reno": 5})])


def test_an_order_that_was_picked_up_is_promised_for_no_day_afterwards_either(world: World):
    open_shop(world)
    placed = pickup(world)
    say(world, placed, desk.give)
    world.settle()

    assert world.order(placed).state == "fulfilled"
    before = verified(world)

    look_again(world, placed)

    assert verified(world) == before + 1
    assert world.order(placed).deliver_by is None


def test_what_is_ready_is_kept_no_longer_than_anything_else_when_its_money_is_gone(world: World):
    open_shop(world, Rules(ship_when="authorised", release_unpaid_days=3))
    placed = world.place(("BAG", 2), delivery_method="PICK_UP", location="Reno", financial_status="pending")
    world.settle()
    payment = pay(world, placed, "requires_capture")
    world.settle()
    assert say(world, placed, desk.ready) == ""
    world.settle()
    world.next_second()
    world.control("POST", f"/stripe/payments/{payment['id']}/cancel", {})
    world.settle()
    assert (shipments(world, placed), world.level("BAG", "Reno")) == ([("collected", "ready")], (5, 2))

    days_pass(world)

    assert (shipments(world, placed), world.level("BAG", "Reno")) == ([("collected", "cancelled")], (5, 0))
    assert world.open_holds(placed) == ["payment"]


def goes(patched: pytest.MonkeyPatch, *skus: str) -> None:
    """From now on the store wants these picked up, and the rest of it sent."""
    read_order = ShopifyStorefront.read_order

    def read(self: ShopifyStorefront, remote_id: str) -> StoreOrder:
        found = read_order(self, remote_id)
        sold = {line.remote_id: line.sku for line in found.snapshot.lines}
        ways = {True: Way.COLLECTED, False: Way.CARRIED}
        asked = (line.model_copy(update={"way": ways[sold[line.line_remote_id] in skus]}) for line in found.asked)
        return found.model_copy(update={"asked": tuple(asked)})

    patched.setattr(ShopifyStorefront, "read_order", read)


def verified(world: World) -> int:
    return len(world.rows("SELECT 1 FROM jobs WHERE kind = 'verify_order' AND state = 'done'"))


def look_again(world: World, placed: dict[str, Any]) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
        session.commit()
    world.settle()


def test_what_was_to_be_sent_and_is_picked_up_now_gets_no_label(world: World, monkeypatch: pytest.MonkeyPatch):
    open_shop(world, Rules(minutes_to_change=60))
    placed = world.place(("BAG", 1))
    world.settle()
    assert shipments(world, placed) == [("carried", "planned")]

    goes(monkeypatch, "BAG")
    look_again(world, placed)
    world.hurry()
    world.settle()

    assert shipments(world, placed) == [("carried", "cancelled"), ("collected", "planned")]
    assert (world.labels_bought(), world.level("BAG", "Reno")) == ([], (5, 1))


def test_an_order_that_is_only_watched_and_goes_two_ways_is_no_finding(world: World, monkeypatch: pytest.MonkeyPatch):
    open_shop(world)
    only_watch(world)
    goes(monkeypatch, "MUG")
    placed = world.place(("BAG", 1), ("MUG", 1))
    world.settle()
    assert world.order(placed).state == "watched"

    assert compare(world, "shopify") == []


def test_a_pickup_at_a_place_that_nobody_had_heard_of_is_kept_there(world: World):
    open_shop(world)
    lose_everything(world)
    world.control("POST", "/shopify/locations", {"shop": SHOP, **AUSTIN})
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Austin", "on_hand": 3})
    lose_nothing(world)

    placed = world.place(("BAG", 1), delivery_method="PICK_UP", location="Austin")
    world.settle()

    assert world.order(placed).state in {"released", "allocated"}
    assert world.open_holds(placed) in (["stock"], [])
    world.read_catalogue()
    world.settle()
    assert (shipments(world, placed), world.level("BAG", "Austin")) == ([("collected", "planned")], (3, 1))


def test_what_was_closed_while_its_place_was_not_ours_is_kept_once_it_is(world: World):
    open_shop(world)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE locations SET ships = false WHERE name = 'Reno'"))
    placed = pickup(world)
    assert (world.order(placed).state, shipments(world, placed)) == ("closed", [])

    world.read_catalogue()
    world.settle()

    assert (world.order(placed).state, shipments(world, placed)) == ("allocated", [("collected", "planned")])
    assert world.level("BAG", "Reno") == (5, 1)
