"""The buyer's money and the store's word end right, whatever happens between asking for a cancellation and its end."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from integrations.ports import Temporary
from jobs import desk, runner, steps
from orders.reversing import Wish
from orders.taking_back import Begun
from records.tenants import Rules
from tests import patient
from tests.world import STRIPE_KEY, World, variant

ANN = "person:Ann"
CANCEL = Wish(purpose="cancel", reason="buyer")


def begin(world: World, placed: dict, wish: Wish = CANCEL) -> None:
    """Ask for it, with nobody at work yet."""
    with world.reading() as session:
        assert isinstance(desk.cancel(session, world.tenant, world.order(placed).id, wish, by=ANN), Begun)


def some(world: World, placed: dict, sku: str, units: int) -> Wish:
    (line,) = world.rows(
        "SELECT id FROM order_lines WHERE order_id = :order AND sku = :sku", order=world.order(placed).id, sku=sku
    )
    return Wish(purpose="cancel_lines", wanted={line.id: units}, reason="buyer")


def pay(world: World, placed: dict, minor: int = 0, outcome: str = "succeeded") -> dict:
    wish = {
        "key": STRIPE_KEY, "amount": minor or round(float(placed["total_price"]) * 100), "currency": "usd",
        "outcome": outcome, "metadata": {"order_name": placed["name"]},
    }  # fmt: skip
    payment = world.control("POST", "/stripe/payments", wish)
    world.settle()
    return payment


def labelled(world: World, *lines: tuple[str, int]) -> dict:
    """An order with its label, of which the store has not been told yet."""
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(*lines)
    world.settle()
    return placed


def told_first(world: World) -> None:
    """What happened outside is taken in before anybody works on the order."""
    for _ in range(4):
        world.heard()
        for lane in world.due_lanes():
            if not lane.startswith("order/"):
                runner.work_off(world.services, world.tenant, lane)


def work_on_orders(world: World) -> None:
    for lane in world.due_lanes():
        if lane.startswith("order/"):
            runner.work_off(world.services, world.tenant, lane)


def step_states(world: World) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in world.rows("SELECT kind, state FROM reversal_steps ORDER BY id")]


def given_back(world: World) -> list[int]:
    return [row.refunded_minor for row in world.rows("SELECT refunded_minor FROM payments ORDER BY id")]


def took_effect(world: World, vendor: str, operation: str) -> int:
    return len(world.calls(vendor=vendor, operation=operation, effect="true"))


def the_step(world: World, state: str) -> tuple[int, str, int]:
    (step,) = world.rows("SELECT id, kind, amount_minor FROM reversal_steps WHERE state = :state", state=state)
    return (step.id, step.kind, step.amount_minor)


def test_an_authorisation_that_is_captured_before_it_is_given_up_is_money_that_goes_back(world: World):
    world.open_shop(rules=Rules(ship_when="authorised"))
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    payment = pay(world, placed, outcome="requires_capture")
    begin(world, placed)

    captured = patient.post(f"{world.sandbox}/v1/payment_intents/{payment['id']}/capture", auth=(STRIPE_KEY, ""))
    assert captured.status_code == 200
    told_first(world)
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert given_back(world) == [1700]
    assert ("cancel_payment", "dropped") in step_states(world)
    assert ("refund_payment", "done") in step_states(world)
    assert took_effect(world, "stripe", "refund.create") == 1


def two_shipments(world: World, **more: object) -> dict:
    world.open_shop(variants=[variant("BAG", price="10.00"), variant("HAT", price="20.00", stock={"Newark": 5})])
    placed = world.place(("BAG", 1), ("HAT", 2), **more)
    world.settle()
    return placed


def one_leaves(world: World) -> int:
    """The carrier has the first of two parcels; answers what the goods of the other cost, in minor units."""
    first, _ = sorted(world.labels_bought(), key=lambda one: one["id"])
    world.control("POST", f"/easypost/trackers/{first['tracking_code']}/move", {"status": "in_transit"})
    told_first(world)
    (gone,) = world.rows(
        "SELECT l.name FROM parcels p JOIN shipments s ON s.id = p.shipment_id JOIN locations l ON l.id = s.location_id "
        "WHERE p.carrier_status = 'in_transit'"
    )
    return 4000 if gone.name == "Reno" else 1000


def test_what_leaves_before_the_order_is_cancelled_is_paid_and_the_rest_goes_back_unshipped(world: World):
    placed = two_shipments(world)
    begin(world, placed)

    rest = one_leaves(world)
    world.settle()

    there = world.store_orders()[placed["name"]]
    assert (world.order(placed).state, there["cancelled"]) == ("fulfilled", False)
    assert round(float(there["refunded"]) * 100) == rest
    assert sum(line["quantity"] for line in there["lines"]) == (1 if rest == 4000 else 2)
    assert len(world.labels_bought()) == 2
    assert {("cancel_in_store", "dropped"), ("refund_in_store", "done")} <= set(step_states(world))


def test_money_elsewhere_for_the_whole_order_shrinks_with_the_plan(world: World):
    placed = two_shipments(world, financial_status="pending")
    pay(world, placed)
    begin(world, placed)

    rest = one_leaves(world)
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert given_back(world) == [rest]
    assert took_effect(world, "shopify", "refundCreate") == 1
    assert len(world.labels_bought()) == 2


def lose_answers_after(words: str) -> None:
    """A call takes effect, and its answer is lost, and so is whatever the same vendor is asked then."""
    lost = False

    def listen(boundary: str) -> None:
        nonlocal lost
        lost = lost or boundary.startswith(f"called shopify {words}")
        if lost and "shopify" in boundary:
            raise Temporary("lost", code="lost", outcome_unknown=True)

    steps.listen(listen)


def test_units_that_the_store_took_off_before_the_answer_was_lost_come_off_once(world: World):
    world.open_shop(variants=[variant("BAG", price="10.00")])
    placed = labelled(world, ("BAG", 2))
    begin(world, placed, some(world, placed, "BAG", 1))
    lose_answers_after("Refund")
    work_on_orders(world)
    steps.listen(None)
    assert took_effect(world, "shopify", "refundCreate") == 1

    with world.engine.begin() as connection:  # the order is verified before the next try
        connection.execute(
            text("UPDATE jobs SET due_at = now() + interval '1 h' WHERE state = 'due' AND kind = 'reverse_order'")
        )
    world.settle()
    assert [(row.units, row.to_ship) for row in world.rows("SELECT units, to_ship FROM order_lines")] == [(1, 1)]
    world.hurry_but_voids()
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert [(row.units, row.to_ship) for row in world.rows("SELECT units, to_ship FROM order_lines")] == [(1, 1)]
    assert [one["status"].lower() for one in world.fulfillments(placed)] == ["success"]
    there = world.store_orders()[placed["name"]]
    assert (there["lines"], float(there["refunded"])) == ([{"sku": "BAG", "quantity": 1}], 10.0)
    assert took_effect(world, "shopify", "refundCreate") == 1


def test_what_stays_is_not_withdrawn_while_nobody_knows_what_the_store_took_off(world: World):
    world.open_shop(variants=[variant("BAG", price="10.00", stock={"Reno": 1, "Newark": 1})])
    placed = world.place(("BAG", 2))
    world.settle()
    assert len(world.fulfillments(placed)) == 2
    begin(world, placed, some(world, placed, "BAG", 1))
    lose_answers_after("Refund")
    work_on_orders(world)
    steps.listen(None)
    with world.engine.begin() as connection:  # the order is verified before the next try
        connection.execute(
            text("UPDATE jobs SET due_at = now() + interval '1 h' WHERE state = 'due' AND kind = 'reverse_order'")
        )
    world.settle()
    world.hurry_but_voids()
    world.settle()

    assert (world.order(placed).state, len(world.labels_bought())) == ("fulfilled", 2)
    assert sorted(one["status"].lower() for one in world.fulfillments(placed)) == ["cancelled", "success"]
    assert took_effect(world, "shopify", "fulfillmentCancel") == 1
    assert took_effect(world, "shopify", "refundCreate") == 1


def test_disputed_money_of_a_cancelled_order_is_asked_about_once_the_dispute_is_won(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    payment = pay(world, placed)
    world.control("POST", f"/stripe/payments/{payment['id']}/dispute", {})
    world.settle()
    begin(world, placed)
    world.settle()
    assert (world.order(placed).state, given_back(world)) == ("cancelled", [0])

    world.control("POST", f"/stripe/payments/{payment['id']}/close_dispute", {"status": "won"})
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", ["refund"])
    step, kind, minor = the_step(world, "asks")
    assert (kind, minor, given_back(world)) == ("refund_payment", 1700, [0])
    with world.reading() as session:
        assert desk.skip_step(session, world.tenant, step, by=ANN, reason="the buyer has kept the bag")
    world.settle()
    assert (given_back(world), world.open_holds(placed)) == ([0], [])
    assert {row.state for row in world.rows("SELECT state FROM reversals")} == {"done"}


@pytest.mark.parametrize("word", ["agree", "skip"])
def test_what_was_paid_in_the_store_beside_a_payment_elsewhere_is_asked_about(world: World, word: str):
    world.open_shop()
    placed = world.place(("BAG", 1))
    pay(world, placed, minor=1000)
    begin(world, placed)
    world.settle()

    assert (world.order(placed).state, given_back(world)) == ("cancelled", [1000])
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 0.0
    assert world.open_holds(placed) == ["refund"]
    (hold,) = world.rows("SELECT reason FROM holds WHERE state = 'open'")
    assert hold.reason.startswith("7.00 USD of what the buyer gets back is where Packline cannot give it back")
    step, kind, minor = the_step(world, "asks")
    assert (kind, minor) == ("refund_by_hand", 700)

    with world.reading() as session:
        if word == "agree":
            assert desk.agree(session, world.tenant, step, by=ANN)
        else:
            assert desk.skip_step(session, world.tenant, step, by=ANN, reason="a voucher instead")
    world.settle()

    assert world.open_holds(placed) == []
    assert [row.state for row in world.rows("SELECT state FROM reversals")] == ["done"]
    assert took_effect(world, "stripe", "refund.create") == 1


def test_what_payments_cannot_bear_of_a_part_is_asked_about_while_the_rest_is_shipped(world: World):
    world.open_shop(variants=[variant("BAG", price="10.00")])
    placed = labelled(world, ("BAG", 3))
    pay(world, placed, minor=1200)
    begin(world, placed, some(world, placed, "BAG", 2))
    world.settle()

    assert (world.order(placed).state, given_back(world)) == ("fulfilled", [1200])
    step, kind, minor = the_step(world, "asks")
    assert (kind, minor, world.open_holds(placed)) == ("refund_by_hand", 800, ["refund"])
    assert [one["status"].lower() for one in world.fulfillments(placed)] == ["success"]

    with world.reading() as session:
        assert desk.agree(session, world.tenant, step, by=ANN)
        assert desk.agree(session, world.tenant, step, by=ANN) is False
    assert world.open_holds(placed) == []
    world.settle()
    assert (world.order(placed).state, given_back(world)) == ("fulfilled", [1200])


def asked_to_cancel(world: World) -> int:
    return len(world.calls(vendor="shopify", operation="orderCancel"))


def later(world: World, by: timedelta) -> None:
    """So much time passes for the store's answer."""
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE intentions SET keyed_at = keyed_at - :by, created_at = created_at - :by"), {"by": by}
        )
    world.hurry_but_voids()
    world.settle()


