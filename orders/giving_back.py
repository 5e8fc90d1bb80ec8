"""Says what becomes of a buyer's money at a payment provider when an order, or a part of it, is taken back. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.nouns import Money
from orders.reversal import Facts, PaymentFacts, Step, Wish
from records.tenants import Rules


def money(wish: Wish, facts: Facts, rules: Rules, *, whole: bool, taken_in_store: bool) -> tuple[list[Step], list[str]]:
    """What becomes of money at payment providers, and the sentences on what stays there.

    `taken_in_store`: the store takes units off the order, or has done so, and says what they cost.
    """
    steps: list[Step] = []
    stays: list[str] = []
    if wish.purpose == "replan":
        return steps, stays
    asks = wish.origin == "store" and rules.refund_when_cancelled != "always"
    for payment in facts.payments:
        left = Money(minor=payment.refundable_minor or payment.authorised_minor, currency=payment.currency)
        if payment.only_authorised:
            if whole:
                steps.append(_cancel_payment(payment, left))
            else:
                stays.append(f"{left} of payment {payment.remote_id} stay authorised for what is shipped.")
        elif payment.refundable_minor and payment.disputed:
            stays.append(
                f"{left} of payment {payment.remote_id} stay where they are while the bank looks at a dispute."
            )
        elif payment.refundable_minor and not wish.refund:
            stays.append(f"{left} of payment {payment.remote_id} are not given back, as you wish.")
        elif payment.refundable_minor and (whole or taken_in_store):
            steps.append(_refund_payment(payment, left, whole=whole, asks=asks))
    return steps, stays


def split(amount_minor: int, payments: Sequence[PaymentFacts]) -> dict[int, int]:
    """An amount over the payments that can give it back, the first one first; never more than each one took."""
    shares: dict[int, int] = {}
    for payment in payments:
        shares[payment.id] = 0 if payment.disputed else min(amount_minor, payment.refundable_minor)
        amount_minor -= shares[payment.id]
    return shares


def _cancel_payment(payment: PaymentFacts, reserved: Money) -> Step:
    return Step(
        kind="cancel_payment",
        subject=f"payment/{payment.id}",
        remote_id=payment.remote_id,
        amount_minor=reserved.minor,
        currency=reserved.currency,
        sentence=f"Give up the authorisation of {reserved} on payment {payment.remote_id}.",
    )


def _refund_payment(payment: PaymentFacts, left: Money, *, whole: bool, asks: bool) -> Step:
    amount = str(left) if whole else f"what the store says these units cost, at most {left},"
    return Step(
        kind="refund_payment",
        subject=f"payment/{payment.id}",
        remote_id=payment.remote_id,
        amount_minor=left.minor if whole else None,
        currency=payment.currency,
        asks=asks,
        sentence=f"Give {amount} back from payment {payment.remote_id}.",
    )
