"""Takes an order, or a part of it, back: writes the wish and the steps of its plan down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from orders import choosing, lifecycle, reversing
from orders.order_facts import facts_of
from orders.reversing import Facts, Plan, Step, Wish
from records import tenants, timeline
from records.orders import LOCK, Order
from records.reversals import Reversal, ReversalStep, steps_of, under_way

__all__ = ["Begun", "NotPossible", "PlanChanged", "begin", "facts_of", "plan_of", "wish_of", "write_step"]

# What this file plans and jobs.reverse_order does; a label that is bought anew is a reversal with a job of its own.
PURPOSES = ("cancel", "cancel_lines", "replan")
_WHY_ANEW = {"refused": "Its place could not send it", reversing.ADDRESS: "The order goes to another address"}
_GIVES_STOCK_BACK = frozenset({"release_stock", "put_back_stock"})


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The steps are written; the caller asks for the `reverse_order` job."""

    reversal: int
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class PlanChanged:
    """Something happened since the plan was looked at: this is the plan of now, and nothing was begun."""

    plan: Plan


@dataclass(frozen=True, kw_only=True)
class NotPossible:
    """Nothing was begun; the reason is a sentence."""

    reason: str


def plan_of(session: Session, tenant: int, order: int, wish: Wish) -> Plan:
    """What would be done now. Looking changes nothing."""
    return reversing.plan(wish, facts_of(session, tenant, order), tenants.rules_of(session, tenant))


def begin(
    session: Session, tenant: int, order: int, wish: Wish, *, by: str, now: datetime, digest: str | None = None
) -> Begun | PlanChanged | NotPossible:
    """Write a wish and its steps down, and stop the order where the whole of it goes.

    `digest` is of the plan that a person agreed to; None takes whatever the plan is now. `by` is `person:…`, packline,
    or the vendor that told us.
    """
    row = session.get(Order, (tenant, order), with_for_update=LOCK)
    if row is None:
        return NotPossible(reason="There is no such order.")
    facts = facts_of(session, tenant, order)
    wish = reversing.sharpened(wish, facts)
    refusal = _refusal(session, tenant, row, wish)
    if refusal:
        return NotPossible(reason=refusal)
    drawn = reversing.plan(wish, facts, tenants.rules_of(session, tenant))
    if digest is not None and digest != drawn.digest:
        return PlanChanged(plan=drawn)
    if wish.origin == "person" and not drawn.takes_something:
        return NotPossible(reason=" ".join(drawn.keeps) or "There is nothing left to take back.")
    if wish.purpose == "cancel":
        lifecycle.move(session, tenant, "order", order, "cancel")
        choosing.withdraw(session, tenant, order, now=now)
        _give_up_what_is_under_way(session, tenant, order, now)
    reversal = _write(session, tenant, order, wish, drawn, by=by)
    timeline.write(
        session,
        tenant,
        order,
        actor=by,
        kind="person" if by.startswith("person:") else "fact",
        sentence=_told(wish, facts, drawn),
        reversal=reversal,
        steps=[step.sentence for step in drawn.steps],
        keeps=list(drawn.keeps),
    )
    return Begun(reversal=reversal, plan=drawn)


def wish_of(reversal: Reversal) -> Wish:
    """The wish that was written down."""
    origins = {"packline": "packline"}
    return Wish(
        purpose=reversal.purpose,
        wanted={int(line): int(units) for line, units in reversal.wanted.items()},
        reason=reversal.reason or "other",
        note=reversal.note,
        refund=reversal.refund,
        tell_buyer=reversal.tell_buyer,
        origin="person" if reversal.asked_by.startswith("person:") else origins.get(reversal.asked_by, "store"),
    )


def gives_back(session: Session, tenant: int, order: int, shipment: int) -> bool:
    """Whether a planned shipment is about to be taken back: nothing is to be bought for it any more."""
    reversal = under_way(session, tenant, order)
    if reversal is None:
        return False
    due = [one for one in steps_of(session, tenant, reversal.id) if one.state == "due"]
    return any((one.kind, one.subject) == ("release_stock", f"shipment/{shipment}") for one in due)


def write_said(session: Session, tenant: int, step: int, said: str) -> None:
    """Write what is known of a step that is under way."""
    session.get_one(ReversalStep, (tenant, step)).said = said


def finish_step(session: Session, tenant: int, step: int, said: str, *, now: datetime) -> None:
    """Write that a step is done, and what came of it."""
    lifecycle.move(session, tenant, "reversal_step", step, "finish", said=said, ended_at=now)


