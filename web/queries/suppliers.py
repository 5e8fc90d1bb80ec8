"""Reads a shop's suppliers with what they ship, its purchase orders, and those of one order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders import purchase_told, purchasing
from orders.purchase_told import Told
from orders.supplier_links import SupplierLinks
from records import notices, suppliers
from records.notices import Notice
from records.orders import Order
from records.shipments import Shipment
from records.stock import Variant
from records.suppliers import OPEN, PurchaseOrder, PurchaseOrderLine, SuppliedVariant, Supplier
from web.queries import keyset
from web.queries.keyset import Cut, Page

# More are not looked at on one page; the page says so.
MOST_SHIPPED = 500


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A supplier, and what they ship."""

    row: Supplier
    ships: Sequence[tuple[SuppliedVariant, Variant]]
    open_orders: int


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A purchase order as it stands in a list."""

    row: PurchaseOrder
    supplier: str
    order_name: str
    units: int
    ship_by: date
    overdue: bool
    """It ought to have left by now, and nobody has said that it has."""


@dataclass(frozen=True, kw_only=True)
class OfOrder:
    """A purchase order of one order, with what was written of it and the supplier's link."""

    row: PurchaseOrder
    told: Told
    notices: Sequence[Notice]
    link: str

    @property
    def refunding(self) -> dict[str, int]:
        """The form of taking back, with what was not shipped on it."""
        return {f"units-{line.line}": line.left for line in self.told.lines if line.left}


def all_of(session: Session, tenant: int) -> list[Kept]:
    """The shop's suppliers by name."""
    rows = session.execute(
        select(SuppliedVariant, Variant)
        .join(Variant, (Variant.tenant_id == SuppliedVariant.tenant_id) & (Variant.id == SuppliedVariant.variant_id))
        .where(SuppliedVariant.tenant_id == tenant)
        .order_by(Variant.sku, Variant.id)
        .limit(MOST_SHIPPED)
    )
    ships: dict[int, list[tuple[SuppliedVariant, Variant]]] = defaultdict(list)
    for supplied, variant in rows:
        ships[supplied.supplier_id].append((supplied, variant))
    counted = dict(
        session.execute(
            select(PurchaseOrder.supplier_id, func.count())
            .where(PurchaseOrder.tenant_id == tenant, PurchaseOrder.state.in_(OPEN))
            .group_by(PurchaseOrder.supplier_id)
        ).all()
    )
    return [
        Kept(row=row, ships=ships[row.id], open_orders=counted.get(row.id, 0))
        for row in suppliers.of_shop(session, tenant)
    ]


def placed(session: Session, tenant: int, *, every: bool, cut: Cut, now: datetime) -> Page[Placed]:
    """The shop's purchase orders, newest first: those that are open or wait for a person's word, or every one."""
    statement = select(PurchaseOrder).where(PurchaseOrder.tenant_id == tenant)
    if not every:
        waits = (PurchaseOrder.state == "rejected") & (PurchaseOrder.settled == "")
        statement = statement.where(PurchaseOrder.state.in_(OPEN) | waits)
    page = keyset.newest_first(session, statement, PurchaseOrder.id, cut)
    names = _names(session, tenant, page.rows)
    return Page(rows=[_placed(row, names, now=now) for row in page.rows], newer=page.newer, older=page.older)


def of_order(session: Session, tenant: int, order: int, links: SupplierLinks) -> list[OfOrder]:
    return [
        OfOrder(
            row=row,
            told=purchase_told.told(session, row),
            notices=notices.about(session, tenant, purchasing.subject_of(row.id)),
            link=links.address(purchasing.link_of(row, purchasing.supplier_of(session, row).lead_days)),
        )
        for row in suppliers.of_order(session, tenant, order)
    ]


def sender_of(shipment: Shipment, places: Mapping[int, str]) -> str:
    """Who sends a shipment, as people call it; `places` are the shop's own, by id."""
    if shipment.location_id is None:
        return _supplier(shipment.purchase_order_id or 0)
    return places.get(shipment.location_id, f"location {shipment.location_id}")


def still_with_them(session: Session, tenant: int, order: int) -> list[tuple[int, str, int, str]]:
    """Units that suppliers are to ship and have not: the line, who has them, how many, and how that stands."""
    return [
        (line, _supplier(asked.id), units, asked.state)
        for asked in purchasing.asked_of(session, tenant, order)
        for line, units in asked.units.items()
        if asked.counts
    ]


def _supplier(purchase_order: int) -> str:
    return f"the supplier (purchase order {purchase_order})"


@dataclass(frozen=True, kw_only=True)
class _Names:
    suppliers: dict[int, Supplier]
    orders: dict[int, str]
    units: dict[int, int]


def _names(session: Session, tenant: int, rows: Sequence[PurchaseOrder]) -> _Names:
    asked, orders = [row.supplier_id for row in rows], [row.order_id for row in rows]
    found = session.scalars(select(Supplier).where(Supplier.tenant_id == tenant, Supplier.id.in_(asked)))
    named = session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(orders)))
    units = session.execute(
        select(PurchaseOrderLine.purchase_order_id, func.sum(PurchaseOrderLine.units))
        .where(PurchaseOrderLine.tenant_id == tenant, PurchaseOrderLine.purchase_order_id.in_([row.id for row in rows]))
        .group_by(PurchaseOrderLine.purchase_order_id)
    )
    return _Names(
        suppliers={one.id: one for one in found},
        orders=dict(named.all()),
        units={id: int(count) for id, count in units},
    )


def _placed(row: PurchaseOrder, names: _Names, *, now: datetime) -> Placed:
    supplier = names.suppliers[row.supplier_id]
    return Placed(
        row=row,
        supplier=supplier.name,
        ship_by=purchasing.ship_by(row, supplier.lead_days),
        overdue=row.state in OPEN and purchasing.overdue_at(row, supplier.lead_days) <= now,
        order_name=names.orders.get(row.order_id, "") or f"#{row.order_id}",
        units=names.units.get(row.id, 0),
    )
