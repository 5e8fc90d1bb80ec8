"""Writes purchase orders for what suppliers ship, and keeps them true to their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from integrations.nouns import Address, Way
from orders import dropping, lifecycle, outstanding
from orders.dropping import Asked, Split
from orders.signed_links import Link
from records import suppliers, timeline
from records.orders import Order, OrderLine
from records.orders import lines_of as lines_of_order
from records.shipments import Shipment, ShipmentLine
from records.stock import Variant
from records.suppliers import UNPROMISED, PurchaseOrder, PurchaseOrderLine, SuppliedVariant, Supplier

HOLD = "supplier"
# A supplier who ships late still finds their page.
LINKS_OUTLIVE_LEAD_TIMES = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Units that a supplier is to be asked for."""

    line: int
    units: int
    supplied: SuppliedVariant
    sku: str


def concerns(session: Session, tenant: int, order: int) -> bool:
    """Whether an order has anything to do with suppliers; most have not, and cost no more than this question."""
    return bool(session.scalar(_CONCERNS, {"tenant": tenant, "order": order}))


_CONCERNS = text("""
SELECT EXISTS (SELECT 1 FROM purchase_orders WHERE tenant_id = :tenant AND order_id = :order)
    OR EXISTS (SELECT 1 FROM order_lines line
               JOIN orders o ON o.tenant_id = line.tenant_id AND o.id = line.order_id
               JOIN variants v ON v.tenant_id = line.tenant_id AND v.connection_id = o.connection_id
                    AND v.remote_id = line.variant_remote_id
               JOIN supplied_variants s ON s.tenant_id = v.tenant_id AND s.variant_id = v.id
               WHERE line.tenant_id = :tenant AND line.order_id = :order)
""")


def shares(session: Session, tenant: int, order: int) -> dict[int, Split]:
    """By order line, the units that are still to be given to a place of ours, or to a supplier."""
    supplied = _supplied(session, tenant, order)
    here, there = _sent(session, tenant, order)
    asked = asked_of(session, tenant, order)
    return {
        line.id: dropping.split(
            line.id,
            to_ship=line.carried,
            sent_here=here.get(line.id, 0),
            sent_there=there.get(line.id, 0),
            supplied=line.id in supplied,
            asked=asked,
        )
        for line in lines_of_order(session, tenant, order)
    }


def write(session: Session, tenant: int, order: Order) -> list[int]:
    """Write a purchase order to each supplier for what they are to ship; answers them. The order's row is locked."""
    supplied = _supplied(session, tenant, order.id)
    lines = {line.id: line for line in lines_of_order(session, tenant, order.id)}
    by_supplier: dict[int, list[Dropped]] = defaultdict(list)
    for line, share in shares(session, tenant, order.id).items():
        if share.there:
            one = supplied[line]
            dropped = Dropped(line=line, units=share.there, supplied=one, sku=one.sku or lines[line].sku)
            by_supplier[one.supplier_id].append(dropped)
    return [_write(session, tenant, order, supplier, units) for supplier, units in sorted(by_supplier.items())]


def fit(session: Session, tenant: int, order: Order, *, now: datetime) -> list[int]:
    """Take back what no longer fits the order, where the supplier has promised nothing yet; answers what that was."""
    taken = []
    for one in misfits(session, tenant, order.id):
        if one.waits:
            session.get_one(PurchaseOrder, (tenant, one.id)).settled = "unwanted"
        elif one.state in UNPROMISED and cancel(session, tenant, one.id, "The order has changed.", now=now):
            taken.append(one.id)
    session.flush()
    return taken


def cancel(session: Session, tenant: int, purchase_order: int, reason: str, *, now: datetime) -> bool:
    """Take back what the supplier has not accepted; answers whether this call did."""
    row = suppliers.find(session, tenant, purchase_order, lock=True)
    if row is None or not lifecycle.move(
        session, tenant, "purchase_order", purchase_order, "cancel", reason=reason, ended_at=now
    ):
        return False
    tell(session, row, f"{named(session, row)} is cancelled. {reason}")
    return True


def room(session: Session, tenant: int, order: int) -> dict[int, int]:
    """By order line, the units that are wanted and stand in no shipment; below zero where more has left than that."""
    here, there = _sent(session, tenant, order)
    return {
        line.id: line.carried - here.get(line.id, 0) - there.get(line.id, 0)
        for line in lines_of_order(session, tenant, order)
    }


def misfits(session: Session, tenant: int, order: int) -> list[Asked]:
    """The purchase orders of an order that do not fit what is wanted of it any more."""
    return dropping.misfits(room(session, tenant, order), asked_of(session, tenant, order))


