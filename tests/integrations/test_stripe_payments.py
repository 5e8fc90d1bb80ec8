"""Stripe's payments, read, cancelled and refunded: money moves once, and every failure says what it means."""

from datetime import UTC, datetime, timedelta

import pytest
from scripted_vendor import Answer

from integrations.nouns import Money, PaymentState
from integrations.payments import stripe as stripe_vendor
from integrations.payments.stripe import client
from integrations.ports import CallNote, Credentials, Keys, Origins, Permanent, Temporary
from sandbox.stripe_accounts import DEFAULT_KEY

FAILED_REFUND = {
    "id": "re_1", "amount": 1, "currency": "usd", "status": "failed", "failure_reason": "lost_or_stolen_card"
}  # fmt: skip
KEYS = Keys(mark="mark-1", idempotency="key-1")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """No pause between the SDK's own tries, and no thirty seconds for an answer that will not come."""
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_: 0)
    monkeypatch.setattr(client, "TIMEOUT_S", (1, 0.3))
    client._clients.forget()


@pytest.fixture
def payments(sandbox, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return stripe_vendor.build(credentials, sandbox.origins, notes.append)


@pytest.fixture
def asked(scripted, at_script, credentials, notes):
    return stripe_vendor.build(credentials, at_script, notes.append)


def usd(minor):
    return Money(minor=minor, currency="USD")


def paid(sandbox, **wish):
    return sandbox.do("/stripe/payments", {"amount": 2000, "currency": "usd"} | wish)["id"]


# ------------------------------------------------------------------------------------------ against the sandbox


def test_a_payment_is_read_with_its_totals_and_its_order(sandbox, payments, notes):
    payment = paid(sandbox, metadata={"order_id": "7", "order_name": "#1007"})
    fact = payments.read_payment(payment)
    assert (fact.remote_id, fact.state, fact.captured_minor) == (payment, PaymentState.PAID, 2000)
    assert (fact.order_remote_id, fact.order_name) == ("7", "#1007")
    assert abs(fact.at - datetime.now(UTC)) < timedelta(seconds=5)
    assert [(note.vendor, note.verb, note.outcome) for note in notes] == [("stripe", "payment_intent.read", "ok")]


def test_a_held_payment_is_authorised_and_a_cancelled_one_voided(sandbox, payments):
    payment = paid(sandbox, outcome="requires_capture")
    held = payments.read_payment(payment)
    assert (held.state, held.authorised_minor, held.captured_minor) == (PaymentState.AUTHORISED, 2000, 0)
    gone = payments.cancel(payment, key="cancel-1")
    assert (gone.state, gone.authorised_minor, gone.refunded_minor) == (PaymentState.VOIDED, 0, 0)
    assert sandbox.acts("payment_intent.cancel") == 1


def test_a_payment_that_is_cancelled_already_counts_as_cancelled(sandbox, payments):
    payment = paid(sandbox, outcome="requires_capture")
    sandbox.do(f"/stripe/payments/{payment}/cancel", {})
    assert payments.cancel(payment, key="cancel-2").state is PaymentState.VOIDED


def test_a_captured_payment_is_not_cancelled(sandbox, payments):
    payment = paid(sandbox)
    with pytest.raises(Permanent):
        payments.cancel(payment, key="cancel-3")
    assert payments.read_payment(payment).state is PaymentState.PAID


def test_a_refund_is_the_whole_payment_after_it(sandbox, payments, notes):
    payment = paid(sandbox)
    part = payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-1", idempotency="refund-1"))
    assert (part.state, part.refunded_minor) == (PaymentState.PART_REFUNDED, 500)
    rest = payments.refund(payment, amount=usd(1500), keys=Keys(mark="refund-2", idempotency="refund-2"))
    assert (rest.state, rest.refunded_minor) == (PaymentState.REFUNDED, 2000)
    assert [note.key for note in notes if note.verb == "refund.create"] == ["refund-1", "refund-2"]


def test_the_same_key_refunds_once(sandbox, payments):
    payment = paid(sandbox)
    for _ in range(3):
        fact = payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-3", idempotency="refund-3"))
    assert fact.refunded_minor == 500
    assert sandbox.acts("refund.create") == 1


def test_a_key_of_another_request_is_permanent_and_refunds_nothing(sandbox, payments):
    payment = paid(sandbox)
    payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-4", idempotency="refund-4"))
    with pytest.raises(Permanent, match="idempotency key"):
        payments.refund(payment, amount=usd(700), keys=Keys(mark="refund-4", idempotency="refund-4"))
    assert payments.read_payment(payment).refunded_minor == 500


@pytest.mark.parametrize("fault", ["timeout_after", "cut_after"])
def test_a_refund_whose_answer_was_lost_is_made_once(sandbox, payments, fault):
    payment = paid(sandbox)
    sandbox.fault("stripe", fault, "refund.create", delay_s=0.5)
    assert (
        payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-5", idempotency="refund-5")).refunded_minor
        == 500
    )
    assert sandbox.acts("refund.create") == 1


@pytest.mark.parametrize(("fault", "times"), [("broken_json", 1), ("html", 1), ("cut_after", 3)])
def test_a_refund_whose_answer_stays_lost_is_of_unknown_outcome_and_is_found_by_reading(
    sandbox, payments, fault, times
):
    payment = paid(sandbox)
    sandbox.fault("stripe", fault, "refund.create", times=times)
    with pytest.raises(Temporary) as lost:
        payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-6", idempotency="refund-6"))
    assert lost.value.outcome_unknown
    assert payments.read_payment(payment).refunded_minor == 500
    assert (
        payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-6", idempotency="refund-6")).refunded_minor
        == 500
    )
    assert sandbox.acts("refund.create") == 1


def test_a_refund_that_is_made_but_not_read_afterwards_is_of_unknown_outcome(sandbox, payments):
    payment = paid(sandbox)
    sandbox.fault("stripe", "5xx", "payment_intent.retrieve", times=3)
    with pytest.raises(Temporary, match="refunded, but then") as unread:
        payments.refund(payment, amount=usd(500), keys=Keys(mark="refund-7", idempotency="refund-7"))
    assert unread.value.outcome_unknown


def test_a_payment_that_was_refunded_in_full_elsewhere_counts_as_refunded(sandbox, payments):
    payment = paid(sandbox)
    sandbox.do(f"/stripe/payments/{payment}/refund", {})
    assert (
        payments.refund(payment, amount=usd(2000), keys=Keys(mark="refund-8", idempotency="refund-8")).state
        is PaymentState.REFUNDED
    )


def test_more_than_was_paid_is_not_refunded(sandbox, payments):
    payment = paid(sandbox)
    with pytest.raises(Permanent):
        payments.refund(payment, amount=usd(2001), keys=Keys(mark="refund-9", idempotency="refund-9"))
    assert payments.read_payment(payment).refunded_minor == 0


def test_a_refund_carries_our_mark_and_is_found_by_it(sandbox, payments):
    payment, other = paid(sandbox), paid(sandbox)
    payments.refund(payment, amount=usd(500), keys=Keys(mark="ours", idempotency="a"))
    payments.refund(payment, amount=usd(300), keys=Keys(mark="another", idempotency="b"))
    sandbox.do(f"/stripe/payments/{payment}/refund", {"amount": 100})
    assert payments.find_refund(payment, "ours") == 500
    assert payments.find_refund(payment, "another") == 300
    assert payments.find_refund(payment, "nobody's") is None
    assert payments.find_refund(other, "ours") is None
    charge = payments._stripe.payment_intents.retrieve(payment).latest_charge
    assert payments.find_refund(charge, "ours") == 500


def test_our_refund_is_found_behind_any_number_of_others(sandbox, payments, monkeypatch):
    monkeypatch.setattr(client, "ROWS_A_PAGE", 1)
    payment = paid(sandbox)
    payments.refund(payment, amount=usd(500), keys=Keys(mark="ours", idempotency="a"))
    for _ in range(3):
        sandbox.do(f"/stripe/payments/{payment}/refund", {"amount": 1})
    assert payments.find_refund(payment, "ours") == 500


def test_a_refund_whose_answer_was_lost_is_found_by_its_mark(sandbox, payments):
    payment = paid(sandbox)
    sandbox.fault("stripe", "cut_after", "refund.create", times=3)
    with pytest.raises(Temporary) as lost:
        payments.refund(payment, amount=usd(500), keys=Keys(mark="ours", idempotency="a"))
    assert lost.value.outcome_unknown
    assert payments.find_refund(payment, "ours") == 500


def test_a_refund_that_failed_later_is_not_found_and_the_one_made_instead_is(sandbox, payments):
    payment = paid(sandbox)
    payments.refund(payment, amount=usd(500), keys=Keys(mark="ours", idempotency="a"))
    sandbox.do(f"/stripe/payments/{payment}/fail_refund", {})
    assert payments.find_refund(payment, "ours") is None
    assert payments.read_payment(payment).refunded_minor == 0
    payments.refund(payment, amount=usd(500), keys=Keys(mark="ours", idempotency="b"))
    assert payments.find_refund(payment, "ours") == 500
    assert sandbox.acts("refund.create") == 2


def test_our_refund_that_cannot_be_read_is_no_missing_one(scripted, asked):
    rows = [{"id": "re_2"}, {"id": "re_1", "metadata": {"packline_mark": "ours"}, "amount": "5.00"}]
    scripted.script += [Answer({"data": rows, "has_more": False})]
    with pytest.raises(Temporary, match="could not be read"):
        asked.find_refund("pi_1", "ours")


def test_held_money_is_taken_once_and_the_rest_goes_back(sandbox, payments, notes):
    payment = paid(sandbox, outcome="requires_capture")
    for _ in range(2):
        taken = payments.capture(payment, amount=usd(1500), key="capture-1")
    assert (taken.state, taken.captured_minor, taken.refunded_minor) == (PaymentState.PAID, 1500, 0)
    assert sandbox.acts("payment_intent.capture") == 1
    assert {(note.verb, note.key) for note in notes} == {("payment_intent.capture", "capture-1")}


def test_money_that_was_taken_before_is_adopted_as_it_was_taken(sandbox, payments):
    payment = paid(sandbox, outcome="requires_capture")
    sandbox.do(f"/stripe/payments/{payment}/capture", {"amount": 1200})
    taken = payments.capture(payment, amount=usd(2000), key="capture-2")
    assert (taken.state, taken.captured_minor) == (PaymentState.PAID, 1200)
    assert sandbox.acts("payment_intent.capture") == 0


@pytest.mark.parametrize("fault", ["cut_after", "timeout_after"])
def test_a_capture_whose_answer_was_lost_is_made_once(sandbox, payments, fault):
    payment = paid(sandbox, outcome="requires_capture")
    sandbox.fault("stripe", fault, "payment_intent.capture", delay_s=0.5)
    assert payments.capture(payment, amount=usd(2000), key="capture-3").captured_minor == 2000
    assert sandbox.acts("payment_intent.capture") == 1


@pytest.mark.parametrize("deed", ["cancel", "expire"])
def test_money_that_is_no_longer_held_is_not_taken(sandbox, payments, deed):
    payment = paid(sandbox, outcome="requires_capture")
    sandbox.do(f"/stripe/payments/{payment}/{deed}", {})
    with pytest.raises(Permanent) as refused:
        payments.capture(payment, amount=usd(2000), key="capture-4")
    assert refused.value.code == "payment_intent_unexpected_state"
    assert payments.read_payment(payment).state is PaymentState.VOIDED


def test_more_than_is_held_is_not_taken(sandbox, payments):
    payment = paid(sandbox, outcome="requires_capture")
    with pytest.raises(Permanent):
        payments.capture(payment, amount=usd(2001), key="capture-5")
    assert payments.read_payment(payment).state is PaymentState.AUTHORISED


@pytest.mark.parametrize("code", ["charge_expired_for_capture", "capture_charge_authorization_expired"])
def test_an_authorisation_that_lapsed_says_what_to_do(scripted, asked, code):
    scripted.script += [refusal(400, message="too late", code=code)]
    with pytest.raises(Permanent, match="too late") as refused:
        asked.capture("pi_1", amount=usd(1), key="k")
    assert "pay again" in refused.value.remedy


def test_a_charge_without_an_intent_is_neither_taken_nor_cancelled_and_nothing_is_asked(scripted, asked):
    for act in (lambda: asked.capture("ch_1", amount=usd(1), key="k"), lambda: asked.cancel("ch_1", key="k")):
        with pytest.raises(Permanent, match="without a PaymentIntent"):
            act()
    assert scripted.asked == []


def test_a_session_names_the_order_of_its_payment(sandbox, payments):
    session = sandbox.do("/stripe/checkouts", {"amount": 2000, "client_reference_id": "#1007"})
    fact = payments.find_session(session["payment_intent"])
    assert (fact.session_remote_id, fact.order_name, fact.state) == (session["id"], "#1007", PaymentState.PAID)


def test_a_payment_without_a_session_has_none(sandbox, payments):
    assert payments.find_session(paid(sandbox)) is None


def test_a_charge_is_read_as_the_payment_it_belongs_to(sandbox, payments):
    payment = paid(sandbox)
    charge = sandbox.do("/stripe/payments", {"amount": 900})["latest_charge"]
    assert payments.read_payment(charge).remote_id.startswith("pi_")
    assert payments.read_payment(charge).remote_id != payment


def test_an_unknown_payment_is_permanent(payments):
    with pytest.raises(Permanent, match="does not know it") as unknown:
        payments.read_payment("pi_nobody")
    assert "test and live" in unknown.value.remedy


def test_a_rate_limit_is_temporary_and_says_when(sandbox, payments):
    payment = paid(sandbox)
    sandbox.fault("stripe", "429", retry_after=7)
    with pytest.raises(Temporary) as limited:
        payments.read_payment(payment)
    assert (limited.value.retry_in_s, limited.value.outcome_unknown) == (7.0, False)


# ------------------------------------------------------------------------------------------ what a refusal means


def refusal(status, headers=None, **error):
    return Answer({"error": error}, status=status, headers=headers or {})


@pytest.mark.parametrize("status", [500, 502, 503, 409])
def test_a_vendor_in_trouble_is_asked_three_times_and_then_later(scripted, asked, status):
    scripted.script += [refusal(status, message="try again") for _ in range(3)]
    with pytest.raises(Temporary) as trouble:
        asked.cancel("pi_1", key="cancel-9")
    assert trouble.value.outcome_unknown
    assert [call.headers["idempotency-key"] for call in scripted.asked] == ["cancel-9"] * 3


def test_an_answer_that_is_a_web_page_is_temporary(scripted, asked):
    scripted.script += [Answer(b"<html>One moment</html>")]
    with pytest.raises(Temporary) as unread:
        asked.read_payment("pi_1")
    assert (unread.value.code, unread.value.outcome_unknown) == ("unreadable", False)


@pytest.mark.parametrize(
    "body", [{}, [], {"id": 7}, {"object": "payment_intent"}, {"id": "pi_1", "amount": "x"}, b"null", b"[" * 50_000]
)
def test_an_answer_of_another_shape_is_temporary_and_never_another_exception(scripted, asked, body):
    scripted.script += [Answer(body)]
    with pytest.raises(Temporary):
        asked.read_payment("pi_1")


def test_a_refused_key_is_permanent_and_is_not_repeated_in_the_reason(scripted, asked):
    scripted.script += [refusal(401, message="Invalid API Key provided: sk_test_packline")]
    with pytest.raises(Permanent) as refused:
        asked.read_payment("pi_1")
    assert "sk_test" not in refused.value.reason
    assert "packline connect stripe" in refused.value.remedy


def test_a_missing_permission_is_named(scripted, asked):
    message = "The provided key 'rk_test_abc' does not have it. Having the 'rak_charge_write' permission would help."
    scripted.script += [refusal(403, message=message, type="invalid_request_error")]
    with pytest.raises(Permanent) as refused:
        asked.refund("pi_1", amount=usd(1), keys=KEYS)
    assert "rak_charge_write" in refused.value.remedy
    assert "rk_test_abc" not in refused.value.reason


def test_a_card_error_is_permanent(scripted, asked):
    scripted.script += [refusal(402, message="Your card was declined.", code="card_declined", type="card_error")]
    with pytest.raises(Permanent, match="declined") as refused:
        asked.cancel("pi_1", key="k")
    assert refused.value.code == "card_declined"


def test_a_refund_that_stripe_could_not_send_is_permanent(scripted, asked):
    scripted.script += [Answer(FAILED_REFUND)]
    with pytest.raises(Permanent, match="lost or stolen card"):
        asked.refund("pi_1", amount=usd(1), keys=KEYS)


def test_a_vendor_that_is_not_there_is_temporary(credentials, notes):
    gone = stripe_vendor.build(credentials, Origins(stripe="http://127.0.0.1:9"), notes.append)
    with pytest.raises(Temporary, match="unreachable"):
        gone.read_payment("pi_1")
    assert notes[0].outcome == "unreachable"


def test_a_silent_vendor_is_temporary_and_noted(scripted, asked, notes):
    scripted.script += [Answer(after_s=0.5) for _ in range(3)]
    with pytest.raises(Temporary, match="timeout"):
        asked.read_payment("pi_1")
    assert [(note.verb, note.outcome) for note in notes] == [("payment_intent.read", "timeout")]
    assert notes[0].ms >= 300


def test_a_note_carries_the_status_and_the_key_and_no_secret(scripted, asked, notes):
    scripted.script += [refusal(402, message="no")]
    with pytest.raises(Permanent):
        asked.cancel("pi_1", key="cancel-10")
    assert notes == [
        CallNote(vendor="stripe", verb="payment_intent.cancel", outcome="402", ms=notes[0].ms, key="cancel-10")
    ]


def test_an_origin_with_the_version_in_it_is_the_same_place(scripted, credentials, notes):
    made = stripe_vendor.build(credentials, Origins(stripe=f"{scripted.origin}/v1/"), notes.append)
    scripted.script += [refusal(404, message="no")]
    with pytest.raises(Permanent):
        made.read_payment("pi_1")
    assert scripted.paths() == ["GET /v1/payment_intents/pi_1?expand%5B0%5D=latest_charge"]


def test_two_jobs_of_one_connection_share_a_client_and_two_connections_do_not(credentials, at_script):
    def client(key):
        made = Credentials(account="", live=False, secrets={"api_key": key})
        return stripe_vendor.build(made, at_script, print)._stripe

    assert client("sk_test_a") is client("sk_test_a")
    assert client("sk_test_a") is not client("sk_test_b")


@pytest.mark.parametrize("key", ["", "  ", "sk_test_ä", "sk_test\nHost: x"])
def test_a_connection_without_a_usable_key_is_permanent(at_script, key):
    with pytest.raises(Permanent, match="API key"):
        stripe_vendor.build(Credentials(account="", live=False, secrets={"api_key": key}), at_script, print)


def test_a_redirect_is_not_followed_with_a_refund_in_hand(scripted, asked):
    scripted.script += [Answer(status=307, headers={"Location": "/elsewhere"})]
    with pytest.raises(Temporary) as redirected:
        asked.refund("pi_1", amount=usd(1), keys=KEYS)
    assert redirected.value.outcome_unknown
    assert scripted.paths() == ["POST /v1/refunds"]


def test_no_payment_named_is_permanent_and_asks_nothing(scripted, asked):
    for act in (asked.read_payment, lambda ref: asked.cancel(ref, key="k")):
        with pytest.raises(Permanent):
            act("")
    assert scripted.asked == []
