"""Finds what vendors told us, by who told it, what about, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from records.inbox import InboxEvent
from web.queries import keyset
from web.queries.keyset import Cut, Page

STATES = ("received", "taken", "ignored", "parked")


@dataclass(frozen=True, kw_only=True)
class Wish:
    vendor: str = ""
    topic: str = ""
    state: str = ""


def page(session: Session, tenant: int, wish: Wish, cut: Cut) -> Page[InboxEvent]:
    """Deliveries without their bodies, newest first."""
    statement = select(InboxEvent).where(InboxEvent.tenant_id == tenant).options(defer(InboxEvent.body))
    if wish.vendor:
        statement = statement.where(InboxEvent.vendor == wish.vendor)
    if wish.topic:
        statement = statement.where(InboxEvent.topic == wish.topic)
    if wish.state:
        statement = statement.where(InboxEvent.state == wish.state)
    return keyset.newest_first(session, statement, InboxEvent.id, cut)


def one(session: Session, tenant: int, id: int) -> InboxEvent | None:
    return session.get(InboxEvent, (tenant, id))
