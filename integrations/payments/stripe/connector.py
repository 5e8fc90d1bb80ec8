"""Stripe's side of the Payments port: reads a payment, cancels an authorisation, gives money back.

Only the `v1` services of a StripeClient of our own: no global key, five seconds to connect and thirty to answer, and
the caller's idempotency key on everything that moves money.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import requests
import stripe

from integrations.http import vendor_origin
from integrations.json_body import Model, parsed, refuse_unstorable_text
from integrations.kept import Kept
from integrations.nouns import Hook, PaymentFact, PaymentState, RecordedEvent
from integrations.payments.stripe import objects
from integrations.payments.stripe.failures import understood
from integrations.ports import Credentials, Keys, Notice, Origins, Permanent, Temporary, Unreadable
from integrations.sdk_calls import api_key, told

Read = TypeVar("Read")

# (connect, each read). A call may take three tries of this, as the SDK repeats lost calls twice under the same key.
TIMEOUT_S = (5, 30)
NETWORK_RETRIES = 2

_clients: Kept[stripe.StripeClient] = Kept(most=32)


class StripePayments:
    """One Stripe account, spoken to with its own key. Payments are PaymentIntents; charges of old are read too."""

    def __init__(self, credentials: Credentials, origins: Origins, notice: Notice) -> None:
        origin = vendor_origin(
            origins.stripe, default="https://api.stripe.com", setting="STRIPE_API_BASE", suffix="/v1"
        )
        key = api_key(credentials, "stripe")
        self._stripe = _clients.get((origin, key), partial(_client, origin, key)).v1
        self._notice = notice

    def read_payment(self, remote_id: str) -> PaymentFact:
        if remote_id.startswith(_CHARGE_PREFIXES):
            return self._read_charge(remote_id)
        intent, at = self._ask(
            "payment_intent.read",
            lambda: self._stripe.payment_intents.retrieve(_safe(remote_id), {"expand": ["latest_charge"]}),
            objects.Intent,
        )
        return objects.payment_of_intent(intent, at)

    def find_session(self, payment_remote_id: str) -> PaymentFact | None:
        found, at = self._ask(
            "checkout_session.find",
            lambda: self._stripe.checkout.sessions.list({"payment_intent": payment_remote_id, "limit": 1}),
            objects.SessionList,
        )
        return _readable(objects.payment_of_session, found.data[0], at) if found.data else None

    def cancel(self, remote_id: str, *, key: str) -> PaymentFact:
        if remote_id.startswith(_CHARGE_PREFIXES):
            raise Permanent(
                "a charge without a PaymentIntent cannot be cancelled",
                remedy="Release it in Stripe's dashboard, then discard this job.",
            )
        try:
            intent, at = self._ask(
                "payment_intent.cancel",
                lambda: self._stripe.payment_intents.cancel(
                    _safe(remote_id), {"expand": ["latest_charge"]}, {"idempotency_key": key}
                ),
                objects.Intent,
                key=key,
            )
        except Permanent as refused:
            return self._found_done(remote_id, refused, "payment_intent_unexpected_state", PaymentState.VOIDED)
        return objects.payment_of_intent(intent, at)

    def refund(self, remote_id: str, *, amount_minor: int, keys: Keys) -> PaymentFact:
        """Give back `amount_minor`; the answer is the whole payment, read after the refund.

        Stripe keeps a key's first answer for a day at least, a 500 included: where `outcome_unknown` stays, read the
        payment, and ask again under a new key only if nothing was refunded.
        """
        try:
            refund = self._refund(remote_id, amount_minor, keys.idempotency)
        except Permanent as refused:
            return self._found_done(remote_id, refused, "charge_already_refunded", PaymentState.REFUNDED)
        if refund.status in {"failed", "canceled"}:
            why = (refund.failure_reason or "no reason given").replace("_", " ")
            remedy = "Give the money back another way, or correct the cause in Stripe's dashboard and retry."
            raise Permanent(f"Stripe could not send the refund: {why}", remedy=remedy, code=refund.status)
        try:
            return self.read_payment(remote_id)
        except Temporary as unread:
            raise Temporary(f"refunded, but then: {unread.reason}", code=unread.code, outcome_unknown=True) from None

    def capture(self, remote_id: str, *, amount_minor: int, key: str) -> PaymentFact:
        raise NotImplementedError

    def find_refund(self, remote_id: str, mark: str) -> int | None:
        raise NotImplementedError

    def events_since(self, since: datetime) -> Iterator[RecordedEvent]:
        raise NotImplementedError

    def payments_since(self, since: datetime) -> Iterator[PaymentFact]:
        raise NotImplementedError

    def hooks(self) -> Sequence[Hook]:
        raise NotImplementedError

    def add_hook(self, topics: Sequence[str], address: str, secret: str) -> str:
        raise NotImplementedError

    def enable_hook(self, remote_id: str, secret: str) -> None:
        raise NotImplementedError

    def _refund(self, remote_id: str, amount_minor: int, key: str) -> objects.Refund:
        whose = "charge" if remote_id.startswith(_CHARGE_PREFIXES) else "payment_intent"
        wish: Any = {whose: _safe(remote_id), "amount": amount_minor}
        refund, _at = self._ask(
            "refund.create",
            lambda: self._stripe.refunds.create(wish, {"idempotency_key": key}),
            objects.Refund,
            key=key,
        )
        return refund

    def _read_charge(self, remote_id: str) -> PaymentFact:
        charge, at = self._ask("charge.read", lambda: self._stripe.charges.retrieve(_safe(remote_id)), objects.Charge)
        intent = objects.id_of(charge.payment_intent)
        return self.read_payment(intent) if intent else objects.payment_of_charge(charge, at)

    def _found_done(self, remote_id: str, refused: Permanent, code: str, wanted: PaymentState) -> PaymentFact:
        """The payment where the refusal means that it stands already as it was to be; else the refusal."""
        if refused.code != code:
            raise refused
        fact = self.read_payment(remote_id)
        if fact.state is not wanted:
            raise refused
        return fact

    def _ask(self, verb: str, call: Callable[[], Any], model: type[Model], *, key: str = "") -> tuple[Model, datetime]:
        """Stripe's answer as `model`, and the moment at which Stripe gave it."""
        answer, at = told(
            lambda: _plain(call()),
            notice=self._notice,
            vendor="stripe",
            verb=verb,
            key=key,
            understand=lambda wrong: understood(wrong, changes=bool(key), now=datetime.now(UTC)),
        )
        return _readable(_model, model, answer, changes=bool(key)), at


