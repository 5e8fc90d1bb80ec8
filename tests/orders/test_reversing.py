"""The plan by which an order is taken back: a table of cases, and what holds for every order there may be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orders import giving_back, reversing, too_late
from orders.reversing import (
    Facts,
    LabelFacts,
    LineFacts,
    ParcelFacts,
    PaymentFacts,
    ShipmentFacts,
    Wish,
)
from records.tenants import Rules

CANCEL, REPLAN = Wish(purpose="cancel"), Wish(purpose="replan", origin="packline")
IN_STORE = Wish(purpose="cancel", origin="store")


def line(id=1, units=3, to_ship=None):
    return LineFacts(
        id=id, remote_id=f"l{id}", title=f"SKU{id}", units=units, to_ship=units if to_ship is None else to_ship
    )


def shipment(id=1, state="planned", units=3, *, seen="unknown", label=None, outdated=False, lines=None):
    states = {"planned": None, "labelled": "bought", "announced": "bought", "handed_over": "bought"}
    bought = label or states.get(state)
    labels = (
        ()
        if bought is None
        else (
            LabelFacts(id=id, state=bought, tracking_code=f"9{id}", cost_minor=700, currency="USD", outdated=outdated),
        )
    )
    return ShipmentFacts(
        id=id, state=state, location="Reno", location_remote_id="reno", units=lines or {1: units},
        parcels=(ParcelFacts(id=id, carrier_status=seen, labels=labels),),
        fulfillments=(f"f{id}",) if state in {"announced", "handed_over"} else (),
    )  # fmt: skip


def payment(id=1, captured=0, refunded=0, authorised=0, **more):
    state = "paid" if captured else "authorised"
    return PaymentFacts(
        id=id, remote_id=f"pi_{id}", state=state, currency="USD", authorised_minor=authorised or captured,
        captured_minor=captured, refunded_minor=refunded, **more,
    )  # fmt: skip


def order(*shipments, lines=None, **more):
    known = {
        "order": 7, "name": "#1001", "state": "allocated", "standing": "paid", "currency": "USD", "total_minor": 3000,
        "lines": lines or (line(),), "shipments": shipments,
    }  # fmt: skip
    return Facts(**(known | more))


def kinds(wish, facts, **rules):
    return [step.kind for step in reversing.plan(wish, facts, Rules(**rules)).steps]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (order(), ["stop_work", "cancel_in_store"]),
        (order(shipment()), ["stop_work", "release_stock", "cancel_in_store"]),
        (
            order(shipment(label="intended")),
            ["stop_work", "settle_label", "release_stock", "cancel_in_store"],
        ),
        (order(shipment(state="labelled")), ["stop_work", "release_stock", "void_label", "cancel_in_store"]),
        (
            order(replace(shipment(state="labelled"), in_doubt=True)),
            ["stop_work", "settle_announcement", "release_stock", "void_label", "cancel_in_store"],
        ),
        (
            order(shipment(state="announced", seen="pre_transit")),
            ["stop_work", "cancel_fulfillment", "put_back_stock", "void_label", "cancel_in_store"],
        ),
        (order(shipment(), cancelled_in_store=True), ["stop_work", "release_stock"]),
        (
            order(payments=(payment(captured=3000),)),
            ["stop_work", "cancel_in_store", "refund_payment"],
        ),
        (order(payments=(payment(authorised=3000),)), ["stop_work", "cancel_in_store", "cancel_payment"]),
        (order(payments=(payment(captured=3000, refunded=3000),)), ["stop_work", "cancel_in_store"]),
    ],
)
def test_the_whole_order_goes_step_by_step(facts, expected):
    assert kinds(CANCEL, facts) == expected


@pytest.mark.parametrize("left", [shipment(state="handed_over"), shipment(state="announced", seen="in_transit")])
def test_what_has_left_is_kept_with_a_sentence_and_the_rest_is_taken_off(left):
    facts = order(left, shipment(2, units=2), lines=(line(units=5),))

    drawn = reversing.plan(CANCEL, facts, Rules())

    assert [step.kind for step in drawn.steps] == ["stop_work", "release_stock", "refund_in_store"]
    assert (drawn.whole, dict(drawn.store_units)) == (False, {1: 2})
    assert drawn.keeps[0].startswith("Shipment 1 has left (")
    assert "3 × SKU1" in drawn.keeps[0]


def test_what_the_store_cancelled_is_not_asked_of_the_store_and_money_elsewhere_is_asked_about():
    facts = order(shipment(), cancelled_in_store=True, payments=(payment(captured=3000), payment(2, authorised=500)))

    drawn = reversing.plan(IN_STORE, facts, Rules())

    assert [(step.kind, step.asks) for step in drawn.steps] == [
        ("stop_work", False), ("release_stock", False), ("refund_payment", True), ("cancel_payment", False),
    ]  # fmt: skip
    always = reversing.plan(IN_STORE, facts, Rules(refund_when_cancelled="always"))
    assert not any(step.asks for step in always.steps)


def test_money_stays_where_nobody_wants_it_back_or_a_bank_looks_at_it():
    unwanted = reversing.plan(replace(CANCEL, refund=False), order(payments=(payment(captured=3000),)), Rules())
    disputed = reversing.plan(CANCEL, order(payments=(payment(captured=3000, disputed=True),)), Rules())

    for drawn in (unwanted, disputed):
        assert "refund_payment" not in [step.kind for step in drawn.steps]
        assert drawn.keeps[0].startswith("30.00 USD of payment pi_1 ")


SPLIT = order(payments=(payment(captured=2000),))


@pytest.mark.parametrize(
    ("facts", "held"),
    [
        (SPLIT, 1000),
        (order(payments=(payment(authorised=2000),)), 1000),
        (order(payments=(payment(captured=3000),)), 0),
        (order(payments=(payment(captured=3000, refunded=500),)), 0),
        (replace(SPLIT, standing="unpaid"), 0),
        (replace(SPLIT, currency="CAD"), 0),
        (replace(SPLIT, total_minor=2500, given_for_parts_minor=500), 1000),
        (order(), 0),  # the store has all of it, and gives it back by itself
    ],
)
def test_what_was_paid_in_the_store_is_what_payments_elsewhere_leave_of_the_price(facts, held):
    assert facts.held_in_store_minor == held


def test_what_was_paid_in_the_store_beside_payments_elsewhere_is_said_and_asked_about():
    drawn = reversing.plan(CANCEL, SPLIT, Rules())

    assert [(step.kind, step.amount_minor, step.asks) for step in drawn.steps[-2:]] == [
        ("refund_payment", 2000, False), ("refund_by_hand", 1000, True),
    ]  # fmt: skip
    assert drawn.keeps[0].startswith("10.00 USD were paid in the store itself")
    for wish in (replace(CANCEL, refund=False), IN_STORE, REPLAN):
        other = reversing.plan(wish, SPLIT, Rules())
        assert "refund_by_hand" not in [step.kind for step in other.steps]
        assert not any("paid in the store" in sentence for sentence in other.keeps)


@pytest.mark.parametrize(
    ("facts", "quoted", "beyond"),
    [
        (SPLIT, 1500, 0),
        (SPLIT, 2500, 500),
        (SPLIT, 9000, 1000),  # no more than there is
        (order(payments=(payment(captured=3000, disputed=True),)), 1000, 1000),
        (order(payments=(payment(1, captured=1000, disputed=True), payment(2, captured=2000))), 2500, 500),
        (order(payments=(payment(captured=3000, refunded=3000),)), 1000, 0),  # the buyer has it already
        (order(payments=(payment(authorised=2000),)), 1500, 0),  # it is not taken
    ],
)
def test_what_no_payment_can_give_back_of_a_part_is_left_to_a_person(facts, quoted, beyond):
    assert giving_back.beyond(quoted, facts) == beyond


@pytest.mark.parametrize(
    ("facts", "units", "withdrawn"),
    [
        (order(shipment(units=2)), 1, []),  # the unit that waits for stock goes first
        (order(shipment()), 1, [1]),
        (order(shipment(1, units=2), shipment(2, units=1)), 1, [2]),
        (order(shipment(1, "announced", 2), shipment(2, units=1)), 1, [2]),
        (order(shipment(1, "announced", 1), shipment(2, "announced", 2)), 1, [2]),
        (order(shipment(1, "announced", 1), shipment(2, "planned", 2)), 3, [1, 2]),
        (order(shipment(1, "handed_over", 2), shipment(2, units=1)), 1, [2]),
    ],
)
def test_a_part_takes_back_the_shipments_that_cost_least(facts, units, withdrawn):
    facts = replace(facts, lines=(*facts.lines, line(2, units=1)))
    drawn = reversing.plan(Wish(purpose="cancel_lines", wanted={1: units}), facts, Rules())

    taken = [step.subject for step in drawn.steps if step.kind in {"release_stock", "put_back_stock"}]
    assert taken == [f"shipment/{id}" for id in withdrawn]
    assert dict(drawn.store_units) == {1: units}
    assert [step.kind for step in drawn.steps][-2:] == ["refund_in_store", "plan_again"]
    assert drawn.whole is False


def test_more_units_than_can_be_had_are_cut_to_those():
    facts = order(shipment(1, "handed_over", 2), shipment(2, units=1), lines=(line(), line(2, units=1)))

    drawn = reversing.plan(Wish(purpose="cancel_lines", wanted={1: 3}), facts, Rules())

    assert dict(drawn.store_units) == {1: 1}
    assert drawn.keeps[0].startswith("Shipment 1 has left (handed over) with 2 × SKU1")


def test_all_units_of_all_lines_are_the_whole_order_unless_it_was_begun_as_a_part():
    wish = Wish(purpose="cancel_lines", wanted={1: 3})

    assert reversing.sharpened(wish, order()).purpose == "cancel"
    assert reversing.sharpened(wish, order(under_way=True)).purpose == "cancel_lines"
    assert reversing.sharpened(wish, order(lines=(line(), line(2)))).purpose == "cancel_lines"


@pytest.mark.parametrize(
    ("facts", "withdrawn"),
    [
        (order(shipment()), []),
        (order(shipment(), lines=(line(units=1),)), [1]),
        (order(shipment(1, units=2), shipment(2, units=1), lines=(line(units=2),)), [2]),
        (order(shipment(1, units=2), shipment(2, units=1), lines=(line(units=1),)), [1, 2]),
        (order(shipment(state="labelled", outdated=True)), [1]),
        (order(shipment(state="announced", outdated=True)), []),
        (order(shipment(state="announced"), lines=(line(units=1, to_ship=3),)), []),
    ],
)
def test_a_change_in_the_store_withdraws_what_was_not_announced(facts, withdrawn):
    assert [one.id for one in reversing.withdrawn(REPLAN, facts)] == withdrawn


@pytest.mark.parametrize(
    ("facts", "reason", "remedy"),
    [
        (order(shipment(state="announced")), "", ""),
        (order(shipment(state="labelled", outdated=True)), "", ""),
        (order(shipment(state="announced", outdated=True)), "parcel 1 has a label for another", "Buy another label"),
        (order(shipment(state="handed_over", outdated=True)), "parcel 1 has a label for another", "Ask the carrier to"),
        (order(shipment(state="announced"), lines=(line(units=1, to_ship=3),)), "2 × SKU1 are not", "Cancel these"),
        # Units that come off once the parcel is on the road are a return.
        (order(shipment(state="announced", seen="delivered"), lines=(line(units=1, to_ship=3),)), "", ""),
    ],
)
def test_a_change_that_came_too_late_is_named_with_what_to_do(facts, reason, remedy):
    found = too_late.problem(facts)

    assert (found is None) == (reason == "")
    if found is not None:
        assert reason in found.reason
        assert found.remedy.startswith(remedy)


def test_what_labels_cost_is_said():
    facts = order(shipment(1, "labelled", 1), shipment(2, "labelled", 2))

    assert reversing.plan(CANCEL, facts, Rules()).costs == (
        "2 labels, 14.00 USD: the carrier decides within 15 days whether the postage comes back.",
    )


def test_the_digest_changes_with_the_plan_and_with_nothing_else():
    before = reversing.plan(CANCEL, order(shipment()), Rules())

    assert reversing.plan(CANCEL, order(shipment(), total_minor=9), Rules()).digest == before.digest
    assert reversing.plan(CANCEL, order(shipment(state="labelled")), Rules()).digest != before.digest
    assert reversing.plan(CANCEL, order(shipment(units=2)), Rules()).digest != before.digest


LINES = some.lists(some.integers(1, 5), min_size=1, max_size=3)
STATES = some.sampled_from(["planned", "labelled", "announced", "handed_over", "cancelled"])
SEEN = some.sampled_from(["unknown", "pre_transit", "in_transit", "delivered", "error"])


@some.composite
def orders(draw):
    """Any order: its lines in shipments of any state, some units in none, payments of any kind."""
    wanted = draw(LINES)
    lines, parts = [], {}
    for id, units in enumerate(wanted, start=1):
        lines.append(line(id, units, draw(some.integers(0, units))))
        for number in range(1, 4):
            parts.setdefault(number, {})[id] = draw(some.integers(0, 2))
    shipments = [
        shipment(number, draw(STATES), seen=draw(SEEN), lines={id: units for id, units in there.items() if units})
        for number, there in parts.items()
        if any(there.values())
    ]
    payments = [
        payment(id, captured=captured, refunded=draw(some.integers(0, captured)), disputed=draw(some.booleans()))
        for id, captured in enumerate(draw(some.lists(some.integers(0, 5000), max_size=3)), start=1)
    ]
    return order(*shipments, lines=tuple(lines), payments=tuple(payments), cancelled_in_store=draw(some.booleans()))


WISHES = some.builds(
    Wish,
    purpose=some.sampled_from(["cancel", "cancel_lines", "replan"]),
    wanted=some.dictionaries(some.integers(1, 3), some.integers(1, 5)),
    refund=some.booleans(),
    origin=some.sampled_from(["person", "store"]),
)


@given(orders(), WISHES)
def test_every_planned_unit_is_released_or_kept_and_nothing_is_done_about_what_has_left(facts, wish):
    drawn = reversing.plan(wish, facts, Rules())

    released = {int(step.subject.split("/")[1]): step.units for step in drawn.steps
                if step.kind in {"release_stock", "put_back_stock"}}  # fmt: skip
    standing = [one for one in facts.shipments if one.state != "cancelled"]
    kept = sum(sum(one.units.values()) for one in standing if one.id not in released)
    assert sum(released.values()) + kept == sum(sum(one.units.values()) for one in standing)
    left = {one.id for one in facts.shipments if one.left}
    touched = {int(step.subject.split("/")[1]) for step in drawn.steps if step.subject.startswith("shipment/")}
    assert not touched & left
    assert not {f"label/{id}" for id in left} & {step.subject for step in drawn.steps}
    if wish.purpose == "cancel":
        assert touched == {one.id for one in facts.shipments if one.stands}


@given(orders(), WISHES, some.integers(0, 20_000))
def test_no_more_money_goes_back_than_was_taken(facts, wish, quoted):
    drawn = reversing.plan(wish, facts, Rules())
    left = {one.id: one.refundable_minor for one in facts.payments}

    for step in drawn.steps:
        if step.kind == "refund_payment":
            assert (step.amount_minor or 0) <= left[int(step.subject.split("/")[1])]
    shares = giving_back.split(quoted, facts.payments)
    assert all(0 <= share <= left[id] for id, share in shares.items())
    assert sum(shares.values()) <= quoted


@given(orders(), WISHES)
def test_no_more_units_come_off_in_the_store_than_are_there(facts, wish):
    drawn = reversing.plan(wish, facts, Rules())
    gone = {}
    for one in facts.shipments:
        for id, units in one.units.items():
            gone[id] = gone.get(id, 0) + (units if one.left else 0)

    for one in facts.lines:
        assert 0 <= drawn.store_units.get(one.id, 0) <= max(0, one.to_ship - gone.get(one.id, 0))
    assert len({step.identity for step in drawn.steps}) == len(drawn.steps)


def test_of_two_shipments_the_one_that_the_store_may_show_stays_and_is_settled_all_the_same():
    doubtful = replace(shipment(2, state="labelled", units=1), in_doubt=True)
    facts = order(shipment(1, state="labelled", units=1), doubtful, lines=(line(units=2),))

    drawn = reversing.plan(Wish(purpose="cancel_lines", wanted={1: 1}), facts, Rules())

    assert [(step.kind, step.subject) for step in drawn.steps if "shipment" in step.subject] == [
        ("settle_announcement", "shipment/2"), ("release_stock", "shipment/1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("planned", ["stop_work", "release_stock", "plan_again"]),
        ("labelled", ["stop_work", "release_stock", "void_label", "plan_again"]),
        ("announced", ["stop_work", "cancel_fulfillment", "put_back_stock", "void_label", "plan_again"]),
        ("handed_over", ["plan_again"]),
        ("cancelled", ["plan_again"]),
    ],
)
def test_what_its_place_could_not_send_is_planned_anew_unless_it_has_left(state, expected):
    refused = replace(shipment(1, state), refused=True)

    assert kinds(REPLAN, order(refused)) == expected
    assert kinds(REPLAN, order(shipment(1, state)))[:-1] == []
