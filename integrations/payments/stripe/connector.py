"""Stripe's side of the Payments port: reads a payment, takes and cancels an authorisation, gives money back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.nouns import Hook, Money, PaymentFact, PaymentState, RecordedEvent
from integrations.payments.stripe import amounts, changes, hooks, objects, refunds
from integrations.payments.stripe.client import StripeAccount, readable, row_as, safe
from integrations.ports import Credentials, Keys, Notice, Origins, Permanent, Renewed, Temporary

# The key under which our mark stands on a refund, for whoever looks at it in Stripe's dashboard, and for us.
MARK = "packline_mark"


class StripePayments:
    """One Stripe account. Payments are PaymentIntents; charges of old are read and refunded too."""

    def __init__(self, credentials: Credentials, origins: Origins, notice: Notice) -> None:
        self._account = StripeAccount(credentials, origins, notice)
        self._stripe = self._account.v1

    def read_payment(self, remote_id: str) -> PaymentFact:
        if remote_id.startswith(_CHARGE_PREFIXES):
            return self._read_charge(remote_id)
        intent, at = self._account.ask(
            "payment_intent.read",
            lambda: self._stripe.payment_intents.retrieve(safe(remote_id), {"expand": ["latest_charge"]}),
            objects.Intent,
        )
        return objects.payment_of_intent(intent, at)

    def find_session(self, payment_remote_id: str) -> PaymentFact | None:
        found, at = self._account.ask(
            "checkout_session.find",
            lambda: self._stripe.checkout.sessions.list({"payment_intent": payment_remote_id, "limit": 1}),
            objects.SessionList,
        )
        return readable(objects.payment_of_session, found.data[0], at) if found.data else None

    def cancel(self, remote_id: str, *, key: str) -> PaymentFact:
        _refuse_charges(remote_id, "cancelled", remedy="Release it in Stripe's dashboard, then discard this job.")
        try:
            intent, at = self._account.ask(
                "payment_intent.cancel",
                lambda: self._stripe.payment_intents.cancel(
                    safe(remote_id), {"expand": ["latest_charge"]}, {"idempotency_key": key}
                ),
                objects.Intent,
                key=key,
            )
        except Permanent as refused:
            return self._found_done(remote_id, refused, {"payment_intent_unexpected_state"}, {PaymentState.VOIDED})
        return objects.payment_of_intent(intent, at)

    def capture(self, remote_id: str, *, amount: Money, key: str) -> PaymentFact:
        """Take `amount` of what is held; Stripe gives the rest back, as a payment is captured once.

        A payment that was captured before is adopted as it stands, with the amount that was taken then.
        """
        _refuse_charges(remote_id, "captured", remedy="Capture it in Stripe's dashboard, then discard this job.")
        wish: Any = {"amount_to_capture": amounts.at_stripe(amount), "expand": ["latest_charge"]}
        try:
            intent, at = self._account.ask(
                "payment_intent.capture",
                lambda: self._stripe.payment_intents.capture(safe(remote_id), wish, {"idempotency_key": key}),
                objects.Intent,
                key=key,
            )
        except Permanent as refused:
            return self._found_done(remote_id, refused, _CAPTURED_BEFORE, _CAPTURED)
        return objects.payment_of_intent(intent, at)

    def refund(self, remote_id: str, *, amount: Money, keys: Keys) -> PaymentFact:
        """Give back `amount`, marked as ours; the answer is the whole payment, read after the refund.

        Stripe keeps a key's first answer for a day at least, a 500 included: where `outcome_unknown` stays, look for
        the mark, and ask again under a new key only if no refund carries it.
        """
        try:
            refund = self._refund(remote_id, amount, keys)
        except Permanent as refused:
            return self._found_done(remote_id, refused, {"charge_already_refunded"}, {PaymentState.REFUNDED})
        if refund.came_to_nothing:
            remedy = "Give the money back another way, or correct the cause in Stripe's dashboard and retry."
            raise Permanent(f"Stripe could not send the refund: {refund.why}", remedy=remedy, code=str(refund.status))
        try:
            return self.read_payment(remote_id)
        except Temporary as unread:
            raise Temporary(f"refunded, but then: {unread.reason}", code=unread.code, outcome_unknown=True) from None

    def find_refund(self, remote_id: str, mark: str) -> int | None:
        for row, _at in self._account.rows(
            "refund.list", self._stripe.refunds.list, {_whose(remote_id): safe(remote_id)}
        ):
            if (row.get("metadata") or {}).get(MARK) != mark:
                continue
            refund: refunds.Refund = readable(row_as, refunds.Refund, row)
            if not refund.came_to_nothing:
                return amounts.minor_units(refund.amount, refund.currency)
        return None

    def events_since(self, since: datetime) -> Iterator[RecordedEvent]:
        return changes.events_since(self._account, since, datetime.now(UTC))

    def payments_since(self, since: datetime) -> Iterator[PaymentFact]:
        return changes.payments_since(self._account, since)

    def hooks(self) -> Sequence[Hook]:
        return hooks.standing(self._account)

    def add_hook(self, topics: Sequence[str], address: str, secret: str) -> str:  # noqa: ARG002 - Stripe makes its own
        return hooks.add(self._account, topics, address)

    def enable_hook(self, remote_id: str, secret: str) -> None:  # noqa: ARG002 - the endpoint keeps its secret
        hooks.enable(self._account, remote_id)

    def renew_hook(self, remote_id: str, topics: Sequence[str], address: str, secret: str) -> Renewed:  # noqa: ARG002
        return hooks.renew(self._account, remote_id, topics, address)

    def drop_hook(self, remote_id: str) -> None:
        hooks.drop(self._account, remote_id)

    def _refund(self, remote_id: str, amount: Money, keys: Keys) -> refunds.Refund:
        told = amounts.at_stripe(amount)
        wish: Any = {_whose(remote_id): safe(remote_id), "amount": told, "metadata": {MARK: keys.mark}}
        refund, _at = self._account.ask(
            "refund.create",
            lambda: self._stripe.refunds.create(wish, {"idempotency_key": keys.idempotency}),
            refunds.Refund,
            key=keys.idempotency,
        )
        return refund

    def _read_charge(self, remote_id: str) -> PaymentFact:
        charge, at = self._account.ask(
            "charge.read", lambda: self._stripe.charges.retrieve(safe(remote_id)), objects.Charge
        )
        intent = objects.id_of(charge.payment_intent)
        return self.read_payment(intent) if intent else objects.payment_of_charge(charge, at)

    def _found_done(
        self, remote_id: str, refused: Permanent, codes: Collection[str], wanted: Collection[PaymentState]
    ) -> PaymentFact:
        """The payment where the refusal means that it stands already as it was to be; else the refusal."""
        if refused.code not in codes:
            raise refused
        fact = self.read_payment(remote_id)
        if fact.state not in wanted:
            raise refused
        return fact


_CHARGE_PREFIXES = ("ch_", "py_")
_CAPTURED_BEFORE = frozenset({"payment_intent_unexpected_state", "charge_already_captured"})
_CAPTURED = frozenset({PaymentState.PAID, PaymentState.PART_REFUNDED, PaymentState.REFUNDED})


def _refuse_charges(remote_id: str, verb: str, *, remedy: str) -> None:
    if remote_id.startswith(_CHARGE_PREFIXES):
        raise Permanent(f"a charge without a PaymentIntent cannot be {verb}", remedy=remedy)


def _whose(remote_id: str) -> str:
    return "charge" if remote_id.startswith(_CHARGE_PREFIXES) else "payment_intent"
