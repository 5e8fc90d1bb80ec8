"""Money that was only authorised is taken once, when what it pays for has left, and never for what does not leave."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.nouns import Money
from jobs import desk, queue
from jobs.capture_payment import owed_minor
from orders.reversing import Wish
from records.orders import Order, Payment
from records.tenants import Rules
from tests.world import STRIPE_KEY, World, variant

WHEN_SHIPPED = Rules(ship_when="authorised", capture_when_shipped=True)


def authorise(world: World, placed: dict, minor: int) -> dict:
    return world.control("POST", "/stripe/payments", {
        "key": STRIPE_KEY, "amount": minor, "currency": "usd", "outcome": "requires_capture",
        "metadata": {"order_name": placed["name"]}})  # fmt: skip


def total_minor(placed: dict) -> int:
    return round(float(placed["total_price"]) * 100)


def captures(world: World) -> list[dict]:
    return [
        call for call in world.calls(vendor="stripe", effect="true") if call["operation"] == "payment_intent.capture"
    ]


def taken(world: World) -> list[int]:
    return [row.captured_minor for row in world.rows("SELECT captured_minor FROM payments ORDER BY id")]


def sentences(world: World) -> list[str]:
    return [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id")]


def test_authorised_money_is_taken_once_when_the_order_has_left(world: World):
    world.open_shop(rules=WHEN_SHIPPED)
    placed = world.place(("BAG", 1), financial_status="pending")
    payment = authorise(world, placed, total_minor(placed) + 500)

    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert taken(world) == [total_minor(placed)]  # what was authorised above it is given back
    assert len(captures(world)) == 1
    amount = Money(minor=total_minor(placed), currency="USD")
    assert f"{amount} of payment {payment['id']} is taken, as the order has left." in sentences(world)
    assert world.store_orders()[placed["name"]]["financial_status"].lower() == "paid"

    with world.reading() as session:
        queue.add(session, world.tenant, "capture_payment", "payment/1", lane=f"order/{world.order(placed).id}")
    world.settle()
    assert len(captures(world)) == 1


@pytest.mark.parametrize("kind", ["timeout_after", "cut_after", "5xx_after"])
def test_a_capture_whose_answer_was_lost_is_adopted(world: World, kind: str):
    world.open_shop(rules=WHEN_SHIPPED)
    placed = world.place(("BAG", 1), financial_status="pending")
    authorise(world, placed, total_minor(placed))
    world.fault(vendor="stripe", kind=kind, operation="payment_intent.capture", times=3, delay_s=0.1)

    world.settle()
    world.hurry()
    world.settle()

    assert taken(world) == [total_minor(placed)]
    assert len(captures(world)) == 1
    assert [row.state for row in world.rows("SELECT state FROM jobs WHERE kind = 'capture_payment'")] == ["done"]


def test_nothing_is_taken_before_the_last_unit_has_left(world: World):
    world.open_shop(rules=WHEN_SHIPPED, variants=[variant("BAG"), variant("MUG", stock={"Reno": 0})])
    placed = world.place(("BAG", 1), ("MUG", 1), financial_status="pending")
    authorise(world, placed, total_minor(placed))

    world.settle()

    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["announced"]
    assert (taken(world), captures(world)) == ([0], [])


def test_a_shop_that_takes_its_money_itself_is_left_to_it(world: World):
    world.open_shop(rules=Rules(ship_when="authorised"))
    placed = world.place(("BAG", 1), financial_status="pending")
    authorise(world, placed, total_minor(placed))

    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert captures(world) == []
    assert world.rows("SELECT id FROM jobs WHERE kind = 'capture_payment'") == []


def half_shipped(world: World) -> dict:
    """An order with one shipment announced, that waits for a mug which nobody has."""
    world.open_shop(rules=WHEN_SHIPPED, variants=[variant("BAG"), variant("MUG", stock={"Reno": 0})])
    placed = world.place(("BAG", 1), ("MUG", 1), financial_status="pending")
    authorise(world, placed, total_minor(placed))
    world.settle()
    assert (world.order(placed).state, taken(world)) == ("shipping", [0])
    world.next_second()
    return placed


def cancel(world: World, placed: dict, wish: Wish) -> None:
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, wish, by="person:Ann")
    world.settle()


def test_money_is_taken_when_the_rest_that_nobody_has_is_taken_off(world: World):
    placed = half_shipped(world)
    (mug,) = world.rows("SELECT id FROM order_lines WHERE sku = 'MUG'")

    cancel(world, placed, Wish(purpose="cancel_lines", wanted={mug.id: 1}))

    assert world.order(placed).state == "fulfilled"
    assert taken(world) == [total_minor(placed) - 1200]
    assert len(captures(world)) == 1


def test_money_is_taken_for_what_had_left_when_the_order_was_cancelled(world: World):
    placed = half_shipped(world)
    (parcel,) = world.rows("SELECT tracking_code FROM parcels")
    world.control("POST", f"/easypost/trackers/{parcel.tracking_code}/move", {"status": "in_transit"})
    world.settle()

    cancel(world, placed, Wish(purpose="cancel"))

    assert world.order(placed).state == "fulfilled"
    assert taken(world) == [total_minor(placed) - 1200]
    assert len(captures(world)) == 1


@pytest.mark.parametrize("state", ["cancelling", "cancelled"])
def test_nothing_is_taken_for_a_cancelled_order(world: World, state: str):
    world.open_shop(rules=Rules(ship_when="authorised"))
    placed = world.place(("BAG", 1), financial_status="pending")
    authorise(world, placed, total_minor(placed))
    world.settle()
    with world.reading() as session:
        order = session.get_one(Order, (world.tenant, world.order(placed).id))
        order.state = state
        queue.add(session, world.tenant, "capture_payment", "payment/1", lane="payment/1")

    world.work_off()

    assert captures(world) == []
    (job,) = world.rows("SELECT state, reason FROM jobs WHERE kind = 'capture_payment'")
    assert (job.state, job.reason) == ("cancelled", "the order is cancelled: its money is not taken")


def payment(authorised: int, captured: int = 0, refunded: int = 0, currency: str = "USD") -> Payment:
    return Payment(
        tenant_id=1, connection_id="c", remote_id="pi", currency=currency, amount_minor=authorised, state="authorised",
        authorised_minor=authorised, captured_minor=captured, refunded_minor=refunded, as_of=datetime.now(UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("authorised", "others", "owed"),
    [
        (2000, [], 1700),
        (1500, [], 1500),
        (2000, [payment(0, captured=700)], 1000),
        (2000, [payment(0, captured=1700)], 0),
        (2000, [payment(0, captured=1800)], 0),
        (2000, [payment(0, captured=700, refunded=700)], 1000),
        (2000, [payment(0, captured=700, currency="EUR")], 1700),
        (2000, [payment(900)], 1700),
    ],
)
def test_what_is_owed_is_what_the_order_costs_less_what_others_took(authorised: int, others: list, owed: int):
    order = Order(currency="USD", total_minor=1700)

    assert owed_minor(payment(authorised), others, order) == owed
