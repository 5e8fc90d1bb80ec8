"""Takes a supplier's word: they ship it, they do not, or it has left. Saying the same twice changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Parcel as ParcelShape
from orders import lifecycle, outstanding, purchasing
from records import suppliers, tenants
from records.orders import Order, lines_of
from records.shipments import Parcel, Shipment, ShipmentLine
from records.suppliers import OPEN, PurchaseOrder

SUPPLIER = "person:the supplier"
MOST_NUMBERS = 50
LONGEST_CARRIER, LONGEST_NUMBER, LONGEST_REASON = 60, 60, 500


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a supplier says has left: all numbers belong to one carrier, units are by order line."""

    carrier: str
    numbers: tuple[str, ...]
    units: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of it: the shipment that is to be announced, and why there is none where there is none."""

    shipment: int | None = None
    unasked: bool = False
    """Units have left that the store does not ask for any more: it is not told of them, and a person has to know."""
    why: str = ""


def accept(session: Session, row: PurchaseOrder, *, by: str, now: datetime) -> bool:
    """They ship it; answers whether this call said so. The order and the row are locked by the caller."""
    moved = lifecycle.move(session, row.tenant_id, "purchase_order", row.id, "accept", answered_at=now, answered_by=by)
    if moved:
        purchasing.tell(session, row, f"{purchasing.named(session, row)} was accepted.", by=by)
    return moved


def reject(session: Session, row: PurchaseOrder, reason: str, *, by: str, now: datetime) -> bool:
    """They do not ship it, or not the rest of it; answers whether this call said so."""
    moved = lifecycle.move(
        session,
        row.tenant_id,
        "purchase_order",
        row.id,
        "reject",
        answered_at=now,
        answered_by=by,
        reason=reason,
        ended_at=now,
    )
    if moved:
        purchasing.tell(session, row, f"{purchasing.named(session, row)} was rejected: {reason}", by=by)
    return moved


def call_off(session: Session, row: PurchaseOrder, *, by: str, now: datetime) -> bool:
    """What was accepted does not leave after all, and they agree; answers whether this call said so."""
    moved = lifecycle.move(session, row.tenant_id, "purchase_order", row.id, "call_off", reason="Agreed.", ended_at=now)
    if moved:
        purchasing.tell(session, row, f"{purchasing.named(session, row)} was called off.", by=by)
    return moved


def ship(session: Session, row: PurchaseOrder, sent: Sent, *, by: str, now: datetime) -> Taken:
    """Units have left: write the shipment that the storefront is to be told of.

    The same numbers again are the same parcels, and change nothing. The order and the row are locked by the caller.
    """
    order = session.get_one(Order, (row.tenant_id, row.order_id))
    known = _numbers(session, row)
    new = [number for number in sent.numbers if number not in known]
    if not new:
        return Taken()
    why = _why_not(session, row, order, sent, new)
    if why:
        return Taken(why=why)
    if row.state != "accepted":
        accept(session, row, by=by, now=now)
    asked, unasked = shared(sent.units, purchasing.room(session, row.tenant_id, order.id))
    shipment = _leave(session, row, sent, asked, sent.numbers) if asked else None
    if unasked:
        astray = _leave(session, row, sent, unasked, () if asked else sent.numbers)
        lifecycle.move(session, row.tenant_id, "shipment", astray, "hand_over")
    if order.state != "fulfilled":
        lifecycle.move(session, row.tenant_id, "order", order.id, "ship")
    lines = {line.id: line for line in lines_of(session, row.tenant_id, order.id)}
    what = purchasing.units_told(lines, sent.units)
    purchasing.tell(session, row, f"It has left the supplier: {what}, {sent.carrier} {', '.join(sent.numbers)}.", by=by)
    if not outstanding.left(session, row):
        lifecycle.move(session, row.tenant_id, "purchase_order", row.id, "ship", ended_at=now)
    return Taken(shipment=shipment, unasked=bool(unasked))


def shared(units: Mapping[int, int], room: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """Units by line that have left, as those that are wanted and those that are not. Pure."""
    asked = {line: min(count, max(0, room.get(line, 0))) for line, count in units.items()}
    rest = {line: count - asked[line] for line, count in units.items()}
    return {line: count for line, count in asked.items() if count}, {
        line: count for line, count in rest.items() if count
    }


def settled(session: Session, tenant: int, purchase_order: int, how: str) -> bool:
    """A person says what becomes of what was rejected: `own_stock` or `asked_again`; answers whether this call did."""
    row = suppliers.find(session, tenant, purchase_order, lock=True)
    if row is None or row.state != "rejected" or row.settled:
        return False
    row.settled = how
    session.flush()
    return True


def tidy(number: str) -> str:
    """A tracking number as it is compared: without the spaces that people read it with."""
    return re.sub(r"\s+", "", number).upper()


def _why_not(session: Session, row: PurchaseOrder, order: Order, sent: Sent, new: Sequence[str]) -> str:
    if row.state not in OPEN:
        return f"The purchase order is {row.state}: nothing more is to be shipped on it."
    if order.state in {"cancelling", "cancelled"}:
        return "The order was cancelled. Please write to the shop if it has left all the same."
    if len(new) < len(sent.numbers):
        return "One of these numbers was given before, another was not. Give those that are new by themselves."
    if taken := sorted(_on_other_parcels(session, row, sent.units).intersection(new)):
        return f"{', '.join(taken)} stands on another parcel of this order already. Give the number of this one."
    open_now = outstanding.left(session, row)
    if not sent.units or any(units > open_now.get(line, 0) for line, units in sent.units.items()):
        return "These are not the units that are still to be shipped. The numbers below are those of now."
    return ""


def _numbers(session: Session, row: PurchaseOrder) -> set[str]:
    """The numbers that were given on this purchase order before."""
    return set(
        session.scalars(
            select(Parcel.tracking_code)
            .join(Shipment, (Shipment.tenant_id == Parcel.tenant_id) & (Shipment.id == Parcel.shipment_id))
            .where(Parcel.tenant_id == row.tenant_id, Shipment.purchase_order_id == row.id)
        )
    )


def _on_other_parcels(session: Session, row: PurchaseOrder, units: Mapping[int, int]) -> set[str]:
    """The numbers of parcels with units of the same lines: the storefront would take ours for those."""
    return set(
        session.scalars(
            select(Parcel.tracking_code)
            .join(Shipment, (Shipment.tenant_id == Parcel.tenant_id) & (Shipment.id == Parcel.shipment_id))
            .join(
                ShipmentLine,
                (ShipmentLine.tenant_id == Shipment.tenant_id) & (ShipmentLine.shipment_id == Shipment.id),
            )
            .where(Parcel.tenant_id == row.tenant_id, Shipment.order_id == row.order_id, Shipment.state != "cancelled")
            .where(Shipment.purchase_order_id.is_distinct_from(row.id), ShipmentLine.line_id.in_(units))
        )
    )


def _grams(session: Session, row: PurchaseOrder, units: Mapping[int, int]) -> int:
    """What it weighs as far as we know; the supplier does not say."""
    assumed = tenants.rules_of(session, row.tenant_id).assumed_unit_grams
    weights = {line.id: line.unit_grams or assumed for line in lines_of(session, row.tenant_id, row.order_id)}
    return max(1, sum(count * weights[line] for line, count in units.items()))


def _leave(session: Session, row: PurchaseOrder, sent: Sent, units: Mapping[int, int], numbers: Sequence[str]) -> int:
    """Write a shipment that has left. Nobody says what is in which of several boxes: all of it stands in the first."""
    grams = _grams(session, row, units)
    shipment = Shipment(tenant_id=row.tenant_id, order_id=row.order_id, purchase_order_id=row.id)
    session.add(shipment)
    session.flush()
    for line, count in sorted(units.items()):
        session.add(ShipmentLine(tenant_id=row.tenant_id, shipment_id=shipment.id, line_id=line, units=count))
    for place, number in enumerate(numbers):
        session.add(
            Parcel(
                tenant_id=row.tenant_id,
                shipment_id=shipment.id,
                order_id=row.order_id,
                shape=ParcelShape(weight_grams=max(1, grams // len(numbers))),
                contents={} if place else {str(line): count for line, count in sorted(units.items())},
                carrier=sent.carrier,
                tracking_code=number,
            )
        )
    session.flush()
    lifecycle.move(session, row.tenant_id, "shipment", shipment.id, "label")
    return shipment.id
