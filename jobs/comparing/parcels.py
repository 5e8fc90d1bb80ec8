"""Holds our parcels against the carrier's trackers: where a tracker is ahead, its scans are taken over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import ParcelMoved, ParcelProgress, ParcelStatus
from jobs import intake
from jobs.comparing import looking
from jobs.comparing.looking import Look
from orders import tracking
from orders.comparing import Difference
from records.shipments import Parcel, ParcelScan

_ARRIVED = (ParcelStatus.DELIVERED, ParcelStatus.RETURN_TO_SENDER, ParcelStatus.CANCELLED)
# What a carrier has not finished in this time it never will; asking for older trackers would only grow for ever.
_LONGEST_JOURNEY = timedelta(days=60)


def compare(look: Look) -> None:
    since = _oldest_on_its_way(look)
    if since is None:
        return
    carrier = look.work.carrier(look.connection)
    for batch in looking.batches(carrier.parcels_since(since)):
        told = [progress for progress in batch if progress.at <= look.until]
        look.looked_at += len(told)
        for progress in _ahead(look, told):
            with look.work.writing() as session:
                _take_over(session, look, progress)


def _oldest_on_its_way(look: Look) -> datetime | None:
    with look.work.reading() as session:
        oldest: datetime | None = session.scalar(
            select(func.min(Parcel.created_at)).where(
                Parcel.tenant_id == look.tenant,
                Parcel.tracking_code != "",
                Parcel.carrier_status.not_in([status.value for status in _ARRIVED]),
                Parcel.created_at > look.until - _LONGEST_JOURNEY,
            )
        )
    return oldest


def _ahead(look: Look, told: Sequence[ParcelProgress]) -> list[ParcelProgress]:
    with look.work.reading() as session:
        return [progress for progress in told if _news(session, look.tenant, progress) is not None]


def _news(session: Session, tenant: int, progress: ParcelProgress) -> tuple[Parcel, int] | None:
    """The parcel that a tracker follows, and how many scans we lack; None where we know as much."""
    parcel = tracking.find_parcel(session, tenant, progress)
    if parcel is None:
        return None
    known = set(
        session.scalars(select(ParcelScan.key).where(ParcelScan.tenant_id == tenant, ParcelScan.parcel_id == parcel.id))
    )
    fresh = {tracking.scan_key(parcel.tracking_code, scan) for scan in progress.scans} - known
    if fresh or tracking.would_move(parcel, progress):
        return parcel, len(fresh)
    return None


def _take_over(session: Session, look: Look, progress: ParcelProgress) -> None:
    news = _news(session, look.tenant, progress)
    if news is None:
        return
    parcel, scans = news
    because = look.because(session, progress.tracking_code, progress.at)
    if because is None:
        return
    before = parcel.carrier_status.replace("_", " ")
    intake.hear(session, look.source(), ParcelMoved(progress=progress))
    session.refresh(parcel)
    after = parcel.carrier_status.replace("_", " ")
    moved = f"was {after}, we had {before}" if after != before else f"is {after}"
    lacked = f"{scans} scan{'' if scans == 1 else 's'} missing" if scans else "no scan missing"
    look.find(
        session,
        Difference(
            subject=f"parcel/{parcel.id}",
            order=parcel.order_id,
            kind="missed",
            outcome="repaired",
            sentence=f"Parcel {progress.tracking_code} {moved} ({lacked}): {because}. It was taken over.",
        ),
    )
