"""Every event and object of Stripe's that was written down is read, in the shape of its own API version."""

import json

import pytest

from integrations.json_body import parsed
from integrations.nouns import Ignored, PaymentChanged, PaymentDisputed, PaymentState
from integrations.payments.stripe import objects
from integrations.payments.stripe.disputes import Dispute, dispute_of
from integrations.payments.stripe.door import TOPICS, StripeDoor
from integrations.ports import Delivery, Unreadable

DOOR = StripeDoor()


def read(body, *, live=False):
    delivery = Delivery(body=body, headers={})
    return DOOR.read(DOOR.envelope(delivery).topic, delivery, live=live)


@pytest.fixture(scope="session")
def events(recordings):
    folder = recordings / "stripe/webhook_events_ruby_mock"
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.json"))}


@pytest.fixture(scope="session")
def samples(recordings):
    folder = recordings / "stripe/openapi_fixtures3"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json") if path.stem[0] != "_"}


def test_every_recorded_event_is_read_and_known_topics_are_acted_on(events):
    assert len(events) >= 24
    for name, body in events.items():
        fact = read(body)
        acted_on = json.loads(body)["type"] in TOPICS
        assert isinstance(fact, PaymentChanged | PaymentDisputed) is acted_on or name == "checkout.session.completed", (
            name
        )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("payment_intent.succeeded", (PaymentState.PAID, 2000, 2000, 0)),
        ("payment_intent.amount_capturable_updated", (PaymentState.AUTHORISED, 2000, 0, 0)),
        ("payment_intent.payment_failed", (PaymentState.FAILED, 0, 0, 0)),
        ("payment_intent.processing", (PaymentState.PENDING, 0, 0, 0)),
        ("payment_intent.canceled", (PaymentState.VOIDED, 0, 0, 0)),
        ("charge.refunded", (PaymentState.REFUNDED, 100, 100, 100)),
        ("checkout.session.completed.payment_mode", (PaymentState.PAID, 25000, 25000, 0)),
    ],
)
def test_a_recorded_event_tells_its_state_and_totals(events, name, expected):
    fact = read(events[name]).fact
    assert (fact.state, fact.authorised_minor, fact.captured_minor, fact.refunded_minor) == expected
    assert fact.amount.currency == json.loads(events[name])["data"]["object"]["currency"].upper()
    assert int(fact.at.timestamp()) == json.loads(events[name])["created"]


def test_a_recorded_decline_says_why(events):
    assert read(events["payment_intent.payment_failed"]).fact.problem == "Your card was declined."


def test_the_recorded_disputes_are_open_and_then_won(events):
    opened, closed = read(events["charge.dispute.created"]), read(events["charge.dispute.closed"])
    assert (opened.over, opened.reason) == (False, "fraudulent")
    assert (closed.over, closed.payment_remote_id) == (True, "ch_00000000000000")


def test_a_recorded_session_is_linked_to_its_payment(events):
    fact = read(events["checkout.session.completed"]).fact
    assert (fact.remote_id[:3], fact.session_remote_id[:8], fact.state) == ("pi_", "cs_test_", PaymentState.PAID)


@pytest.mark.parametrize(
    ("topic", "sample", "state"),
    [
        ("payment_intent.succeeded", "payment_intent", PaymentState.FAILED),
        ("charge.expired", "charge", PaymentState.VOIDED),
        ("charge.refunded", "charge", PaymentState.VOIDED),
    ],
)
def test_the_present_shape_of_an_object_is_read_in_an_event(samples, topic, sample, state):
    event = {"type": topic, "created": 1_763_726_400, "livemode": False, "data": {"object": samples[sample]}}
    fact = read(json.dumps(event).encode()).fact
    assert (fact.state, fact.amount.minor) == (state, samples[sample]["amount"])


def test_the_present_shape_of_a_dispute_is_read_in_an_event(samples):
    thing = samples["dispute"] | {"payment_intent": samples["payment_intent"]}
    event = {"type": "charge.dispute.created", "created": 1, "livemode": False, "data": {"object": thing}}
    fact = read(json.dumps(event).encode())
    assert (fact.dispute_remote_id, fact.payment_remote_id) == (
        samples["dispute"]["id"],
        samples["payment_intent"]["id"],
    )


@pytest.mark.parametrize("topic", ["refund.failed", "refund.updated"])
def test_the_present_shape_of_a_refund_is_read_in_an_event(samples, topic):
    thing = samples["refund"] | {"status": "failed", "failure_reason": "unknown"}
    event = {"type": topic, "created": 1, "livemode": False, "data": {"object": thing}}
    fact = read(json.dumps(event).encode())
    assert (fact.refund_remote_id, fact.amount.minor) == (thing["id"], thing["amount"])
    assert fact.payment_remote_id == (thing["payment_intent"] or thing["charge"])


def test_a_session_that_names_a_payment_without_an_amount_is_unreadable(samples):
    thing = samples["checkout.session"]
    event = {"type": "checkout.session.completed", "created": 1, "livemode": False, "data": {"object": thing}}
    with pytest.raises(Unreadable, match="amount_total"):
        read(json.dumps(event).encode())
    whole = event | {"data": {"object": thing | {"amount_total": 100, "currency": "usd"}}}
    assert read(json.dumps(whole).encode()).fact.session_remote_id == thing["id"]


def test_real_objects_kept_by_others_are_read(recordings):
    folder = recordings / "stripe/djstripe"
    intents = [json.loads(path.read_text()) for path in folder.glob("payment_intent_*.json")]
    charges = [json.loads(path.read_text()) for path in folder.glob("charge_*.json")]
    disputes = [json.loads(path.read_text()) for path in folder.glob("dispute_dp_*.json")]
    assert (len(intents), len(charges), len(disputes)) == (2, 1, 3)
    for thing in intents:
        assert (
            objects.payment_of_intent(parsed(objects.Intent, thing, called="pi"), objects.moment(1)).remote_id
            == thing["id"]
        )
    for thing in charges:
        assert (
            objects.payment_of_charge(parsed(objects.Charge, thing, called="ch"), objects.moment(1)).amount.minor
            == thing["amount"]
        )
    for thing in disputes:
        assert dispute_of(parsed(Dispute, thing, called="dp"), objects.moment(1), closed=False) is not None


def test_every_topic_that_we_act_on_is_one_that_stripe_has(recordings):
    known = json.loads((recordings / "stripe/stripe_enums.json").read_text())["snapshot_event_types"]
    assert set(TOPICS) <= set(known)


@pytest.mark.parametrize("name", ["event_account_application_authorized", "event_account_application_deauthorized"])
def test_connects_own_events_are_ignored(recordings, name):
    assert isinstance(read((recordings / f"stripe/djstripe/{name}.json").read_bytes()), Ignored)
