"""Where an order is to go instead, who asked for it, and whether the store has it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from integrations.nouns import Address
from records.base import Base, CreatedAt, Id, Stored, TenantKey


class AddressChange(Base):
    """One wish that an order goes to another address. States: asked → written · refused · withdrawn."""

    __tablename__ = "address_changes"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_address_changes_order", "tenant_id", "order_id", "id"),
        Index(
            "uq_address_changes_asked", "tenant_id", "order_id", unique=True, postgresql_where=text("state = 'asked'")
        ),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="asked")
    address: Mapped[Address | None] = mapped_column(Stored(Address))
    """Empty once its buyer was forgotten."""
    asked_by: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    """Why a person of the shop changes it."""
    said: Mapped[str] = mapped_column(server_default="")
    """Why the store refused it."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


def latest_of(session: Session, tenant: int, order: int) -> AddressChange | None:
    """What was asked for last."""
    return session.scalars(
        select(AddressChange)
        .where(AddressChange.tenant_id == tenant, AddressChange.order_id == order)
        .order_by(AddressChange.id.desc())
        .limit(1)
    ).first()
