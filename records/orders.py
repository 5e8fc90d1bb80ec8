"""Orders, their lines, what holds them up, and the payments that belong to them."""

from __future__ import annotations

import functools
from datetime import date, datetime
from typing import Any

from pydantic import Field
from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, Select, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from integrations.nouns import Address, Noun
from records.base import Base, CreatedAt, Id, Stored, TenantKey

# The states of an order in which nothing is held, quoted or bought for it any more.
OVER = frozenset({"cancelling", "cancelled", "closed"})
# How an order is locked by whoever changes it: rows that point at it, such as holds, may be written meanwhile by who
# has other locks, which we may be about to wait for.
LOCK: dict[str, Any] = {"key_share": True}


class Order(Base):
    """A buyer's order. Its state is moved only by orders.lifecycle; money and carriers are axes of their own."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
        Index("uq_orders_remote", "tenant_id", "connection_id", "remote_id", unique=True),
        Index("ix_orders_state", "tenant_id", "state", "id"),
        Index("ix_orders_name", "tenant_id", "name"),
        Index("ix_orders_email", "tenant_id", "email_as_searched"),
        Index(
            "ix_orders_buyer",
            "tenant_id",
            "buyer_as_searched",
            postgresql_ops={"buyer_as_searched": "text_pattern_ops"},
        ),
        Index("ix_orders_bare_id", "tenant_id", "bare_remote_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    remote_id: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="received")
    placed_at: Mapped[datetime | None]
    remote_updated_at: Mapped[datetime | None]
    """The storefront's own time of the version that we have; an older version never overwrites it."""
    currency: Mapped[str] = mapped_column(server_default="")
    total_minor: Mapped[int] = mapped_column(server_default="0")
    goods_minor: Mapped[int | None]
    """The price of its lines after all discounts, as last told; empty where the storefront has not said it."""
    standing: Mapped[str] = mapped_column(server_default="unknown")
    """What the storefront says of the money; payments from elsewhere are in the payments table."""
    risk: Mapped[str] = mapped_column(server_default="none")
    email: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str] = mapped_column(server_default="")
    ship_to: Mapped[Address | None] = mapped_column(Stored(Address))
    shipping_title: Mapped[str] = mapped_column(server_default="")
    content_digest: Mapped[str] = mapped_column(server_default="")
    """Digest of what verification looks at, so that an echo of our own change asks for no new check."""
    address_digest: Mapped[str] = mapped_column(server_default="")
    """Digest of the address that a carrier found deliverable, so that it is asked once for each address."""
    cancelled_at: Mapped[datetime | None]
    deliver_by: Mapped[datetime | None]
    """What was promised when it came: at the door by then. It is set once, and nothing moves it."""
    ship_by: Mapped[datetime | None]
    """By when the next of it has to leave, by the calendar of its place; empty while nothing is planned, and once all
    has left.
    """
    arrives_on: Mapped[date | None]
    """The day by which all that is planned of it is expected at the door; empty where nobody can say."""
    test: Mapped[bool] = mapped_column(server_default=text("false"))
    link_version: Mapped[int] = mapped_column(server_default="1")
    """The buyer's links of an older version lead nowhere."""
    created_at: Mapped[CreatedAt]
    # What people and payments look for. Columns, because behind row-level security no index serves a condition that
    # calls a function which might tell what it was given (lower, split_part, LIKE): a plain comparison tells nothing.
    # https://www.postgresql.org/docs/current/rules-privileges.html
    email_as_searched: Mapped[str | None] = mapped_column(Computed("lower(email)", persisted=True), deferred=True)
    buyer_as_searched: Mapped[str | None] = mapped_column(
        Computed("lower(ship_to ->> 'name')", persisted=True), deferred=True
    )
    bare_remote_id: Mapped[str | None] = mapped_column(
        Computed("split_part(remote_id, '/', -1)", persisted=True), deferred=True
    )


class Waiting(Noun):
    """Units that a buyer comes for at a location, or that the shop brings from there. `way` is a shipment's."""

    way: str
    location: int
    units: int = Field(gt=0)


class ByHand(Noun):
    parts: tuple[Waiting, ...] = ()

    @property
    def units(self) -> int:
        return sum(part.units for part in self.parts)


