"""Finds out whether the store shows a digital delivery of which nobody knows, before its order is cancelled."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import StoreShipment
from jobs import outward, reverse_steps
from jobs.announcements import MAY_TAKE
from jobs.outcomes import Outcome, Snoozed
from jobs.reverse_steps import InHand
from jobs.work import Work
from records.digital import DigitalDelivery, deliveries_of
from records.intentions import find_intention
from records.jobs import Job
from records.shipments import shipments_of


def settle(work: Work, step: InHand) -> Outcome | None:
    """Write down what the store shows of it, so that it is taken back there; or that nothing came of it."""
    with work.reading() as session:
        known = _known(session, work.tenant, step.order)
        may_take = _may_still_take(session, work, step)
    theirs = work.storefront(step.storefront).read_shipped(step.order_remote_id)
    shown = [one.remote_id for one in theirs if _is_a_delivery(one) and one.remote_id not in known]
    if not shown and may_take > timedelta(0):
        return Snoozed(wait_s=may_take.total_seconds(), reason="The store may still be taking the delivery down.")
    with work.writing() as session:
        _write_down(session, work, step, shown)
    return None


def _known(session: Session, tenant: int, order: int) -> set[str]:
    """The store's ids of what we know to have told it of an order."""
    shipped = {str(id) for one in shipments_of(session, tenant, order) for id in one.fulfillments}
    return shipped | {str(id) for one in deliveries_of(session, tenant, order) for id in one.fulfillments or ()}


def _is_a_delivery(one: StoreShipment) -> bool:
    """What needs no parcel has no tracking. What the merchant did by hand goes, too: a store cancels no order that it
    shows anything of as delivered.
    """
    return one.stands and not one.numbers


def _may_still_take(session: Session, work: Work, step: InHand) -> timedelta:
    intention = find_intention(session, work.tenant, step.subject)
    if intention is None or intention.state != "intended":
        return timedelta(0)
    started = session.execute(
        select(func.max(Job.started_at)).where(
            Job.tenant_id == work.tenant, Job.kind == "deliver_digital", Job.subject == f"order/{step.order}"
        )
    ).scalar_one()
    return MAY_TAKE - (work.now() - max(intention.keyed_at, started or intention.keyed_at))


def _write_down(session: Session, work: Work, step: InHand, shown: list[str]) -> None:
    row = session.get_one(DigitalDelivery, (work.tenant, step.subject_id), with_for_update=True)
    if shown:
        row.fulfillments = shown
        outward.settle(session, work.tenant, step.subject, "adopt", reference=", ".join(shown))
        said = "The store shows the digital delivery already."
    else:
        outward.settle(session, work.tenant, step.subject, "abandon", reason="The store does not show it.")
        said = "The store does not show the digital delivery."
    # Where it shows nothing it was not told: if something has left and the order goes on, it still is to be.
    reverse_steps.done(session, work, step, said)
