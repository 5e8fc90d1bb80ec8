"""Stripe's stand-in tells every move of money, signed, to whom it may concern."""

import pytest
import stripe
from stripe_story import KEY, open_account, pay, told


@pytest.fixture
def client(stripe_client):
    return stripe_client


# Events


def test_a_control_payment_tells_its_events_signed(sandbox, receiver, client):
    open_account(sandbox, receiver)
    wish = {"key": KEY, "amount": 4200, "currency": "EUR", "metadata": {"order_id": "gid/1"}, "outcome": "succeeded"}
    intent = sandbox.control("POST", "/stripe/payments", wish)
    assert sorted(told(sandbox, receiver)) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    heard = next(heard for heard in receiver.heard if heard.body["type"] == "payment_intent.succeeded")
    event = client.construct_event(heard.raw, heard.headers["Stripe-Signature"], "whsec_test")
    assert (event.data.object.id, event.data.object.metadata["order_id"]) == (intent["id"], "gid/1")
    assert (event.data.object.currency, event.livemode, event.api_version) == ("eur", False, "2026-10-28.endive")
    assert event.request.id is None
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(heard.raw, heard.headers["Stripe-Signature"], "whsec_other")


@pytest.mark.parametrize(
    ("outcome", "status", "events"),
    [
        ("requires_capture", "requires_capture", {"charge.succeeded", "payment_intent.amount_capturable_updated"}),
        ("failed", "requires_payment_method", {"charge.failed", "payment_intent.payment_failed"}),
        ("processing", "processing", {"charge.pending", "payment_intent.processing"}),
    ],
)
def test_every_outcome_tells_its_own_events(sandbox, receiver, outcome, status, events):
    open_account(sandbox, receiver)
    intent = sandbox.control("POST", "/stripe/payments", {"amount": 100, "outcome": outcome})
    assert intent["status"] == status
    assert set(told(sandbox, receiver)) == {"payment_intent.created", *events}


@pytest.mark.parametrize(
    ("before", "deed", "status", "events"),
    [
        ("requires_capture", "capture", "succeeded", {"charge.captured", "payment_intent.succeeded"}),
        ("requires_capture", "cancel", "canceled", {"charge.refunded", "payment_intent.canceled"}),
        ("requires_capture", "expire", "canceled", {"charge.expired", "payment_intent.canceled"}),
        ("processing", "succeed", "succeeded", {"charge.succeeded", "payment_intent.succeeded"}),
        ("processing", "fail", "requires_payment_method", {"charge.failed", "payment_intent.payment_failed"}),
        ("succeeded", "refund", "succeeded", {"refund.created", "charge.refunded"}),
        ("succeeded", "dispute", "needs_response", {"charge.dispute.created", "charge.dispute.funds_withdrawn"}),
    ],
)
def test_what_happens_to_a_payment_is_told(sandbox, receiver, before, deed, status, events):
    intent = sandbox.control("POST", "/stripe/payments", {"amount": 100, "outcome": before})
    open_account(sandbox, receiver)
    assert sandbox.control("POST", f"/stripe/payments/{intent['id']}/{deed}")["status"] == status
    assert set(told(sandbox, receiver)) == events


def test_an_impossible_deed_is_refused_and_told_to_nobody(sandbox, receiver):
    intent = sandbox.control("POST", "/stripe/payments", {"amount": 100, "outcome": "failed"})
    open_account(sandbox, receiver)
    for deed, status in (("capture", 400), ("refund", 400), ("close_dispute", 400), ("bless", 404)):
        assert sandbox.call("POST", f"/_sandbox/stripe/payments/{intent['id']}/{deed}").status == status
    assert told(sandbox, receiver) == []


