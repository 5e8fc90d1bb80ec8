"""What happens to a payment, whoever asks: each verb changes the objects and tells the events real Stripe tells."""

from sandbox.core import Answer, Refusal
from sandbox.stripe_accounts import Account, Accounts
from sandbox.stripe_disputes import Dispute
from sandbox.stripe_objects import Charge, Intent, Refund
from sandbox.stripe_wire import Fields, new_id, now, refused

# Test payment methods and what a confirmation with them comes to (docs.stripe.com/testing).
DECLINES = {
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_visa_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedLostCard": "lost_card",
}
NEEDS_BUYER = frozenset({"pm_card_authenticationRequired", "pm_card_threeDSecure2Required"})
# Cards that pay and are objected to at once, with the dispute's first status.
DISPUTED = {"pm_card_createDispute": "needs_response", "pm_card_createDisputeInquiry": "warning_needs_response"}
SLOW = frozenset({"pm_usBankAccount_success", "pm_sepaDebit_success"})
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
OUTCOMES = ("succeeded", "requires_capture", "failed", "processing")


class Payments:
    """The verbs on one stand-in's payments."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._lock = accounts.core.lock

    def create(self, account: Account, intent: Intent) -> Intent:
        with self._lock:
            account.intents[intent.id] = intent
            self._tell(account, "payment_intent.created", intent.wire())
        return intent

    def confirm(self, account: Account, intent: Intent, payment_method: str | None) -> None:
        """Try to take the money.

        Raises:
            Refusal: the intent is past confirming, has no payment method, or the card was declined (402).
        """
        with self._lock:
            _needs_status(intent, "confirmed", ("requires_payment_method", "requires_confirmation", "requires_action"))
            method = payment_method or intent.payment_method
            if not method:
                raise refused(
                    400,
                    "You cannot confirm this PaymentIntent because it's missing a payment method.",
                    code="payment_intent_unexpected_state",
                )
            if method in DECLINES:
                raise self._declined(account, intent, DECLINES[method])
            intent.payment_method = new_id("pm") if method.startswith("pm_card") else method
            if method in NEEDS_BUYER:
                self._ask_buyer(account, intent)
            elif method in SLOW:
                self.process(account, intent)
            else:
                self.succeed(account, intent)
            if method in DISPUTED:
                charge = account.charges[str(intent.latest_charge)]
                self.dispute(account, charge, status=DISPUTED[method], reason="fraudulent", amount=None)

    def succeed(self, account: Account, intent: Intent) -> None:
        """The bank says yes: the money is taken, or held where capture is manual."""
        with self._lock:
            manual = intent.capture_method == "manual"
            intent.payment_method = intent.payment_method or new_id("pm")
            charge = self._charge(account, intent, status="succeeded", captured=not manual)
            intent.next_action, intent.last_payment_error = None, None
            if manual:
                intent.status, intent.amount_capturable = "requires_capture", intent.amount
                self._tell(account, "charge.succeeded", charge.wire())
                self._tell(account, "payment_intent.amount_capturable_updated", intent.wire())
                return
            charge.amount_captured = intent.amount_received = intent.amount
            intent.status = "succeeded"
            self._tell(account, "charge.succeeded", charge.wire())
            self._tell(account, "payment_intent.succeeded", intent.wire())

    def process(self, account: Account, intent: Intent) -> None:
        """A slow method: the answer comes days later."""
        with self._lock:
            charge = self._charge(account, intent, status="pending", captured=True)
            intent.status = "processing"
            self._tell(account, "charge.pending", charge.wire())
            self._tell(account, "payment_intent.processing", intent.wire())

    def fail(self, account: Account, intent: Intent, decline_code: str = "generic_decline") -> Fields:
        """The bank says no; answers the card error."""
        with self._lock:
            charge = self._charge(account, intent, status="failed", captured=False)
            charge.failure_code, charge.failure_message = "card_declined", "Your card was declined."
            error = {
                "charge": charge.id,
                "code": "card_declined",
                "decline_code": decline_code,
                "doc_url": "https://stripe.com/docs/error-codes/card-declined",
                "message": "Your card was declined.",
                "type": "card_error",
            }
            intent.status, intent.last_payment_error, intent.payment_method = "requires_payment_method", error, None
            self._tell(account, "charge.failed", charge.wire())
            self._tell(account, "payment_intent.payment_failed", intent.wire())
            return error

    def capture(self, account: Account, intent: Intent, amount: int | None = None) -> None:
        """Take what was held, all or once a part of it; the rest is released.

        Raises:
            Refusal: nothing is held, or less than asked for.
        """
        with self._lock:
            _needs_status(intent, "captured", ("requires_capture",))
            taken = intent.amount_capturable if amount is None else amount
            if taken > intent.amount_capturable:
                raise refused(
                    400,
                    f"The provided amount_to_capture ({taken}) is greater than the amount capturable "
                    f"({intent.amount_capturable}).",
                    code="amount_too_large",
                    param="amount_to_capture",
                )
            charge = account.charges[str(intent.latest_charge)]
            charge.captured, charge.amount_captured = True, taken
            intent.status, intent.amount_capturable, intent.amount_received = "succeeded", 0, taken
            self._tell(account, "charge.captured", charge.wire(), {"captured": False, "amount_captured": 0})
            self._tell(account, "payment_intent.succeeded", intent.wire())

    def cancel(self, account: Account, intent: Intent, reason: str | None = None) -> None:
        """Give up an intent; what was held is released, which Stripe tells as a refund of an uncaptured charge."""
        with self._lock:
            _needs_status(intent, "canceled", CANCELABLE)
            held = intent.status == "requires_capture"
            intent.status, intent.amount_capturable = "canceled", 0
            intent.canceled_at, intent.cancellation_reason = now(), reason
            if held:
                charge = account.charges[str(intent.latest_charge)]
                charge.amount_refunded = charge.amount
                self._tell(account, "charge.refunded", charge.wire(), {"amount_refunded": 0, "refunded": False})
            self._tell(account, "payment_intent.canceled", intent.wire())

    def expire(self, account: Account, intent: Intent) -> None:
        """The authorisation lapses uncaptured."""
        with self._lock:
            _needs_status(intent, "expired", ("requires_capture",))
            charge = account.charges[str(intent.latest_charge)]
            intent.status, intent.amount_capturable = "canceled", 0
            intent.canceled_at, intent.cancellation_reason = now(), "automatic"
            charge.amount_refunded = charge.amount
            self._tell(account, "charge.expired", charge.wire())
            self._tell(account, "payment_intent.canceled", intent.wire())

    def refund(
        self, account: Account, charge: Charge, amount: int | None, reason: str | None, metadata: Fields
    ) -> Refund:
        """Give back all that is left, or a part; never more than was captured.

        Raises:
            Refusal: nothing captured, nothing left, less left than asked for, or a chargeback is open.
        """
        with self._lock:
            left = charge.amount_captured - charge.amount_refunded
            _needs_refundable(charge, left, amount)
            refund = Refund(charge, left if amount is None else amount, reason, metadata)
            before = {"amount_refunded": charge.amount_refunded, "refunded": charge.refunded}
            charge.amount_refunded += refund.amount
            account.refunds[refund.id] = refund
            self._tell(account, "refund.created", refund.wire())
            self._tell(account, "charge.refunded", charge.wire(), before)
            return refund

    def update_refund(self, account: Account, refund: Refund, metadata: Fields) -> None:
        with self._lock:
            before, refund.metadata = refund.metadata, metadata
            self._tell(account, "refund.updated", refund.wire(), {"metadata": before})
            self._tell(account, "charge.refund.updated", refund.wire(), {"metadata": before})

    def fail_refund(self, account: Account, refund: Refund, reason: str = "expired_or_canceled_card") -> None:
        """A refund that had succeeded comes back from the bank.

        Raises:
            Refusal: it failed before.
        """
        with self._lock:
            if refund.status != "succeeded":
                raise refused(400, f"Refund {refund.id} is {refund.status}, not succeeded.")
            refund.status, refund.failure_reason = "failed", reason
            refund.charge.amount_refunded -= refund.amount
            before = {"status": "succeeded", "failure_reason": None}
            for event_type in ("refund.failed", "refund.updated", "charge.refund.updated"):
                self._tell(account, event_type, refund.wire(), before)

    def dispute(self, account: Account, charge: Charge, *, status: str, reason: str, amount: int | None) -> Dispute:
        """A chargeback (needs_response: the money leaves at once) or an inquiry (warning_needs_response)."""
        with self._lock:
            dispute = Dispute(charge, charge.amount_captured if amount is None else amount, reason, status)
            charge.disputed = True
            account.disputes[dispute.id] = dispute
            self._tell(account, "charge.dispute.created", dispute.wire())
            if not status.startswith("warning"):
                self._tell(account, "charge.dispute.funds_withdrawn", dispute.wire())
            return dispute

    def update_dispute(self, account: Account, dispute: Dispute, metadata: Fields) -> None:
        with self._lock:
            before, dispute.metadata = dispute.metadata, metadata
            self._tell(account, "charge.dispute.updated", dispute.wire(), {"metadata": before})

    def close_dispute(self, account: Account, dispute: Dispute, status: str) -> None:
        with self._lock:
            before, dispute.status = dispute.status, status
            self._tell(account, "charge.dispute.closed", dispute.wire(), {"status": before})
            if status == "won":
                self._tell(account, "charge.dispute.funds_reinstated", dispute.wire())

    def _declined(self, account: Account, intent: Intent, decline_code: str) -> Refusal:
        error = self.fail(account, intent, decline_code)
        return Refusal(Answer(402, {"error": {**error, "payment_intent": intent.wire()}}, effect=True))

    def _ask_buyer(self, account: Account, intent: Intent) -> None:
        intent.status = "requires_action"
        intent.next_action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        self._tell(account, "payment_intent.requires_action", intent.wire())

    def _charge(self, account: Account, intent: Intent, *, status: str, captured: bool) -> Charge:
        """A new attempt, or the pending one when its answer comes."""
        pending = account.charges.get(intent.latest_charge or "")
        if pending and pending.status == "pending":
            pending.status = status
            return pending
        charge = Charge(intent, status, captured)
        account.charges[charge.id] = charge
        intent.latest_charge = charge.id
        return charge

    def _tell(self, account: Account, event_type: str, told: Fields, before: Fields | None = None) -> None:
        self._accounts.tell(account, event_type, told, before)


def _needs_status(intent: Intent, verb: str, statuses: tuple[str, ...]) -> None:
    if intent.status in statuses:
        return
    raise refused(
        400,
        f"This PaymentIntent could not be {verb} because it has a status of {intent.status}. Only a PaymentIntent with "
        f"one of the following statuses may be {verb}: {', '.join(statuses)}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent.wire(),
    )


def _needs_refundable(charge: Charge, left: int, amount: int | None) -> None:
    if charge.disputed:
        raise refused(400, f"Charge {charge.id} has been charged back.", code="charge_disputed")
    if charge.amount_captured == 0:
        message = f"This PaymentIntent ({charge.intent.id}) does not have a successful charge to refund."
        raise refused(400, message, code="charge_not_refundable")
    if left == 0:
        raise refused(400, f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if amount is not None and amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise refused(400, message, code="amount_too_large", param="amount")
