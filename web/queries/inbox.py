"""Finds what vendors told us, by who told it, what about, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from records.inbox import InboxEvent
from records.orders import Order
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


def order_names(session: Session, tenant: int, events: Sequence[InboxEvent]) -> dict[int, str]:
    """The names of the orders that deliveries were about, by the orders' ids."""
    ids = {order for event in events if (order := order_of(event.subject)) is not None}
    return dict(session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(ids))).all())


def order_of(subject: str) -> int | None:
    """The order in `order/42`; None where a delivery was about something else, or about nothing yet."""
    thing, _, number = subject.partition("/")
    return int(number) if thing == "order" and number.isdigit() else None


def one(session: Session, tenant: int, id: int) -> InboxEvent | None:
    return session.get(InboxEvent, (tenant, id))
