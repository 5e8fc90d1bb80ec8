"""Decides whether an order's money is good enough to ship, and merges what payment providers say. Pure."""

from __future__ import annotations

from collections.abc import Sequence
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
_PROGRESS = {
    PaymentState.UNKNOWN: 0,
    PaymentState.PENDING: 1,
    PaymentState.FAILED: 2,
    PaymentState.AUTHORISED: 3,
    PaymentState.VOIDED: 4,
    PaymentState.PAID: 5,
    PaymentState.PART_REFUNDED: 6,
    PaymentState.REFUNDED: 7,
}


def merged(before: Payment | None, fact: PaymentFact) -> dict[str, object]:
    """The columns of a payment after hearing a fact, in whatever order facts arrive.

    Captured and refunded totals only grow. A state is overwritten by one further along, or by a later word of the
    same weight; a buyer whose card failed may try again on the same payment, so "failed" is no end.
    """
    if before is None:
        return _columns(fact)
    heard = _columns(fact)
    later = fact.at >= before.as_of
    ahead = _PROGRESS[fact.state] - _PROGRESS[PaymentState(before.state)]
    revived = before.state == PaymentState.FAILED and later and fact.state is PaymentState.PENDING
    return heard | {
        "state": fact.state.value if ahead > 0 or (ahead == 0 and later) or revived else before.state,
        "amount_minor": fact.amount.minor if later else before.amount_minor,
        "authorised_minor": fact.authorised_minor if later else before.authorised_minor,
        "captured_minor": max(fact.captured_minor, before.captured_minor),
        "refunded_minor": max(fact.refunded_minor, before.refunded_minor),
        "as_of": max(fact.at, before.as_of),
        "order_remote_id": fact.order_remote_id or before.order_remote_id,
        "order_name": fact.order_name or before.order_name,
        "session_remote_id": fact.session_remote_id or before.session_remote_id,
        "problem": fact.problem if later else before.problem,
    }


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
