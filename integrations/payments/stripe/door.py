"""Stripe's signed events, told apart and read; pure, and without Stripe's SDK.

The SDK's own check raises TypeError, UnicodeDecodeError or AttributeError on bytes that a stranger can send, and lets
events from the future pass. docs.stripe.com/webhooks/signature says how a signature is made.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from pydantic import StrictBool

from integrations.json_body import parsed, read_object
from integrations.nouns import Fact, Ignored, PaymentChanged
from integrations.payments.stripe import disputes, objects, refunds
from integrations.ports import Delivery, Envelope, Unreadable

# Stripe's own default, in both directions: a clock may be slow as well as fast, and a signature from the future would
# be good for as long as it likes. A clock that is further off loses nothing for good: Stripe signs each of its retries
# anew, for three days (docs.stripe.com/webhooks), and what is missed by then is found by comparing its events.
TOLERANCE_S = 300
# While a secret is rolled, Stripe signs with each active one (at most 24 hours); more than these are not Stripe's.
_MOST_SIGNATURES = 10

log = structlog.get_logger(__name__)


class StripeDoor:
    """Where Stripe's events arrive: one address a connection, since the headers name no account."""

    vendor = "stripe"
    signature_header = "stripe-signature"

    def account(self, delivery: Delivery) -> str | None:  # noqa: ARG002
        return None

    def genuine(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> bool:
        """Whether a secret signed these bytes less than five minutes from `now`, before or after."""
        stamp, signatures = _signatures(delivery.headers.get(self.signature_header, ""))
        if not stamp:
            return False
        signed = stamp.encode("ascii") + b"." + delivery.body
        expected = [_signature(secret, signed) for secret in secrets if secret]
        matches = any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in signatures)
        off_s = round(int(stamp) - now.timestamp())
        if matches and abs(off_s) > TOLERANCE_S:
            # Either somebody repeats an old delivery, or a clock is wrong, most likely ours.
            log.warning("stripe.signed_at_another_time", off_s=off_s, remedy="compare this machine's clock with NTP")
        return matches and abs(off_s) <= TOLERANCE_S

    def envelope(self, delivery: Delivery) -> Envelope:
        try:
            body = read_object(delivery.body)
        except Unreadable:
            body = {}
        digest = hashlib.sha256(delivery.body).hexdigest()
        return Envelope(topic=_word(body.get("type")), delivery_id=_word(body.get("id")) or digest)

    def read(self, topic: str, delivery: Delivery, *, live: bool) -> Fact:
        body = read_object(delivery.body)
        if body.get("object") == "v2.core.event":
            return Ignored(reason="a thin event, which names a change without telling it: connect a snapshot endpoint")
        reader = TOPICS.get(topic)
        if not topic:
            raise Unreadable("event.type: an event names what happened")
        if reader is None:
            return Ignored(reason=f"{topic} is not acted on")
        event = parsed(Event, body, called="event")
        if event.livemode is not live:
            return Ignored(reason=_wrong_mode(live=live))
        return reader(event.data.object, objects.moment(event.created))


class EventContent(objects.Wire):
    object: dict[str, Any]


class Event(objects.Wire):
    created: objects.Moment
    livemode: StrictBool
    data: EventContent


def _word(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 else ""


def _signatures(header: str) -> tuple[str, list[bytes]]:
    """The time that was signed, as written, and the v1 signatures; an empty time where the header is malformed."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value.encode("utf-8", "surrogatepass") for name, _, value in pairs if name == "v1"]
    stamp = stamps[0] if len(stamps) == 1 else ""
    # Twelve digits last until the year 33658, and int() of them cannot be made slow.
    well_formed = stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12
    return (stamp if well_formed else ""), signatures[:_MOST_SIGNATURES]


def sample(account: str, secret: str, mark: str, now: datetime) -> Delivery:  # noqa: ARG001 - its address names it
    """An event of a type that Stripe does not have."""
    stamp = int(now.timestamp())
    body = json.dumps({"id": f"evt_{mark}", "object": "event", "type": "packline.self_test", "created": stamp}).encode()
    signature = _signature(secret, f"{stamp}.".encode("ascii") + body).decode("ascii")
    return Delivery(body=body, headers={StripeDoor.signature_header: f"t={stamp},v1={signature}"})


def _signature(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode("utf-8", "surrogatepass"), signed, hashlib.sha256).hexdigest().encode("ascii")


def _wrong_mode(*, live: bool) -> str:
    return "a test event for a live connection" if live else "a live event for a test connection"


def _intent(thing: dict[str, Any], at: datetime) -> Fact:
    intent = parsed(objects.Intent, thing, called="payment_intent")
    return PaymentChanged(fact=objects.payment_of_intent(intent, at))


def _charge(thing: dict[str, Any], at: datetime) -> Fact:
    return PaymentChanged(fact=objects.payment_of_charge(parsed(objects.Charge, thing, called="charge"), at))


def _expired_charge(thing: dict[str, Any], at: datetime) -> Fact:
    fact = objects.payment_of_charge(parsed(objects.Charge, thing, called="charge"), at)
    problem = "the authorisation expired before it was captured"
    return PaymentChanged(fact=fact.model_copy(update={"problem": problem}))


def _session(thing: dict[str, Any], at: datetime, *, failed: bool = False) -> Fact:
    session = parsed(objects.Session, thing, called="checkout.session")
    fact = objects.payment_of_session(session, at, failed=failed)
    return PaymentChanged(fact=fact) if fact else Ignored(reason="a check-out session without a payment")


def _failed_session(thing: dict[str, Any], at: datetime) -> Fact:
    return _session(thing, at, failed=True)


def _dispute(thing: dict[str, Any], at: datetime, *, closed: bool = False) -> Fact:
    dispute = disputes.dispute_of(parsed(disputes.Dispute, thing, called="dispute"), at, closed=closed)
    return dispute or Ignored(reason="a dispute that names no payment")


def _closed_dispute(thing: dict[str, Any], at: datetime) -> Fact:
    return _dispute(thing, at, closed=True)


def _refund(thing: dict[str, Any], at: datetime) -> Fact:
    failed = refunds.failed_refund_of(parsed(refunds.Refund, thing, called="refund"), at)
    return failed or Ignored(reason="a refund that has not failed, or names no payment")


TOPICS: Mapping[str, Callable[[dict[str, Any], datetime], Fact]] = {
    "payment_intent.succeeded": _intent,
    "payment_intent.amount_capturable_updated": _intent,
    "payment_intent.payment_failed": _intent,
    "payment_intent.canceled": _intent,
    "payment_intent.processing": _intent,
    "charge.refunded": _charge,
    "charge.expired": _expired_charge,
    # Both tell a failure; what a refund that arrives does to its payment is told by charge.refunded.
    "refund.failed": _refund,
    "refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.closed": _closed_dispute,
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _failed_session,
}
