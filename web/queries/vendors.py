"""Finds how each of a shop's accounts at vendors is, when it was last compared with our records, and what differed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records.comparisons import Comparison, Finding
from records.orders import Order
from records.tenants import Connection
from web.queries import keyset
from web.queries.keyset import Cut, Page


@dataclass(frozen=True, kw_only=True)
class Account:
    """One connection with its newest comparison of each scope."""

    row: Connection
    comparisons: Sequence[Comparison]


def accounts(session: Session, tenant: int) -> list[Account]:
    """The shop's living accounts: the store, where its money is, and its carriers."""
    living = session.scalars(
        select(Connection)
        .where(Connection.tenant_id == tenant, Connection.ended_at.is_(None))
        .order_by(Connection.role.desc(), Connection.created_at, Connection.id)
    ).all()
    newest = _newest_comparisons(session, tenant)
    return [Account(row=row, comparisons=[one for one in newest if one.connection_id == row.id]) for row in living]


def findings(session: Session, tenant: int, *, outcome: str, cut: Cut) -> Page[Finding]:
    """What differed, newest first; `outcome` narrows it where it is not empty."""
    statement = select(Finding).where(Finding.tenant_id == tenant)
    if outcome:
        statement = statement.where(Finding.outcome == outcome)
    return keyset.newest_first(session, statement, Finding.id, cut)


def order_names(session: Session, tenant: int, found: Sequence[Finding]) -> dict[int, str]:
    ids = {finding.order_id for finding in found if finding.order_id is not None}
    rows = session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(ids)))
    return dict(rows.all())


def find_account(session: Session, tenant: int, connection: str) -> Connection | None:
    row = session.get(Connection, (tenant, connection))
    return row if row is not None and row.ended_at is None else None


def _newest_comparisons(session: Session, tenant: int) -> list[Comparison]:
    newest = (
        select(func.max(Comparison.id))
        .where(Comparison.tenant_id == tenant)
        .group_by(Comparison.connection_id, Comparison.scope)
    )
    return list(
        session.scalars(
            select(Comparison)
            .where(Comparison.tenant_id == tenant, Comparison.id.in_(newest))
            .order_by(Comparison.scope)
        )
    )