def test_a_store_that_is_still_cancelling_is_looked_at_and_not_asked_again(world: World):
    world.open_shop(job_delay_s=8.0)
    placed = labelled(world, ("BAG", 1))
    begin(world, placed)
    world.settle()

    for _ in range(3):
        world.hurry_but_voids()
        world.settle()
    assert (world.order(placed).state, asked_to_cancel(world)) == ("cancelling", 1)

    time.sleep(8.1)  # the store's own time
    world.hurry_but_voids()
    world.settle()
    assert (world.order(placed).state, asked_to_cancel(world)) == ("cancelled", 1)


def test_a_store_that_does_not_cancel_is_asked_once_a_minute_and_a_retry_gives_it_another_hour(world: World):
    world.open_shop(job_delay_s=60.0)
    placed = labelled(world, ("BAG", 1))
    begin(world, placed)
    world.settle()
    assert asked_to_cancel(world) == 1

    later(world, timedelta(seconds=60))
    assert asked_to_cancel(world) == 2
    later(world, timedelta(seconds=20))
    assert asked_to_cancel(world) == 2

    later(world, timedelta(minutes=60))
    (job,) = world.rows("SELECT id, reason FROM jobs WHERE state = 'parked'")
    assert job.reason == "The store was asked to cancel the order and has not done so in an hour."
    with world.reading() as session:
        assert desk.retry(session, world.tenant, job.id, by=ANN)
    world.settle()

    assert asked_to_cancel(world) == 3
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []
    assert the_step(world, "due")[1] == "cancel_in_store"


def test_a_step_that_is_under_way_or_whose_end_nobody_knows_is_not_gone_without(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    pay(world, placed)
    world.fault(vendor="stripe", kind="5xx", operation="refund.create", times=None)
    begin(world, placed)
    world.settle()
    step, kind, _ = the_step(world, "due")
    assert kind == "refund_payment"

    with world.reading() as session:
        assert desk.skip_step(session, world.tenant, step, by=ANN, reason="in cash") is False
    with world.engine.begin() as connection:  # refused while it was being found out
        connection.execute(text("UPDATE reversal_steps SET state = 'refused' WHERE id = :step"), {"step": step})
    with world.reading() as session:
        assert desk.skip_step(session, world.tenant, step, by=ANN, reason="in cash") is False

    world.control("DELETE", "/faults")
    world.hurry_but_voids()
    world.settle()
    assert (world.order(placed).state, given_back(world)) == ("cancelled", [1700])
    assert took_effect(world, "stripe", "refund.create") == 1
