"""Reads one order whole: what was asked, where every unit is, what was bought for it, and its story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, undefer

from records import decisions
from records.jobs import Job
from records.orders import Hold, Order, OrderLine, Payment, find_order, holds_of, lines_of, payments_of
from records.shipments import Label, Parcel, ParcelScan, Shipment, ShipmentLine, labels_of, parcels_of, shipments_of
from records.stock import Location, Reservation, Variant
from records.timeline import TimelineEntry
from web.queries import connections, keyset, reversals, suppliers
from web.queries.keyset import Cut, Page
from web.queries.reversals import TakenBack

# A parcel has ten to thirty scans; more than these belong to the carrier's own page.
_SCANS = 300
_JOBS = 200
# Calls stand on the line that they led to.
_CALLED = TimelineEntry.details["calls"][0].is_not(None)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Units of a line at one location, and how far they are there."""

    location: str
    units: int
    state: str
    thing: str = "reservation"
    """What `state` is a state of: units at a supplier's have no reservation."""
    made_of: Sequence[str] = ()
    """What is taken from the shelves for it, where that is a bundle's parts."""


@dataclass(frozen=True, kw_only=True)
class Line:
    row: OrderLine
    places: Sequence[Place]

    @property
    def unplaced(self) -> int:
        """Units that should leave and have no location yet."""
        return max(0, self.row.to_ship - sum(place.units for place in self.places))


@dataclass(frozen=True, kw_only=True)
class Box:
    """One parcel with every label that was ever tried for it, newest first; a box has files for some of them."""

    row: Parcel
    labels: Sequence[Label]
    scans: Sequence[ParcelScan]


@dataclass(frozen=True, kw_only=True)
class Leaving:
    row: Shipment
    location: str
    zone: str
    """The time zone of the location."""
    units: int
    boxes: Sequence[Box]


@dataclass(frozen=True, kw_only=True)
class Whole:
    """An order with all that hangs on it."""

    order: Order
    vendor: str
    lines: Sequence[Line]
    holds: Sequence[Hold]
    shipments: Sequence[Leaving]
    payments: Sequence[tuple[Payment, str]]
    jobs: Sequence[Job]
    filed: frozenset[int]
    """The labels whose file is kept here."""
    taken_back: Sequence[TakenBack]
    decision: str
    """Where it leaves from and why, as a sentence; empty until that is decided."""

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds if hold.state == "open"]

    @property
    def parcels(self) -> list[Parcel]:
        return [box.row for shipment in self.shipments for box in shipment.boxes]


def whole(session: Session, tenant: int, id: int) -> Whole | None:
    """The order and everything about it; None where it is nobody's or another tenant's."""
    order = find_order(session, tenant, id)
    if order is None:
        return None
    places = _location_names(session, tenant)
    shipments = shipments_of(session, tenant, id)
    parcels = parcels_of(session, tenant, id)
    labels = labels_of(session, tenant, id)
    vendors = connections.vendors(session, tenant)
    shipped = _shipment_lines(session, tenant, shipments)
    return Whole(
        order=order,
        vendor=vendors.get(order.connection_id, ""),
        lines=_lines(session, tenant, id, shipments, shipped, places),
        holds=holds_of(session, tenant, id),
        shipments=_leaving(session, tenant, shipments, shipped, parcels, labels, places),
        payments=[(payment, vendors.get(payment.connection_id, "")) for payment in payments_of(session, tenant, id)],
        jobs=_jobs(session, tenant, id, shipments, parcels, labels),
        filed=_filed(session, tenant, id),
        taken_back=reversals.of_order(session, tenant, id),
        decision=decisions.sentence_of(session, tenant, id) or _told(session, tenant, id),
    )


def story(session: Session, tenant: int, id: int, *, kind: str, cut: Cut) -> Page[TimelineEntry]:
    """An order's timeline, newest line first; `kind` narrows it where it is not empty, `call` to lines with calls."""
    statement = select(TimelineEntry).where(TimelineEntry.tenant_id == tenant, TimelineEntry.order_id == id)
    if kind == "call":
        statement = statement.where(_CALLED)
    elif kind:
        statement = statement.where(TimelineEntry.kind == kind)
    return keyset.newest_first(session, statement, TimelineEntry.id, cut)


def label_file(session: Session, tenant: int, order: int, label: int) -> Label | None:
    """A label of this very order, with its file."""
    return session.scalars(
        select(Label)
        .where(Label.tenant_id == tenant, Label.id == label, Label.order_id == order)
        .options(undefer(Label.content))
    ).first()


