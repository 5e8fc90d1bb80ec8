"""Tells which vendor each of a shop's connections belongs to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.tenants import Connection


def vendors(session: Session, tenant: int) -> dict[str, str]:
    """Vendor names by connection id, ended connections included, because old rows still name them."""
    rows = session.execute(select(Connection.id, Connection.vendor).where(Connection.tenant_id == tenant))
    return dict(rows.all())


def storefronts(session: Session, tenant: int) -> list[Connection]:
    """The shop's living storefront connections, oldest first."""
    return list(
        session.scalars(
            select(Connection)
            .where(Connection.tenant_id == tenant, Connection.role == "storefront", Connection.ended_at.is_(None))
            .order_by(Connection.created_at, Connection.id)
        )
    )
