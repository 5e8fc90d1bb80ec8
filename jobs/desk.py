"""What a person may ask for: retry, discard, hold, release, replay. Each is written down with who asked."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs import (
    answering,
    changing,
    couriering,
    handing_over,
    intake,
    outward,
    queue,
    rerouting,
    reshaping,
    swap_line,
)
from orders import holds, lifecycle, readdressing, refund_question, relabelling, subjects, taking_back
from orders.holds import Problem
from orders.reversing import Wish
from orders.taking_back import Begun, NotPossible, PlanChanged
from records import tenants, timeline
from records.address_changes import latest_of
from records.jobs import Job
from records.orders import LOCK, Order
from records.shipments import shipments_of

order_of = subjects.order_of
ONLY_WATCHES = "Packline only watches this shop and does nothing outside. Do it in the store: Packline follows."
answer_choice = answering.answer
choice_told = answering.told
readdress, take_off, end_links = changing.readdress, changing.take_off, changing.end_links
rerate, rerate_order, split, join = reshaping.rerate, reshaping.rerate_order, reshaping.split, reshaping.join
why_no_rates = reshaping.why_no_rates
cannot_send, why_it_sends, ask_again = rerouting.cannot_send, rerouting.why_it_sends, rerouting.ask_again

ready, give, not_given = handing_over.ready, handing_over.give, handing_over.not_given
why_it_stays_given = handing_over.why_it_stays_given
give_to_courier, by_carrier, delivered = couriering.choose, couriering.by_carrier, couriering.delivered
couriers_for, why_not_by_another = couriering.offers, couriering.why_not
why_not_ready, why_not_given = handing_over.why_not_ready, handing_over.why_not_given


def forecast(session: Session, tenant: int) -> None:
    """Have what to order worked out anew."""
    queue.add(session, tenant, "forecast_demand", f"shop/{tenant}")


def retry(session: Session, tenant: int, job: int, *, by: str) -> bool:
    """Try a parked job again from the start of its patience; answers whether it was parked."""
    row = session.get(Job, (tenant, job))
    if row is None or row.state != "parked":
        return False
    if _waits_already(session, row):
        return lifecycle.move(session, tenant, "job", job, "discard", reason="A newer request for it waits already.")
    try:
        with session.begin_nested():
            moved = lifecycle.move(
                session, tenant, "job", job, "retry",
                attempts=0, deaths=0, due_at=func.now(), rung_at=func.now(), ended_at=None,
            )  # fmt: skip
    except IntegrityError:  # somebody asked for the same work in the same moment: theirs is the one that waits
        return lifecycle.move(session, tenant, "job", job, "discard", reason="A newer request for it waits already.")
    if moved:
        queue.ring_after_commit(session, tenant, row.queue, row.lane)
        _tell(session, row, f"Asked to try again: {row.kind.replace('_', ' ')}.", by=by)
    return moved


def retry_order(session: Session, tenant: int, order: int, *, by: str) -> int:
    """Try everything of an order that is parked again; answers how many."""
    parked = session.scalars(
        select(Job.id)
        .where(Job.tenant_id == tenant, Job.lane == f"order/{order}", Job.state == "parked")
        .order_by(Job.id)
    ).all()
    return sum(retry(session, tenant, job, by=by) for job in parked)


def retry_all(session: Session, tenant: int, *, cause: str, kind: str, by: str, limit: int = 1_000) -> int:
    """Try every parked job of one cause and kind again; answers how many, at most `limit` a call."""
    parked = session.scalars(
        select(Job.id)
        .where(Job.tenant_id == tenant, Job.state == "parked", Job.cause == cause, Job.kind == kind)
        .order_by(Job.id)
        .limit(limit)
    ).all()
    return sum(retry(session, tenant, job, by=by) for job in parked)


def discard(session: Session, tenant: int, job: int, *, reason: str, by: str) -> bool:
    """Give a waiting or parked job up, with the reason; answers whether it could be."""
    row = session.get(Job, (tenant, job))
    waited_for = row is not None and row.kind in {"change_address", "swap_line"}
    order = order_of(session, tenant, row.subject) if row is not None and waited_for else None
    if order is not None:
        session.get_one(Order, (tenant, order), with_for_update=LOCK, populate_existing=True)
    if row is None or not lifecycle.move(
        session, tenant, "job", job, "discard", reason=f"Discarded by {by}: {reason}", ended_at=func.now()
    ):
        return False
    if order is not None and row.kind == "swap_line":
        swap_line.give_up(session, tenant, order, now=datetime.now(UTC))
    elif order is not None:
        _give_the_address_up(session, tenant, order, "It was given up here.", now=datetime.now(UTC))
        intake.resume(session, tenant, order)
    _tell(session, row, f"Given up: {row.kind.replace('_', ' ')}, because {reason}", by=by)
    return True


def release_hold(session: Session, tenant: int, order: int, kind: str, *, by: str, now: datetime) -> bool:
    """End a hold and let the order go on; answers whether there was one. `by` is `person:…`."""
    if kind == refund_question.HOLD and refund_question.skip_all(
        session, tenant, order, by=by, now=now, reason="the hold was released."
    ):
        queue.add(session, tenant, "reverse_order", f"order/{order}")
        return True
    if kind == readdressing.HOLD:
        session.get_one(Order, (tenant, order), with_for_update=LOCK, populate_existing=True)
    released = holds.release(session, tenant, order, kind, by=by, now=now)
    if released and kind == readdressing.HOLD:
        _give_the_address_up(session, tenant, order, "The hold was released.", now=now)
    if released:
        intake.resume(session, tenant, order)
    return released


def hold(session: Session, tenant: int, order: int, *, reason: str, by: str) -> str:
    """Keep an order from being shipped until a person releases it; answers why it was not, or an empty text."""
    row = session.get_one(Order, (tenant, order), with_for_update=LOCK, populate_existing=True)
    refusal = holds.why_not(row.state, [one.state for one in shipments_of(session, tenant, order)])
    if refusal:
        return refusal
    problem = Problem(kind="operator", reason=reason, remedy="Release the hold when the order may go on.")
    held = holds.place(session, tenant, order, problem, by=by)
    return "" if held else "A person held it already, and your reason is on it now."


def resume(session: Session, tenant: int, order: int, *, by: str) -> None:
    """Look at an order again, from where it stands."""
    intake.resume(session, tenant, order)
    timeline.write(session, tenant, order, actor=by, kind="person", sentence="Asked to go on.")


def cancel(
    session: Session, tenant: int, order: int, wish: Wish, *, by: str, digest: str | None = None
) -> Begun | PlanChanged | NotPossible:
    """Take an order, or a part of it, back by the plan with this digest; None takes the plan as it is now."""
    if tenants.mode_of(session, tenant) == "shadow":
        return NotPossible(reason=ONLY_WATCHES)
    begun = taking_back.begin(session, tenant, order, wish, by=by, now=datetime.now(UTC), digest=digest)
    if isinstance(begun, Begun):
        queue.add(session, tenant, "reverse_order", f"order/{order}")
    return begun


def agree(session: Session, tenant: int, step: int, *, by: str) -> bool:
    """Let a step that waits for a yes be done; answers whether it waited."""
    order = refund_question.answer(session, tenant, step, "agree", by=by, now=datetime.now(UTC))
    if order is not None:
        queue.add(session, tenant, "reverse_order", f"order/{order}")
    return order is not None


def skip_step(session: Session, tenant: int, step: int, *, by: str, reason: str) -> bool:
    """Go on without a step that was refused or that waits for a yes; answers whether that could be.

    One of which nobody knows whether it took effect is found out first, by a retry.
    """
    order = refund_question.answer(session, tenant, step, "skip", by=by, now=datetime.now(UTC), reason=reason)
    if order is not None:
        queue.add(session, tenant, "reverse_order", f"order/{order}")
    return order is not None


def relabel(session: Session, tenant: int, parcel: int, *, by: str, reason: str) -> str:
    """Ask for another label for a parcel that has not left; answers why it gets none, or an empty text."""
    if tenants.mode_of(session, tenant) == "shadow":
        return ONLY_WATCHES
    refusal = relabelling.ask(session, tenant, parcel, by=by, reason=reason)
    if not refusal:
        lane = f"order/{order_of(session, tenant, f'parcel/{parcel}')}"
        queue.add(session, tenant, "relabel_parcel", f"parcel/{parcel}", lane=lane)
    return refusal


def replay(session: Session, tenant: int, event: int) -> bool:
    """Read an inbox event again, as if it had just arrived; answers whether there is such an event at rest."""
    moved = lifecycle.move(session, tenant, "inbox_event", event, "replay", reason="", taken_at=None)
    if moved:
        queue.add(session, tenant, "take_event", f"event/{event}")
    return moved


def read_catalogue(session: Session, tenant: int, connection: str) -> None:
    """Read the store's locations, variants and stock anew."""
    queue.add(session, tenant, "read_catalogue", f"connection/{connection}")


