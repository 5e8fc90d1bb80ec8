"""What is wanted of each thing a day, what that says of the weeks to come, and how the merchant wants stock ordered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Replenishing(BaseModel):
    """When new stock is to be ordered, and how much of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_days: int = Field(default=14, ge=0, le=365)
    """Days from ordering at a supplier until the units lie on the shelf, where a variant's own terms say nothing."""
    review_days: int = Field(default=7, ge=0, le=90)
    """Days between two looks at what to order: stock has to last until the delivery of the order after this one."""
    service_percent: int = Field(default=95, ge=50, le=99)
    """In so many of a hundred such spans nothing runs out."""
    order_for_days: int = Field(default=28, ge=1, le=365)
    """An order lasts so many days beyond the reorder point."""
    overstock_days: int = Field(default=180, ge=7, le=3650)
    """What lasts longer than this is too much."""


class DemandDay(Base):
    """Units of one variant that orders of one day (UTC) wanted, at the location that ships, holds or lacks them.

    Kept from orders and reservations by orders/demand.py, which can make it anew at any time.
    """

    __tablename__ = "demand_days"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        CheckConstraint("units > 0", name="units_positive"),
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    units: Mapped[int]


class Forecast(Base):
    """What one variant at one location will be asked for a week, how wrong that was in the past, and when to order.

    Numbers called `milli` are thousandths of a unit a week. They are None where there is too little to tell.
    """

    __tablename__ = "forecasts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(primary_key=True)
    catches: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether what is wanted and lies nowhere counts here: one location of each variant."""
    begins: Mapped[date | None]
    """The Monday of the first whole week that was counted."""
    ends: Mapped[date | None]
    """The Monday after the last one."""
    series_digest: Mapped[str] = mapped_column(server_default="")
    """Tells one history, and what it was put before, from another: the same is not worked out twice."""
    reason: Mapped[str] = mapped_column(server_default="")
    """Why there is no number, where there is none."""
    model: Mapped[str] = mapped_column(server_default="")
    per_week_milli: Mapped[int | None]
    error_milli: Mapped[int | None]
    """Root of the mean squared error of one week's forecast."""
    mae_milli: Mapped[int | None]
    bias_milli: Mapped[int | None]
    """Forecast less what came, on average: above nothing, too much was expected."""
    same_mae_milli: Mapped[int | None]
    """The mean error of saying "the same as last week" in the same weeks."""
    tested: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Each week of the backtest, as {week, units, forecast_milli, model}."""
    tried: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Each model that was tried, as {model, error_milli, mae_milli, bias_milli}."""
    made_at: Mapped[datetime | None]
    lead_days: Mapped[int | None]
    safety_units: Mapped[int | None]
    reorder_point: Mapped[int | None]


class BuyingTerms(Base):
    """How one variant is bought, where that differs from the shop's rules."""

    __tablename__ = "buying_terms"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        CheckConstraint("lead_days >= 0 AND pack_units > 0", name="terms_positive"),
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    lead_days: Mapped[int | None]
    pack_units: Mapped[int] = mapped_column(server_default="1")
    """Units are bought in multiples of this."""


class StockLetter(Base):
    """One letter to the merchant about their stock. States: due → sent · suppressed · failed."""

    __tablename__ = "stock_letters"
    __table_args__ = (Index("uq_stock_letters_due", "tenant_id", unique=True, postgresql_where=text("state = 'due'")),)

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    state: Mapped[str] = mapped_column(server_default="due")
    listed: Mapped[list[Any]]
    """What it tells of, as [variant, location, `low` or `over`]."""
    address: Mapped[str] = mapped_column(server_default="")
    """Where it went; empty until it was sent."""
    title: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it was not sent, and what a person can do."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class StockAlert(Base):
    """The merchant was told, or is about to be, that a thing is low or in excess at a location, and it still is."""

    __tablename__ = "stock_alerts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        ForeignKeyConstraint(["tenant_id", "letter_id"], ["stock_letters.tenant_id", "stock_letters.id"]),
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """`low` or `over`."""
    letter_id: Mapped[int]


def last_letter(session: Session, tenant: int) -> StockLetter | None:
    """The newest letter about stock, whatever became of it."""
    asked = select(StockLetter).where(StockLetter.tenant_id == tenant).order_by(StockLetter.id.desc())
    return session.scalars(asked.limit(1)).first()