_CHARGE_PREFIXES = ("ch_", "py_")


def _client(origin: str, key: str) -> stripe.StripeClient:
    session = requests.Session()
    # Stripe redirects nothing; a redirect would carry a refund to a place that nobody configured.
    session.max_redirects = 0
    return stripe.StripeClient(
        key,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S, session=session),
        max_network_retries=NETWORK_RETRIES,
        base_addresses={"api": origin, "connect": origin, "files": origin, "meter_events": origin},
    )


def _safe(remote_id: str) -> str:
    # The SDK quotes an id; an empty one would turn one payment's address into the list of all.
    if not remote_id:
        raise Permanent("no payment was named", remedy="Discard this job: it has no payment to work on.")
    return remote_id


def _plain(answer: Any) -> tuple[dict[str, Any], datetime]:
    return answer.to_dict(), _answered_at(answer.last_response.headers.get("Date"))


def _answered_at(date: str | None) -> datetime:
    """Stripe's own clock, since its events carry it too; ours where the answer has no readable Date."""
    try:
        at = parsedate_to_datetime(date or "")
    except ValueError:
        return datetime.now(UTC)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _model(model: type[Model], answer: dict[str, Any]) -> Model:
    refuse_unstorable_text(answer)
    return parsed(model, answer, called="answer")


def _readable(read: Callable[..., Read], *values: Any, changes: bool = False) -> Read:
    try:
        return read(*values)
    except Unreadable as unread:
        reason = f"Stripe's answer could not be read ({unread.reason})"
        raise Temporary(reason, code="unreadable", outcome_unknown=changes) from None
