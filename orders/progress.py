"""How far the units of an order are: planned into shipments, announced to the storefront, or still wanted."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records.orders import lines_of
from records.shipments import Shipment, ShipmentLine, shipments_of

GONE = ("announced", "handed_over")


def planned(session: Session, tenant: int, order: int) -> dict[int, int]:
    """Units by order line that stand in a shipment which is not cancelled."""
    return _units(session, tenant, order, Shipment.state != "cancelled")


def announced(session: Session, tenant: int, order: int, *, but: Collection[int] = ()) -> dict[int, int]:
    """Units by order line that the storefront knows to have left; `but` names shipments that it knows no more."""
    return _units(session, tenant, order, Shipment.state.in_(GONE) & Shipment.id.not_in(but))


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


def _units(session: Session, tenant: int, order: int, which: object) -> dict[int, int]:
    rows = session.execute(
        select(ShipmentLine.line_id, func.sum(ShipmentLine.units).label("units"))
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(ShipmentLine.tenant_id == tenant, Shipment.order_id == order, which)  # type: ignore[arg-type]
        .group_by(ShipmentLine.line_id)
    )
    return {row.line_id: int(row.units) for row in rows}
