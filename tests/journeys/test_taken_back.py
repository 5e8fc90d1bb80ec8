"""An order, or a part of it, is taken back by a plan that survives whatever happens in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs import desk, steps
from orders import taking_back
from orders.reversing import Wish
from orders.taking_back import Begun, PlanChanged
from records.tenants import Rules
from tests.world import STRIPE_KEY, World, variant

ANN = "person:Ann"
CANCEL = Wish(purpose="cancel", reason="buyer")


def cancel(world: World, placed: dict, wish: Wish = CANCEL) -> object:
    order = world.order(placed).id
    with world.reading() as session:
        begun = desk.cancel(session, world.tenant, order, wish, by=ANN)
    world.settle()
    return begun


def some(world: World, placed: dict, sku: str, units: int, **more: object) -> Wish:
    (line,) = world.rows(
        "SELECT id FROM order_lines WHERE order_id = :order AND sku = :sku", order=world.order(placed).id, sku=sku
    )
    return Wish(purpose="cancel_lines", wanted={line.id: units}, reason="buyer", **more)


def pay(world: World, placed: dict, outcome: str = "succeeded") -> dict:
    """Pay an order at Stripe, where the store only hears of it."""
    wish = {
        "key": STRIPE_KEY, "amount": round(float(placed["total_price"]) * 100), "currency": "usd",
        "outcome": outcome, "metadata": {"order_name": placed["name"]},
    }  # fmt: skip
    paid = world.control("POST", "/stripe/payments", wish)
    world.settle()
    return paid


def labelled(world: World, *lines: tuple[str, int], **more: object) -> dict:
    """An order with its label, of which the store has not been told yet."""
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(*lines, **more)
    world.settle()
    return placed


def on_the_road(world: World, tracking_code: str) -> None:
    world.control("POST", f"/easypost/trackers/{tracking_code}/move", {"status": "in_transit"})
    world.settle()


def step_states(world: World) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in world.rows("SELECT kind, state FROM reversal_steps ORDER BY position")]


def done_kinds(world: World) -> list[str]:
    return [kind for kind, state in step_states(world) if state == "done"]


def effects(world: World) -> dict[str, int]:
    """How often each thing that must not be done twice took effect."""
    watched = (
        ("shopify", "orderCancel"), ("shopify", "refundCreate"), ("shopify", "fulfillmentCancel"),
        ("stripe", "refund.create"), ("stripe", "payment_intent.cancel"), ("easypost", "shipment.refund"),
    )  # fmt: skip
    found = {
        operation: len(world.calls(vendor=vendor, operation=operation, effect="true")) for vendor, operation in watched
    }
    return {operation: times for operation, times in found.items() if times}


def movements(world: World, sku: str = "BAG") -> tuple[int, int]:
    """The sum of all movements: it is the level, or a movement is missing."""
    (row,) = world.rows(
        "SELECT sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved FROM movements m "
        "JOIN variants v ON v.id = m.variant_id JOIN locations l ON l.id = m.location_id "
        "WHERE v.sku = :sku AND l.name = 'Reno'",
        sku=sku,
    )
    return (int(row.on_hand), int(row.reserved))


def test_a_planned_order_is_cancelled_in_the_store_which_gives_the_money_back(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 2))
    world.settle()
    assert world.level("BAG", "Reno") == (100, 2)

    assert isinstance(cancel(world, placed), Begun)

    assert world.order(placed).state == "cancelled"
    there = world.store_orders()[placed["name"]]
    assert (there["cancelled"], there["refunded"]) == (True, there["received"])
    assert world.level("BAG", "Reno") == (100, 0)
    assert effects(world) == {"orderCancel": 1}
    assert done_kinds(world) == ["stop_work", "settle_label", "release_stock", "cancel_in_store"]
    assert world.rows("SELECT kind FROM jobs WHERE state IN ('due', 'running', 'parked')") == []
    assert [row.state for row in world.rows("SELECT state FROM reversals")] == ["done"]


def test_a_labelled_order_gives_its_label_back(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 1))

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [one["refund_status"] for one in world.labels_bought()] == ["submitted"]
    assert effects(world) == {"orderCancel": 1, "shipment.refund": 1}
    assert (world.level("BAG", "Reno"), movements(world)) == ((100, 0), (100, 0))


def test_an_announced_order_is_taken_back_from_the_store_and_put_back_on_the_shelf(world: World):
    world.open_shop()
    placed = world.place(("BAG", 3))
    world.settle()
    assert (world.order(placed).state, world.level("BAG", "Reno")) == ("fulfilled", (97, 0))

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [one["status"].lower() for one in world.fulfillments(placed)] == ["cancelled"]
    assert world.store_orders()[placed["name"]]["cancelled"] is True
    assert effects(world) == {"orderCancel": 1, "fulfillmentCancel": 1, "shipment.refund": 1}
    assert (world.level("BAG", "Reno"), movements(world)) == ((100, 0), (100, 0))
    caused = [row.cause for row in world.rows("SELECT cause FROM movements WHERE order_id > 0 ORDER BY id")]
    assert caused == ["reserved", "shipped", "put_back"]


def test_what_is_on_the_road_stays_and_the_rest_of_the_order_goes(world: World):
    world.open_shop(
        variants=[variant("BAG", price="10.00"), variant("HAT", price="20.00", stock={"Newark": 5})],
    )
    placed = world.place(("BAG", 1), ("HAT", 2))
    world.settle()
    first, _second = sorted(world.labels_bought(), key=lambda one: one["id"])
    on_the_road(world, first["tracking_code"])
    (gone,) = world.rows("SELECT l.name FROM shipments s JOIN locations l ON l.id = s.location_id "
                         "WHERE s.state = 'handed_over'")  # fmt: skip
    here, units, price = ("Newark", 2, 40) if gone.name == "Reno" else ("Reno", 1, 10)

    begun = cancel(world, placed)

    assert isinstance(begun, Begun)
    assert begun.plan.whole is False
    assert "has left (in transit)" in begun.plan.keeps[0]
    assert world.order(placed).state == "fulfilled"
    there = world.store_orders()[placed["name"]]
    assert (there["cancelled"], float(there["refunded"])) == (False, price)
    assert sum(line["quantity"] for line in there["lines"]) == 3 - units
    assert sorted(one["status"].lower() for one in there["fulfillments"]) == ["cancelled", "success"]
    assert effects(world) == {"refundCreate": 1, "fulfillmentCancel": 1, "shipment.refund": 1}
    assert world.level({"Newark": "HAT", "Reno": "BAG"}[here], here)[1] == 0
    assert world.rows("SELECT kind FROM jobs WHERE state IN ('due', 'parked') AND kind <> 'void_label'") == []


def test_an_order_that_has_left_whole_cannot_be_cancelled(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.settle()
    on_the_road(world, world.labels_bought()[0]["tracking_code"])

    answer = cancel(world, placed)

    assert "it cannot be taken back" in answer.reason
    assert world.order(placed).state == "fulfilled"
    assert effects(world) == {}


def test_some_units_go_and_the_rest_is_shipped(world: World):
    world.open_shop(variants=[variant("BAG", price="10.00")])
    placed = labelled(world, ("BAG", 3))

    cancel(world, placed, some(world, placed, "BAG", 1))

    assert world.order(placed).state == "fulfilled"
    there = world.store_orders()[placed["name"]]
    assert (there["cancelled"], there["lines"], float(there["refunded"])) == (
        False, [{"sku": "BAG", "quantity": 2}], 10.0,
    )  # fmt: skip
    assert effects(world) == {"refundCreate": 1, "shipment.refund": 1}
    assert len(world.labels_bought()) == 2
    assert len([one for one in world.fulfillments(placed) if one["status"].lower() == "success"]) == 1
    assert (world.level("BAG", "Reno"), movements(world)) == ((98, 0), (98, 0))


def test_money_at_stripe_goes_back_there_for_the_units_that_the_store_takes_off(world: World):
    world.open_shop(variants=[variant("BAG", price="10.00")])
    placed = world.place(("BAG", 3), financial_status="pending")
    world.settle()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    pay(world, placed)

    cancel(world, placed, some(world, placed, "BAG", 2))

    assert world.order(placed).state == "fulfilled"
    assert [(row.captured_minor, row.refunded_minor) for row in world.rows("SELECT * FROM payments")] == [(3500, 2000)]
    assert effects(world) == {"refundCreate": 1, "refund.create": 1, "shipment.refund": 1}
    assert world.store_orders()[placed["name"]]["refunds"][0]["amount"] in {"0.00", 0, "0"}


def test_money_at_stripe_goes_back_whole_with_the_order(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    pay(world, placed)
    assert world.order(placed).state == "fulfilled"

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [row.state for row in world.rows("SELECT state FROM payments")] == ["refunded"]
    assert effects(world) == {"orderCancel": 1, "fulfillmentCancel": 1, "refund.create": 1, "shipment.refund": 1}


def test_an_authorisation_is_given_up(world: World):
    world.open_shop(rules=Rules(ship_when="authorised"))
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    pay(world, placed, outcome="requires_capture")

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [row.state for row in world.rows("SELECT state FROM payments")] == ["voided"]
    assert effects(world)["payment_intent.cancel"] == 1
    assert "refund.create" not in effects(world)


def test_no_refund_means_that_the_money_stays(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 1))

    cancel(world, placed, Wish(purpose="cancel", reason="fraud", refund=False))

    there = world.store_orders()[placed["name"]]
    assert (there["cancelled"], float(there["refunded"])) == (True, 0.0)


def test_a_plan_that_a_person_agreed_to_is_not_begun_once_it_has_changed(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 1))
    order = world.order(placed).id
    with world.reading() as session:
        seen = taking_back.plan_of(session, world.tenant, order, CANCEL)
    world.hurry()
    world.settle()  # the store is told meanwhile

    with world.reading() as session:
        answer = desk.cancel(session, world.tenant, order, CANCEL, by=ANN, digest=seen.digest)

    assert isinstance(answer, PlanChanged)
    assert "cancel_fulfillment" in [step.kind for step in answer.plan.steps]
    assert world.order(placed).state == "fulfilled"
    assert world.rows("SELECT id FROM reversals") == []