def asked_of(session: Session, tenant: int, order: int) -> list[Asked]:
    """Every purchase order of an order, with the units that were not shipped on it."""
    to = address_of(session.get_one(Order, (tenant, order)))
    return [
        Asked(
            id=row.id,
            state=row.state,
            settled=row.settled,
            units=outstanding.left(session, row),
            elsewhere=row.ship_to != to,
            sent_here_since=outstanding.sent_here_since(session, row) if row.settled == "own_stock" else {},
        )
        for row in suppliers.of_order(session, tenant, order)
    ]


def address_of(order: Order) -> Address | None:
    """What a supplier has to know of the buyer: where it goes, and whom a carrier may call."""
    to = order.ship_to
    return None if to is None else to.model_copy(update={"email": "", "latitude": None, "longitude": None})


def link_of(row: PurchaseOrder, lead_days: int) -> Link:
    until = row.created_at + timedelta(days=lead_days) + LINKS_OUTLIVE_LEAD_TIMES
    return Link(tenant=row.tenant_id, about=row.id, version=row.link_version, until=until)


def ship_by(row: PurchaseOrder, lead_days: int) -> date:
    """The day by which the supplier is asked to ship."""
    return (row.created_at + timedelta(days=lead_days)).date()


def overdue_at(row: PurchaseOrder, lead_days: int) -> datetime:
    """When a supplier who has not answered, or not shipped, is reminded: a whole day after the last day to ship."""
    return datetime.combine(ship_by(row, lead_days) + timedelta(days=2), time.min, tzinfo=UTC)


def subject_of(purchase_order: int) -> str:
    return f"purchase_order/{purchase_order}"


def named(session: Session, row: PurchaseOrder) -> str:
    """A purchase order as people speak of it."""
    return f"Purchase order {row.id} to {supplier_of(session, row).name}"


def supplier_of(session: Session, row: PurchaseOrder) -> Supplier:
    return session.get_one(Supplier, (row.tenant_id, row.supplier_id))


def tell(session: Session, row: PurchaseOrder, sentence: str, *, by: str = "packline") -> None:
    kind = "person" if by.startswith("person:") else "fact"
    timeline.write(session, row.tenant_id, row.order_id, actor=by, kind=kind, sentence=sentence, purchase_order=row.id)


def units_told(lines: Mapping[int, OrderLine], units: Mapping[int, int]) -> str:
    """`2 × BAG, 1 × MUG`."""
    return ", ".join(f"{count} × {lines[line].sku or lines[line].title}" for line, count in sorted(units.items()))


def _write(session: Session, tenant: int, order: Order, supplier: int, dropped: Sequence[Dropped]) -> int:
    row = PurchaseOrder(tenant_id=tenant, order_id=order.id, supplier_id=supplier, ship_to=address_of(order))
    session.add(row)
    session.flush()
    session.add_all(
        PurchaseOrderLine(
            tenant_id=tenant,
            purchase_order_id=row.id,
            line_id=one.line,
            units=one.units,
            sku=one.sku,
            cost_minor=one.supplied.cost_minor,
            currency=one.supplied.currency,
        )
        for one in dropped
    )
    session.flush()
    what = ", ".join(f"{one.units} × {one.sku or f'line {one.line}'}" for one in dropped)
    tell(session, row, f"{named(session, row)} is written: {what}.")
    return row.id


def _supplied(session: Session, tenant: int, order: int) -> dict[int, SuppliedVariant]:
    """The lines of an order that a supplier ships now, with who and how.

    By the store's own id: a line names no variant of ours where the store does not count it, as it counts little of
    what others ship.
    """
    rows = session.execute(
        select(OrderLine.id, SuppliedVariant)
        .join(Order, (Order.tenant_id == OrderLine.tenant_id) & (Order.id == OrderLine.order_id))
        .join(
            Variant,
            (Variant.tenant_id == OrderLine.tenant_id)
            & (Variant.connection_id == Order.connection_id)
            & (Variant.remote_id == OrderLine.variant_remote_id),
        )
        .join(
            SuppliedVariant,
            (SuppliedVariant.tenant_id == Variant.tenant_id) & (SuppliedVariant.variant_id == Variant.id),
        )
        .where(OrderLine.tenant_id == tenant, OrderLine.order_id == order)
    )
    return dict(rows.all())


def _sent(session: Session, tenant: int, order: int) -> tuple[dict[int, int], dict[int, int]]:
    """Units by line that stand in shipments which are not cancelled: in ours, and in suppliers'."""
    rows = session.execute(
        select(ShipmentLine.line_id, Shipment.purchase_order_id, ShipmentLine.units)
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(ShipmentLine.tenant_id == tenant, Shipment.order_id == order, Shipment.state != "cancelled")
        .where(Shipment.way == Way.CARRIED.value)
    )
    here: dict[int, int] = defaultdict(int)
    there: dict[int, int] = defaultdict(int)
    for line, purchase_order, units in rows:
        (here if purchase_order is None else there)[line] += units
    return here, there
