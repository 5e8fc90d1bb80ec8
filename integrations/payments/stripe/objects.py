"""Stripe's objects, only the fields we use, and the payment each of them tells of.

They come in the shape of the API version that the webhook endpoint was made with, so both shapes are read: `charges`
inside the PaymentIntent (until 2022-08-01) and `latest_charge`, an id or the whole charge (since 2022-11-15).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from integrations.nouns import Currency, PaymentFact, PaymentState
from integrations.payments.stripe.amounts import minor_units, money
from integrations.ports import Unreadable

log = structlog.get_logger(__name__)

# As Stripe counts it (`amounts`). Its largest has 12 digits (docs.stripe.com/currencies); a database bigint holds 18.
Amount = Annotated[int, Field(strict=True, ge=0, lt=10**15)]
# Unix seconds until the year 2200: a fact from far ahead would make every later one look old.
Moment = Annotated[int, Field(strict=True, ge=0, lt=7_258_118_400)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]
CurrencyCode = Annotated[Currency, BeforeValidator(lambda code: code.upper() if isinstance(code, str) else code)]
# A note that is longer names no order, and is too long for the index that it would stand in; Stripe ends at 500.
_LONGEST_NAME = 255
# What went wrong is a sentence on a page.
_LONGEST_PROBLEM = 300


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Named(Wire):
    """A thing that Stripe was asked to send whole where it usually sends the id."""

    id: Id


class Charge(Wire):
    """`amount_refunded` also counts what was authorised and never captured, once a smaller amount has been captured."""

    id: Id
    amount: Amount
    currency: CurrencyCode
    captured: bool = False
    status: str = ""
    amount_captured: Amount | None = None
    amount_refunded: Amount = 0
    payment_intent: Id | Named | None = None
    metadata: dict[str, Any] | None = None
    failure_message: str | None = None


class ChargeList(Wire):
    data: tuple[Charge, ...] = ()


class Failure(Wire):
    message: str | None = None
    code: str | None = None
    type: str | None = None


class Intent(Wire):
    id: Id
    amount: Amount
    currency: CurrencyCode
    status: str
    amount_capturable: Amount | None = None
    amount_received: Amount | None = None
    latest_charge: Charge | Id | None = None
    charges: ChargeList | None = None
    last_payment_error: Failure | None = None
    cancellation_reason: str | None = None
    metadata: dict[str, Any] | None = None


class Session(Wire):
    id: Id
    created: Moment | None = None
    payment_status: str
    payment_intent: Id | Named | None = None
    amount_total: Amount | None = None
    currency: CurrencyCode | None = None
    client_reference_id: str | None = None
    metadata: dict[str, Any] | None = None


class SessionList(Wire):
    data: tuple[Session, ...]


def payment_of_intent(intent: Intent, at: datetime) -> PaymentFact:
    """The payment that a PaymentIntent tells of."""
    charge = _charge_of(intent)
    captured = _captured(intent, charge)
    refunded = min(given_back(charge), captured) if charge else 0
    order_id, order_name = _order(intent.metadata)
    return PaymentFact(
        remote_id=intent.id,
        state=_state(intent, captured, refunded),
        at=at,
        amount=money(intent.amount, intent.currency),
        authorised_minor=minor_units(_authorised(intent, captured), intent.currency),
        captured_minor=minor_units(captured, intent.currency),
        refunded_minor=minor_units(refunded, intent.currency),
        problem=_problem(intent),
        order_remote_id=order_id,
        order_name=order_name,
    )


def payment_of_charge(charge: Charge, at: datetime) -> PaymentFact:
    """The payment that a Charge tells of; its own id stands for it where it belongs to no PaymentIntent."""
    captured = _captured_of_charge(charge)
    refunded = min(given_back(charge), captured)
    order_id, order_name = _order(charge.metadata)
    return PaymentFact(
        remote_id=id_of(charge.payment_intent) or charge.id,
        state=_state_of_charge(charge, captured, refunded),
        at=at,
        amount=money(charge.amount, charge.currency),
        authorised_minor=minor_units(charge.amount if captured else 0, charge.currency),
        captured_minor=minor_units(captured, charge.currency),
        refunded_minor=minor_units(refunded, charge.currency),
        problem=(charge.failure_message or "")[:_LONGEST_PROBLEM],
        order_remote_id=order_id,
        order_name=order_name,
    )


def payment_of_session(session: Session, at: datetime, *, failed: bool = False) -> PaymentFact | None:
    """The payment behind a check-out session; None where there is none (a set-up, a subscription, nothing to pay).

    Raises Unreadable where a payment is named without its amount.

    `unpaid` stays PENDING: it is also what Stripe says of an authorised payment that waits for its capture, so such a
    fact links the payment to its order and must never take an authorisation back.
    """
    payment = id_of(session.payment_intent)
    if not payment:
        return None
    if session.amount_total is None or session.currency is None:
        raise Unreadable("checkout.session.amount_total: a session with a payment has an amount and a currency")
    order_id, order_name = _order(session.metadata, session.client_reference_id)
    total = money(session.amount_total, session.currency)
    paid = total.minor if session.payment_status == "paid" and not failed else 0
    if paid and session.created is not None:
        # It stays "paid" whatever is refunded later, so it tells nothing newer than that.
        at = min(at, moment(session.created))
    return PaymentFact(
        remote_id=payment,
        state=PaymentState.FAILED if failed else _state_of_session(session),
        at=at,
        amount=total,
        authorised_minor=paid,
        captured_minor=paid,
        session_remote_id=session.id,
        problem="the buyer's delayed payment failed" if failed else "",
        order_remote_id=order_id,
        order_name=order_name,
    )


def given_back(charge: Charge) -> int:
    """What the buyer got back of what was captured, as Stripe counts it.

    Stripe books the part of an authorisation that is never captured as a refund of the charge: 375 refunded of a
    charge of 20675 with 20300 captured means that nothing was given back.
    """
    released = charge.amount - _captured_of_charge(charge)
    return charge.amount_refunded - released if charge.amount_refunded >= released else charge.amount_refunded


def id_of(thing: str | Named | None) -> str:
    return thing.id if isinstance(thing, Named) else thing or ""


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _charge_of(intent: Intent) -> Charge | None:
    if isinstance(intent.latest_charge, Charge):
        return intent.latest_charge
    attempts = intent.charges.data if intent.charges else ()
    return next((charge for charge in attempts if charge.status == "succeeded"), None)


def _captured(intent: Intent, charge: Charge | None) -> int:
    if intent.amount_received is not None:
        return intent.amount_received
    if intent.status != "succeeded":
        return 0
    return _captured_of_charge(charge) if charge else intent.amount


def _captured_of_charge(charge: Charge) -> int:
    if charge.amount_captured is not None:
        return charge.amount_captured
    return charge.amount if charge.captured else 0


def _authorised(intent: Intent, captured: int) -> int:
    if intent.status == "requires_capture":
        capturable = intent.amount if intent.amount_capturable is None else intent.amount_capturable
        return capturable + captured
    return intent.amount if intent.status == "succeeded" else 0


# docs.stripe.com/payments/paymentintents/lifecycle
_STATES = {
    "requires_payment_method": PaymentState.PENDING,
    "requires_confirmation": PaymentState.PENDING,
    "requires_action": PaymentState.PENDING,
    "processing": PaymentState.PENDING,
    "requires_capture": PaymentState.AUTHORISED,
    "succeeded": PaymentState.PAID,
    "canceled": PaymentState.VOIDED,
}


def _state(intent: Intent, captured: int, refunded: int) -> PaymentState:
    state = _STATES.get(intent.status, PaymentState.UNKNOWN)
    if state is PaymentState.UNKNOWN:
        log.warning("stripe.unknown_state", payment=intent.id, status=intent.status)
    if intent.status == "requires_payment_method" and intent.last_payment_error:
        return PaymentState.FAILED
    return _after_refunds(captured, refunded) if state is PaymentState.PAID else state


# API versions before 2015-02-18 say "paid", and the oldest say nothing: docs.stripe.com/changelog/2015-02-18.
_MADE = frozenset({"succeeded", "paid", ""})


def _state_of_charge(charge: Charge, captured: int, refunded: int) -> PaymentState:
    if charge.status in {"failed", "pending"}:
        return PaymentState.FAILED if charge.status == "failed" else PaymentState.PENDING
    if charge.status not in _MADE:
        log.warning("stripe.unknown_state", charge=charge.id, status=charge.status[:40])
        return PaymentState.UNKNOWN
    return _after_refunds(captured, refunded) if captured else PaymentState.VOIDED


def _state_of_session(session: Session) -> PaymentState:
    states = {"paid": PaymentState.PAID, "unpaid": PaymentState.PENDING, "no_payment_required": PaymentState.PAID}
    if session.payment_status not in states:
        log.warning("stripe.unknown_state", session=session.id, status=session.payment_status)
    return states.get(session.payment_status, PaymentState.UNKNOWN)


def _after_refunds(captured: int, refunded: int) -> PaymentState:
    if refunded == 0:
        return PaymentState.PAID
    return PaymentState.PART_REFUNDED if refunded < captured else PaymentState.REFUNDED


def _problem(intent: Intent) -> str:
    if intent.status == "canceled":
        return f"cancelled: {(intent.cancellation_reason or 'no reason given').replace('_', ' ')}"
    failure = intent.last_payment_error
    if intent.status != "requires_payment_method" or failure is None:
        return ""
    return (failure.message or failure.code or failure.type or "the payment failed")[:_LONGEST_PROBLEM]


def _order(metadata: dict[str, Any] | None, reference: str | None = None) -> tuple[str, str]:
    """The id and the name of the order, as the shop's check-out wrote them; a reference of digits may be either."""
    remote_id, name = _text(metadata, "order_id"), _text(metadata, "order_name")
    if remote_id or name or not reference or len(reference) > _LONGEST_NAME:
        return remote_id, name
    if reference.startswith("gid://"):
        return reference, ""
    return (reference if reference.isdecimal() else ""), reference


def _text(metadata: dict[str, Any] | None, key: str) -> str:
    value = (metadata or {}).get(key)
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if len(text) <= _LONGEST_NAME else ""
