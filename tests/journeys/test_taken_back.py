"""An order, or a part of it, is taken back by a plan that survives whatever happens in the middle of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread

import pytest
from sqlalchemy import text

from integrations.storefronts.shopify.storefront import ShopifyStorefront
from jobs import desk, runner
from orders import taking_back
from orders.reversing import Wish
from orders.taking_back import Begun, PlanChanged
from records.tenants import Rules
from tests.dying import work_off_until
from tests.world import STRIPE_KEY, World, eventually, variant

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


def pay(world: World, placed: dict, outcome: str = "succeeded") -> None:
    """Pay an order at Stripe, where the store only hears of it."""
    charge(world, placed, outcome)
    world.settle()


def charge(world: World, placed: dict, outcome: str = "succeeded") -> None:
    wish = {
        "key": STRIPE_KEY, "amount": round(float(placed["total_price"]) * 100), "currency": "usd",
        "outcome": outcome, "metadata": {"order_name": placed["name"]},
    }  # fmt: skip
    world.control("POST", "/stripe/payments", wish)


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
    assert world.unfinished() == []
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
    assert world.unfinished(but="void_label") == []


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
    pay(world, placed)
    assert world.order(placed).state == "fulfilled"

    cancel(world, placed, some(world, placed, "BAG", 2))

    assert world.order(placed).state == "fulfilled"
    assert [(row.captured_minor, row.refunded_minor) for row in world.rows("SELECT * FROM payments")] == [(3500, 2000)]
    assert effects(world) == {"refundCreate": 1, "refund.create": 1, "fulfillmentCancel": 1, "shipment.refund": 1}
    there = world.store_orders()[placed["name"]]
    assert (float(there["refunded"]), there["lines"]) == (0.0, [{"sku": "BAG", "quantity": 1}])
    assert (world.level("BAG", "Reno"), movements(world)) == ((99, 0), (99, 0))


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


def come_back(world: World, lane: str) -> None:
    """The dead worker's lease runs out, and another one takes over."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'"))
    runner.work_off(world.services, world.tenant, lane)


def ask_for(world: World, placed: dict, wish: Wish) -> str:
    """Begin, with nobody at work yet; answers the lane."""
    order = world.order(placed).id
    with world.reading() as session:
        assert isinstance(desk.cancel(session, world.tenant, order, wish, by=ANN), Begun)
    return f"order/{order}"


def die_at_every_boundary(world: World, make: Callable[[int], list[dict]], wish: Callable[[dict], Wish]) -> list[dict]:
    """Take one order back for each boundary that there is, dying at it; answers the orders."""
    (unharmed,) = make(1)
    boundaries = work_off_until(world, ask_for(world, unharmed, wish(unharmed)), None)
    orders = make(boundaries)
    for boundary, placed in enumerate(orders, start=1):
        lane = ask_for(world, placed, wish(placed))
        assert work_off_until(world, lane, boundary) == boundary
        come_back(world, lane)
    world.settle()
    world.hurry()
    world.settle()
    return [unharmed, *orders]


@pytest.mark.drill
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_cancellation_that_dies_at_any_boundary_is_done_once(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1000})])

    def paid_at_stripe_and_announced(count: int) -> list[dict]:
        orders = [world.place(("BAG", 1), financial_status="pending") for _ in range(count)]
        for placed in orders:
            charge(world, placed)
        world.settle()
        assert {world.order(placed).state for placed in orders} == {"fulfilled"}
        return orders

    orders = die_at_every_boundary(world, paid_at_stripe_and_announced, lambda _: CANCEL)

    count = len(orders)
    assert count > 20
    assert {world.order(placed).state for placed in orders} == {"cancelled"}
    assert effects(world) == {
        "orderCancel": count, "fulfillmentCancel": count, "refund.create": count, "shipment.refund": count,
    }  # fmt: skip
    assert {row.state for row in world.rows("SELECT state FROM payments")} == {"refunded"}
    assert world.level("BAG", "Reno") == (1000, 0) == movements(world)
    assert {row.state for row in world.rows("SELECT state FROM reversals")} == {"done"}
    assert world.rows("SELECT key FROM intentions WHERE state = 'intended' AND kind <> 'void_label'") == []


