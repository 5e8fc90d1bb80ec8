"""Stripe counts some currencies otherwise than ISO 4217: what is read, taken and given back is the same money."""

import json

import pytest

from integrations.nouns import Money, PaymentState, RefundFailed
from integrations.payments import stripe as stripe_vendor
from integrations.payments.stripe import amounts, client
from integrations.payments.stripe.door import StripeDoor
from integrations.ports import Credentials, Delivery, Keys, Permanent
from sandbox.stripe_accounts import DEFAULT_KEY

# Our minor units, and what Stripe is told and tells of the same money.
SAME_MONEY = [
    ("USD", 1999, 1999),
    ("JPY", 500, 500),
    ("KWD", 5120, 5120),
    ("ISK", 500, 50000),
    ("UGX", 7, 700),
    ("MGA", 1200, 12),
    ("HUF", 1045, 1045),
]
HALVES = Keys(mark="half", idempotency="half")


@pytest.fixture
def payments(sandbox, notes):
    client._clients.forget()
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return stripe_vendor.build(credentials, sandbox.origins, notes.append)


@pytest.mark.parametrize(("currency", "ours", "stripes"), SAME_MONEY)
def test_an_amount_goes_to_stripe_and_comes_back_as_it_was(currency, ours, stripes):
    assert amounts.at_stripe(Money(minor=ours, currency=currency)) == stripes
    assert amounts.minor_units(stripes, currency) == ours


@pytest.mark.parametrize(("currency", "ours", "stripes"), SAME_MONEY)
def test_held_money_is_read_taken_and_given_back_in_stripes_own_count(sandbox, payments, currency, ours, stripes):
    made = sandbox.do(
        "/stripe/payments", {"amount": stripes, "currency": currency.lower(), "outcome": "requires_capture"}
    )
    held = payments.read_payment(made["id"])
    assert (held.amount, held.authorised_minor) == (Money(minor=ours, currency=currency), ours)

    taken = payments.capture(made["id"], amount=held.amount, key="take")
    assert (taken.state, taken.captured_minor) == (PaymentState.PAID, ours)

    back = payments.refund(made["id"], amount=held.amount, keys=HALVES)
    assert (back.state, back.refunded_minor) == (PaymentState.REFUNDED, ours)
    assert payments.find_refund(made["id"], "half") == ours
    whole = payments._stripe.payment_intents.retrieve(made["id"], {"expand": ["latest_charge"]})
    assert (whole.amount_received, whole.latest_charge.amount_refunded) == (stripes, stripes)


def test_part_of_a_payment_in_krona_is_given_back_and_not_a_hundredth_of_it(sandbox, payments):
    made = sandbox.do("/stripe/payments", {"amount": 50_000, "currency": "isk"})
    back = payments.refund(made["id"], amount=Money(minor=200, currency="ISK"), keys=HALVES)
    assert (back.state, back.captured_minor, back.refunded_minor) == (PaymentState.PART_REFUNDED, 500, 200)


def test_a_session_and_an_event_tell_the_same_money_as_the_payment(sandbox, payments):
    session = sandbox.do("/stripe/checkouts", {"amount": 70_000, "currency": "ugx", "client_reference_id": "#1"})
    fact = payments.find_session(session["payment_intent"])
    assert (fact.amount, fact.captured_minor) == (Money(minor=700, currency="UGX"), 700)

    refund = {"id": "re_1", "amount": 4_000, "currency": "isk", "status": "failed", "payment_intent": "pi_1"}
    event = {"type": "refund.failed", "created": 1_700_000_000, "livemode": False, "data": {"object": refund}}
    failed = StripeDoor().read("refund.failed", Delivery(body=json.dumps(event).encode(), headers={}), live=False)
    assert isinstance(failed, RefundFailed)
    assert failed.amount == Money(minor=40, currency="ISK")


def test_an_old_payment_in_fractions_of_a_krona_never_looks_more_than_given_back(sandbox, payments):
    made = sandbox.do("/stripe/payments", {"amount": 4_010, "currency": "isk"})
    sandbox.do(f"/stripe/payments/{made['id']}/refund", {})
    fact = payments.read_payment(made["id"])
    assert (fact.state, fact.captured_minor, fact.refunded_minor) == (PaymentState.REFUNDED, 40, 40)


def test_a_fraction_that_stripe_cannot_be_told_is_refused_before_anything_is_asked(sandbox, payments):
    made = sandbox.do("/stripe/payments", {"amount": 12, "currency": "mga"})
    with pytest.raises(Permanent, match=r"10\.50 MGA is none") as refused:
        payments.refund(made["id"], amount=Money(minor=1050, currency="MGA"), keys=HALVES)
    assert refused.value.code == "fraction"
    assert sandbox.calls("refund.create") == []
