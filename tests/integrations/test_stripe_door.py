"""Stripe's door: only what Stripe signed in the last minutes is genuine, and nothing that it brings can raise."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import Ignored, Money, PaymentChanged, PaymentDisputed, PaymentState
from integrations.payments.stripe.door import StripeDoor
from integrations.ports import Delivery, Unreadable

DOOR = StripeDoor()
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "whsec_packline"
BODY = b'{"id": "evt_1", "type": "payment_intent.succeeded"}'


def signature(body=BODY, secret=SECRET, at=NOW):
    stamp = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def delivery(header=None, body=BODY):
    return Delivery(body=body, headers={} if header is None else {"stripe-signature": header})


def genuine(header, body=BODY, secrets=(SECRET,), now=NOW):
    return DOOR.genuine(delivery(header, body), secrets, now)


def test_what_stripes_own_helper_signs_is_genuine():
    body = BODY.decode()
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET, int(NOW.timestamp()))
    assert genuine(header)


def test_the_current_and_the_previous_secret_both_open():
    assert genuine(signature(secret="old"), secrets=(SECRET, "old"))
    assert genuine(signature(), secrets=(SECRET, "old"))
    assert not genuine(signature(secret="older"), secrets=(SECRET, "old"))


def test_one_of_several_signatures_is_enough_while_a_secret_is_rolled():
    stamp, _, ours = signature().partition(",")
    assert genuine(f"{stamp},v1={'0' * 64},{ours},v0=abc")
    assert not genuine(f"{stamp},v0={ours.removeprefix('v1=')}")


@pytest.mark.parametrize(("seconds", "expected"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_five_minutes_are_the_limit_in_the_past_and_in_the_future(seconds, expected):
    assert genuine(signature(at=NOW - timedelta(seconds=seconds))) is expected


def test_one_changed_byte_is_not_genuine():
    assert not genuine(signature(), body=BODY + b" ")


def test_no_secret_or_an_empty_one_opens_nothing():
    assert not genuine(signature(secret=""), secrets=("",))
    assert not genuine(signature(), secrets=())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=",
        "v1=abc",
        "t=1,t=2,v1=abc",
        "t=abc,v1=abc",
        "t=-1,v1=abc",
        "t=٣,v1=abc",
        "t=" + "9" * 5000 + ",v1=abc",
        "t=1763726400,v1=é",
        "t=1763726400,v1=\ud800",
        "t=1763726400,v1=",
        ",,,===,,",
        "t=1763726400" + ",v1=a" * 10_000,
    ],
)
def test_a_malformed_signature_is_not_genuine_and_raises_nothing(header):
    assert genuine(header) is False


@given(st.text(max_size=100), st.binary(max_size=100), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_arrives_is_judged_without_raising(header, body, secrets):
    assert genuine(header, body, secrets) is False
    envelope = DOOR.envelope(delivery(header, body))
    assert envelope.delivery_id
    assert DOOR.account(delivery(header, body)) is None


@given(st.binary(max_size=60), st.sampled_from(["", "charge.refunded", "checkout.session.completed", "plan.created"]))
def test_whatever_is_read_is_unreadable_or_ignored(body, topic):
    try:
        fact = DOOR.read(topic, delivery(body=body), live=False)
    except Unreadable:
        return
    assert isinstance(fact, Ignored)


scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "amount", "currency", "status", "charges", "data", "latest_charge", "payment_intent"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["payment_intent.succeeded", "charge.refunded", "charge.dispute.created"]), scraps)
def test_a_signed_event_with_any_object_is_a_fact_or_unreadable(topic, thing):
    body = json.dumps({"created": 1, "livemode": False, "data": {"object": thing}}).encode()
    try:
        fact = DOOR.read(topic, delivery(body=body), live=False)
    except Unreadable as unread:
        assert unread.reason  # noqa: PT017  # both endings are allowed; a fact is checked below
        return
    assert isinstance(fact, PaymentChanged | PaymentDisputed | Ignored)


def test_the_envelope_is_the_events_type_and_id():
    envelope = DOOR.envelope(delivery())
    assert (envelope.topic, envelope.delivery_id, envelope.occasion) == ("payment_intent.succeeded", "evt_1", "")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"id": 7, "type": []}', b'{"id": ""}', b"[" * 100_000])
def test_an_unreadable_body_is_known_by_its_digest(body):
    envelope = DOOR.envelope(delivery(body=body))
    assert (envelope.topic, envelope.delivery_id) == ("", hashlib.sha256(body).hexdigest())


# ------------------------------------------------------------------------------------------ what events say


def intent(**changes):
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 2000,
        "currency": "usd",
        "status": "succeeded",
        "amount_received": 2000,
        "amount_capturable": 0,
        "latest_charge": "ch_1",
        "metadata": {"order_id": "gid://shopify/Order/7", "order_name": "#1007"},
    } | changes


def charge(**changes):
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 2000,
        "amount_captured": 2000,
        "amount_refunded": 0,
        "captured": True,
        "currency": "usd",
        "payment_intent": "pi_1",
        "status": "succeeded",
        "metadata": {},
    } | changes


def session(**changes):
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": 2000,
        "currency": "usd",
        "client_reference_id": None,
        "metadata": {},
    } | changes


def read(topic, thing, *, live=False, **changes):
    event = {"id": "evt_1", "object": "event", "type": topic, "created": 1_763_726_400, "livemode": False} | changes
    return DOOR.read(topic, delivery(body=json.dumps(event | {"data": {"object": thing}}).encode()), live=live)


def amounts(fact):
    return (fact.state, fact.authorised_minor, fact.captured_minor, fact.refunded_minor)


def test_a_succeeded_intent_is_paid_and_names_its_order():
    fact = read("payment_intent.succeeded", intent()).fact
    assert amounts(fact) == (PaymentState.PAID, 2000, 2000, 0)
    assert (fact.remote_id, fact.order_remote_id, fact.order_name) == ("pi_1", "gid://shopify/Order/7", "#1007")
    assert fact.amount == Money(minor=2000, currency="USD")
    assert fact.at == datetime.fromtimestamp(1_763_726_400, UTC)


@pytest.mark.parametrize(
    ("topic", "changes", "expected"),
    [
        (
            "payment_intent.amount_capturable_updated",
            {"status": "requires_capture", "amount_capturable": 2000, "amount_received": 0},
            (PaymentState.AUTHORISED, 2000, 0, 0),
        ),
        ("payment_intent.processing", {"status": "processing", "amount_received": 0}, (PaymentState.PENDING, 0, 0, 0)),
        (
            "payment_intent.payment_failed",
            {"status": "requires_payment_method", "amount_received": 0, "last_payment_error": {"message": "Declined."}},
            (PaymentState.FAILED, 0, 0, 0),
        ),
        ("payment_intent.canceled", {"status": "canceled", "amount_received": 0}, (PaymentState.VOIDED, 0, 0, 0)),
        ("payment_intent.succeeded", {"status": "levitating"}, (PaymentState.UNKNOWN, 0, 2000, 0)),
        ("payment_intent.succeeded", {"amount_received": 1200}, (PaymentState.PAID, 2000, 1200, 0)),
        ("payment_intent.succeeded", {"amount_received": None}, (PaymentState.PAID, 2000, 2000, 0)),
        (
            "payment_intent.succeeded",
            {"latest_charge": charge(amount_refunded=500)},
            (PaymentState.PART_REFUNDED, 2000, 2000, 500),
        ),
        (
            "payment_intent.succeeded",
            {"latest_charge": None, "charges": {"data": [charge(status="failed"), charge(amount_refunded=2000)]}},
            (PaymentState.REFUNDED, 2000, 2000, 2000),
        ),
    ],
)
def test_an_intent_tells_its_state_and_totals(topic, changes, expected):
    assert amounts(read(topic, intent(**changes)).fact) == expected


def test_a_failed_and_a_cancelled_payment_say_why():
    failed = intent(status="requires_payment_method", last_payment_error={"message": "Your card was declined."})
    assert read("payment_intent.payment_failed", failed).fact.problem == "Your card was declined."
    cancelled = intent(status="canceled", cancellation_reason="requested_by_customer")
    assert read("payment_intent.canceled", cancelled).fact.problem == "cancelled: requested by customer"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount_refunded": 500}, (PaymentState.PART_REFUNDED, 2000, 2000, 500)),
        ({"amount_refunded": 2000, "refunded": True}, (PaymentState.REFUNDED, 2000, 2000, 2000)),
        # 800 of 2000 were never captured, and Stripe books them as refunded.
        ({"amount_captured": 1200, "amount_refunded": 800}, (PaymentState.PAID, 2000, 1200, 0)),
        ({"amount_captured": 1200, "amount_refunded": 1000}, (PaymentState.PART_REFUNDED, 2000, 1200, 200)),
        # The whole authorisation was released.
        ({"amount_captured": 0, "captured": False, "amount_refunded": 2000}, (PaymentState.VOIDED, 0, 0, 0)),
        ({"amount_captured": None, "amount_refunded": 500}, (PaymentState.PART_REFUNDED, 2000, 2000, 500)),
    ],
)
def test_a_refunded_charge_tells_what_the_buyer_has_back(changes, expected):
    fact = read("charge.refunded", charge(**changes)).fact
    assert amounts(fact) == expected
    assert fact.remote_id == "pi_1"


def test_an_expired_authorisation_is_voided():
    fact = read("charge.expired", charge(captured=False, amount_captured=0)).fact
    assert amounts(fact) == (PaymentState.VOIDED, 0, 0, 0)
    assert "expired" in fact.problem


@pytest.mark.parametrize(
    ("topic", "changes", "expected"),
    [
        ("checkout.session.completed", {}, (PaymentState.PAID, 2000, 2000, 0)),
        ("checkout.session.completed", {"payment_status": "unpaid"}, (PaymentState.PENDING, 0, 0, 0)),
        ("checkout.session.async_payment_succeeded", {}, (PaymentState.PAID, 2000, 2000, 0)),
        (
            "checkout.session.async_payment_failed",
            {"payment_status": "unpaid"},
            (PaymentState.FAILED, 0, 0, 0),
        ),
        ("checkout.session.completed", {"payment_status": "bartered"}, (PaymentState.UNKNOWN, 0, 0, 0)),
    ],
)
def test_a_checkout_session_tells_of_its_payment(topic, changes, expected):
    fact = read(topic, session(**changes)).fact
    assert amounts(fact) == expected
    assert (fact.remote_id, fact.session_remote_id) == ("pi_1", "cs_1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_reference_id": "gid://shopify/Order/7"}, ("gid://shopify/Order/7", "")),
        ({"client_reference_id": "#1007"}, ("", "#1007")),
        ({"client_reference_id": "1007"}, ("1007", "1007")),
        ({"client_reference_id": "1007", "metadata": {"order_id": "7"}}, ("7", "")),
        ({"metadata": {"order_id": 7, "order_name": "#1007"}}, ("7", "#1007")),
        ({"metadata": {"order_id": ["7"]}}, ("", "")),
        ({"metadata": None}, ("", "")),
    ],
)
def test_the_order_is_named_by_the_metadata_or_by_the_reference(changes, expected):
    fact = read("checkout.session.completed", session(**changes)).fact
    assert (fact.order_remote_id, fact.order_name) == expected


def test_a_session_without_a_payment_is_ignored():
    assert isinstance(read("checkout.session.completed", session(payment_intent=None)), Ignored)


@pytest.mark.parametrize(
    ("topic", "status", "over"),
    [
        ("charge.dispute.created", "needs_response", False),
        ("charge.dispute.created", "won", False),
        ("charge.dispute.closed", "won", True),
        ("charge.dispute.closed", "warning_closed", True),
        ("charge.dispute.closed", "lost", False),
    ],
)
def test_a_dispute_is_over_only_when_it_closes_in_the_merchants_favour(topic, status, over):
    fact = read(
        topic, {"id": "dp_1", "status": status, "reason": "fraudulent", "payment_intent": "pi_1", "charge": "ch_1"}
    )
    assert (fact.payment_remote_id, fact.dispute_remote_id, fact.reason, fact.over) == (
        "pi_1",
        "dp_1",
        "fraudulent",
        over,
    )


def test_a_dispute_of_old_shape_names_its_charge():
    assert read("charge.dispute.created", {"status": "needs_response", "charge": "ch_1"}).payment_remote_id == "ch_1"


def refund(**changes):
    whole = {"id": "re_1", "amount": 500, "currency": "usd", "payment_intent": "pi_1", "charge": "ch_1"}
    return whole | {"status": "failed", "failure_reason": "expired_or_canceled_card"} | changes


@pytest.mark.parametrize(
    ("topic", "changes", "reason"),
    [
        ("refund.failed", {}, "expired or canceled card"),
        ("refund.failed", {"failure_reason": None}, "no reason given"),
        ("refund.updated", {}, "expired or canceled card"),
        ("refund.updated", {"status": "canceled", "failure_reason": None}, "canceled"),
    ],
)
def test_a_refund_that_comes_to_nothing_names_its_payment_and_why(topic, changes, reason):
    fact = read(topic, refund(**changes))
    assert (fact.payment_remote_id, fact.refund_remote_id, fact.reason) == ("pi_1", "re_1", reason)
    assert fact.amount == Money(minor=500, currency="USD")


def test_a_failed_refund_of_an_old_charge_names_the_charge():
    assert read("refund.failed", refund(payment_intent=None)).payment_remote_id == "ch_1"
    assert isinstance(read("refund.failed", refund(payment_intent=None, charge=None)), Ignored)


@pytest.mark.parametrize("status", ["pending", "succeeded", "requires_action", "pondered", None])
def test_a_refund_that_may_still_arrive_is_no_failure(status):
    assert isinstance(read("refund.updated", refund(status=status)), Ignored)


@pytest.mark.parametrize("changes", [{"amount": None}, {"amount": -1}, {"currency": "dollars"}, {"id": ""}])
def test_a_refund_that_cannot_be_counted_is_unreadable(changes):
    with pytest.raises(Unreadable, match=f"refund.{next(iter(changes))}"):
        read("refund.failed", refund(**changes))


def test_a_paid_session_tells_nothing_newer_than_its_beginning():
    paid, unpaid = session(created=1_000), session(created=1_000, payment_status="unpaid")
    assert read("checkout.session.completed", paid).fact.at == datetime.fromtimestamp(1_000, UTC)
    assert read("checkout.session.completed", unpaid).fact.at > datetime.fromtimestamp(1_000, UTC)


def test_a_test_event_never_touches_a_live_connection_nor_the_reverse():
    assert "test event" in read("payment_intent.succeeded", intent(), live=True).reason
    assert "live event" in read("payment_intent.succeeded", intent(), livemode=True).reason
    assert isinstance(read("payment_intent.succeeded", intent(), livemode=True, live=True), PaymentChanged)


def test_other_topics_are_ignored_by_name():
    assert "plan.created" in read("plan.created", {}).reason


def test_a_thin_event_says_what_to_connect_instead():
    body = json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "v1.payment_intent.succeeded"}).encode()
    assert DOOR.envelope(delivery(body=body)).topic == "v1.payment_intent.succeeded"
    assert "snapshot endpoint" in DOOR.read("v1.payment_intent.succeeded", delivery(body=body), live=False).reason


@pytest.mark.parametrize(
    ("thing", "field"),
    [
        ("pi_1", "event.data.object"),
        (intent(amount="2000"), "payment_intent.amount"),
        (intent(amount=-1), "payment_intent.amount"),
        (intent(amount=10**20), "payment_intent.amount"),
        (intent(amount=20.5), "payment_intent.amount"),
        (intent(currency="dollars"), "payment_intent.currency"),
        (intent(status=None), "payment_intent.status"),
        (intent(id=""), "payment_intent.id"),
        ({}, "payment_intent.id"),
    ],
)
def test_an_event_that_our_model_refuses_is_unreadable_by_its_field(thing, field):
    with pytest.raises(Unreadable, match=field):
        read("payment_intent.succeeded", thing)


@pytest.mark.parametrize("changes", [{"livemode": None}, {"livemode": "false"}, {"created": -1}, {"created": 10**15}])
def test_an_event_without_its_mode_or_time_is_unreadable(changes):
    with pytest.raises(Unreadable, match=f"event.{next(iter(changes))}"):
        read("payment_intent.succeeded", intent(), **changes)


def test_an_event_without_a_type_is_unreadable():
    with pytest.raises(Unreadable, match=r"event\.type"):
        read("", intent())
