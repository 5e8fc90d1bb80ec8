"""Asks a person whether a buyer's money goes back where the store cancelled, and keeps the question until answered.

The store gives back what it holds. Money at a payment provider of the merchant's own is the merchant's to give back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from integrations.nouns import Money
from orders import holds, lifecycle, taking_back
from orders.holds import Problem
from records import timeline
from records.orders import Payment
from records.reversals import Reversal, ReversalStep, reversals_of, steps_of, under_way

HOLD = "refund"


def open_questions(session: Session, tenant: int, reversal: int) -> list[ReversalStep]:
    return [step for step in steps_of(session, tenant, reversal) if step.state == "asks"]


def settle(session: Session, tenant: int, reversal: Reversal, *, by: str, now: datetime) -> None:
    """Hold the order while a question is open, and release it once none is."""
    asked = open_questions(session, tenant, reversal.id)
    if not asked:
        holds.release(session, tenant, reversal.order_id, HOLD, by=by, now=now)
        return
    sums = " and ".join(
        f"{Money(minor=step.amount_minor or 0, currency=step.currency)} of payment {step.remote_id}" for step in asked
    )
    problem = Problem(
        kind=HOLD,
        reason=f"The store cancelled the order, and {sums} are still at the payment provider.",
        remedy="Give the money back, or skip that step if you have settled it with the buyer in another way.",
    )
    holds.place(session, tenant, reversal.order_id, problem, by=by)


def answer(
    session: Session, tenant: int, step: int, word: str, *, by: str, now: datetime, reason: str = ""
) -> int | None:
    """Take a person's word on a step: `agree`, or `skip` it for a reason. Answers the order; None where it was over."""
    row = session.get(ReversalStep, (tenant, step), with_for_update=True)
    reversal = None if row is None else session.get(Reversal, (tenant, row.reversal_id))
    if row is None or reversal is None or reversal.state != "under_way":
        return None
    also = {"said": f"Skipped: {reason}", "ended_at": now} if word == "skip" else {}
    if not lifecycle.move(session, tenant, "reversal_step", step, word, **also):
        return None
    what = row.kind.replace("_", " ")
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
    settle(session, tenant, reversal, by=by, now=now)
    return reversal.order_id


def concerns(session: Session, tenant: int, payment: Payment, *, said_by: str) -> bool:
    """Whether money of a stopped order is to be looked at: a question is open, or it came after the cancellation.

    Money that came late gets a question of its own; money that was settled once, in whatever way, does not.
    """
    order = payment.order_id
    if order is None or under_way(session, tenant, order) is not None:
        return order is not None
    before = reversals_of(session, tenant, order)
    asked = [step for one in before for step in steps_of(session, tenant, one.id)]
    if any(step.subject == f"payment/{payment.id}" for step in asked) or not all(one.refund for one in before):
        return False
    return taking_back.begin_late(session, tenant, order, by=said_by)


def skip_all(session: Session, tenant: int, order: int, *, by: str, now: datetime, reason: str) -> bool:
    """A person released the hold: no money goes back by Packline. Answers whether anything was asked."""
    reversal = under_way(session, tenant, order)
    asked = [] if reversal is None else open_questions(session, tenant, reversal.id)
    for step in asked:
        answer(session, tenant, step.id, "skip", by=by, now=now, reason=reason)
    return bool(asked)
