"""Stripe's disputes: a buyer's bank wants the money back, or asks about it."""

from __future__ import annotations

from datetime import datetime

import structlog

from integrations.nouns import PaymentDisputed
from integrations.payments.stripe.objects import Id, Named, Wire, id_of

log = structlog.get_logger(__name__)

# docs.stripe.com/api/disputes/object#dispute_object-status. An unknown one settles nothing.
_DISPUTES = frozenset(
    {
        *("warning_needs_response", "warning_under_review", "warning_closed"),
        *("needs_response", "under_review", "won", "lost", "prevented", "charge_refunded"),
    }
)


class Dispute(Wire):
    id: Id | None = None
    status: str
    reason: str | None = None
    charge: Id | Named | None = None
    payment_intent: Id | Named | None = None


def dispute_of(dispute: Dispute, at: datetime, *, closed: bool) -> PaymentDisputed | None:
    """The dispute in our words; None where it names no payment.

    `won`, and an inquiry that came to nothing (`warning_closed`), are settled in the merchant's favour.
    """
    payment = id_of(dispute.payment_intent) or id_of(dispute.charge)
    if not payment:
        return None
    if dispute.status not in _DISPUTES:
        log.warning("stripe.unknown_state", dispute=dispute.id, status=dispute.status[:40])
    return PaymentDisputed(
        payment_remote_id=payment,
        # Events of 2013 carry no id of the dispute; its charge tells it from others.
        dispute_remote_id=dispute.id or id_of(dispute.charge),
        reason=dispute.reason or "general",
        at=at,
        over=closed and dispute.status in {"won", "warning_closed"},
    )
