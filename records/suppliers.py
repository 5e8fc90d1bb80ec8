"""Who ships for a shop what the shop has no stock of, and what they were asked to ship."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from integrations.nouns import Address
from records.base import Base, CreatedAt, Id, Stored, TenantKey

# A supplier may still say yes or no, or ship.
OPEN = frozenset({"written", "sent", "accepted"})
# The supplier has promised nothing yet.
UNPROMISED = frozenset({"written", "sent"})


class Supplier(Base):
    """Somebody who ships to a shop's buyers. One that has ended gets no new purchase orders."""

    __tablename__ = "suppliers"
    __table_args__ = (
        Index(
            "uq_suppliers_name",
            "tenant_id",
            "name_as_searched",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("lead_days >= 0", name="lead_days_not_negative"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    name: Mapped[str]
    # A column, because no index serves a function behind row-level security: see records/orders.py.
    name_as_searched: Mapped[str | None] = mapped_column(Computed("lower(name)", persisted=True), deferred=True)
    email: Mapped[str]
    hook_url: Mapped[str] = mapped_column(server_default="")
    """Where their own machines are told of purchase orders; empty where nobody is."""
    sealed_hook_secret: Mapped[bytes | None]
    """What those tellings are signed with, sealed; it is shown once, when it is made."""
    lead_days: Mapped[int] = mapped_column(server_default="0")
    """Days from a purchase order until it leaves, as the supplier says."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class SuppliedVariant(Base):
    """A variant that a supplier ships. Its cost is of one unit, in the currency beside it; empty where nobody said."""

    __tablename__ = "supplied_variants"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "supplier_id"], ["suppliers.tenant_id", "suppliers.id"]),
        Index("ix_supplied_variants_supplier", "tenant_id", "supplier_id"),
        CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int]
    sku: Mapped[str] = mapped_column(server_default="")
    """What the supplier calls it; empty where it is our own SKU."""
    cost_minor: Mapped[int | None]
    currency: Mapped[str]


class PurchaseOrder(Base):
    """What one supplier is asked to ship of one order. States: see orders.lifecycle."""

    __tablename__ = "purchase_orders"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "supplier_id"], ["suppliers.tenant_id", "suppliers.id"]),
        Index("ix_purchase_orders_order", "tenant_id", "order_id"),
        Index("ix_purchase_orders_supplier", "tenant_id", "supplier_id", "id"),
        Index("ix_purchase_orders_state", "tenant_id", "state", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    supplier_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="written")
    ship_to: Mapped[Address | None] = mapped_column(Stored(Address))
    """Where the supplier was told to send it."""
    link_version: Mapped[int] = mapped_column(server_default="1")
    """The links of an older version lead nowhere."""
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(server_default="")
    """Who accepted or rejected it last: `person:the supplier`, or a person in their place."""
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it was rejected or cancelled."""
    settled: Mapped[str] = mapped_column(server_default="")
    """What became of the units of a rejected one: `own_stock`, `asked_again`, `unwanted`; empty while nobody said."""
    ended_at: Mapped[datetime | None]


class PurchaseOrderLine(Base):
    """Units of an order line in a purchase order, as the supplier calls them, at the cost of that day."""

    __tablename__ = "purchase_order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "purchase_order_id"], ["purchase_orders.tenant_id", "purchase_orders.id"]),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        CheckConstraint("units > 0", name="units_positive"),
    )

    tenant_id: Mapped[TenantKey]
    purchase_order_id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(primary_key=True)
    units: Mapped[int]
    sku: Mapped[str]
    cost_minor: Mapped[int | None]
    currency: Mapped[str]


def find(session: Session, tenant: int, purchase_order: int, *, lock: bool = False) -> PurchaseOrder | None:
    return session.get(PurchaseOrder, (tenant, purchase_order), with_for_update=lock or None, populate_existing=lock)


def of_order(session: Session, tenant: int, order: int) -> list[PurchaseOrder]:
    return list(
        session.scalars(
            select(PurchaseOrder)
            .where(PurchaseOrder.tenant_id == tenant, PurchaseOrder.order_id == order)
            .order_by(PurchaseOrder.id)
        )
    )


def lines_of(session: Session, tenant: int, purchase_order: int) -> list[PurchaseOrderLine]:
    return list(
        session.scalars(
            select(PurchaseOrderLine)
            .where(PurchaseOrderLine.tenant_id == tenant, PurchaseOrderLine.purchase_order_id == purchase_order)
            .order_by(PurchaseOrderLine.line_id)
        )
    )


def of_shop(session: Session, tenant: int) -> list[Supplier]:
    """The suppliers that get purchase orders, by name."""
    return list(
        session.scalars(
            select(Supplier)
            .where(Supplier.tenant_id == tenant, Supplier.ended_at.is_(None))
            .order_by(func.lower(Supplier.name))
        )
    )
