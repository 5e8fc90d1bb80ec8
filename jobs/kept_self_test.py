"""Keeps what a self-test has found so far with its shop, so that another run goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from records.tenants import Tenant


def begin(session: Session, tenant: int, *, by: str, now: str) -> int:
    """Forget the last test and begin another; answers its number."""
    row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
    number = int(row.setup.get("self_test", {}).get("number", 0)) + 1
    row.setup = row.setup | {"self_test": {"number": number, "asked_at": now, "by": by, "steps": {}}}
    return number


def read(session: Session, tenant: int) -> dict[str, Any]:
    found: dict[str, Any] = session.get_one(Tenant, tenant, populate_existing=True).setup.get("self_test", {})
    return found


def write(
    session: Session, tenant: int, told: Mapping[str, Any], steps: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Add what was found; answers all of it."""
    row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
    before = row.setup.get("self_test", {})
    after: dict[str, Any] = before | dict(told) | {"steps": before.get("steps", {}) | dict(steps or {})}
    row.setup = row.setup | {"self_test": after}
    return after