def _lines(
    session: Session,
    tenant: int,
    order: int,
    shipments: Sequence[Shipment],
    shipped: Sequence[ShipmentLine],
    places: dict[int, str],
) -> list[Line]:
    by_id = {shipment.id: shipment for shipment in shipments}
    reserved: dict[tuple[int, int], str] = {}
    parts: dict[tuple[int, int], list[str]] = defaultdict(list)
    for held, sku in _reservations(session, tenant, order):
        reserved[held.line_id, held.shipment_id] = held.state
        if held.part and held.state != "released":
            parts[held.line_id, held.shipment_id].append(f"{held.units} × {sku}")
    found: dict[int, list[Place]] = defaultdict(list)
    for row in shipped:
        shipment = by_id[row.shipment_id]
        if shipment.state != "cancelled":
            # A thing that the store does not count has no reservation: its shipment says where it is.
            state = reserved.get((row.line_id, shipment.id), "")
            where = suppliers.sender_of(shipment, places)
            made_of = tuple(parts[row.line_id, shipment.id])
            supplied = shipment.purchase_order_id is not None
            thing, state = ("shipment", shipment.state) if supplied else ("reservation", state)
            place = Place(location=where, units=row.units, state=state, thing=thing, made_of=made_of)
            found[row.line_id].append(place)
    for line, where, units, state in suppliers.still_with_them(session, tenant, order):
        found[line].append(Place(location=where, units=units, state=state, thing="purchase_order"))
    return [Line(row=line, places=found[line.id]) for line in lines_of(session, tenant, order)]


def _reservations(session: Session, tenant: int, order: int) -> Sequence[Row[Reservation, str]]:
    return session.execute(
        select(Reservation, Variant.sku)
        .join(Variant, (Variant.tenant_id == Reservation.tenant_id) & (Variant.id == Reservation.variant_id))
        .where(Reservation.tenant_id == tenant, Reservation.order_id == order)
        .order_by(Reservation.id)
    ).all()


def _leaving(
    session: Session,
    tenant: int,
    shipments: Sequence[Shipment],
    shipped: Sequence[ShipmentLine],
    parcels: Sequence[Parcel],
    labels: Sequence[Label],
    places: dict[int, str],
) -> list[Leaving]:
    scans = _scans(session, tenant, parcels)
    zones = _zones(session, tenant, [shipment.location_id for shipment in shipments if shipment.location_id])
    units: dict[int, int] = defaultdict(int)
    for row in shipped:
        units[row.shipment_id] += row.units
    return [
        Leaving(
            row=shipment,
            location=suppliers.sender_of(shipment, places),
            zone=zones.get(shipment.location_id or 0, "UTC"),
            units=units[shipment.id],
            boxes=[
                Box(
                    row=parcel,
                    labels=[label for label in reversed(labels) if label.parcel_id == parcel.id],
                    scans=scans[parcel.id],
                )
                for parcel in parcels
                if parcel.shipment_id == shipment.id
            ],
        )
        for shipment in shipments
    ]


def _zones(session: Session, tenant: int, places: Sequence[int]) -> dict[int, str]:
    rows = session.execute(
        select(Location.id, Location.sending).where(Location.tenant_id == tenant, Location.id.in_(places))
    )
    return {row.id: row.sending.time_zone for row in rows}


def _scans(session: Session, tenant: int, parcels: Sequence[Parcel]) -> dict[int, list[ParcelScan]]:
    found: dict[int, list[ParcelScan]] = defaultdict(list)
    rows = session.scalars(
        select(ParcelScan)
        .where(ParcelScan.tenant_id == tenant, ParcelScan.parcel_id.in_([parcel.id for parcel in parcels]))
        .order_by(ParcelScan.at.desc(), ParcelScan.id.desc())
        .limit(_SCANS)
    )
    for scan in rows:
        found[scan.parcel_id].append(scan)
    return found


def _shipment_lines(session: Session, tenant: int, shipments: Sequence[Shipment]) -> list[ShipmentLine]:
    return list(
        session.scalars(
            select(ShipmentLine)
            .where(
                ShipmentLine.tenant_id == tenant, ShipmentLine.shipment_id.in_([shipment.id for shipment in shipments])
            )
            .order_by(ShipmentLine.shipment_id, ShipmentLine.line_id)
        )
    )


def _jobs(
    session: Session,
    tenant: int,
    order: int,
    shipments: Sequence[Shipment],
    parcels: Sequence[Parcel],
    labels: Sequence[Label],
) -> list[Job]:
    """The jobs about the order and its parts, newest first."""
    subjects = [f"order/{order}"]
    subjects += [f"shipment/{shipment.id}" for shipment in shipments]
    subjects += [f"parcel/{parcel.id}" for parcel in parcels]
    subjects += [f"label/{label.id}" for label in labels]
    return list(
        session.scalars(
            select(Job)
            .where(Job.tenant_id == tenant, Job.kind != "take_event", Job.subject.in_(subjects))
            .order_by(Job.id.desc())
            .limit(_JOBS)
        )
    )


def _filed(session: Session, tenant: int, order: int) -> frozenset[int]:
    rows = session.scalars(
        select(Label.id).where(Label.tenant_id == tenant, Label.order_id == order, Label.content.is_not(None))
    )
    return frozenset(rows)


def _told(session: Session, tenant: int, order: int) -> str:
    """What was last said of the locations; choices of rates stand with their labels."""
    statement = (
        select(TimelineEntry.sentence)
        .where(
            TimelineEntry.tenant_id == tenant,
            TimelineEntry.order_id == order,
            TimelineEntry.kind == "choice",
            TimelineEntry.details.has_key("picks"),
        )
        .order_by(TimelineEntry.id.desc())
        .limit(1)
    )
    return session.scalars(statement).first() or ""


def _location_names(session: Session, tenant: int) -> dict[int, str]:
    rows = session.execute(select(Location.id, Location.name).where(Location.tenant_id == tenant))
    return dict(rows.all())
