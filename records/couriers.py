"""Couriers of a merchant's own: a person with a bike, or a local firm, whom nobody can ask over a wire."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import CheckConstraint, Index, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Couriered(BaseModel):
    """The courier whom a shipment was given to, as they were then: a later change of theirs changes no shipment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    name: str
    phone: str = ""
    email: str = ""
    price_minor: int
    currency: str
    days: int
    radius_km: int


class Courier(Base):
    """One courier, what they ask, and whom they serve."""

    __tablename__ = "couriers"
    __table_args__ = (
        Index("ix_couriers_living", "tenant_id", "id", postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("radius_km > 0 AND price_minor >= 0 AND most_grams > 0 AND days >= 0", name="in_measure"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    locations: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """The locations that they fetch from; empty means every one."""
    radius_km: Mapped[int]
    """How far from the location that it leaves they go."""
    price_minor: Mapped[int]
    """Of one shipment, whatever it weighs."""
    currency: Mapped[str]
    most_grams: Mapped[int]
    days: Mapped[int]
    """From the day on which they fetch it to the buyer's door."""
    cut_off: Mapped[time | None]
    """By the location's clock: what is ready later is fetched on the next day. Empty where they come at any time."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


def of_shop(session: Session, tenant: int, *, ended: bool = False) -> list[Courier]:
    """The couriers that may be given something, or those that were taken off the list, by name."""
    gone = Courier.ended_at.is_not(None) if ended else Courier.ended_at.is_(None)
    asked = select(Courier).where(Courier.tenant_id == tenant, gone)
    return list(session.scalars(asked.order_by(func.lower(Courier.name), Courier.id)))
