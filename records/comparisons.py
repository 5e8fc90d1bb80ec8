"""What came of holding our records against a vendor's: each comparison, and each thing that it found and put right."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Comparison(Base):
    """One look at what changed at one vendor between two moments. States: running → done · failed."""

    __tablename__ = "comparisons"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
        Index("ix_comparisons_connection", "tenant_id", "connection_id", "scope", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    scope: Mapped[str]
    """orders, work, stock, shipments, events, payments, labels, parcels, voids, hooks."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="running")
    looked_at: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str] = mapped_column(server_default="")
    began_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class Finding(Base):
    """One difference: what was missing or wrong, why if that is known, and what was done about it."""

    __tablename__ = "findings"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "comparison_id"], ["comparisons.tenant_id", "comparisons.id"]),
        Index("ix_findings_comparison", "tenant_id", "comparison_id", "id"),
        Index("ix_findings_order", "tenant_id", "order_id", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    comparison_id: Mapped[int]
    order_id: Mapped[int | None]
    subject: Mapped[str]
    """`order/4`, `parcel/7`, a vendor's id: what differed."""
    kind: Mapped[str]
    """`missed` (nobody told us), `drift` (the two sides say different things)."""
    outcome: Mapped[str]
    """`repaired`, `parked` (a person must choose), `noted`."""
    sentence: Mapped[str]
    at: Mapped[CreatedAt]


def last_until(session: Session, tenant: int, connection: str, scope: str) -> datetime | None:
    """Up to when the two sides have been compared."""
    return session.scalars(
        select(Comparison.until)
        .where(
            Comparison.tenant_id == tenant,
            Comparison.connection_id == connection,
            Comparison.scope == scope,
            Comparison.state == "done",
        )
        .order_by(Comparison.id.desc())
        .limit(1)
    ).first()


def findings_of(session: Session, tenant: int, comparison: int) -> list[Finding]:
    return list(
        session.scalars(
            select(Finding).where(Finding.tenant_id == tenant, Finding.comparison_id == comparison).order_by(Finding.id)
        )
    )
