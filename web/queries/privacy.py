"""Reads what was demanded about personal data, by when it is to be done, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import privacy
from records.privacy import PrivacyRequest
from records.tenants import Connection, Rules, Tenant

WORDS = {
    privacy.EXPORT: "Show what is held of a buyer",
    privacy.REDACT_BUYER: "Forget a buyer",
    privacy.REDACT_SHOP: "Forget the shop",
}


@dataclass(frozen=True, kw_only=True)
class Demand:
    """One demand as people read it."""

    id: int
    kind: str
    word: str
    state: str
    asked_at: datetime
    asked_by: str
    due_at: datetime
    done_at: datetime | None
    outcome: str
    downloadable: bool
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Privacy:
    demands: Sequence[Demand]
    rules: Rules
    emptied: int
    """Deliveries whose bodies were let go so far."""
    closed_at: datetime | None
    redact_after: datetime | None
    redacted_at: datetime | None
    hooks_left: Sequence[dict[str, Any]]
    """Remarks on webhooks that a person has to delete at another vendor."""


def overview(session: Session, tenant: int) -> Privacy:
    shop = session.get_one(Tenant, tenant)
    return Privacy(
        demands=demands(session, tenant),
        rules=shop.rules,
        emptied=_emptied(session, tenant),
        closed_at=shop.closed_at,
        redact_after=shop.redact_after,
        redacted_at=shop.redacted_at,
        hooks_left=_hooks_left(session, tenant),
    )


def demands(session: Session, tenant: int, *, size: int = 100) -> list[Demand]:
    """Newest first."""
    rows = privacy.newest(session, tenant, size=size)
    ready = set(
        session.scalars(
            select(PrivacyRequest.id).where(
                PrivacyRequest.tenant_id == tenant,
                PrivacyRequest.id.in_([row.id for row in rows]),
                PrivacyRequest.sealed_export.is_not(None),
            )
        )
    )
    return [_demand(row, downloadable=row.id in ready) for row in rows]


def sealed_export(session: Session, tenant: int, demand: int) -> bytes | None:
    """None where there is no such demand, or its export is gone or not gathered yet."""
    return session.scalar(
        select(PrivacyRequest.sealed_export).where(PrivacyRequest.tenant_id == tenant, PrivacyRequest.id == demand)
    )


def outcome(state: str, found: dict[str, Any]) -> str:
    """What came of a demand, or what it waits for, as a sentence. Pure."""
    if state == "due":
        waiting = int(found.get("waiting", 0))
        return f"Waits for {_orders(waiting)} that a person or a carrier is still at work on." if waiting else ""
    if found.get("shop") == "came_back":
        return "Not done: the store has taken Packline on again."
    if found.get("shop") == "forgotten":
        return "Done with the whole shop."
    told = _orders(int(found.get("orders", 0)))
    deliveries = f" and {found['deliveries']} deliveries" if found.get("deliveries") else ""
    return f"{told}{deliveries}."


def _demand(row: PrivacyRequest, *, downloadable: bool) -> Demand:
    return Demand(
        id=row.id,
        kind=row.kind,
        word=WORDS.get(row.kind, row.kind),
        state=row.state,
        asked_at=row.created_at,
        asked_by=str(row.wanted.get("by", "")),
        due_at=row.due_at,
        done_at=row.done_at,
        outcome="" if row.kind == privacy.REDACT_SHOP and not row.found else outcome(row.state, row.found),
        downloadable=downloadable,
        expires_at=row.export_expires_at,
    )


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _emptied(session: Session, tenant: int) -> int:
    found = session.scalar(
        select(PrivacyRequest.found).where(PrivacyRequest.tenant_id == tenant, PrivacyRequest.kind == privacy.RETENTION)
    )
    return int((found or {}).get("emptied", 0))


def _hooks_left(session: Session, tenant: int) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Connection.remarks).where(Connection.tenant_id == tenant, Connection.ended_at.is_not(None))
    )
    return [remark for remarks in rows for remark in remarks if remark["kind"] == "hook_left"]
