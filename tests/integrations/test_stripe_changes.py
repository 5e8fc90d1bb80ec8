"""What happened in a Stripe account is told in order and in full, whatever was delivered and whatever cannot be read."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_vendor import Answer

from integrations.nouns import PaymentChanged, PaymentDisputed, PaymentState
from integrations.payments import stripe as stripe_vendor
from integrations.payments.stripe import client
from integrations.payments.stripe.door import TOPICS, StripeDoor
from integrations.ports import Credentials, Delivery, Temporary
from sandbox.stripe_accounts import DEFAULT_KEY

LATELY = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_: 0)
    monkeypatch.setattr(client, "TIMEOUT_S", (1, 2))
    client._clients.forget()


@pytest.fixture
def payments(sandbox, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return stripe_vendor.build(credentials, sandbox.origins, notes.append)


@pytest.fixture
def asked(scripted, at_script, credentials, notes):
    return stripe_vendor.build(credentials, at_script, notes.append)


def paid(sandbox, **wish):
    return sandbox.do("/stripe/payments", {"amount": 2000, "currency": "usd"} | wish)["id"]


def since(long=LATELY):
    return datetime.now(UTC) - long


def told(events):
    return [(event.topic, json.loads(event.body)["data"]["object"]["id"]) for event in events]


# ------------------------------------------------------------------------------------------ events


@pytest.mark.parametrize("rows_a_page", [1, 2, 3, 100])
def test_events_are_told_oldest_first_each_once_however_many_pages_they_fill(
    sandbox, payments, monkeypatch, rows_a_page
):
    monkeypatch.setattr(client, "ROWS_A_PAGE", rows_a_page)
    made = [paid(sandbox) for _ in range(4)]
    assert told(payments.events_since(since())) == [("payment_intent.succeeded", payment) for payment in made]


def test_one_page_is_read_once(sandbox, payments):
    paid(sandbox)
    list(payments.events_since(since()))
    assert len(sandbox.calls("event.list")) == 1


def test_an_event_that_was_never_delivered_is_told_with_its_own_id_and_read_by_the_door(sandbox, payments):
    account = sandbox.do("/stripe/accounts", {"key": DEFAULT_KEY, "webhook_url": "http://127.0.0.1:9/hooks"})
    sandbox.do("/deliveries/plan", {"drop": 1.0})
    payment = paid(sandbox, metadata={"order_name": "#1007"})
    sandbox.do(f"/stripe/payments/{payment}/dispute", {})
    dropped = sandbox.do("/deliveries?state=dropped&vendor=stripe")["deliveries"]
    assert account["webhook_id"] in {delivery["target"] for delivery in dropped}
    succeeded, disputed = payments.events_since(since())
    assert {succeeded.delivery_id, disputed.delivery_id} <= {delivery["delivery_id"] for delivery in dropped}
    door = StripeDoor()
    delivery = Delivery(body=succeeded.body, headers={})
    assert door.envelope(delivery).delivery_id == succeeded.delivery_id
    assert door.envelope(delivery).topic == succeeded.topic
    fact = door.read(succeeded.topic, delivery, live=False)
    assert isinstance(fact, PaymentChanged)
    assert (fact.fact.remote_id, fact.fact.order_name, fact.fact.at) == (payment, "#1007", succeeded.at)
    objection = door.read(disputed.topic, Delivery(body=disputed.body, headers={}), live=False)
    assert isinstance(objection, PaymentDisputed)


def test_nothing_is_told_that_the_door_does_not_act_on_or_that_is_older(sandbox, payments):
    paid(sandbox)  # the account has no endpoint; charge.succeeded and payment_intent.created are recorded too
    assert [event.topic for event in payments.events_since(since())] == ["payment_intent.succeeded"]
    assert list(payments.events_since(datetime.now(UTC) + LATELY)) == []


def test_what_stripe_no_longer_keeps_is_not_asked_for(scripted, asked):
    scripted.script += [Answer({"data": [], "has_more": False})]
    assert list(asked.events_since(since(timedelta(days=400)))) == []
    query = parse_qs(urlsplit(scripted.asked[0].path).query)
    begin = datetime.fromtimestamp(int(query["created[gte]"][0]), UTC)
    assert abs(begin - since(timedelta(days=30))) < timedelta(seconds=10)
    assert {value for name, (value,) in query.items() if name.startswith("types[")} == set(TOPICS)
    assert len(TOPICS) <= 20


def event(id, **more):
    return {"id": id, "type": "charge.refunded", "created": 1_790_000_000, "data": {"object": {}}} | more


def test_an_event_that_cannot_be_read_hides_no_other(scripted, asked):
    rows = [event("evt_3"), event("evt_2", created="soon"), event(None), event("evt_1", note="\x00")]
    scripted.script += [Answer({"data": rows, "has_more": False})]
    assert [one.delivery_id for one in asked.events_since(since())] == ["evt_1", "evt_3"]


def test_a_list_that_goes_on_without_saying_where_is_temporary(scripted, asked):
    scripted.script += [Answer({"data": [event(None)], "has_more": True})]
    with pytest.raises(Temporary, match="a row that has an id"):
        list(asked.events_since(since()))


def test_a_rate_limit_in_the_midst_of_a_list_is_temporary_and_says_when(sandbox, payments, monkeypatch):
    monkeypatch.setattr(client, "ROWS_A_PAGE", 1)
    for _ in range(3):
        paid(sandbox)
    sandbox.fault("stripe", "429", "event.list", skip=1, retry_after=3)
    with pytest.raises(Temporary) as limited:
        list(payments.events_since(since()))
    assert limited.value.retry_in_s == 3.0


# ------------------------------------------------------------------------------------------ payments


@pytest.mark.parametrize("rows_a_page", [1, 2, 100])
def test_payments_are_told_as_they_stand_now(sandbox, payments, monkeypatch, rows_a_page):
    monkeypatch.setattr(client, "ROWS_A_PAGE", rows_a_page)
    whole, part, held = paid(sandbox), paid(sandbox), paid(sandbox, outcome="requires_capture")
    sandbox.do(f"/stripe/payments/{part}/refund", {"amount": 500})
    facts = {fact.remote_id: fact for fact in payments.payments_since(since())}
    assert {id: (fact.state, fact.refunded_minor) for id, fact in facts.items()} == {
        whole: (PaymentState.PAID, 0),
        part: (PaymentState.PART_REFUNDED, 500),
        held: (PaymentState.AUTHORISED, 0),
    }


def test_a_payment_that_was_begun_before_is_not_told(sandbox, payments):
    paid(sandbox)
    assert list(payments.payments_since(datetime.now(UTC) + LATELY)) == []


def test_a_payment_that_cannot_be_read_hides_no_other(scripted, asked):
    good = {"id": "pi_1", "amount": 5, "currency": "usd", "status": "succeeded", "latest_charge": None}
    rows = [{"id": "pi_3"}, good | {"id": "pi_2", "metadata": {"order_name": "\ud800"}}, good]
    scripted.script += [Answer({"data": rows, "has_more": False})]
    assert [fact.remote_id for fact in asked.payments_since(since())] == ["pi_1"]
