"""Stripe's stand-in, driven by Stripe's own client: money moves once, and never further than it may."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from flask import Response
from stripe_story import KEY, effects, hold, pay

from sandbox.faults import Fault
from sandbox.server import create_sandbox


@pytest.fixture
def client(stripe_client):
    return stripe_client


# Who is asking


def test_an_unknown_key_is_refused_in_stripes_words(sandbox):
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_"):
        stripe.StripeClient("sk_test_wrong_key", base_addresses={"api": sandbox.origin}).v1.accounts.retrieve_current()
    assert sandbox.call("GET", "/v1/account").status == 401


def test_the_account_can_take_money_and_answers_carry_request_id_and_version(client, sandbox):
    account = client.v1.accounts.retrieve_current()
    assert (account.object, account.charges_enabled) == ("account", True)
    assert account.last_response.headers["Request-Id"].startswith("req_")
    assert account.last_response.headers["Stripe-Version"] == "2026-10-28.endive"
    pinned = sandbox.call("GET", "/v1/account", key=KEY, headers={"Stripe-Version": "2025-01-01.x"})
    assert pinned.headers["stripe-version"] == "2025-01-01.x"


def test_a_live_account_is_another_account_and_live(client, sandbox):
    sandbox.control("POST", "/stripe/accounts", {"key": "sk_live_shop", "livemode": True})
    live = stripe.StripeClient("sk_live_shop", base_addresses={"api": sandbox.origin})
    assert pay(live).livemode is True
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        live.v1.payment_intents.retrieve(pay(client).id)
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


# Taking money


def test_a_confirmed_payment_is_taken_at_once(client):
    intent = pay(client, metadata={"order_id": "1001"}, description="Order 1001")
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 2000, 0)
    assert (intent.metadata["order_id"], intent.description) == ("1001", "Order 1001")
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.captured, charge.amount_captured, charge.payment_intent) == (True, 2000, intent.id)
    assert "charges" not in intent.to_dict()


def test_a_held_payment_tells_when_it_lapses_and_is_captured_once_in_part(client):
    intent = hold(client)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 2000, 0)
    expanded = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    lapses = expanded.latest_charge.payment_method_details.card.capture_before
    assert 6 * 86400 < lapses - time.time() <= 7 * 86400

    captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 1500, 0)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.capture(intent.id)
    assert refusal.value.code == "payment_intent_unexpected_state"


def test_no_more_is_captured_than_is_held(client):
    intent = hold(client)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2001})
    assert refusal.value.code == "amount_too_large"
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"


def test_a_declined_card_is_a_card_error_and_the_buyer_may_try_again(client):
    with pytest.raises(stripe.CardError) as refusal:
        pay(client, payment_method="pm_card_chargeDeclinedInsufficientFunds")
    error = refusal.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, "card_declined", "insufficient_funds")
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_what_is_held_is_released_by_cancelling(client):
    intent = hold(client)
    cancelled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "requested_by_customer")
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        client.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        client.v1.payment_intents.cancel(pay(client).id)


def test_metadata_merges_and_an_empty_value_removes(client):
    intent = pay(client, metadata={"order_id": "1", "note": "x"})
    changed = client.v1.payment_intents.update(intent.id, {"metadata": {"note": "", "shop": "s"}})
    assert changed.metadata.to_dict() == {"order_id": "1", "shop": "s"}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"amount": 100}, "parameter_missing"),
        ({"currency": "usd"}, "parameter_missing"),
        ({"amount": "ten", "currency": "usd"}, "parameter_invalid_integer"),
        ({"amount": 0, "currency": "usd"}, "parameter_invalid_integer"),
        ({"amount": 100, "currency": "usd", "amuont": 100}, "parameter_unknown"),
    ],
)
def test_a_wrong_parameter_is_named(sandbox, wish, code):
    answered = sandbox.call("POST", "/v1/payment_intents", form=wish, key=KEY)
    assert (answered.status, answered.body["error"]["code"]) == (400, code)
    assert answered.body["error"]["type"] == "invalid_request_error"
    assert effects(sandbox, "payment_intent.create") == 0


def test_lists_go_newest_first_by_pages(client):
    ids = [pay(client).id for _ in range(5)]
    page = client.v1.payment_intents.list({"limit": 2})
    assert ([intent.id for intent in page.data], page.has_more) == ([ids[4], ids[3]], True)
    assert [intent.id for intent in page.auto_paging_iter()] == ids[::-1]
    newer = client.v1.payment_intents.list({"limit": 2, "ending_before": ids[1]})
    assert [intent.id for intent in newer.data] == [ids[3], ids[2]]
    assert client.v1.payment_intents.list({"created": {"gt": int(time.time()) + 60}}).data == []


# Refunds and disputes


def test_refunds_never_exceed_what_was_captured(client):
    intent = hold(client)
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.charge) == ("succeeded", 1000, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(500\)"):
        client.v1.refunds.create({"charge": intent.latest_charge, "amount": 501})
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 500
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refusal.value.code == "charge_already_refunded"
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (1500, True)
    assert [refund.amount for refund in client.v1.refunds.list({"payment_intent": intent.id}).data] == [500, 1000]


def test_money_only_held_or_in_dispute_is_not_refunded(client, sandbox):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": hold(client).id})
    assert refusal.value.code == "charge_not_refundable"
    disputed = pay(client)
    sandbox.control("POST", f"/stripe/payments/{disputed.id}/dispute", {"reason": "fraudulent"})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": disputed.id})
    assert refusal.value.code == "charge_disputed"


def test_concurrent_refunds_give_back_the_money_once(client, sandbox):
    intent = pay(client)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(
            threads.map(
                lambda _: sandbox.call("POST", "/v1/refunds", form={"payment_intent": intent.id}, key=KEY).status,
                range(8),
            )
        )
    assert sorted(statuses) == [200, *[400] * 7]
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 2000


# Idempotency


def test_the_same_key_gives_the_stored_answer_again(client, sandbox):
    options = {"idempotency_key": "create:1"}
    wish = {"amount": 100, "currency": "usd", "metadata": {"order_id": "1"}}
    first = client.v1.payment_intents.create(wish, options)
    again = client.v1.payment_intents.create(wish, options)
    assert again.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert effects(sandbox, "payment_intent.create") == 1
    assert [call["key"] for call in sandbox.calls(operation="payment_intent.create")] == ["create:1", "create:1"]


def test_the_same_key_with_other_parameters_is_refused(client):
    client.v1.payment_intents.create({"amount": 100, "currency": "usd"}, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError) as refusal:
        client.v1.payment_intents.create({"amount": 200, "currency": "usd"}, {"idempotency_key": "k"})
    assert refusal.value.http_status == 400


def test_the_same_key_in_flight_is_a_conflict_and_acts_once(sandbox):
    sandbox.fault(vendor="stripe", operation="payment_intent.create", kind="latency", delay_s=3)
    first_is_in = threading.Event()
    wish, headers = {"amount": 100, "currency": "usd"}, {"Idempotency-Key": "k"}

    def create():
        return sandbox.call("POST", "/v1/payment_intents", form=wish, key=KEY, headers=headers)

    with ThreadPoolExecutor(1) as slow:
        answer = slow.submit(lambda: first_is_in.set() or create())
        first_is_in.wait()
        while not sandbox.control("GET", "/faults")["faults"][0]["taken"]:
            time.sleep(0.01)
        conflict = create()
    assert (conflict.status, conflict.body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answer.result().status == 200
    assert create().body["id"] == answer.result().body["id"]
    assert effects(sandbox, "payment_intent.create") == 1


def test_a_server_error_after_the_effect_is_stored_and_given_again(client, sandbox):
    intent = hold(client)
    sandbox.fault(vendor="stripe", operation="payment_intent.capture", kind="5xx_after")
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as failure:
            client.v1.payment_intents.capture(intent.id, options={"idempotency_key": "capture:1"})
        assert failure.value.http_status == 500
        assert failure.value.headers.get("Idempotent-Replayed") == replayed
    assert client.v1.payment_intents.retrieve(intent.id).amount_received == 2000
    assert effects(sandbox, "payment_intent.capture") == 1


def test_a_lost_answer_is_found_again_under_its_key(client, sandbox):
    intent = hold(client)
    sandbox.fault(vendor="stripe", operation="payment_intent.capture", kind="timeout_after", delay_s=0.1)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.capture(intent.id, options={"idempotency_key": "capture:1"})
    again = client.v1.payment_intents.capture(intent.id, options={"idempotency_key": "capture:1"})
    assert (again.status, again.last_response.headers["Idempotent-Replayed"]) == ("succeeded", "true")
    assert effects(sandbox, "payment_intent.capture") == 1


@pytest.mark.parametrize("kind", ["429", "5xx", "cut"])
def test_a_call_turned_away_at_the_door_leaves_its_key_free(client, sandbox, kind):
    sandbox.fault(vendor="stripe", operation="payment_intent.create", kind=kind, retry_after=1)
    wish, options = {"amount": 100, "currency": "usd"}, {"idempotency_key": "k"}
    with pytest.raises(stripe.StripeError):
        client.v1.payment_intents.create(wish, options)
    assert client.v1.payment_intents.create(wish, options).status == "requires_payment_method"
    assert effects(sandbox, "payment_intent.create") == 1


def test_a_key_is_free_before_its_line_is_cut(monkeypatch):
    app = create_sandbox()
    core, called = app.extensions["sandbox"], app.test_client()
    core.faults.add(Fault("stripe", "cut", "payment_intent.create"))
    wish = {
        "data": {"amount": "100", "currency": "usd"},
        "headers": {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"},
    }
    while_cutting: list[int] = []

    def cut():
        while_cutting.append(app.test_client().post("/v1/payment_intents", **wish).status_code)
        return Response(status=499)

    monkeypatch.setattr("sandbox.core.drop", cut)
    assert called.post("/v1/payment_intents", **wish).status_code == 499
    assert while_cutting == [200]
    assert called.post("/v1/payment_intents", **wish).headers["Idempotent-Replayed"] == "true"


def test_a_refused_parameter_leaves_its_key_free_and_a_refused_state_does_not(client):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 100}, {"idempotency_key": "k"})
    assert client.v1.payment_intents.create({"amount": 100, "currency": "usd"}, {"idempotency_key": "k"}).amount == 100
    paid = pay(client)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.payment_intents.capture(paid.id, options={"idempotency_key": "c"})
    assert refusal.value.headers["Idempotent-Replayed"] == "true"