def compare(session: Session, tenant: int, connection: str) -> None:
    """Hold our records against a vendor's now, and look whether it still tells us everything."""
    queue.add(session, tenant, "check_connection", f"connection/{connection}")
    queue.add(session, tenant, "reconcile", f"connection/{connection}")


def _give_the_address_up(session: Session, tenant: int, order: int, why: str, *, now: datetime) -> None:
    """What nobody waits for any more does not reach the store behind our backs: the order goes where it went.

    Where the store may have heard of it, a job looks. Who gives that job up, too, has looked themselves.
    """
    asked = readdressing.asked(session, tenant, order)
    if asked is not None:
        readdressing.withdraw(session, asked, why, now=now)
        if outward.was_intended(session, tenant, readdressing.key_of(asked.id)):
            queue.add(session, tenant, "change_address", f"order/{order}")
    elif (latest := latest_of(session, tenant, order)) is not None:
        outward.settle(session, tenant, readdressing.key_of(latest.id), "abandon", reason=why)


def _waits_already(session: Session, row: Job) -> bool:
    return (
        session.execute(
            select(Job.id).where(
                Job.tenant_id == row.tenant_id, Job.kind == row.kind, Job.subject == row.subject, Job.state == "due"
            )
        ).first()
        is not None
    )


def _tell(session: Session, row: Job, sentence: str, *, by: str) -> None:
    order = order_of(session, row.tenant_id, row.subject)
    if order is not None:
        timeline.write(session, row.tenant_id, order, actor=by, kind="person", sentence=sentence, job=row.id)
