"""Tells the storefront where a parcel is: each status that matters to the buyer, once, in order."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from integrations.nouns import ParcelStatus, Scan
from jobs import outward
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import tracking
from records.orders import Order
from records.shipments import Parcel, ParcelScan, Shipment


def run(work: Work) -> Outcome:
    with work.reading() as session:
        parcel = session.get_one(Parcel, (work.tenant, work.subject_id))
        shipment = session.get_one(Shipment, (work.tenant, parcel.shipment_id))
        order = session.get_one(Order, (work.tenant, parcel.order_id))
        scans = _untold(session, work.tenant, parcel)
    if not shipment.fulfillments:
        # The storefront must know of the shipment first; announcing it asks for this job again.
        return Cancelled(reason=f"shipment {shipment.id} is {shipment.state}: the storefront does not know it yet")
    storefront = work.storefront(order.connection_id)
    for scan in scans:
        key = f"scan/{scan.id}"
        for fulfillment in shipment.fulfillments:
            outward.once(
                work,
                Act(key=f"{key}/{fulfillment}", kind="report_parcel", subject=work.claim.subject, request=scan.key),
                # Looks for this very event first, because the storefront keeps no key of ours.
                perform=lambda _keys, scan=scan, fulfillment=fulfillment: storefront.report_scan(
                    fulfillment, _as_scan(scan)
                ),  # type: ignore[misc]
            )
        _record(work, scan, [f"{key}/{fulfillment}" for fulfillment in shipment.fulfillments])
    return Done()


def worth_telling(scans: Sequence[ParcelScan]) -> list[ParcelScan]:
    """The first scan of each run of equal statuses, oldest first: a buyer needs no forty lines of "in transit"."""
    told: list[ParcelScan] = []
    last = ""
    for scan in sorted(scans, key=lambda one: (one.at, one.id)):
        if scan.status not in (last, ParcelStatus.UNKNOWN):
            told.append(scan)
        last = scan.status
    return told


def _untold(session: Session, tenant: int, parcel: Parcel) -> list[ParcelScan]:
    scans = session.scalars(
        select(ParcelScan).where(ParcelScan.tenant_id == tenant, ParcelScan.parcel_id == parcel.id)
    ).all()
    journey = tracking.of_this_journey(parcel, scans)
    return [scan for scan in worth_telling(journey) if scan.announced_at is None]


def _as_scan(scan: ParcelScan) -> Scan:
    return Scan(
        at=scan.at,
        status=ParcelStatus(scan.status),
        detail=scan.detail,
        message=scan.message,
        city=scan.city,
        region=scan.region,
        postcode=scan.postcode,
        country=scan.country,
    )


def _record(work: Work, scan: ParcelScan, keys: Sequence[str]) -> None:
    with work.writing() as session:
        session.execute(
            update(ParcelScan)
            .where(ParcelScan.tenant_id == work.tenant, ParcelScan.id == scan.id)
            .values(announced_at=work.now())
        )
        for key in keys:
            outward.settle(session, work.tenant, key, "succeed")
