"""Asks a person whether a buyer's money goes back where Packline may not decide, and keeps the question until answered.

Where the store cancelled, it gives back what it holds; money at a payment provider of the merchant's own is the
merchant's to give back. And a sum that nobody can give back by a step is given back by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from integrations.nouns import Money
from orders import freshening, holds, lifecycle, taking_back
from orders.giving_back import BY_HAND
from orders.holds import Problem
from records import timeline
from records.orders import Payment
from records.reversals import Reversal, ReversalStep, reversals_of, steps_of, under_way

HOLD = "refund"


def open_questions(session: Session, tenant: int, reversal: int) -> list[ReversalStep]:
    return [step for step in steps_of(session, tenant, reversal) if step.state == "asks"]


def settle(session: Session, tenant: int, order: int, *, by: str, now: datetime) -> None:
    """Hold the order while a question is open, and release it once none is."""
    asked = _asked_of(session, tenant, order)
    if asked:
        holds.place(session, tenant, order, problem(asked), by=by)
    else:
        holds.release(session, tenant, order, HOLD, by=by, now=now)


def problem(asked: Sequence[ReversalStep]) -> Problem:
    """The questions as a reason to hold an order. Pure."""
    elsewhere = [f"{_sum(step)} of payment {step.remote_id}" for step in asked if step.kind != BY_HAND]
    by_hand = [_sum(step) for step in asked if step.kind == BY_HAND]
    reasons, remedies = [], []
    if elsewhere:
        reasons.append(
            f"The store cancelled the order, and {' and '.join(elsewhere)} are still at the payment provider."
        )
        remedies.append("Give the money back, or skip that step if you have settled it with the buyer in another way.")
    if by_hand:
        reasons.append(
            f"{' and '.join(by_hand)} of what the buyer gets back is where Packline cannot give it back: "
            "in the store's own payments, or with a bank that looks at a dispute."
        )
        remedies.append("Give it back in the store or at the provider, then say so on that step; or go on without it.")
    return Problem(kind=HOLD, reason=" ".join(reasons), remedy=" ".join(remedies))


def answer(
    session: Session, tenant: int, step: int, word: str, *, by: str, now: datetime, reason: str = ""
) -> int | None:
    """Take a person's word on a step: `agree`, or `skip` it for a reason. Answers the order; None where it was over.

    A step is answered where it asks, or was refused. One that is due may be under way this moment, and a refused one of
    which nobody knows whether it took effect has to be found out first: by trying it again.
    """
    row = session.get(ReversalStep, (tenant, step), with_for_update=True)
    reversal = None if row is None else session.get(Reversal, (tenant, row.reversal_id))
    if row is None or reversal is None or not _waits_for_a_word(session, tenant, row, reversal):
        return None
    also = {"said": f"Skipped: {reason}", "ended_at": now} if word == "skip" else {}
    if not lifecycle.move(session, tenant, "reversal_step", step, word, **also):
        return None
    what = row.kind.replace("_", " ")
    if word == "agree" and row.kind == BY_HAND:
        taking_back.finish_step(session, tenant, step, f"{_sum(row)} were given back by hand.", now=now)
    timeline.write(
        session,
        tenant,
        reversal.order_id,
        actor=by,
        kind="person",
        sentence=f"Agreed: {what}." if word == "agree" else f"Skipped: {what}, because {reason}",
        step=step,
    )
    session.flush()
    settle(session, tenant, reversal.order_id, by=by, now=now)
    return reversal.order_id


def concerns(session: Session, tenant: int, payment: Payment, *, said_by: str) -> bool:
    """Whether money of a stopped order is to be looked at: a question is open, or it is free only now.

    It came after the cancellation, or a dispute over it is over. Such money gets a question of its own; money that was
    settled with the whole order, in whatever way, does not.
    """
    order = payment.order_id
    if order is None or under_way(session, tenant, order) is not None:
        return order is not None
    before = [one for one in reversals_of(session, tenant, order) if one.purpose == "cancel"]
    settled = [
        step
        for one in before
        for step in steps_of(session, tenant, one.id)
        if step.subject == f"payment/{payment.id}" and step.state in freshening.SETTLED
    ]
    if settled or not all(one.refund for one in before):
        return False
    return taking_back.begin_late(session, tenant, order, by=said_by)


def skip_all(session: Session, tenant: int, order: int, *, by: str, now: datetime, reason: str) -> bool:
    """A person released the hold: no money goes back by Packline. Answers whether anything was asked."""
    asked = _asked_of(session, tenant, order)
    for step in asked:
        answer(session, tenant, step.id, "skip", by=by, now=now, reason=reason)
    return bool(asked)


def _asked_of(session: Session, tenant: int, order: int) -> list[ReversalStep]:
    """A question about a part may outlive its reversal: what is left of the order is shipped meanwhile."""
    return [step for one in reversals_of(session, tenant, order) for step in open_questions(session, tenant, one.id)]


def _waits_for_a_word(session: Session, tenant: int, step: ReversalStep, reversal: Reversal) -> bool:
    if step.state == "asks":
        return reversal.state != "given_up"
    return (
        step.state == "refused" and reversal.state == "under_way" and not freshening.in_doubt(session, tenant, step.id)
    )


def _sum(step: ReversalStep) -> str:
    return str(Money(minor=step.amount_minor or 0, currency=step.currency))
