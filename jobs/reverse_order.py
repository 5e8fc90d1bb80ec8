"""Takes an order, or a part of it, back: does the steps of its plan in turn, from wherever the last run ended.

Before each step the plan is made anew from the facts of now, so that a label that was bought, or a parcel that left,
while nobody looked is taken into account. What a step did is written in the transaction that ends it.
"""

from __future__ import annotations

import structlog
from sqlalchemy.orm import Session

from integrations.only_asking import OnlyWatching
from integrations.ports import Permanent
from jobs import (
    deliver_digital,
    fulfilling,
    intake,
    looking_again,
    outward,
    queue,
    reverse_money,
    reverse_steps,
    reverse_store,
    settle_delivery,
    tell_stock,
)
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.reverse_steps import InHand
from jobs.work import Work
from orders import cancelling, freshening, lifecycle, refund_question, taking_back
from orders.order_facts import facts_of
from records import tenants
from records.orders import LOCK, Order, find_order
from records.reversals import Reversal, steps_of, under_way

log = structlog.get_logger(__name__)

_DO = {
    "stop_work": reverse_steps.stop_work,
    "settle_label": reverse_steps.settle_label,
    "settle_announcement": reverse_steps.settle_announcement,
    "settle_delivery": settle_delivery.settle,
    "release_stock": reverse_steps.release_stock,
    "cancel_fulfillment": reverse_steps.cancel_fulfillment,
    "cancel_delivery": reverse_steps.cancel_delivery,
    "put_back_stock": reverse_steps.put_back_stock,
    "void_label": reverse_steps.void_label,
    "cancel_in_store": reverse_store.cancel_in_store,
    "refund_in_store": reverse_store.refund_in_store,
    "cancel_payment": reverse_money.cancel_payment,
    "refund_payment": reverse_money.refund_payment,
    "plan_again": reverse_steps.plan_again,
}


def run(work: Work) -> Outcome:
    with work.writing() as session:
        if not _take_up(session, work):
            return Cancelled(reason="nothing of the order is being taken back")
    while (step := _next(work)) is not None:
        try:
            waits = _DO[step.kind](work, step)
        except OnlyWatching:
            _not_done(work, step)
            continue
        except Permanent as failure:
            if _refused(work, step, failure):
                raise
            # Somebody took the whole order back as we asked for a part of it: what was refused is not wanted any more.
            log.info("refused, and not wanted any more", step=step.id, act=step.kind, reason=failure.reason)
            continue
        if waits is not None:
            return waits
    return Done()


def _take_up(session: Session, work: Work) -> bool:
    """Make sure that there is a plan to follow; what was refused is tried again, because a person says so."""
    reversal = under_way(session, work.tenant, work.subject_id)
    if reversal is None:
        return _begin_what_was_never_written(session, work)
    if reversal.purpose not in taking_back.PURPOSES:
        return False
    for step in steps_of(session, work.tenant, reversal.id):
        if step.state == "refused":
            taking_back.try_again(session, work.tenant, step)
    return True


def _begin_what_was_never_written(session: Session, work: Work) -> bool:
    """An order may have been stopped by an older version, which wrote no plan."""
    order = find_order(session, work.tenant, work.subject_id)
    if order is None or order.state != "cancelling":
        return False
    connection = tenants.find_connection(session, work.tenant, order.connection_id)
    taking_back.begin_stopped(session, work.tenant, order.id, by="" if connection is None else connection.vendor)
    return True


def _next(work: Work) -> InHand | None:
    """The next step by the facts of now; None where the reversal is over or waits for a person's yes."""
    with work.writing() as session:
        reversal = under_way(session, work.tenant, work.subject_id)
        if reversal is None:
            return None
        session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        fresh = freshening.freshen(session, work.tenant, reversal, now=work.now())
        for dropped in fresh.dropped:
            outward.settle(session, work.tenant, f"reverse/{dropped}", "abandon", reason="Not needed any more.")
        if fresh.next is None:
            _end(session, work, reversal, whole=fresh.plan.whole)
            return None
        return reverse_steps.in_hand(session, work, reversal, fresh, fresh.next)


def _end(session: Session, work: Work, reversal: Reversal, *, whole: bool) -> None:
    tenant, order = work.tenant, reversal.order_id
    if reversal.purpose == "cancel" and session.get_one(Order, (tenant, order)).state == "cancelling":
        if whole:
            left = [shipment for shipment in facts_of(session, tenant, order).shipments if shipment.left]
            if cancelling.end(session, tenant, order, left, now=work.now()):
                intake.fill_backorders(session, tenant)
            else:
                looking_again.at_what_was_not_found(session, tenant)
            tell_stock.ask_about_unsold(session, tenant, order)
        else:
            cancelling.keep(session, tenant, order, now=work.now())
            fulfilling.if_complete(session, tenant, order)
            queue.add(session, tenant, "verify_order", f"order/{order}")
    refund_question.settle(session, tenant, order, by="packline", now=work.now())
    if not refund_question.open_questions(session, tenant, reversal.id):
        lifecycle.move(session, tenant, "reversal", reversal.id, "finish", ended_at=work.now())
        deliver_digital.tell_the_rest(session, tenant, order)


def _not_done(work: Work, step: InHand) -> None:
    """The shop only watches: the step is settled all the same, and the next one has its turn."""
    with work.writing() as session:
        lifecycle.move(session, work.tenant, "reversal_step", step.id, "refuse")
        said = "Not done: Packline only watches this shop. Do it at the vendor where it is wanted."
        lifecycle.move(session, work.tenant, "reversal_step", step.id, "skip", said=said, ended_at=work.now())


def _refused(work: Work, step: InHand, failure: Permanent) -> bool:
    """Write that a step was refused; answers whether anybody still wanted it."""
    with work.writing() as session:
        return lifecycle.move(session, work.tenant, "reversal_step", step.id, "refuse", said=failure.reason)
