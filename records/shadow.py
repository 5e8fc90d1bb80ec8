"""What Packline would have done, for a shop that only watches: each decision beside what the merchant did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class ShadowDecision(Base):
    """One act that was decided and not done. `act` is the intention's kind; `key` tells one from another."""

    __tablename__ = "shadow_decisions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("uq_shadow_decisions_key", "tenant_id", "order_id", "key", unique=True),
        Index("ix_shadow_decisions_at", "tenant_id", "created_at"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    key: Mapped[str]
    act: Mapped[str]
    sentence: Mapped[str]
    decided: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """warehouse, carrier, service, cost_minor, currency, … as far as the act has them."""
    merchant_did: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """The same of what the merchant did, once the store tells."""
    compared_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
