"""What buyers and shops may demand about their data, and by when it was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class PrivacyRequest(Base):
    """One demand. `kind` is export, redact_buyer or redact_shop. States: due → done."""

    __tablename__ = "privacy_requests"
    __table_args__ = (
        Index("uq_privacy_requests_demand", "tenant_id", "kind", "remote_id", unique=True),
        Index("ix_privacy_requests_state", "tenant_id", "state", "created_at"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    kind: Mapped[str]
    remote_id: Mapped[str]
    """What tells this demand from another: the vendor's id of it, or of the delivery that brought it."""
    wanted: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Whose: {customer, orders} as ids at the store; nothing personal."""
    state: Mapped[str] = mapped_column(server_default="due")
    found: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What was found and done, in counts."""
    sealed_export: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The export as a sealed JSON document, until it expires."""
    export_expires_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    due_at: Mapped[datetime]
    """By when the law or the vendor wants it done."""
    done_at: Mapped[datetime | None]