@pytest.mark.drill
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_part_that_dies_at_any_boundary_is_taken_back_once_and_the_rest_is_shipped_once(world: World):
    world.open_shop(variants=[variant("BAG", price="10.00", stock={"Reno": 1000})])

    def planned(count: int) -> list[dict]:
        world.fault(vendor="easypost", kind="429", operation="shipment.create", retry_after=3600, times=None)
        orders = [world.place(("BAG", 3)) for _ in range(count)]
        world.settle()
        world.control("DELETE", "/faults")
        return orders

    orders = die_at_every_boundary(world, planned, lambda placed: some(world, placed, "BAG", 1))

    count = len(orders)
    assert count > 15
    assert {world.order(placed).state for placed in orders} == {"fulfilled"}
    assert effects(world) == {"refundCreate": count}
    assert len(world.labels_bought()) == count
    assert {float(one["refunded"]) for one in world.store_orders().values()} == {10.0}
    assert world.level("BAG", "Reno") == (1000 - 2 * count, 0) == movements(world)


def test_a_cancellation_that_arrives_while_a_label_is_being_bought_loses_none_and_buys_no_other(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="latency", operation="shipment.buy", delay_s=6.0)
    placed = world.place(("BAG", 1))
    world.heard()
    worker = Thread(target=world.work_off)
    worker.start()
    eventually(lambda: world.rows("SELECT id FROM jobs WHERE state = 'running' AND kind = 'buy_label'"))
    eventually(lambda: world.rows("SELECT id FROM intentions WHERE kind = 'buy_label'"))

    ask_for(world, placed, CANCEL)
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["intended"]
    worker.join(30)
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert [one["refund_status"] for one in world.labels_bought()] == ["submitted"]
    assert len(world.calls(vendor="easypost", operation="shipment.buy", effect="true")) == 1
    assert world.fulfillments(placed) == []
    assert world.level("BAG", "Reno") == (100, 0)


def test_a_purchase_that_nobody_can_find_yet_is_waited_for(world: World):
    """The worker died in the middle of buying, and the carrier may still be at it."""
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.buy", times=None)
    placed = world.place(("BAG", 1))
    world.settle()

    cancel(world, placed)

    assert world.order(placed).state == "cancelling"
    (job,) = world.unfinished()
    assert (job.kind, job.reason) == ("reverse_order", "A purchase may still be under way at the carrier.")
    assert 80 < job.wait_s <= 100

    with world.engine.begin() as connection:  # a hundred seconds later
        connection.execute(text("UPDATE jobs SET started_at = started_at - interval '100 s'"))
        connection.execute(text("UPDATE intentions SET keyed_at = keyed_at - interval '100 s'"))
    world.hurry()
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["failed"]


def cancel_in_the_store(world: World, placed: dict) -> None:
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()


def stopped_with_money_at_stripe(world: World, **rules: object) -> dict:
    world.open_shop(rules=Rules(**rules))
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    pay(world, placed)
    assert world.order(placed).state == "allocated"
    cancel_in_the_store(world, placed)
    return placed


def question(world: World) -> int:
    (step,) = world.rows("SELECT id, kind, amount_minor FROM reversal_steps WHERE state = 'asks'")
    assert (step.kind, step.amount_minor) == ("refund_payment", 1700)
    return step.id


def test_money_at_stripe_waits_for_a_person_where_the_store_cancelled(world: World):
    placed = stopped_with_money_at_stripe(world)

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", ["refund"])
    (hold,) = world.rows("SELECT reason FROM holds WHERE state = 'open'")
    assert "17.00 USD of payment pi_" in hold.reason
    assert effects(world) == {}
    step = question(world)

    with world.reading() as session:
        assert desk.agree(session, world.tenant, step, by=ANN) is True
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", [])
    assert effects(world) == {"refund.create": 1}
    assert [row.state for row in world.rows("SELECT state FROM reversals")] == ["done"]
    with world.reading() as session:
        assert desk.agree(session, world.tenant, step, by=ANN) is False


@pytest.mark.parametrize("way", ["skip", "release the hold", "refund at the provider"])
def test_a_question_about_money_ends_in_other_ways_too(world: World, way: str):
    placed = stopped_with_money_at_stripe(world)
    step, order = question(world), world.order(placed).id

    with world.reading() as session:
        if way == "skip":
            assert desk.skip_step(session, world.tenant, step, by=ANN, reason="paid in cash")
        elif way == "release the hold":
            assert desk.release_hold(session, world.tenant, order, "refund", by=ANN, now=datetime.now(UTC))
    if way == "refund at the provider":
        (payment,) = world.rows("SELECT remote_id FROM payments")
        world.control("POST", f"/stripe/payments/{payment.remote_id}/refund", {"key": STRIPE_KEY})
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", [])
    assert [row.state for row in world.rows("SELECT state FROM reversals")] == ["done"]
    assert len(world.calls(vendor="stripe", operation="refund.create")) == 0


def test_a_shop_that_always_refunds_is_not_asked(world: World):
    placed = stopped_with_money_at_stripe(world, refund_when_cancelled="always")

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", [])
    assert effects(world) == {"refund.create": 1}


