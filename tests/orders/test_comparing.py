"""What our records lack beside what a vendor says: pure choices, each with its sentence."""

from datetime import timedelta

import pytest

from integrations.nouns import (
    AskedLine,
    ChangedOrder,
    Money,
    PaymentFact,
    PaymentStanding,
    PaymentState,
    StoreOrder,
    Way,
)
from integrations.nouns import StoreShipment as There
from orders import comparing, placing
from orders.comparing import KnownOrder, KnownPayment, Sent
from tests.shop import NOON, snapshot, usd

LATER = NOON + timedelta(minutes=5)


def known(**more):
    fields = {
        "id": 1, "state": "verified", "updated_at": NOON, "cancelled_at": None, "standing": "paid",
        "content_digest": placing.content_digest(snapshot()), "looked_at_next": False,
    }  # fmt: skip
    return KnownOrder(**(fields | more))


def changed(**more):
    return ChangedOrder(**({"remote_id": "shop/Order/1", "updated_at": NOON, "standing": "paid"} | more))


@pytest.mark.parametrize(
    ("theirs", "ours", "worth"),
    [
        (changed(), None, True),
        (changed(), known(), False),
        (changed(updated_at=LATER), known(), True),
        (changed(), known(updated_at=LATER), False),
        (changed(), known(updated_at=None), True),
        (changed(cancelled_at=NOON), known(), True),
        (changed(cancelled_at=NOON), known(cancelled_at=NOON), False),
        (changed(standing="refunded"), known(), True),
        (changed(standing="unknown"), known(), False),
    ],
)
def test_an_order_is_read_where_the_store_may_have_more_than_we(theirs, ours, worth):
    assert comparing.worth_reading(theirs, ours) is worth


@pytest.mark.parametrize(
    ("theirs", "ours", "lack"),
    [
        (snapshot(), None, "unknown"),
        (snapshot(), known(updated_at=None), "unknown"),
        (snapshot(), known(), ""),
        (snapshot(at=LATER), known(), ""),
        (snapshot(cancelled_at=NOON), known(), "cancelled"),
        (snapshot(lines=(("l1", 1),)), known(), "changed"),
        (snapshot(standing=PaymentStanding.REFUNDED), known(), "standing"),
    ],
)
def test_what_an_order_lacks_is_told_by_what_matters_most(theirs, ours, lack):
    assert comparing.order_lack(theirs, ours) == lack


def asked(*lines, routed=True):
    return StoreOrder(snapshot=snapshot(), routed=routed, asked=lines)


@pytest.mark.parametrize(
    ("store", "wanted", "held", "lack"),
    [
        (asked(AskedLine(line_remote_id="l1", units=2)), {"l1": 2}, False, ""),
        (asked(AskedLine(line_remote_id="l1", units=2), routed=False), {"l1": 9}, False, ""),
        (
            asked(AskedLine(line_remote_id="l1", units=1), AskedLine(line_remote_id="l1", units=1)),
            {"l1": 2, "l2": 0},
            False,
            "",
        ),
        (asked(AskedLine(line_remote_id="l1", units=1)), {"l1": 2}, False, "asks for 1 units, 2 were planned"),
        (asked(AskedLine(line_remote_id="l1", units=1, way=Way.NOT_OURS)), {}, False, ""),
        (
            asked(AskedLine(line_remote_id="l1", units=2, on_hold="other")),
            {"l1": 2},
            False,
            "has put the work on hold",
        ),
        (asked(AskedLine(line_remote_id="l1", units=2)), {"l1": 2}, True, "has released its hold"),
    ],
)
def test_routed_work_differs_by_its_units_or_its_hold(store, wanted, held, lack):
    assert comparing.work_lack(store, wanted, held=held) == lack


SENT = Sent(shipment=1, fulfillments=("f1",), numbers=frozenset({"N1", "N2"}), retired=frozenset({"OLD"}))