class OrderLine(Base):
    """Units of one thing in an order. `units` is what the buyer still wants."""

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("uq_order_lines_remote", "tenant_id", "order_id", "remote_id", unique=True),
        Index("uq_order_lines_of_order", "tenant_id", "order_id", "id", unique=True),
        Index("ix_order_lines_sku", "tenant_id", "sku", "order_id"),
        CheckConstraint("units >= 0", name="units_not_negative"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    remote_id: Mapped[str]
    variant_id: Mapped[int | None]
    variant_remote_id: Mapped[str]
    sku: Mapped[str]
    title: Mapped[str]
    units: Mapped[int]
    to_ship: Mapped[int] = mapped_column(server_default="0")
    """Units that are to leave our places, in whichever way: fewer than `units` where some are digital or long gone."""
    by_hand: Mapped[ByHand] = mapped_column(Stored(ByHand), server_default=text("'{}'::jsonb"))
    """Those of `to_ship` that no carrier brings: where they wait for the buyer, or for the shop to bring them."""
    to_deliver: Mapped[int] = mapped_column(server_default="0")
    """Units that are never shipped and that the storefront still wants delivered, with those that we delivered."""
    unit_price_minor: Mapped[int]
    unit_grams: Mapped[int]
    needs_shipping: Mapped[bool]

    @property
    def carried(self) -> int:
        """Those of `to_ship` that want a parcel."""
        return max(0, self.to_ship - self.by_hand.units)


class Hold(Base):
    """Why an order must wait, who said so, and who ended it. States: open → released."""

    __tablename__ = "holds"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("uq_holds_open", "tenant_id", "order_id", "kind", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_holds_order", "tenant_id", "order_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    kind: Mapped[str]
    """address, mismatch, payment, risk, dispute, stock, customs, label, storefront, operator, change, supplier,
    digital, not_mailed and others: web/show/words.HOLDS names them all.
    """
    state: Mapped[str] = mapped_column(server_default="open")
    reason: Mapped[str]
    remedy: Mapped[str]
    set_by: Mapped[str]
    overridable: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether a person may release it; a payment hold ends with the payment or by a person, a mismatch by a person."""
    released_by: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    released_at: Mapped[datetime | None]


class Payment(Base):
    """One payment at a payment provider. `order_id` is empty until the order it pays for is known."""

    __tablename__ = "payments"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("uq_payments_remote", "tenant_id", "connection_id", "remote_id", unique=True),
        Index("ix_payments_order", "tenant_id", "order_id"),
        Index("ix_payments_unmatched", "tenant_id", "order_name", postgresql_where=text("order_id IS NULL")),
        CheckConstraint("captured_minor >= refunded_minor", name="refunds_within_captures"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    remote_id: Mapped[str]
    order_id: Mapped[int | None]
    order_remote_id: Mapped[str] = mapped_column(server_default="")
    order_name: Mapped[str] = mapped_column(server_default="")
    session_remote_id: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="pending")
    currency: Mapped[str]
    amount_minor: Mapped[int]
    authorised_minor: Mapped[int] = mapped_column(server_default="0")
    captured_minor: Mapped[int] = mapped_column(server_default="0")
    refunded_minor: Mapped[int] = mapped_column(server_default="0")
    disputed: Mapped[bool] = mapped_column(server_default=text("false"))
    disputed_as_of: Mapped[datetime | None]
    as_of: Mapped[datetime]
    problem: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]


def find_order(session: Session, tenant: int, order: int) -> Order | None:
    return session.get(Order, (tenant, order))


def orders_named(session: Session, tenant: int, name: str) -> list[Order]:
    """The orders of that name, with or without the sign before its number; two stores may use the same."""
    bare = name.removeprefix("#")
    return list(
        session.scalars(
            select(Order).where(Order.tenant_id == tenant, Order.name.in_([name, bare, f"#{bare}"])).order_by(Order.id)
        )
    )


def lines_of(session: Session, tenant: int, order: int) -> list[OrderLine]:
    return _rows(session, OrderLine, tenant, order)


def payments_of(session: Session, tenant: int, order: int) -> list[Payment]:
    return _rows(session, Payment, tenant, order)


def holds_of(session: Session, tenant: int, order: int) -> list[Hold]:
    return _rows(session, Hold, tenant, order)


def open_holds(session: Session, tenant: int, order: int) -> list[Hold]:
    return list(session.scalars(_OPEN_HOLDS, {"tenant": tenant, "order": order}))


def _rows(session: Session, table: Any, tenant: int, order: int) -> list[Any]:
    return list(session.scalars(of_an_order(table), {"tenant": tenant, "order": order}))


@functools.cache
def of_an_order(table: Any) -> Select[Any]:
    """A table's rows of `:order` of `:tenant`, oldest first: built once, since building it costs more than asking."""
    mine = (table.tenant_id == bindparam("tenant"), table.order_id == bindparam("order"))
    return select(table).where(*mine).order_by(table.id)


_OPEN_HOLDS = of_an_order(Hold).where(Hold.state == "open")
