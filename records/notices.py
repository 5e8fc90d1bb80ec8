"""What a buyer was written: each fact once by each way, whatever became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Notice(Base):
    """One message to a buyer. States: due → sent · suppressed · failed."""

    __tablename__ = "notices"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("uq_notices_fact", "tenant_id", "subject", "fact", "channel", unique=True),
        Index("ix_notices_order", "tenant_id", "order_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    subject: Mapped[str]
    """`choice/7`: what it is about."""
    fact: Mapped[str]
    """`asked`, `reminded`: what it tells of that."""
    channel: Mapped[str] = mapped_column(server_default="email")
    state: Mapped[str] = mapped_column(server_default="due")
    address: Mapped[str] = mapped_column(server_default="")
    """Where it went; empty until it was sent."""
    title: Mapped[str] = mapped_column(server_default="")
    words: Mapped[str] = mapped_column(server_default="")
    """The text that was sent, without the buyer's link."""
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it was not sent, and what a person can do."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


def want(session: Session, tenant: int, order: int, subject: str, fact: str, *, channel: str = "email") -> int | None:
    """Write down that the buyer is to be told a fact; answers the notice, or None where they were to be before."""
    return session.execute(
        insert(Notice)
        .values(tenant_id=tenant, order_id=order, subject=subject, fact=fact, channel=channel)
        .on_conflict_do_nothing(index_elements=["tenant_id", "subject", "fact", "channel"])
        .returning(Notice.id)
    ).scalar_one_or_none()


def about(session: Session, tenant: int, subject: str) -> list[Notice]:
    return list(
        session.scalars(select(Notice).where(Notice.tenant_id == tenant, Notice.subject == subject).order_by(Notice.id))
    )


def of_order(session: Session, tenant: int, order: int) -> list[Notice]:
    return list(
        session.scalars(select(Notice).where(Notice.tenant_id == tenant, Notice.order_id == order).order_by(Notice.id))
    )