def test_money_that_comes_after_the_cancellation_is_asked_about(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    cancel_in_the_store(world, placed)
    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", [])

    pay(world, placed)

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", ["refund"])
    assert question(world)
    assert world.calls(vendor="shopify", operation="orderMarkAsPaid") == []


def test_a_void_that_the_carrier_refuses_does_not_stop_the_refund(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 1))
    (label,) = world.labels_bought()

    cancel(world, placed)
    world.control("POST", f"/easypost/refunds/{label['id']}/settle", {"result": "rejected"})
    world.hurry()
    world.settle()

    there = world.store_orders()[placed["name"]]
    assert (world.order(placed).state, there["refunded"]) == ("cancelled", there["received"])
    assert [row.state for row in world.rows("SELECT state FROM reversals")] == ["done"]
    assert [row.state for row in world.rows("SELECT state FROM labels")] != ["bought"]


def test_a_step_that_is_refused_parks_and_a_person_tries_that_very_step_again(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    pay(world, placed)
    world.fault(vendor="stripe", kind="5xx", status=400, operation="refund.create", times=1)

    cancel(world, placed)

    assert world.order(placed).state == "cancelling"
    (job,) = world.rows("SELECT id, kind, remedy FROM jobs WHERE state = 'parked'")
    assert job.kind == "reverse_order"
    assert job.remedy
    assert ("refund_payment", "refused") in step_states(world)

    with world.reading() as session:
        assert desk.retry(session, world.tenant, job.id, by=ANN)
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert effects(world) == {"orderCancel": 1, "fulfillmentCancel": 1, "refund.create": 1, "shipment.refund": 1}


def test_a_refused_step_can_be_gone_without(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    pay(world, placed)
    world.fault(vendor="stripe", kind="5xx", status=400, operation="refund.create", times=None)
    cancel(world, placed)
    (step,) = world.rows("SELECT id FROM reversal_steps WHERE state = 'refused'")

    with world.reading() as session:
        assert desk.skip_step(session, world.tenant, step.id, by=ANN, reason="paid back in cash")
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert [row.state for row in world.rows("SELECT state FROM reversals")] == ["done"]
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []
    told = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries WHERE actor = :ann", ann=ANN)]
    assert "Skipped: refund payment, because paid back in cash" in told


def test_a_store_that_takes_its_time_is_looked_at_again(world: World):
    world.open_shop(job_delay_s=5.0)
    placed = labelled(world, ("BAG", 1))

    cancel(world, placed)
    assert world.order(placed).state == "cancelling"
    time.sleep(5.1)  # the store's own time
    world.hurry()
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert effects(world)["orderCancel"] == 1


def test_a_cancellation_in_the_store_wins_over_a_part_that_is_under_way(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 3))
    world.settle()
    ask_for(world, placed, some(world, placed, "BAG", 1))

    cancel_in_the_store(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [(row.purpose, row.state) for row in world.rows("SELECT purpose, state FROM reversals ORDER BY id")] == [
        ("cancel_lines", "given_up"), ("cancel", "done"),
    ]  # fmt: skip
    assert (world.level("BAG", "Reno"), effects(world)) == ((100, 0), {})


@pytest.mark.parametrize("verb", ["quote_refund", "refund"])
def test_a_part_that_is_refused_as_the_store_cancels_the_whole_order_leaves_nobody_with_work(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 3))
    world.settle()
    asked_before = getattr(ShopifyStorefront, verb)

    def asked(self: ShopifyStorefront, *what: object, **more: object) -> object:
        monkeypatch.setattr(ShopifyStorefront, verb, asked_before)
        world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
        eventually(lambda: take_events(world) or world.order(placed).state == "cancelling")
        return asked_before(self, *what, **more)

    monkeypatch.setattr(ShopifyStorefront, verb, asked)
    ask_for(world, placed, some(world, placed, "BAG", 1))
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert [(row.purpose, row.state) for row in world.rows("SELECT purpose, state FROM reversals ORDER BY id")] == [
        ("cancel_lines", "given_up"), ("cancel", "done"),
    ]  # fmt: skip
    assert world.rows("SELECT kind FROM jobs WHERE state = 'parked'") == []
    assert (world.level("BAG", "Reno"), effects(world)) == ((100, 0), {})


def take_events(world: World) -> None:
    """What has been delivered is taken, while the order's own lane is busy."""
    for row in world.rows("SELECT lane FROM jobs WHERE kind = 'take_event' AND state = 'due'"):
        runner.work_off(world.services, world.tenant, row.lane)
