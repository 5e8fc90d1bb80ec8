"""Ends what was still to be told the store of units that a buyer gets by hand, where nothing is to be told any more."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders import lifecycle
from records.intentions import find_intention
from records.jobs import Job


def end(session: Session, tenant: int, shipment: int, *, kind: str, key: str, reference: str = "", why: str) -> None:
    """Cancel the waiting and parked jobs of a kind for a shipment, and settle what is open under a key.

    It is adopted where a `reference` tells what the store shows, and else abandoned. A run that is at work settles it
    by itself.
    """
    subject = f"shipment/{shipment}"
    jobs = session.execute(
        select(Job.id, Job.state).where(
            Job.tenant_id == tenant,
            Job.kind == kind,
            Job.subject == subject,
            Job.state.in_(("due", "parked", "running")),
        )
    ).all()
    for job in jobs:
        if job.state != "running":
            lifecycle.move(session, tenant, "job", job.id, "discard", cause="unwanted", reason=why, ended_at=func.now())
    if reference or not any(job.state == "running" for job in jobs):
        _settle(session, tenant, key, reference, why)


def _settle(session: Session, tenant: int, key: str, reference: str, why: str) -> None:
    open_act = find_intention(session, tenant, key)
    if open_act is None or open_act.state != "intended":
        return
    if reference:
        lifecycle.move(
            session, tenant, "intention", open_act.id, "adopt", vendor_reference=reference, ended_at=func.now()
        )
    else:
        lifecycle.move(session, tenant, "intention", open_act.id, "abandon", reason=why, ended_at=func.now())
