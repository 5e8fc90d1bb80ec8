"""What we are about to do in the outside world, written down before it is done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, Index, bindparam, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Intention(Base):
    """One outward act under our own key. States: intended → succeeded · adopted · refused · abandoned."""

    __tablename__ = "intentions"
    __table_args__ = (
        Index("uq_intentions_key", "tenant_id", "key", unique=True),
        # A change of stock is told in an act for each time that the store's units were looked at.
        Index("ix_intentions_stock", "tenant_id", "subject", postgresql_where=text("kind = 'tell_stock'")),
        # A refund that the store tells of is ours where it carries one of these marks.
        Index("ix_intentions_refund", "tenant_id", "mark", postgresql_where=text("kind = 'refund_in_store'")),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    key: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    attempt: Mapped[int]
    request_digest: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="intended")
    mark: Mapped[str] = mapped_column(server_default=text("(gen_random_uuid())::text"))
    """What is written on the thing at the vendor, so that it is found again; unguessable, and never given twice."""
    renewals: Mapped[int] = mapped_column(server_default="0")
    """How often the vendor was given a fresh idempotency key, because it had forgotten, or refused, the last one."""
    keyed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    """When the present idempotency key was written down."""
    vendor_reference: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]

    @property
    def idempotency_key(self) -> str:
        return f"{self.mark}-{self.renewals}" if self.renewals else self.mark


def find_intention(session: Session, tenant: int, key: str) -> Intention | None:
    return session.scalars(_BY_KEY, {"tenant": tenant, "key": key}).first()


_BY_KEY = select(Intention).where(Intention.tenant_id == bindparam("tenant"), Intention.key == bindparam("key"))
