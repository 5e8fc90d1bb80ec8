"""Keeps what is promised of an order true to its shipments, and tells on its timeline when a promise changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import promising
from orders.promising import Promise
from records import timeline
from records.orders import Order
from records.shipments import BY_HAND, LIVE_LABEL, Label, Parcel, Shipment, shipments_of
from records.stock import Location

# What has not left, as far as anybody has told the buyer.
STILL_HERE = ("planned", "picking", "packed", "labelled")


def of_shipment(shipment: Shipment) -> Promise:
    return Promise(ship_by=shipment.ship_by, arrives_on=shipment.arrives_on, said_by=shipment.arrival_said_by)


def keep(session: Session, tenant: int, order: Order, *, because: str) -> None:
    """Write what its shipments come to on the order; what is said for the first time, or otherwise than before, is
    told. While nothing is planned, what was said last stands.
    """
    shipments = [one for one in _carried(session, tenant, order.id) if one.state != "cancelled"]
    if not shipments:
        return
    here = [one for one in shipments if one.state in STILL_HERE]
    said = promising.together(map(of_shipment, shipments), map(of_shipment, here))
    said_by = "rate" if all(one.arrival_said_by == "rate" for one in shipments) else "estimate"
    before = Promise(ship_by=order.ship_by, arrives_on=order.arrives_on)
    order.ship_by, order.arrives_on = said.ship_by, said.arrives_on
    zone = _zone_of(session, tenant, here, said.ship_by)
    sentence = changed(before, said, zone=zone, said_by=said_by, because=because, deliver_by=order.deliver_by)
    if sentence:
        timeline.write(session, tenant, order.id, actor="packline", kind="fact", sentence=sentence)


def has_left(session: Session, tenant: int, order: int) -> None:
    """Go on to the next departure: a part has left, or does not leave any more. Nothing that was said changes by it."""
    row = session.get_one(Order, (tenant, order))
    here = [one for one in _carried(session, tenant, order) if one.state in STILL_HERE]
    row.ship_by = promising.together((), map(of_shipment, here)).ship_by


def by_the_labels(session: Session, tenant: int, shipment: Shipment, *, now: datetime, because: str) -> None:
    """Take the carrier's own days once every parcel of a shipment has a rate: the slowest of them counts."""
    rates = session.execute(
        select(Label.rate)
        .join(Parcel, (Parcel.tenant_id == Label.tenant_id) & (Parcel.id == Label.parcel_id))
        .where(Label.tenant_id == tenant, Parcel.shipment_id == shipment.id, Label.state.in_(LIVE_LABEL))
    ).scalars()
    days = [None if rate is None else rate.transit_days for rate in rates]
    known = [one for one in days if one is not None]
    place = session.get_one(Location, (tenant, shipment.location_id))  # in hand until it is asked for its zone below
    slowest = max(known) if known and len(known) == len(days) else None
    said = promising.with_a_rate(of_shipment(shipment), place.sending, days=slowest, now=now)
    shipment.arrives_on, shipment.arrival_said_by = said.arrives_on, said.said_by
    session.flush()
    keep(session, tenant, session.get_one(Order, (tenant, shipment.order_id)), because=because)


def by_a_carrier(session: Session, tenant: int, shipment: Shipment, *, because: str) -> None:
    """A carrier brings it after all, and none has said when: nobody can say until a label is bought."""
    shipment.arrives_on, shipment.arrival_said_by = None, ""
    session.flush()
    keep(session, tenant, session.get_one(Order, (tenant, shipment.order_id)), because=because)


def by_the_courier(session: Session, tenant: int, shipment: Shipment, *, days: int, now: datetime) -> None:
    """Take the days of the courier who brings it."""
    place = session.get_one(Location, (tenant, shipment.location_id))
    said = promising.with_a_rate(of_shipment(shipment), place.sending, days=days, now=now)
    shipment.arrives_on, shipment.arrival_said_by = said.arrives_on, said.said_by
    session.flush()
    name = shipment.courier.name if shipment.courier else ""
    keep(session, tenant, session.get_one(Order, (tenant, shipment.order_id)), because=f"as {name} says")


def _carried(session: Session, tenant: int, order: int) -> list[Shipment]:
    """What no carrier brings is promised for no day."""
    return [one for one in shipments_of(session, tenant, order) if one.way not in BY_HAND]


def changed(
    before: Promise, now: Promise, *, zone: str, said_by: str, because: str, deliver_by: datetime | None
) -> str:
    """How a promise is told, or its change; empty where nothing changed. Pure."""
    leaves = _leaves(before.ship_by, now.ship_by, zone)
    arrives = _arrives(before.arrives_on, now.arrives_on)
    parts = [part for part in (leaves, arrives) if part]
    if not parts:
        return ""
    is_first = before.ship_by is None and before.arrives_on is None
    opening = "Promise" if is_first else "The promise changed"
    why = "" if is_first or not because else f", {because}"
    estimate = " (an estimate)" if arrives and now.arrives_on and said_by != "rate" else ""
    return f"{opening}: {', '.join(parts)}{estimate}{why}.{_late(now.arrives_on, deliver_by)}"


def day(one: date) -> str:
    return f"{one:%a} {one.day} {one:%b}"


def _leaves(before: datetime | None, now: datetime | None, zone: str) -> str:
    if now is None or now == before:
        return ""
    return f"ships by {_moment(now, zone)}{'' if before is None else f' instead of {_moment(before, zone)}'}"


def _arrives(before: date | None, now: date | None) -> str:
    if now == before:
        return ""
    if now is None:
        return f"nobody can say when it arrives{'' if before is None else f', {day(before)} was said before'}"
    return f"arrives by {day(now)}{'' if before is None else f' instead of {day(before)}'}"


def _late(arrives_on: date | None, deliver_by: datetime | None) -> str:
    if arrives_on is None or deliver_by is None or arrives_on <= deliver_by.date():
        return ""
    return f" That is later than was promised with the order ({day(deliver_by.date())})."


def _moment(one: datetime, zone: str) -> str:
    there = one.astimezone(ZoneInfo(zone))
    return day(there.date()) if promising.is_the_days_end(one, zone) else f"{day(there.date())} {there:%H:%M}"


def _zone_of(session: Session, tenant: int, here: Sequence[Shipment], ship_by: datetime | None) -> str:
    place = next((one.location_id for one in here if one.ship_by == ship_by), None)
    return "UTC" if place is None else session.get_one(Location, (tenant, place)).sending.time_zone
