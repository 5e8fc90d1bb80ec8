"""Reads what suppliers have still to ship of an order: what they were asked for, have promised, and have sent."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import Way
from records import suppliers
from records.shipments import Shipment, ShipmentLine
from records.suppliers import PurchaseOrder, Supplier


def promised_by(session: Session, tenant: int, order: int) -> tuple[str, ...]:
    """The names of the suppliers who have accepted to ship units of an order that they have not sent yet."""
    rows = session.scalars(
        select(Supplier.name)
        .join(
            PurchaseOrder,
            (PurchaseOrder.tenant_id == Supplier.tenant_id) & (PurchaseOrder.supplier_id == Supplier.id),
        )
        .where(PurchaseOrder.tenant_id == tenant, PurchaseOrder.order_id == order, PurchaseOrder.state == "accepted")
        .order_by(PurchaseOrder.id)
    )
    return tuple(dict.fromkeys(rows))


def promised_units(session: Session, tenant: int, order: int) -> dict[int, int]:
    """Units by order line that suppliers have accepted to ship and have not sent yet."""
    units: dict[int, int] = defaultdict(int)
    for row in suppliers.of_order(session, tenant, order):
        if row.state == "accepted":
            for line, count in left(session, row).items():
                units[line] += count
    return dict(units)


def left(session: Session, row: PurchaseOrder) -> dict[int, int]:
    """Units by order line that were asked for and not shipped; lines of which nothing is left are left out."""
    rows = session.execute(
        select(ShipmentLine.line_id, func.sum(ShipmentLine.units).label("units"))
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(Shipment.tenant_id == row.tenant_id, Shipment.order_id == row.order_id, Shipment.state != "cancelled")
        .where(Shipment.purchase_order_id == row.id)
        .group_by(ShipmentLine.line_id)
    )
    shipped = {one.line_id: int(one.units) for one in rows}
    lines = suppliers.lines_of(session, row.tenant_id, row.id)
    counted = {line.line_id: line.units - shipped.get(line.line_id, 0) for line in lines}
    return {line: units for line, units in counted.items() if units > 0}


def sent_here_since(session: Session, row: PurchaseOrder) -> dict[int, int]:
    """Units by line that stand in parcels of ours that were planned since a purchase order was rejected."""
    rows = session.execute(
        select(ShipmentLine.line_id, func.sum(ShipmentLine.units).label("units"))
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(Shipment.tenant_id == row.tenant_id, Shipment.order_id == row.order_id, Shipment.state != "cancelled")
        .where(Shipment.purchase_order_id.is_(None), Shipment.created_at >= row.ended_at)
        .where(Shipment.way == Way.CARRIED.value)
        .group_by(ShipmentLine.line_id)
    )
    return {one.line_id: int(one.units) for one in rows}
