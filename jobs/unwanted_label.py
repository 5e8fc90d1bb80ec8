"""Clears up an attempt at a label that its parcel does not travel with: given up where nothing was bought, else given
back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel
from jobs import outward, queue, story
from jobs.outcomes import Cancelled, Outcome, Snoozed
from jobs.work import Work
from orders import lifecycle, postage
from records.intentions import find_intention
from records.jobs import Job
from records.shipments import Label

# EasyPost's own limit for a purchase is 90 seconds; after that it is bought or it is not.
PURCHASE_MAY_TAKE = timedelta(seconds=100)

_LEFT = "The parcel has left with the label that it had"


def clear_up(work: Work, label: Label, begun_at: datetime | None) -> Outcome:
    """Settle an intended label of a parcel that has left. `begun_at` is when a purchase of unknown end was begun."""
    bought = None
    if begun_at is not None and label.shipment_ref:
        bought = work.carrier(label.connection_id).find_label(label.shipment_ref)
        if bought is None and work.now() < begun_at + PURCHASE_MAY_TAKE:
            wait_s = PURCHASE_MAY_TAKE.total_seconds()
            return Snoozed(wait_s=wait_s, reason="The purchase may still be under way at the carrier.")
    with work.writing() as session:
        if bought is not None:
            give_back(session, work, label.id, bought, adopted=True)
        elif lifecycle.move(session, work.tenant, "label", label.id, "fail"):
            outward.settle(session, work.tenant, f"label/{label.id}", "abandon", reason=f"{_LEFT}.")
            story.tell(session, work, label.order_id, f"{_LEFT}; no other one is bought.")
    return Cancelled(reason="the parcel has left with the label that it had")


def give_back(session: Session, work: Work, label: int, bought: BoughtLabel, *, adopted: bool) -> None:
    """Record a label that came too late for its parcel, and have it voided."""
    outward.settle(
        session, work.tenant, f"label/{label}", "adopt" if adopted else "succeed", reference=bought.shipment_ref
    )
    if postage.record_unwanted(session, work.tenant, label, bought, now=work.now()):
        queue.add(session, work.tenant, "void_label", f"label/{label}")
        row = session.get_one(Label, (work.tenant, label), populate_existing=True)
        sentence = f"{_LEFT}; the other one, {bought.tracking_code}, goes back."
        story.tell(session, work, row.order_id, sentence, label=label)


def may_be_under_way(session: Session, tenant: int, label: int) -> bool:
    """Whether a purchase was begun of which nobody knows the end, or one was let settle and may still succeed."""
    row = session.get_one(Label, (tenant, label))
    intention = find_intention(session, tenant, f"label/{label}")
    if intention is None or row.state != "intended":
        return False
    if intention.state != "abandoned" or intention.ended_at is None:
        return intention.state == "intended"
    now = session.execute(select(func.clock_timestamp())).scalar_one()
    if now < intention.ended_at + PURCHASE_MAY_TAKE:
        return True
    # It must be over, and the job that looks how it ended may be late.
    looks = select(Job.id).where(
        Job.tenant_id == tenant, Job.kind == "buy_label", Job.subject == f"parcel/{row.parcel_id}", Job.state == "due"
    )
    return bool(row.shipment_ref) and session.scalars(looks.limit(1)).first() is not None


def begun_at(session: Session, tenant: int, label: int) -> datetime | None:
    """When a purchase was begun of which nobody knows how it ended."""
    intention = find_intention(session, tenant, f"label/{label}")
    return intention.keyed_at if intention is not None and intention.state == "intended" else None
