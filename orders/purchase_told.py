"""Reads what a supplier is told of a purchase order: what to ship, where to, until when, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import holds, outstanding, purchasing, sheet
from orders.amounts import decimal
from records import suppliers
from records.orders import Order, lines_of, open_holds
from records.shipments import Parcel, Shipment
from records.suppliers import OPEN, PurchaseOrder
from records.tenants import Tenant

# A parcel is sought, returned or claimed for in these days; after them, nobody needs to know where it went.
_ASKED_ABOUT = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class ToShip:
    """A line of a purchase order. The cost is of one unit; `left` was not shipped yet."""

    line: int
    sku: str
    our_sku: str
    title: str
    units: int
    left: int
    cost_minor: int | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """One parcel that the supplier has told of."""

    carrier: str
    number: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that a page or a letter to a supplier says. It names the buyer: the supplier ships there."""

    id: int
    order_name: str
    shop: str
    supplier: str
    state: str
    reason: str
    lines: Sequence[ToShip]
    address: Sequence[str]
    """Line by line, as on a label; empty once the buyer was forgotten."""
    phone: str
    written_on: date
    ship_by: date
    parcels: Sequence[Leaving]
    order_over: bool
    """The order was cancelled: nothing more is to leave."""
    held: bool
    """Something is to be settled before anything of the order may leave: the supplier is asked to wait."""
    hidden: bool = False
    """The address is not shown any more, as nothing is to be shipped there."""

    @property
    def open(self) -> bool:
        return self.state in OPEN and not self.order_over

    @property
    def to_stop(self) -> bool:
        """The supplier accepted it, and it is not wanted any more."""
        return self.state == "accepted" and self.order_over


def told(session: Session, row: PurchaseOrder) -> Told:
    tenant = row.tenant_id
    order = session.get_one(Order, (tenant, row.order_id))
    supplier = purchasing.supplier_of(session, row)
    to = row.ship_to or Address()
    return Told(
        id=row.id,
        order_name=order.name or f"#{order.id}",
        shop=session.execute(select(Tenant.name).where(Tenant.id == tenant)).scalar_one(),
        supplier=supplier.name,
        state=row.state,
        reason=row.reason,
        lines=_lines(session, row),
        address=address_lines(to),
        phone=to.phone,
        written_on=row.created_at.date(),
        ship_by=purchasing.ship_by(row, supplier.lead_days),
        parcels=_parcels(session, row),
        order_over=order.state in {"cancelling", "cancelled"},
        held=bool(holds.blocking_labels(open_holds(session, tenant, order.id))),
    )


def for_the_supplier(session: Session, row: PurchaseOrder, *, now: datetime) -> Told:
    """The same as long as they need the address; without it once nothing is to be shipped there any more."""
    full = told(session, row)
    return full if needs_address(full, row.ended_at, now=now) else replace(full, address=(), phone="", hidden=True)


def needs_address(told: Told, ended_at: datetime | None, *, now: datetime) -> bool:
    """Whether a supplier ships there, or has and may still be asked about the parcel. Pure."""
    lately = told.state == "shipped" and ended_at is not None and now - ended_at <= _ASKED_ABOUT
    return told.open or lately


def address_lines(to: Address) -> list[str]:
    """An address as it is written on a label."""
    town = " ".join(part for part in (to.city, to.region, to.postcode) if part)
    return [part for part in (to.name, to.company, to.street1, to.street2, town, to.country) if part]


_HEADING = [
    "purchase_order", "order", "sku", "our_sku", "title", "units", "unit_cost", "currency", "ship_by",
    "name", "company", "street1", "street2", "city", "region", "postcode", "country", "phone",
]  # fmt: skip


def as_csv(told: Told, to: Address | None) -> str:
    """The purchase order for a machine: a row for each line, with where it goes."""
    where = to or Address()
    address = [
        where.name, where.company, where.street1, where.street2, where.city, where.region, where.postcode,
        where.country, where.phone,
    ]  # fmt: skip
    rows: list[list[object]] = [
        [
            told.id, told.order_name, line.sku, line.our_sku, line.title, line.units,
            "" if line.cost_minor is None else decimal(line.cost_minor, line.currency), line.currency,
            told.ship_by.isoformat(), *address,
        ]
        for line in told.lines
    ]  # fmt: skip
    return "".join(sheet.lines(_HEADING, rows))


def _lines(session: Session, row: PurchaseOrder) -> list[ToShip]:
    sold = {line.id: line for line in lines_of(session, row.tenant_id, row.order_id)}
    left = outstanding.left(session, row)
    return [
        ToShip(
            line=line.line_id,
            sku=line.sku,
            our_sku=sold[line.line_id].sku,
            title=sold[line.line_id].title,
            units=line.units,
            left=left.get(line.line_id, 0),
            cost_minor=line.cost_minor,
            currency=line.currency,
        )
        for line in suppliers.lines_of(session, row.tenant_id, row.id)
    ]


def _parcels(session: Session, row: PurchaseOrder) -> list[Leaving]:
    rows = session.execute(
        select(Parcel.carrier, Parcel.tracking_code)
        .join(Shipment, (Shipment.tenant_id == Parcel.tenant_id) & (Shipment.id == Parcel.shipment_id))
        .where(Parcel.tenant_id == row.tenant_id, Parcel.order_id == row.order_id)
        .where(Shipment.purchase_order_id == row.id, Shipment.state != "cancelled")
        .order_by(Parcel.id)
    )
    return [Leaving(carrier=carrier, number=number) for carrier, number in rows]