def drop_step(session: Session, tenant: int, step: int, said: str, *, now: datetime) -> None:
    """Write that nobody needs a step any more: nothing is settled by that, and it may be called for again."""
    lifecycle.move(session, tenant, "reversal_step", step, "drop", said=said, ended_at=now)


def try_again(session: Session, tenant: int, step: ReversalStep) -> None:
    """Let a refused step be due again; the store is asked anew for a sum that it had said before."""
    also = {"amount_minor": None} if step.kind == "refund_in_store" else {}
    lifecycle.move(session, tenant, "reversal_step", step.id, "again", said="", **also)


def write_step(session: Session, tenant: int, reversal: int, step: Step, position: int) -> None:
    """Write a step of a plan down at its place."""
    row = ReversalStep(
        tenant_id=tenant,
        reversal_id=reversal,
        position=position,
        kind=step.kind,
        subject=step.subject,
        remote_id=step.remote_id,
        units=step.units,
        amount_minor=step.amount_minor,
        currency=step.currency,
    )
    session.add(row)
    session.flush()
    if step.asks:
        lifecycle.move(session, tenant, "reversal_step", row.id, "ask")


def begin_stopped(session: Session, tenant: int, order: int, *, by: str) -> None:
    """Write the plan of an order that was stopped without one."""
    wish = Wish(purpose="cancel", origin="store")
    _write(session, tenant, order, wish, plan_of(session, tenant, order, wish), by=by)


def begin_late(session: Session, tenant: int, order: int, *, by: str) -> bool:
    """Write a plan for money that came after its order was stopped; answers whether there is any."""
    wish = Wish(purpose="cancel", origin="store")
    drawn = plan_of(session, tenant, order, wish)
    late = any(step.kind in {"cancel_payment", "refund_payment"} for step in drawn.steps)
    if late:
        _write(session, tenant, order, wish, drawn, by=by)
    return late


def _refusal(session: Session, tenant: int, order: Order, wish: Wish) -> str:
    """Why a wish cannot be begun at all; empty where it can."""
    if order.state in {"cancelling", "cancelled"}:
        return f"The order is {order.state} already."
    other = under_way(session, tenant, order.id)
    if wish.purpose == "cancel" and (wish.origin == "store" or other is None or other.purpose == "replan"):
        return ""
    if other is not None:
        return "Something else is being taken back of this order: wait until that is done."
    return "" if wish.purpose == "replan" or wish.wanted else "None of these units can be taken back any more."


def _told(wish: Wish, facts: Facts, drawn: Plan) -> str:
    if wish.reason == reversing.UNPAID:
        return "The payment did not come in time: what was reserved for the order is free for others."
    if wish.purpose == "replan":
        again = sorted(step.subject.replace("/", " ") for step in drawn.steps if step.kind in _GIVES_STOCK_BACK)
        opening = _WHY_ANEW.get(wish.reason, "The order changed in the store")
        return f"{opening}: {' and '.join(again)} {'is' if len(again) == 1 else 'are'} planned anew."
    if wish.origin == "store":
        return "The order was cancelled in the store."
    titles = {line.id: line.title for line in facts.lines}
    what = ", ".join(f"{units} × {titles[line]}" for line, units in wish.wanted.items()) or "the order"
    return f"Asked to cancel {what} (reason: {wish.reason}).{f' {wish.note}' if wish.note else ''}"


def _give_up_what_is_under_way(session: Session, tenant: int, order: int, now: datetime) -> None:
    """The whole order goes: what was begun for a part of it is part of that now."""
    other = under_way(session, tenant, order)
    if other is None:
        return
    for step in steps_of(session, tenant, other.id):
        if step.state in {"due", "asks", "refused"}:
            drop_step(session, tenant, step.id, "The whole order is cancelled.", now=now)
    lifecycle.move(session, tenant, "reversal", other.id, "give_up", ended_at=now)


def _write(session: Session, tenant: int, order: int, wish: Wish, drawn: Plan, *, by: str) -> int:
    reversal = Reversal(
        tenant_id=tenant,
        order_id=order,
        purpose=wish.purpose,
        wanted={str(line): units for line, units in wish.wanted.items()},
        reason=wish.reason,
        note=wish.note,
        asked_by=by,
        refund=wish.refund,
        tell_buyer=wish.tell_buyer,
    )
    session.add(reversal)
    session.flush()
    for position, step in enumerate(drawn.steps, start=1):
        write_step(session, tenant, reversal.id, step, position)
    return reversal.id
