"""Reads how far a shop is with its setting up, and the locations that it may ship from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import setting_up
from orders.setting_up import Known, Progress
from records import tenants
from records.stock import Location
from records.tenants import Tenant


@dataclass(frozen=True, kw_only=True)
class Place:
    """A location of the store. `offered` is False where the store itself uses it for no online order."""

    id: int
    name: str
    city: str
    ships: bool
    offered: bool


def progress(session: Session, tenant: int) -> Progress:
    """What is set up, what is not, and what comes next."""
    row = session.get_one(Tenant, tenant)
    roles = {connection.role for connection in tenants.living(session, tenant)}
    return setting_up.progress(
        Known(setup=row.setup, roles=roles, mode=row.mode, went_live=row.went_live_at is not None)
    )


def places(session: Session, tenant: int) -> Sequence[Place]:
    left_out = set(session.get_one(Tenant, tenant).setup.get("no_warehouse", ()))
    rows = session.scalars(select(Location).where(Location.tenant_id == tenant).order_by(Location.name, Location.id))
    return [
        Place(
            id=row.id,
            name=row.name,
            city=row.address.city,
            ships=row.ships,
            offered=row.ships or row.remote_id in left_out,
        )
        for row in rows
    ]