def test_a_refund_that_fails_later_gives_the_money_back_to_the_shop(sandbox, receiver, client):
    intent = pay(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    open_account(sandbox, receiver)
    assert sandbox.control("POST", f"/stripe/payments/{intent.id}/fail_refund")["status"] == "failed"
    assert set(told(sandbox, receiver)) == {"refund.failed", "refund.updated", "charge.refund.updated"}
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
    (refund,) = client.v1.refunds.list({"payment_intent": intent.id}).data
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")


def test_a_refund_fails_once(sandbox, client):
    intent = pay(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    failed = [sandbox.control("POST", f"/stripe/payments/{intent.id}/fail_refund")["amount"] for _ in range(2)]
    assert failed == [300, 500]
    assert sandbox.call("POST", f"/_sandbox/stripe/payments/{intent.id}/fail_refund").status == 400
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0


def test_a_signature_is_fresh_at_each_attempt(sandbox, receiver, client):
    open_account(sandbox, receiver)
    receiver.answers = [500]
    sandbox.control("POST", "/deliveries/plan", {"retry_delays_s": [1.1]})
    client.v1.payment_intents.create({"amount": 100, "currency": "usd"})
    sandbox.flush()
    first, second = receiver.heard
    assert first.raw == second.raw
    assert first.headers["Stripe-Signature"] != second.headers["Stripe-Signature"]
    assert client.construct_event(second.raw, second.headers["Stripe-Signature"], "whsec_test").id


def test_an_events_cause_is_the_call_and_its_key(sandbox, receiver, client):
    open_account(sandbox, receiver)
    client.v1.payment_intents.create({"amount": 100, "currency": "usd"}, {"idempotency_key": "op-7"})
    sandbox.flush()
    (heard,) = receiver.heard
    assert heard.body["request"]["idempotency_key"] == "op-7"
    assert heard.raw.startswith(b'{\n  "id": "evt_')


def test_events_are_listed_by_type_as_they_were_delivered(sandbox, receiver, client):
    open_account(sandbox, receiver)
    pay(client)
    sandbox.flush()
    listed = client.v1.events.list({"types": ["payment_intent.succeeded", "charge.succeeded"]})
    assert {event.type for event in listed.data} == {"payment_intent.succeeded", "charge.succeeded"}
    delivered = {heard.body["id"]: heard.body for heard in receiver.heard}
    assert all(event.to_dict() == delivered[event.id] for event in listed.data)
    assert client.v1.events.retrieve(listed.data[0].id).type == listed.data[0].type


def test_what_was_never_delivered_is_listed_all_the_same(sandbox, receiver, client):
    open_account(sandbox, receiver)
    sandbox.control("POST", "/deliveries/plan", {"drop": 1.0})
    ids = [pay(client).id for _ in range(3)]
    assert receiver.heard == []
    listed = client.v1.events.list({"types": ["payment_intent.succeeded"], "created": {"gte": 1}})
    assert [event.data.object.id for event in listed.data] == ids[::-1]


def test_events_are_paged_both_ways(sandbox, client):
    for _ in range(5):
        pay(client)
    wish = {"types": ["charge.succeeded"], "limit": 2}
    everything = [event.id for event in client.v1.events.list({**wish, "limit": 100}).data]
    first = client.v1.events.list(wish)
    assert ([event.id for event in first.data], first.has_more) == (everything[:2], True)
    last = client.v1.events.list({**wish, "starting_after": everything[3]})
    assert ([event.id for event in last.data], last.has_more) == (everything[4:], False)
    back = client.v1.events.list({**wish, "ending_before": everything[4]})
    assert ([event.id for event in back.data], back.has_more) == (everything[2:4], True)
    newest = client.v1.events.list({**wish, "ending_before": everything[2]})
    assert ([event.id for event in newest.data], newest.has_more) == (everything[:2], False)
    assert client.v1.events.list({**wish, "created": {"gte": 4_000_000_000}}).data == []


def test_at_most_twenty_types_are_named(client):
    types = [f"charge.type{number}" for number in range(21)]
    assert client.v1.events.list({"types": types[:20]}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.list({"types": types})


# Webhook endpoints


def test_an_endpoints_secret_is_shown_once_and_signs(sandbox, receiver, client):
    wish = {"url": receiver.url("/hooks/stripe/3"), "enabled_events": ["payment_intent.succeeded"]}
    endpoint = client.v1.webhook_endpoints.create({**wish, "api_version": "2026-10-28.endive"})
    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    pay(client)
    sandbox.flush()
    (heard,) = receiver.heard
    assert heard.path == "/hooks/stripe/3"
    event = client.construct_event(heard.raw, heard.headers["Stripe-Signature"], endpoint.secret)
    assert (event.type, event.pending_webhooks) == ("payment_intent.succeeded", 1)


def test_a_disabled_or_deleted_endpoint_hears_nothing(sandbox, receiver, client):
    one = client.v1.webhook_endpoints.create({"url": receiver.url("/one"), "enabled_events": ["*"]})
    two = client.v1.webhook_endpoints.create({"url": receiver.url("/two"), "enabled_events": ["*"]})
    assert client.v1.webhook_endpoints.update(one.id, {"disabled": True}).status == "disabled"
    assert client.v1.webhook_endpoints.delete(two.id).deleted is True
    pay(client)
    sandbox.flush()
    assert receiver.heard == []
    assert [endpoint.id for endpoint in client.v1.webhook_endpoints.list().data] == [one.id]


def test_the_control_door_disables_enables_and_deletes_an_endpoint(sandbox, receiver, client):
    opened = open_account(sandbox, receiver)["webhook_id"]
    path = f"/stripe/endpoints/{opened}"
    assert sandbox.control("POST", f"{path}/disable")["status"] == "disabled"
    assert client.v1.webhook_endpoints.retrieve(opened).status == "disabled"
    pay(client)
    assert told(sandbox, receiver) == []
    assert sandbox.control("POST", f"{path}/enable")["status"] == "enabled"
    pay(client)
    assert "payment_intent.succeeded" in told(sandbox, receiver)
    (known,) = sandbox.control("GET", "/stripe/endpoints")["endpoints"]
    assert (known["key"], known["id"], known["url"]) == (KEY, opened, receiver.url())
    assert sandbox.control("POST", f"{path}/delete") == {"id": opened, "deleted": True}
    assert client.v1.webhook_endpoints.list().data == []
    assert sandbox.call("POST", f"/_sandbox{path}/enable").status == 404


# Checkout


def open_session(client, **more):
    price = {"currency": "eur", "unit_amount": 1500, "product_data": {"name": "Shirt"}}
    wish = {
        "mode": "payment",
        "success_url": "https://shop.example",
        "line_items": [{"price_data": price, "quantity": 2}],
    }
    return client.v1.checkout.sessions.create({**wish, "client_reference_id": "1001", **more})


def test_a_checkout_is_paid_by_the_buyer_whom_the_control_door_plays(sandbox, receiver, client):
    session = open_session(client, metadata={"order_name": "#1001"})
    assert (session.status, session.payment_status, session.amount_total, session.payment_intent) == (
        "open",
        "unpaid",
        3000,
        None,
    )
    open_account(sandbox, receiver)
    sandbox.control("POST", f"/stripe/checkouts/{session.id}/complete")
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_status, done.payment_intent.status) == ("complete", "paid", "succeeded")
    assert set(told(sandbox, receiver)) == {
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    }
    found = client.v1.checkout.sessions.list({"payment_intent": done.payment_intent.id})
    assert [(session.id, session.client_reference_id) for session in found.data] == [(done.id, "1001")]


@pytest.mark.parametrize(
    ("deed", "payment_status", "event"),
    [
        ("succeed", "paid", "checkout.session.async_payment_succeeded"),
        ("fail", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_slow_payment_completes_the_session_unpaid_and_is_decided_later(
    sandbox, receiver, client, deed, payment_status, event
):
    open_account(sandbox, receiver)
    session = sandbox.control("POST", "/stripe/checkouts", {"amount": 900, "outcome": "processing"})
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    sandbox.control("POST", f"/stripe/payments/{session['payment_intent']}/{deed}")
    assert client.v1.checkout.sessions.retrieve(session["id"]).payment_status == payment_status
    assert event in told(sandbox, receiver)


def test_a_failed_checkout_stays_open_and_an_expired_one_cannot_be_paid(sandbox, client):
    failed = sandbox.control("POST", "/stripe/checkouts", {"amount": 900, "outcome": "failed"})
    assert (failed["status"], failed["payment_status"]) == ("open", "unpaid")
    session = open_session(client)
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    assert sandbox.call("POST", f"/_sandbox/stripe/checkouts/{session.id}/complete").status == 400
