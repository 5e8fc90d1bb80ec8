"""What we are about to do in the outside world, written down before it is done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Intention(Base):
    """One outward act under our own key. States: intended → succeeded · adopted · refused · abandoned."""

    __tablename__ = "intentions"
    __table_args__ = (Index("uq_intentions_key", "tenant_id", "key", unique=True),)

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    key: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    attempt: Mapped[int]
    request_digest: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="intended")
    vendor_reference: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


def find_intention(session: Session, tenant: int, key: str) -> Intention | None:
    return session.scalars(select(Intention).where(Intention.tenant_id == tenant, Intention.key == key)).first()
