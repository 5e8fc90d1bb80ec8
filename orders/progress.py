"""How far the units of an order are: planned into shipments, announced to the storefront, or still wanted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.orm import Session

from records.orders import lines_of
from records.shipments import Shipment, ShipmentLine, shipments_of

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


def _units(session: Session, asked: Executable, **of: Any) -> dict[int, int]:
    return {row.line_id: int(row.units) for row in session.execute(asked, of)}


_BY_LINE = (
    select(ShipmentLine.line_id, func.sum(ShipmentLine.units).label("units"))
    .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
    .where(ShipmentLine.tenant_id == bindparam("tenant"), Shipment.order_id == bindparam("order"))
    .group_by(ShipmentLine.line_id)
)
_PLANNED = _BY_LINE.where(Shipment.state != "cancelled")
_ANNOUNCED = _BY_LINE.where(Shipment.state.in_(GONE), Shipment.id.not_in(bindparam("but", expanding=True)))
