"""How far the units of an order are: planned into shipments, announced to the storefront, or still wanted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.orm import Session

from records.orders import lines_of
from records.shipments import BY_HAND, Shipment, ShipmentLine, shipments_of

GONE = ("announced", "handed_over")


def planned(session: Session, tenant: int, order: int) -> dict[int, int]:
    """Units by order line that stand in a shipment which is not cancelled."""
    return _units(session, _PLANNED, tenant=tenant, order=order)


def announced(session: Session, tenant: int, order: int, *, but: Collection[int] = ()) -> dict[int, int]:
    """Units by order line that the storefront knows to have left; `but` names shipments that it knows no more."""
    return _units(session, _ANNOUNCED, tenant=tenant, order=order, but=sorted(but))


def taken_back(session: Session, tenant: int, order: int, fulfillments: Collection[str]) -> list[Shipment]:
    """The announced shipments of which the storefront has cancelled every fulfillment."""
    return [
        shipment
        for shipment in shipments_of(session, tenant, order)
        if shipment.state in GONE and shipment.fulfillments and set(shipment.fulfillments) <= set(fulfillments)
    ]


def complete(session: Session, tenant: int, order: int) -> bool:
    """Whether everything that the storefront wants shipped has left."""
    gone = announced(session, tenant, order)
    return all(gone.get(line.id, 0) >= line.to_ship for line in lines_of(session, tenant, order))


def left_there(session: Session, tenant: int, order: int, shipment: int) -> dict[int, int]:
    """Units by order line of a planned shipment that somebody has sent, and marked so in the store: they are on the
    order as before, and the store asks for fewer than are planned. What buyers pick up is looked at apart.
    """
    row = session.get_one(Shipment, (tenant, shipment))
    if row.way in BY_HAND:
        return {}
    here = _units(session, _HERE, tenant=tenant, shipment=shipment)
    stands = planned(session, tenant, order)
    lines = {line.id: line for line in lines_of(session, tenant, order) if line.id in here}
    gone = {
        id: min(here[id], stands.get(id, 0) - line.to_ship, line.units - line.to_ship) for id, line in lines.items()
    }
    return {id: units for id, units in gone.items() if units > 0}


def _units(session: Session, asked: Executable, **of: Any) -> dict[int, int]:
    return {row.line_id: int(row.units) for row in session.execute(asked, of)}


_BY_LINE = (
    select(ShipmentLine.line_id, func.sum(ShipmentLine.units).label("units"))
    .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
    .where(ShipmentLine.tenant_id == bindparam("tenant"), Shipment.order_id == bindparam("order"))
    .group_by(ShipmentLine.line_id)
)
_HERE = select(ShipmentLine.line_id, ShipmentLine.units).where(
    ShipmentLine.tenant_id == bindparam("tenant"), ShipmentLine.shipment_id == bindparam("shipment")
)
_PLANNED = _BY_LINE.where(Shipment.state != "cancelled")
_ANNOUNCED = _BY_LINE.where(Shipment.state.in_(GONE), Shipment.id.not_in(bindparam("but", expanding=True)))
