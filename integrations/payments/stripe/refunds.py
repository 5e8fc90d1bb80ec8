"""Stripe's refunds: money on its way back, which may have arrived and come back all the same.

https://docs.stripe.com/refunds#failed-refunds: a bank may refuse a refund days after it succeeded; the money is then
the merchant's again, and the charge counts it as refunded no longer.
"""

from __future__ import annotations

from datetime import datetime

from integrations.nouns import RefundFailed
from integrations.payments.stripe import amounts
from integrations.payments.stripe.objects import Amount, CurrencyCode, Id, Named, Wire, id_of


class Refund(Wire):
    id: Id
    amount: Amount
    currency: CurrencyCode
    status: str | None = None
    failure_reason: str | None = None
    charge: Id | Named | None = None
    payment_intent: Id | Named | None = None

    @property
    def came_to_nothing(self) -> bool:
        """One that is cancelled before it arrives gives the buyer as little as one that fails."""
        return self.status in {"failed", "canceled"}

    @property
    def why(self) -> str:
        reason = self.failure_reason or ("canceled" if self.status == "canceled" else "no reason given")
        return reason.replace("_", " ")


def failed_refund_of(refund: Refund, at: datetime) -> RefundFailed | None:
    """The refund in our words where it came to nothing; None where it may still arrive, or names no payment."""
    payment = id_of(refund.payment_intent) or id_of(refund.charge)
    if not payment or not refund.came_to_nothing:
        return None
    return RefundFailed(
        payment_remote_id=payment,
        refund_remote_id=refund.id,
        amount=amounts.money(refund.amount, refund.currency),
        reason=refund.why,
        at=at,
    )
