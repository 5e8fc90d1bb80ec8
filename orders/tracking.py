"""Takes what carriers tell of parcels into the records, each scan once and never backwards in time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.nouns import ParcelProgress, ParcelStatus, Scan
from orders import forgotten, lifecycle
from records import timeline
from records.shipments import Label, Parcel, ParcelScan, Shipment

# A parcel that was delivered or came back is not on its way any more, whatever late scans say of earlier hours.
_MOVING = frozenset({ParcelStatus.IN_TRANSIT, ParcelStatus.OUT_FOR_DELIVERY, ParcelStatus.AVAILABLE_FOR_PICKUP})
# What is said of a parcel before the carrier has it in its hands.
_UNSCANNED = frozenset({ParcelStatus.UNKNOWN, ParcelStatus.PRE_TRANSIT})


@dataclass(frozen=True, kw_only=True)
class Moved:
    parcel: int
    order: int
    status_changed: bool
    new_scans: int


def find_parcel(session: Session, tenant: int, progress: ParcelProgress) -> Parcel | None:
    """The parcel that a carrier speaks of: by its tracker, else the newest with that tracking code.

    Carriers use codes again after some months, so a code alone means its newest parcel.
    """
    return session.scalars(
        select(Parcel)
        .where(
            Parcel.tenant_id == tenant,
            or_(
                (Parcel.tracker_ref == progress.tracker_ref) & (Parcel.tracker_ref != ""),
                (Parcel.tracking_code == progress.tracking_code) & (Parcel.tracking_code != ""),
            ),
        )
        .order_by((Parcel.tracker_ref == progress.tracker_ref).desc(), Parcel.id.desc())
        .limit(1)
        .with_for_update()
    ).first()


def find_replaced(session: Session, tenant: int, progress: ParcelProgress) -> Label | None:
    """The label that a carrier speaks of, where no parcel bears it any more."""
    return session.scalars(
        select(Label)
        .where(
            Label.tenant_id == tenant,
            or_(
                (Label.tracker_ref == progress.tracker_ref) & (Label.tracker_ref != ""),
                (Label.tracking_code == progress.tracking_code) & (Label.tracking_code != ""),
            ),
        )
        .order_by(Label.id.desc())
        .limit(1)
    ).first()


def is_unscanned(parcel: Parcel) -> bool:
    """Whether the carrier has said nothing yet that shows the parcel on the road."""
    return parcel.carrier_status in _UNSCANNED


def record(session: Session, tenant: int, parcel: Parcel, progress: ParcelProgress, *, said_by: str) -> Moved:
    """Write new scans and move the parcel's carrier axis where this word is newer than the last."""
    nameless = bool(progress.scans) and forgotten.is_forgotten(session, tenant, parcel.order_id)
    fresh = [scan for scan in progress.scans if _write_scan(session, tenant, parcel, scan, nameless=nameless)]
    # Scans are compared with scans only: a word without one carries the time of the word, by another clock.
    scanned_at = max([scan.at for scan in progress.scans], default=None)
    seen_at = scanned_at or progress.at
    newer = _is_newer(parcel, scanned_at, progress.at)
    parcel.told_at = max(progress.at, parcel.told_at or progress.at)
    changed = progress.status != parcel.carrier_status and newer
    if changed:
        timeline.write(
            session,
            tenant,
            parcel.order_id,
            actor=said_by,
            kind="fact",
            sentence=f"Parcel {parcel.tracking_code} is {progress.status.value.replace('_', ' ')}.",
            detail=progress.detail,
            seen_at=seen_at.isoformat(),
        )
        parcel.carrier_status = progress.status.value
        parcel.carrier_detail = progress.detail
    if newer:
        parcel.seen_at = scanned_at or parcel.seen_at
        parcel.expected_at = progress.expected_at or parcel.expected_at
    if progress.status is ParcelStatus.DELIVERED and parcel.delivered_at is None:
        parcel.delivered_at = seen_at
    session.flush()
    if progress.status in _MOVING | {ParcelStatus.DELIVERED}:
        _hand_over(session, tenant, parcel)
    return Moved(parcel=parcel.id, order=parcel.order_id, status_changed=changed, new_scans=len(fresh))


def would_move(parcel: Parcel, progress: ParcelProgress) -> bool:
    """Whether the parcel's carrier axis would move on hearing this."""
    scanned_at = max([scan.at for scan in progress.scans], default=None)
    return progress.status != parcel.carrier_status and _is_newer(parcel, scanned_at, progress.at)


def _is_newer(parcel: Parcel, scanned_at: datetime | None, told_at: datetime) -> bool:
    if parcel.seen_at is None:
        return scanned_at is not None or parcel.told_at is None or told_at >= parcel.told_at
    if scanned_at is None:
        return False
    # Of two words on one scan the later may be an older one repeated; what was delivered stays delivered.
    delivered = parcel.carrier_status == ParcelStatus.DELIVERED
    return scanned_at > parcel.seen_at or (scanned_at == parcel.seen_at and not delivered)


def scan_key(tracking_code: str, scan: Scan) -> str:
    """What makes a scan this scan of this journey: carriers repeat the whole journey with every word."""
    told = f"{scan.at.isoformat()}|{scan.status}|{scan.detail}|{scan.message}|{scan.city}|{scan.postcode}"
    return f"{tracking_code}/{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def of_this_journey(parcel: Parcel, scans: Iterable[ParcelScan]) -> list[ParcelScan]:
    """The scans that were told of the label which the parcel bears now, and not of one that was replaced."""
    return [scan for scan in scans if scan.key.rpartition("/")[0] == parcel.tracking_code]


def _write_scan(session: Session, tenant: int, parcel: Parcel, scan: Scan, *, nameless: bool) -> bool:
    """`nameless`: its buyer was forgotten, so that what leads to their door, or their signature, is left out."""
    told = scan.model_copy(update={"message": "", "city": "", "region": "", "postcode": ""}) if nameless else scan
    return (
        session.execute(
            insert(ParcelScan)
            .values(
                tenant_id=tenant,
                parcel_id=parcel.id,
                key=scan_key(parcel.tracking_code, scan),
                at=scan.at,
                status=scan.status.value,
                detail=scan.detail,
                message=told.message,
                place="" if nameless else ", ".join(part for part in (told.city, told.region, told.country) if part),
                city=told.city,
                region=told.region,
                postcode=told.postcode,
                country=told.country,
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "parcel_id", "key"])
            .returning(ParcelScan.id)
        ).first()
        is not None
    )


def _hand_over(session: Session, tenant: int, parcel: Parcel) -> None:
    """The first scan on the road proves that the carrier has it, where the storefront knows of it already."""
    state = session.execute(
        select(Shipment.state).where(Shipment.tenant_id == tenant, Shipment.id == parcel.shipment_id)
    ).scalar_one()
    if state == "announced":
        lifecycle.move(session, tenant, "shipment", parcel.shipment_id, "hand_over")
