"""The story of an order: who did what, when, and which outside call carried which key. Only ever added to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, insert, select
from sqlalchemy.orm import Mapped, Session

from records.base import Base, CreatedAt, Id, TenantKey


class TimelineEntry(Base):
    """`actor` is `packline`, a vendor's name, or a person; `kind` is fact, call, move, hold, choice or person."""

    __tablename__ = "timeline_entries"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_timeline_entries_order", "tenant_id", "order_id", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    at: Mapped[CreatedAt]
    actor: Mapped[str]
    kind: Mapped[str]
    sentence: Mapped[str]
    details: Mapped[dict[str, Any]]


def write(session: Session, tenant: int, order: int, *, actor: str, kind: str, sentence: str, **details: Any) -> None:
    """Add one line to an order's story. `details` are plain JSON values without secrets."""
    session.flush()
    line = {"tenant_id": tenant, "order_id": order, "actor": actor, "kind": kind, "sentence": sentence}
    session.execute(_ADD, line | {"details": details})


# Of the table, because the class costs twice as much; so what the session has in hand is written before it.
_ADD = insert(TimelineEntry.__table__)  # type: ignore[arg-type]


def read(session: Session, tenant: int, order: int) -> list[TimelineEntry]:
    """An order's story, oldest line first."""
    return list(
        session.scalars(
            select(TimelineEntry)
            .where(TimelineEntry.tenant_id == tenant, TimelineEntry.order_id == order)
            .order_by(TimelineEntry.id)
        )
    )
