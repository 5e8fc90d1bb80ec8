"""What is sold and never shipped: what a variant delivers, and what each buyer was given of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey

LINK, CODES = "link", "codes"


class DigitalGoods(Base):
    """What one unit of a variant delivers. Its link and its codes are the merchant's secrets, and sealed."""

    __tablename__ = "digital_goods"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        CheckConstraint("most_openings > 0 AND days > 0", name="limits_positive"),
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """`link` or `codes`."""
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    """False: the merchant has stopped delivering it. What was delivered stays good."""
    sealed_link: Mapped[bytes | None] = mapped_column(LargeBinary)
    most_openings: Mapped[int] = mapped_column(server_default="5")
    """How often the link may be opened, for each unit."""
    days: Mapped[int] = mapped_column(server_default="30")
    """How long the link may be opened after it was delivered."""
    since: Mapped[CreatedAt]
    """Orders that came before this are left alone: somebody may have delivered them by hand."""


class DigitalDelivery(Base):
    """What a buyer was given at one time, in one mail."""

    __tablename__ = "digital_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_digital_deliveries_order", "tenant_id", "order_id", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    link_until: Mapped[datetime]
    """Until when the buyer's page can be looked at; what is on it may end sooner."""
    link_version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]
    fulfillments: Mapped[list[Any] | None] = mapped_column(JSONB)
    """The store's own ids of what it shows as delivered; None until it was told."""


class DigitalLine(Base):
    """Units of one order line that were delivered."""

    __tablename__ = "digital_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["digital_deliveries.tenant_id", "digital_deliveries.id"]),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("openings >= 0 AND openings <= most_openings", name="openings_within_limit"),
        Index("ix_digital_lines_delivery", "tenant_id", "delivery_id"),
        Index("ix_digital_lines_line", "tenant_id", "line_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    delivery_id: Mapped[int]
    line_id: Mapped[int]
    variant_id: Mapped[int]
    kind: Mapped[str]
    units: Mapped[int]
    openings: Mapped[int] = mapped_column(server_default="0")
    most_openings: Mapped[int] = mapped_column(server_default="0")
    ends_at: Mapped[datetime | None]
    """Until when a link may be opened; codes have no end of ours."""


class DigitalCode(Base):
    """One code of a pool. It is given to one unit of one line, once, and never goes back."""

    __tablename__ = "digital_codes"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "digital_line_id"], ["digital_lines.tenant_id", "digital_lines.id"]),
        Index(
            "ix_digital_codes_free",
            "tenant_id",
            "variant_id",
            "id",
            postgresql_where=text("digital_line_id IS NULL"),
        ),
        Index("ix_digital_codes_line", "tenant_id", "digital_line_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    variant_id: Mapped[int]
    sealed_code: Mapped[bytes | None] = mapped_column(LargeBinary)
    """None once the shop was forgotten."""
    digital_line_id: Mapped[int | None]
    """Whose it is; empty while it is nobody's."""
    created_at: Mapped[CreatedAt]


def goods_of(session: Session, tenant: int, variant: int, *, lock: bool = False) -> DigitalGoods | None:
    return session.get(DigitalGoods, (tenant, variant), with_for_update=lock or None, populate_existing=lock)


def find_delivery(session: Session, tenant: int, delivery: int) -> DigitalDelivery | None:
    return session.get(DigitalDelivery, (tenant, delivery))


def deliveries_of(session: Session, tenant: int, order: int) -> list[DigitalDelivery]:
    return list(
        session.scalars(
            select(DigitalDelivery)
            .where(DigitalDelivery.tenant_id == tenant, DigitalDelivery.order_id == order)
            .order_by(DigitalDelivery.id)
        )
    )


def lines_in(session: Session, tenant: int, delivery: int) -> list[DigitalLine]:
    return list(
        session.scalars(
            select(DigitalLine)
            .where(DigitalLine.tenant_id == tenant, DigitalLine.delivery_id == delivery)
            .order_by(DigitalLine.id)
        )
    )


def codes_of(session: Session, tenant: int, line: int) -> list[DigitalCode]:
    """The codes that a delivered line has."""
    return list(
        session.scalars(
            select(DigitalCode)
            .where(DigitalCode.tenant_id == tenant, DigitalCode.digital_line_id == line)
            .order_by(DigitalCode.id)
        )
    )


def given_before(session: Session, tenant: int, line: DigitalLine) -> int:
    """Units of the same order line that were delivered before these."""
    return session.execute(
        select(func.coalesce(func.sum(DigitalLine.units), 0)).where(
            DigitalLine.tenant_id == tenant, DigitalLine.line_id == line.line_id, DigitalLine.id < line.id
        )
    ).scalar_one()
