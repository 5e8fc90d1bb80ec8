"""Who did what by hand: one line for every write of a person, of whatever surface. Only ever added to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey

# What belongs to no shop (users, keys) is written under this number, which no tenant has.
THE_HOUSE = 0


class AuditLine(Base):
    """`actor` is `person:Ann` or `shopify:staff/42`; `act` names the route or command, `subject` what it changed."""

    __tablename__ = "audit_lines"
    __table_args__ = (Index("ix_audit_lines_at", "tenant_id", "at"),)

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    at: Mapped[CreatedAt]
    actor: Mapped[str]
    surface: Mapped[str]
    """plain, embedded or command."""
    act: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    address: Mapped[str] = mapped_column(server_default="")
    outcome: Mapped[str] = mapped_column(server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


def write(
    session: Session,
    tenant: int,
    *,
    actor: str,
    surface: str,
    act: str,
    subject: str = "",
    address: str = "",
    outcome: str = "",
    **details: Any,
) -> None:
    """Add one line. `details` are plain JSON values without secrets and without buyers' words."""
    session.execute(
        insert(AuditLine).values(
            tenant_id=tenant,
            actor=actor,
            surface=surface,
            act=act,
            subject=subject,
            address=address,
            outcome=outcome,
            details=details,
        )
    )


def newest(session: Session, tenant: int, *, before: int | None = None, size: int = 100) -> list[AuditLine]:
    """The latest lines of a shop, newest first, those before an id where one is given."""
    statement = select(AuditLine).where(AuditLine.tenant_id == tenant)
    if before is not None:
        statement = statement.where(AuditLine.id < before)
    return list(session.scalars(statement.order_by(AuditLine.id.desc()).limit(size)))
