"""What may still be changed of an order, and what becomes of the money: tables of cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders.change_told import AT_MOST, BACK, NOTHING_TAKEN, RELEASED, money_back
from orders.reversal import DeliveryFacts, Facts, LabelFacts, LineFacts, ParcelFacts, PaymentFacts, ShipmentFacts
from orders.still_changeable import (
    BUSY,
    CANCELLED,
    FORGOTTEN,
    GIVEN,
    PICKING,
    PROMISED,
    SENT,
    WATCHED,
    look,
    time_left_s,
)  # fmt: skip

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINES = (
    LineFacts(id=1, remote_id="l1", title="BAG", units=2, to_ship=2),
    LineFacts(id=2, remote_id="l2", title="MUG", units=3, to_ship=3),
)


def facts(*shipments: ShipmentFacts, state: str = "allocated", **more: object) -> Facts:
    known = {
        "order": 1, "name": "#1", "state": state, "standing": "paid", "currency": "USD", "total_minor": 5000,
        "lines": LINES, "shipments": shipments,
    }  # fmt: skip
    return Facts(**known | more)  # type: ignore[arg-type]


def shipment(state: str = "planned", *labels: str, status: str = "unknown", **units: int) -> ShipmentFacts:
    kept = tuple(LabelFacts(id=number, state=label) for number, label in enumerate(labels, start=1))
    return ShipmentFacts(
        id=1, state=state, location="Reno", location_remote_id="r",
        units={int(line.removeprefix("l")): count for line, count in (units or {"l1": 2}).items()},
        parcels=(ParcelFacts(id=1, carrier_status=status, labels=kept),),
    )  # fmt: skip


def seen(known: Facts, **how: bool) -> object:
    return look(known, **{"watches": False, "forgotten": False, "readdressed": False, "buying": False} | how)


@pytest.mark.parametrize(
    ("known", "how", "why", "free"),
    [
        (facts(state="received"), {}, "", {1: 2, 2: 3}),
        (facts(shipment()), {}, "", {1: 2, 2: 3}),
        (facts(shipment("cancelled", "voided")), {}, "", {1: 2, 2: 3}),
        (facts(shipment("planned", "failed", "intended")), {}, "", {1: 2, 2: 3}),
        (facts(shipment("planned", "intended")), {"buying": True}, PICKING, {2: 3}),
        (facts(shipment("planned", "bought")), {}, PICKING, {2: 3}),
        (facts(shipment("labelled", "bought")), {}, PICKING, {2: 3}),
        (facts(shipment("labelled", "bought", l1=2, l2=3)), {}, PICKING, {}),
        (facts(shipment("announced", "bought")), {}, SENT, {2: 3}),
        (facts(shipment("labelled", "bought", status="in_transit")), {}, SENT, {2: 3}),
        (facts(shipment("handed_over", "bought"), state="fulfilled"), {}, SENT, {}),
        (facts(promised_by=("Sofas Inc",), promised_units={1: 2, 2: 1}), {}, PROMISED, {2: 2}),
        (facts(shipment("labelled", "bought"), promised_by=("Sofas Inc",), promised_units={2: 3}), {}, PICKING, {}),
        (facts(state="cancelling"), {}, CANCELLED, {}),
        (facts(cancelled_in_store=True), {}, CANCELLED, {}),
        (facts(), {"watches": True}, WATCHED, {}),
        (facts(), {"forgotten": True}, FORGOTTEN, {}),
        (facts(shipment("handed_over", "bought"), state="fulfilled"), {"forgotten": True}, FORGOTTEN, {}),
        (facts(state="closed", deliveries=(DeliveryFacts(id=1),)), {"forgotten": True}, FORGOTTEN, {}),
        (facts(), {"readdressed": True}, BUSY, {}),
        (facts(under_way=True), {}, BUSY, {}),
    ],
)
def test_what_may_be_changed_ends_with_the_first_label(known, how, why, free):
    still = seen(known, **how)

    assert (still.why, dict(still.free)) == (why, free)
    assert still.address is still.cancel is (not why)
    assert still.anything is (not why or bool(free))


def test_what_was_delivered_by_mail_ends_the_cancelling_and_leaves_the_rest_free():
    still = seen(facts(shipment(), deliveries=(DeliveryFacts(id=1),)))

    assert (still.why, still.cancel, still.address, dict(still.free)) == (GIVEN, False, True, {1: 2, 2: 3})
    over = seen(facts(state="closed", deliveries=(DeliveryFacts(id=1),)))
    assert (over.why, over.anything) == (GIVEN, False)
    left = seen(facts(shipment("labelled", "bought"), deliveries=(DeliveryFacts(id=1),)))
    assert (left.why, left.cancel, left.address) == (PICKING, False, False)


def test_an_address_is_no_matter_where_nothing_of_an_order_is_sent():
    collected = tuple(replace(line, by_hand=line.to_ship) for line in LINES)
    known = facts(lines=collected)

    assert (seen(known).address, seen(known).cancel, seen(known).why) == (False, True, "")
    assert seen(facts(lines=(collected[0], *LINES[1:]))).address
    assert (seen(facts(shipment("ready"), lines=collected)).why, seen(known).anything) == (PICKING, True)
    assert not seen(facts(shipment("handed_over"), lines=collected)).address


@pytest.mark.parametrize(
    ("known", "units", "kind", "minor"),
    [
        (facts(), {}, BACK, 5000),
        (facts(), {2: 2}, AT_MOST, 1600),
        (facts(standing="part_refunded"), {}, BACK, 5000),
        (facts(standing="part_paid"), {}, BACK, None),
        (facts(standing="unpaid"), {}, NOTHING_TAKEN, None),
        (facts(standing="unpaid"), {1: 1}, NOTHING_TAKEN, None),
        (facts(standing="authorised"), {}, RELEASED, None),
        (facts(standing="authorised"), {1: 1}, NOTHING_TAKEN, None),
    ],
)
def test_the_buyer_is_told_what_becomes_of_the_money_and_no_more_than_is_known(known, units, kind, minor):
    back = money_back(known, {1: 1200, 2: 800}, units)

    assert (back.kind, back.minor) == (kind, minor)


def test_money_at_a_payment_provider_goes_back_as_much_as_is_left_of_it():
    paid = PaymentFacts(
        id=1, remote_id="pi", state="paid", currency="USD", captured_minor=5000, refunded_minor=1000
    )  # fmt: skip
    back = money_back(facts(standing="unpaid", payments=(paid,)), {}, {})

    assert (back.kind, back.minor) == (BACK, 4000)


@pytest.mark.parametrize(
    ("placed", "minutes", "left"),
    [
        (NOW, 0, 0.0),
        (None, 60, 0.0),
        (NOW, 60, 3600.0),
        (NOW - timedelta(minutes=59), 60, 60.0),
        (NOW - timedelta(minutes=61), 60, 0.0),
    ],
)
def test_a_label_waits_until_the_order_is_as_old_as_the_shop_says(placed, minutes, left):
    assert time_left_s(placed, minutes, now=NOW) == left
