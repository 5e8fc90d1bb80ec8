"""Decides whether an order's money is good enough to ship, and merges what payment providers say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations.nouns import PaymentFact, PaymentStanding, PaymentState
from orders.holds import Problem
from records.orders import Payment


@dataclass(frozen=True, kw_only=True)
class Funds:
    """One payment's totals, in the order's minor units; `safe` is False while the buyer's bank disputes it."""

    currency: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    safe: bool = True


def gate(
    standing: PaymentStanding, payments: Sequence[Funds], *, total_minor: int, currency: str, ship_when: str
) -> Problem | None:
    """None where the order may ship; otherwise what it waits for.

    `ship_when` is `paid` or `authorised`. Money refunded in part does not stop what is left to ship; money refunded in
    full, voided or expired does.
    """
    if standing in {PaymentStanding.REFUNDED, PaymentStanding.VOIDED, PaymentStanding.EXPIRED}:
        return _waits(f"The store says that the payment is {standing.value}.")
    good = {PaymentStanding.PAID, PaymentStanding.PART_REFUNDED}
    if ship_when == "authorised":
        good |= {PaymentStanding.AUTHORISED}
    if standing in good:
        return None
    usable = [funds for funds in payments if funds.currency == currency and funds.safe]
    covered = sum(
        max(funds.captured_minor, funds.authorised_minor if ship_when == "authorised" else 0) - funds.refunded_minor
        for funds in usable
    )
    if usable and covered >= total_minor:
        return None
    return _waits(
        f"{'Not paid' if not covered else 'Not paid in full'}: the store says {standing.value.replace('_', ' ')}, "
        f"other payments cover {covered} of {total_minor} minor units of {currency}."
    )


def _waits(reason: str) -> Problem:
    return Problem(
        kind="payment",
        reason=reason,
        remedy="It goes on by itself when the payment arrives; release the hold to ship without it.",
    )


# How far along its life a payment is: a fact that is further along wins over one that is not, whatever their order.
# A buyer whose card failed may try again on the same payment, so "failed" is no further along than "pending". Nor is
# "refunded" further than "paid": a refund that fails makes the payment paid again.
_PROGRESS = {
    PaymentState.UNKNOWN: 0,
    PaymentState.PENDING: 1,
    PaymentState.FAILED: 1,
    PaymentState.AUTHORISED: 2,
    PaymentState.VOIDED: 3,
    PaymentState.PAID: 4,
    PaymentState.PART_REFUNDED: 4,
    PaymentState.REFUNDED: 4,
}


def merged(before: Payment | None, fact: PaymentFact) -> dict[str, object]:
    """The columns of a payment after hearing a fact; the same in whatever order facts arrive, and however often.

    The captured total only grows. Everything else is told by the fact that is furthest along, and by the later of two
    that are equally far: so a check-out session that is still "unpaid" takes no authorisation back, and what is
    refunded is what was said last, which is less than before where a refund failed. `as_of` is the time of that fact.
    """
    heard = _columns(fact)
    if before is None:
        return heard
    weightier = _weight(heard) >= _weight({name: getattr(before, name) for name in _TOLD_BY_ONE})
    return {
        **(heard if weightier else {name: getattr(before, name) for name in heard}),
        "captured_minor": max(fact.captured_minor, fact.refunded_minor, before.captured_minor),
        "order_remote_id": fact.order_remote_id or before.order_remote_id,
        "order_name": fact.order_name or before.order_name,
        "session_remote_id": fact.session_remote_id or before.session_remote_id,
    }


# What the weightiest fact alone decides. Stripe's times have whole seconds, so a tie is broken by what is told: the
# larger refund (two in one second are told as two totals), then by any rule that does not ask which fact came first.
_TOLD_BY_ONE = ("as_of", "refunded_minor", "state", "authorised_minor", "amount_minor", "problem", "currency")


def _weight(told: Mapping[str, object]) -> tuple[object, ...]:
    progress = _PROGRESS[PaymentState(str(told["state"]))]
    return (progress, *(told[name] for name in _TOLD_BY_ONE))


def _columns(fact: PaymentFact) -> dict[str, object]:
    return {
        "state": fact.state.value,
        "currency": fact.amount.currency,
        "amount_minor": fact.amount.minor,
        "authorised_minor": fact.authorised_minor,
        "captured_minor": max(fact.captured_minor, fact.refunded_minor),
        "refunded_minor": fact.refunded_minor,
        "as_of": fact.at,
        "order_remote_id": fact.order_remote_id,
        "order_name": fact.order_name,
        "session_remote_id": fact.session_remote_id,
        "problem": fact.problem,
    }
