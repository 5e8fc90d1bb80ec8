"""Holds our parcels against the carrier's trackers: where a tracker is ahead, its scans are taken over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from integrations.nouns import ParcelMoved, ParcelProgress, ParcelStatus
from integrations.ports import Carrier
from jobs import intake
from jobs.comparing import looking
from jobs.comparing.looking import Look
from orders import tracking
from orders.comparing import Difference
from records.shipments import Label, Parcel, ParcelScan

_ARRIVED = (ParcelStatus.DELIVERED, ParcelStatus.RETURN_TO_SENDER, ParcelStatus.CANCELLED)
# What a carrier has not finished in this time it never will; asking for older trackers would only grow for ever.
_LONGEST_JOURNEY = timedelta(days=60)
# The list holds every parcel that was begun since the oldest one that is still on its way, so that one parcel that was
# lost makes it long: where it takes more than ten pages, those are asked for that nobody has spoken of for a while.
_LONGEST_LIST = 1_000
_QUIET = timedelta(hours=1)
_ASKED_AT_ONCE = 200


def compare(look: Look) -> None:
    since, begun = _on_their_way(look)
    if since is None:
        return
    carrier = look.work.carrier(look.connection)
    if begun > _LONGEST_LIST:
        _ask_for_each(look, carrier)
    else:
        _go_through_the_list(look, carrier, since)


def _ask_for_each(look: Look, carrier: Carrier) -> None:
    for parcel, tracker in _quiet(look):
        if look.out_of_time:
            return
        look.looked_at += 1
        with look.apart(f"parcel/{parcel}"):
            progress = carrier.track(tracker)
            if progress.at <= look.until:
                _hear(look, progress)


def _quiet(look: Look) -> list[tuple[int, str]]:
    """Parcels of this account that are on their way and were not heard of lately, with their trackers."""
    with look.work.reading() as session:
        rows = session.execute(
            select(Parcel.id, Parcel.tracker_ref)
            .join(Label, (Label.tenant_id == Parcel.tenant_id) & (Label.tracker_ref == Parcel.tracker_ref))
            .where(
                *_is_on_its_way(look),
                Parcel.tracker_ref != "",
                or_(Parcel.told_at.is_(None), Parcel.told_at < look.until - _QUIET),
                Label.connection_id == look.connection,
            )
            .order_by(looking.by_lot(Parcel.id, look))
            .limit(_ASKED_AT_ONCE)
        ).all()
        return [(row.id, row.tracker_ref) for row in rows]


def _go_through_the_list(look: Look, carrier: Carrier, since: datetime) -> None:
    for batch in looking.batches(carrier.parcels_since(since)):
        told = [progress for progress in batch if progress.at <= look.until]
        look.looked_at += len(told)
        for progress in _ahead(look, told):
            _hear(look, progress)


def _hear(look: Look, progress: ParcelProgress) -> None:
    with look.work.writing() as session:
        _take_over(session, look, progress)


def _on_their_way(look: Look) -> tuple[datetime | None, int]:
    """When the oldest parcel was begun that has not arrived, and how many were begun since."""
    with look.work.reading() as session:
        oldest: datetime | None = session.scalar(select(func.min(Parcel.created_at)).where(*_is_on_its_way(look)))
        if oldest is None:
            return None, 0
        begun = select(func.count()).select_from(Parcel)
        begun = begun.where(Parcel.tenant_id == look.tenant, Parcel.created_at >= oldest)
        return oldest, session.execute(begun).scalar_one()


def _is_on_its_way(look: Look) -> tuple[ColumnElement[bool], ...]:
    return (
        Parcel.tenant_id == look.tenant,
        Parcel.tracking_code != "",
        Parcel.carrier_status.not_in([status.value for status in _ARRIVED]),
        Parcel.created_at > look.until - _LONGEST_JOURNEY,
    )


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
