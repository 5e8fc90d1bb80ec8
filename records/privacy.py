"""What buyers and shops may demand about their data, and by when it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Index, LargeBinary, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, array, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey

EXPORT, REDACT_BUYER, REDACT_SHOP = "export", "redact_buyer", "redact_shop"
# No demand of anybody's, but the shop's own standing order not to keep things longer than it has decided.
RETENTION = "retention"


class PrivacyRequest(Base):
    """One demand. `kind` is export, redact_buyer, redact_shop or retention. States: due → done."""

    __tablename__ = "privacy_requests"
    __table_args__ = (
        Index("uq_privacy_requests_demand", "tenant_id", "kind", "remote_id", unique=True),
        Index("ix_privacy_requests_state", "tenant_id", "state", "created_at"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    kind: Mapped[str]
    remote_id: Mapped[str]
    """What tells this demand from another: the vendor's id of it, or a digest of what it asks for."""
    wanted: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Whose: {customer, orders} as ids at the store, the delivery that said so, or who asked; nothing personal. Of an
    export that was made, `gathered` has the ids of all the orders in it.
    """
    state: Mapped[str] = mapped_column(server_default="due")
    found: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What was found and done, in counts."""
    sealed_export: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The export as a sealed JSON document, until it expires."""
    export_expires_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    due_at: Mapped[datetime]
    """By when the law or the vendor wants it done."""
    done_at: Mapped[datetime | None]


def demand(
    session: Session, tenant: int, *, kind: str, remote_id: str, wanted: Mapping[str, Any], due_at: datetime
) -> int:
    """Write a demand down, once; answers its id. The same one again stays as it is."""
    session.execute(
        insert(PrivacyRequest)
        .values(tenant_id=tenant, kind=kind, remote_id=remote_id, wanted=dict(wanted), due_at=due_at)
        .on_conflict_do_nothing(index_elements=["tenant_id", "kind", "remote_id"])
    )
    return session.scalars(
        select(PrivacyRequest.id).where(
            PrivacyRequest.tenant_id == tenant, PrivacyRequest.kind == kind, PrivacyRequest.remote_id == remote_id
        )
    ).one()


def find(session: Session, tenant: int, id: int, *, locked: bool = False) -> PrivacyRequest | None:
    return session.get(PrivacyRequest, (tenant, id), with_for_update=locked or None)


def newest(session: Session, tenant: int, *, size: int = 100) -> list[PrivacyRequest]:
    """The demands of a shop, newest first, without what was exported."""
    return list(
        session.scalars(
            select(PrivacyRequest)
            .where(PrivacyRequest.tenant_id == tenant, PrivacyRequest.kind != RETENTION)
            .order_by(PrivacyRequest.id.desc())
            .limit(size)
        )
    )


def named_in_a_demand(session: Session, tenant: int, remote_id: str) -> bool:
    """Whether a buyer's demand to be forgotten names this order, by its id at the store."""
    named = PrivacyRequest.wanted.cast(JSONB).contains({"orders": [remote_id]})
    found = select(PrivacyRequest.id).where(
        PrivacyRequest.tenant_id == tenant, PrivacyRequest.kind == REDACT_BUYER, named
    )
    return session.execute(found.limit(1)).first() is not None


def exports(session: Session, tenant: int) -> dict[int, bytes]:
    """The exports that are kept, sealed, by the ids of their demands."""
    rows = session.execute(
        select(PrivacyRequest.id, PrivacyRequest.sealed_export).where(
            PrivacyRequest.tenant_id == tenant, PrivacyRequest.sealed_export.is_not(None)
        )
    )
    return {row.id: row.sealed_export for row in rows}


def drop_exports(
    session: Session,
    tenant: int,
    *,
    naming: Sequence[str] = (),
    customer: str = "",
    ids: Sequence[int] = (),
    expired_at: datetime | None = None,
) -> int:
    """Empty the exports that name or hold one of these orders, that were made for this customer, that have these ids,
    or that have run out; answers how many. Of nothing said, none.
    """
    which: list[ColumnElement[bool]] = [PrivacyRequest.id.in_(ids)]
    wanted = PrivacyRequest.wanted.cast(JSONB)
    if naming:
        which += [wanted[told].has_any(array(list(naming))) for told in ("orders", "gathered")]
    if customer:
        which.append(wanted["customer"].astext == customer)
    if expired_at is not None:
        which.append(PrivacyRequest.export_expires_at <= expired_at)
    dropped = session.execute(
        update(PrivacyRequest)
        .where(PrivacyRequest.tenant_id == tenant, PrivacyRequest.sealed_export.is_not(None), or_(*which))
        .values(sealed_export=None)
        .returning(PrivacyRequest.id)
    )
    return len(dropped.all())


def retention(session: Session, tenant: int, *, now: datetime) -> PrivacyRequest:
    """The shop's standing order, made where there is none yet, locked."""
    id = demand(session, tenant, kind=RETENTION, remote_id=RETENTION, wanted={}, due_at=now)
    return session.get_one(PrivacyRequest, (tenant, id), with_for_update=True)


def due(session: Session, tenant: int, kind: str) -> list[PrivacyRequest]:
    """The demands of a kind that are not done, oldest first."""
    return list(
        session.scalars(
            select(PrivacyRequest)
            .where(PrivacyRequest.tenant_id == tenant, PrivacyRequest.state == "due", PrivacyRequest.kind == kind)
            .order_by(PrivacyRequest.created_at)
        )
    )


def waiting(session: Session, tenant: int) -> int:
    """How many demands are not done yet."""
    return int(
        session.scalar(
            select(func.count()).where(
                PrivacyRequest.tenant_id == tenant, PrivacyRequest.state == "due", PrivacyRequest.kind != RETENTION
            )
        )
        or 0
    )
