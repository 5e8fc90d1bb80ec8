"""Stops what has not happened yet for a cancelled order, gives its stock back, and has unused labels voided."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel
from jobs import intake, outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import cancelling, holds, inventory, lifecycle, postage
from records.jobs import Job
from records.orders import find_order, open_holds
from records.shipments import Label, shipments_of

# What is pointless for a cancelled order. Keeping a label's file, or telling of a parcel that left, is not.
_POINTLESS = ("verify_order", "check_payment", "reserve_stock", "buy_label", "push_tracking")


def run(work: Work) -> Outcome:
    with work.reading() as session:
        order = find_order(session, work.tenant, work.subject_id)
        unsure = cancelling.unsure_labels(session, work.tenant, work.subject_id)
    if order is None or order.state != "cancelling":
        return Cancelled(reason=f"the order is {order.state if order else 'gone'}, not being cancelled")
    # A label may have been bought by a run that did not live to say so: the carrier knows.
    found = {label.id: _ask(work, label) for label in unsure}
    with work.writing() as session:
        for label in unsure:
            _settle_unsure(session, work, label.id, found[label.id])
        _stop(session, work)
    return Done()


def _ask(work: Work, label: Label) -> BoughtLabel | None:
    return work.carrier(label.connection_id).find_label(label.shipment_ref) if label.shipment_ref else None


def _settle_unsure(session: Session, work: Work, label: int, bought: BoughtLabel | None) -> None:
    key = f"label/{label}"
    if bought is None:
        lifecycle.move(session, work.tenant, "label", label, "fail")
        outward.settle(session, work.tenant, key, "abandon", reason="The order was cancelled.")
        return
    outward.settle(session, work.tenant, key, "adopt", reference=bought.shipment_ref)
    postage.record(session, work.tenant, label, bought, now=work.now())


def _stop(session: Session, work: Work) -> None:
    tenant, order = work.tenant, work.subject_id
    to_void, units = cancelling.stop(session, tenant, order)
    units += inventory.release(session, tenant, order, actor="packline")
    if units:
        intake.fill_backorders(session, tenant)
    session.execute(
        update(Job)
        .where(
            Job.tenant_id == tenant,
            Job.lane == f"order/{order}",
            Job.id != work.claim.id,
            Job.kind.in_(_POINTLESS),
            Job.state.in_(("due", "parked")),
        )
        .values(state="cancelled", cause="unwanted", reason="The order was cancelled.", ended_at=work.now())
    )
    for hold in open_holds(session, tenant, order):
        holds.release(session, tenant, order, hold.kind, by="packline", now=work.now())
    for label in to_void:
        queue.add(session, tenant, "void_label", f"label/{label}")
    lifecycle.move(session, tenant, "order", order, "cancelled")
    left = sum(shipment.state in {"announced", "handed_over"} for shipment in shipments_of(session, tenant, order))
    gone = f" {left} shipments had left already." if left else ""
    story.tell(session, work, order, f"Cancelled: {units} units are free again, {len(to_void)} labels go back.{gone}")
