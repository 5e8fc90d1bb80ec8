"""Says what becomes of a buyer's money at a payment provider when an order, or a part of it, is taken back. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.nouns import Money
from orders.reversal import Facts, PaymentFacts, Step, Wish
from records.tenants import Rules

# A sum that no step gives back: a person does, and says so.
BY_HAND = "refund_by_hand"


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
    held = Money(minor=facts.held_in_store_minor, currency=facts.currency) if _may_be_ours_to_give(wish) else None
    if held and held.minor and (whole or taken_in_store):
        stays.append(_asked_about(held, whole=whole))
        if whole:
            steps.append(by_hand(facts.order, held))
    return steps, stays


def split(amount_minor: int, payments: Sequence[PaymentFacts]) -> dict[int, int]:
    """An amount over the payments that can give it back, the first one first; never more than each one took.

    What they cannot bear is `beyond` them.
    """
    shares: dict[int, int] = {}
    for payment in payments:
        shares[payment.id] = 0 if payment.disputed else min(amount_minor, payment.refundable_minor)
        amount_minor -= shares[payment.id]
    return shares


def is_anything_paid(facts: Facts) -> bool:
    """Whether there is money that could go back for a part: by a payment, or by hand."""
    return bool(facts.held_in_store_minor or any(one.refundable_minor for one in facts.payments))


def beyond(amount_minor: int, facts: Facts) -> int:
    """What of an amount no payment gives back, though the buyer paid it: the store has it, or a bank looks at it."""
    stuck = sum(one.refundable_minor for one in facts.payments if one.disputed) + facts.held_in_store_minor
    reserved = sum(one.authorised_minor for one in facts.payments if one.only_authorised)
    return max(0, min(amount_minor - sum(split(amount_minor, facts.payments).values()) - reserved, stuck))


def by_hand(order: int, amount: Money) -> Step:
    """A sum that a person is asked to give back, because nobody else does."""
    return Step(
        kind=BY_HAND,
        subject=f"order/{order}",
        amount_minor=amount.minor,
        currency=amount.currency,
        asks=True,
        sentence=f"Ask you to give {amount} back by hand.",
    )


def _may_be_ours_to_give(wish: Wish) -> bool:
    """Who cancelled in the store has decided there about the money that it has."""
    return wish.refund and wish.origin != "store"


def _asked_about(held: Money, *, whole: bool) -> str:
    ask = "you are asked to give them back there" if whole else "you are asked about what the payments do not bear"
    return f"{held} were paid in the store itself, and Packline gives back only what is at payment providers: {ask}."


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