@pytest.mark.parametrize(
    ("theirs", "what", "numbers"),
    [
        ([There(remote_id="f1", stands=True, numbers=("N2", "N1"))], None, ()),
        ([There(remote_id="f1", stands=False, numbers=("N1", "N2"))], "taken_back", ()),
        ([], "taken_back", ()),
        ([There(remote_id="f2", stands=True, numbers=("N1", "N2"))], "taken_back", ()),
        ([There(remote_id="f1", stands=True)], "number_missing", ("N1", "N2")),
        ([There(remote_id="f1", stands=True, numbers=("N1",))], "number_missing", ("N2",)),
        ([There(remote_id="f1", stands=True, numbers=("N1", "N2", "OLD"))], "number_missing", ()),
        ([There(remote_id="f1", stands=True, numbers=("THEIRS",))], "other_number", ("THEIRS",)),
        ([There(remote_id="f1", stands=True, numbers=("N1", "N2", "THEIRS"))], "other_number", ("THEIRS",)),
    ],
)
def test_a_shipment_s_numbers_are_told_again_where_they_lack_and_left_where_a_person_wrote_others(
    theirs, what, numbers
):
    lack = comparing.shipment_lack(SENT, theirs)

    assert (None if lack is None else lack.what, () if lack is None else lack.numbers) == (what, numbers)


def totals(state="pending", authorised=0, captured=0, refunded=0):
    return KnownPayment(state=state, authorised_minor=authorised, captured_minor=captured, refunded_minor=refunded)


@pytest.mark.parametrize(
    ("before", "after", "lack"),
    [
        (None, totals(), False),
        (None, totals("unknown"), False),
        (None, totals("paid", captured=5), True),
        (totals("paid", captured=5), totals("paid", captured=5), False),
        (totals("paid", captured=5), totals("part_refunded", captured=5, refunded=1), True),
        (totals(), totals("paid", captured=5), True),
    ],
)
def test_a_payment_lacks_what_would_change_its_totals(before, after, lack):
    assert comparing.payment_lack(before, after) is lack


def test_a_payment_s_sentence_says_what_it_is_and_what_we_had():
    fact = PaymentFact(
        remote_id="pi_1",
        state=PaymentState.PAID,
        at=NOON,
        amount=Money(minor=1700, currency="USD"),
        captured_minor=1700,
    )

    assert comparing.payment_sentence(fact, None, "why") == (
        "Payment pi_1 (paid, 17.00 USD) was missing here: why. It was taken in."
    )
    assert comparing.payment_sentence(fact, totals(), "why") == (
        "Payment pi_1 is paid (17.00 USD), we had pending: why. It was taken over."
    )
    assert usd(1700) == fact.amount


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("#1001-7", 7),
        ("A-B-12", 12),
        ("1001", None),
        ("-7", None),
        ("#1001-x", None),
        ("#1001-", None),
        ("", None),
        ("#1001-٣", None),
        ("#1001-" + "9" * 40, None),
    ],
)
def test_a_consignment_s_name_tells_our_label_where_it_is_a_name_of_ours(reference, number):
    assert comparing.label_number(reference) == number


@pytest.mark.parametrize(
    ("told", "ailing", "waited", "says"),
    [
        ("", "", timedelta(minutes=14), "its webhook had not arrived after 14 minutes"),
        ("", "", timedelta(seconds=61), "its webhook had not arrived after 1 minute"),
        ("", "", timedelta(seconds=1), "its webhook had not arrived after 1 second"),
        ("", "", timedelta(minutes=119), "its webhook had not arrived after 119 minutes"),
        ("", "", timedelta(hours=47), "its webhook had not arrived after 47 hours"),
        ("", "", timedelta(days=3), "its webhook had not arrived after 3 days"),
        ("", "", timedelta(seconds=-3), "its webhook had not arrived after 0 seconds"),
        ("", "", None, "no webhook had told of it"),
        ("", "It stands disabled.", timedelta(1), "its webhook had not come (It stands disabled)"),
        ("parked", "It stands disabled.", None, "its delivery arrived and could not be read, so it is parked"),
    ],
)
def test_the_reason_is_the_nearest_that_is_known(told, ailing, waited, says):
    assert comparing.why(told=told, ailing=ailing, waited=waited) == says
