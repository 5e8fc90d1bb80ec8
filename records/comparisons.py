"""What came of holding our records against a vendor's: each comparison, and each thing that it found and put right."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKeyConstraint, Index, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Comparison(Base):
    """One look at what changed at one vendor between two moments. States: wanted → running → done · failed."""

    __tablename__ = "comparisons"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
        Index("ix_comparisons_connection", "tenant_id", "connection_id", "scope", "id"),
        Index("ix_comparisons_job", "tenant_id", "job_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    job_id: Mapped[int | None]
    """The job that made it: the comparisons of one job are one pass."""
    scope: Mapped[str]
    """orders, work, shipments, stock, events, payments, labels, parcels, voids."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="wanted")
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
        Index("ix_findings_subject", "tenant_id", "subject", "id"),
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


def last_done(session: Session, tenant: int, connection: str, scope: str) -> Comparison | None:
    """The last comparison that came to its end: up to its `until` the two sides have been compared."""
    return session.scalars(
        select(Comparison)
        .where(*_of(tenant, connection, scope), Comparison.state == "done")
        .order_by(Comparison.id.desc())
        .limit(1)
    ).first()


def owed(session: Session, tenant: int, connection: str, scope: str) -> tuple[datetime, datetime] | None:
    """The time, from and until, that was to be compared since the last comparison that came to its end."""
    last_done = (
        select(func.coalesce(func.max(Comparison.id), 0))
        .where(*_of(tenant, connection, scope), Comparison.state == "done")
        .scalar_subquery()
    )
    since, until = session.execute(
        select(func.min(Comparison.since), func.max(Comparison.until)).where(
            *_of(tenant, connection, scope), or_(Comparison.id > last_done, Comparison.state == "wanted")
        )
    ).one()
    return None if since is None else (since, until)


def in_state(session: Session, tenant: int, connection: str, scope: str, state: str) -> list[Comparison]:
    """Oldest first."""
    return list(
        session.scalars(
            select(Comparison).where(*_of(tenant, connection, scope), Comparison.state == state).order_by(Comparison.id)
        )
    )


def of_job(session: Session, tenant: int, job: int) -> list[Comparison]:
    """The comparisons of one pass, oldest first."""
    return list(
        session.scalars(
            select(Comparison).where(Comparison.tenant_id == tenant, Comparison.job_id == job).order_by(Comparison.id)
        )
    )


def last_pass(session: Session, tenant: int, connection: str) -> int | None:
    """The job that compared last."""
    return session.scalars(
        select(Comparison.job_id)
        .where(Comparison.tenant_id == tenant, Comparison.connection_id == connection, Comparison.state == "done")
        .order_by(Comparison.id.desc())
        .limit(1)
    ).first()


def missed_in(session: Session, tenant: int, job: int) -> int:
    """How many things a pass found that nobody had told us."""
    return int(
        session.scalar(
            select(func.count())
            .select_from(Finding)
            .join(Comparison, (Comparison.tenant_id == Finding.tenant_id) & (Comparison.id == Finding.comparison_id))
            .where(Comparison.tenant_id == tenant, Comparison.job_id == job, Finding.kind == "missed")
        )
        or 0
    )


def findings_of(session: Session, tenant: int, comparison: int) -> list[Finding]:
    return list(
        session.scalars(
            select(Finding).where(Finding.tenant_id == tenant, Finding.comparison_id == comparison).order_by(Finding.id)
        )
    )


def said_before(session: Session, tenant: int, subject: str, sentence: str) -> bool:
    """Whether this very thing was found of the subject at an earlier look."""
    return (
        session.execute(
            select(Finding.id)
            .where(Finding.tenant_id == tenant, Finding.subject == subject, Finding.sentence == sentence)
            .limit(1)
        ).first()
        is not None
    )


def forget(session: Session, tenant: int, connection: str, *, before: datetime, limit: int) -> int:
    """Delete comparisons that ended before a time, found nothing and are not the last of their scope; answers how many.

    At most `limit` of them: the table is not held for long.
    """
    later = aliased(Comparison)
    old = (
        select(Comparison.id)
        .where(
            Comparison.tenant_id == tenant,
            Comparison.connection_id == connection,
            Comparison.ended_at < before,
            select(later.id).where(*_same_scope(later), later.id > Comparison.id, later.state == "done").exists(),
            ~select(Finding.id)
            .where(Finding.tenant_id == Comparison.tenant_id, Finding.comparison_id == Comparison.id)
            .exists(),
        )
        .order_by(Comparison.id)
        .limit(limit)
    )
    ids = list(session.scalars(old))
    if ids:
        session.execute(delete(Comparison).where(Comparison.tenant_id == tenant, Comparison.id.in_(ids)))
    return len(ids)


def _same_scope(other: type[Comparison]) -> tuple[ColumnElement[bool], ...]:
    return (
        other.tenant_id == Comparison.tenant_id,
        other.connection_id == Comparison.connection_id,
        other.scope == Comparison.scope,
    )


def _of(tenant: int, connection: str, scope: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Comparison.tenant_id == tenant,
        Comparison.connection_id == connection,
        Comparison.scope == scope,
    )
