"""Drops into the inbox what the payment provider recorded and its webhooks did not bring, exactly as the door does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations import registry
from integrations.nouns import Fact, Ignored, PaymentChanged, PaymentDisputed, RecordedEvent, RefundFailed
from integrations.ports import Delivery, Unreadable
from jobs import queue
from jobs.comparing import matched
from jobs.comparing.looking import Look
from orders import comparing, money
from orders.comparing import Difference
from records import tenants
from records.inbox import InboxEvent
from records.orders import Payment

log = structlog.get_logger(__name__)

# For people who look at the row: no signature came with it, because we asked for it over our own connection.
_HEADERS = {"content-type": "application/json", "user-agent": "packline: fetched, not delivered"}


def compare(look: Look) -> None:
    provider = look.work.payments(look.connection)
    topics = registry.vendor(look.vendor).topics
    with look.work.writing() as session:
        matched.tell(session, look.work)
    for batch in look.oldest_first(provider.events_since(look.since), lambda event: event.at):
        recorded = [event for event in batch if _wanted(event.topic, topics)]
        look.looked_at += len(recorded)
        for event in _not_kept(look, recorded):
            with look.work.writing() as session:
                _drop(session, look, event)


def _wanted(topic: str, topics: Sequence[str]) -> bool:
    """An event that no webhook was to bring is not missing."""
    return not topics or topic in topics


def _not_kept(look: Look, recorded: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    with look.work.reading() as session:
        kept = set(
            session.scalars(
                select(InboxEvent.delivery_id).where(
                    InboxEvent.tenant_id == look.tenant,
                    InboxEvent.connection_id == look.connection,
                    InboxEvent.delivery_id.in_([event.delivery_id for event in recorded]),
                )
            )
        )
    return [event for event in recorded if event.delivery_id not in kept]


def _drop(session: Session, look: Look, event: RecordedEvent) -> None:
    """The same keys as a delivery has, so that the late webhook itself is counted as a duplicate."""
    vendor = registry.vendor(look.vendor)
    delivery = Delivery(body=event.body, headers=_HEADERS)
    envelope = vendor.door.envelope(delivery)
    kept = session.execute(
        insert(InboxEvent)
        .values(
            tenant_id=look.tenant,
            connection_id=look.connection,
            vendor=look.vendor,
            topic=envelope.topic or event.topic,
            delivery_id=event.delivery_id,
            occasion=envelope.occasion,
            body=event.body,
            body_sha256=hashlib.sha256(event.body).digest(),
            headers=_HEADERS,
        )
        .on_conflict_do_nothing()
        .returning(InboxEvent.id)
    ).scalar_one_or_none()
    if kept is None:
        return
    queue.add(session, look.tenant, "take_event", f"event/{kept}")
    _tell(session, look, event, kept, _meaning(session, look, delivery, event.topic))


def _meaning(session: Session, look: Look, delivery: Delivery, topic: str) -> Fact | None:
    """What the event says, to tell whom it concerns; None where it cannot be read, which the inbox shows."""
    connection = tenants.find_connection(session, look.tenant, look.connection)
    try:
        return registry.vendor(look.vendor).door.read(topic, delivery, live=connection is not None and connection.live)
    except Unreadable as refusal:
        log.info("fetched event is not understood", topic=topic, reason=refusal.reason)
        return None


def _tell(session: Session, look: Look, event: RecordedEvent, kept: int, fact: Fact | None) -> None:
    if isinstance(fact, Ignored):
        return
    waited = look.work.now() - event.at
    because = comparing.why(told="", ailing=look.ailing, waited=waited)
    what = event.topic.replace("_", " ").replace(".", " ")
    look.find(
        session,
        Difference(
            subject=f"event/{kept}",
            order=_order_of(session, look, fact),
            kind="missed",
            outcome="repaired",
            sentence=f"{look.vendor.title()} told of “{what}”: {because}. It was fetched and is read now.",
        ),
    )


def _order_of(session: Session, look: Look, fact: Fact | None) -> int | None:
    """The order that a payment pays for, as far as anybody can tell before the event is read; else see `matched`."""
    match fact:
        case PaymentChanged(fact=payment):
            known = _paid_for(session, look, payment.remote_id)
            return known if known is not None else money.order_named(session, look.tenant, payment)
        case PaymentDisputed(payment_remote_id=remote_id) | RefundFailed(payment_remote_id=remote_id):
            return _paid_for(session, look, remote_id)
        case _:
            return None


def _paid_for(session: Session, look: Look, remote_id: str) -> int | None:
    return session.scalars(
        select(Payment.order_id).where(
            Payment.tenant_id == look.tenant,
            Payment.connection_id == look.connection,
            Payment.remote_id == remote_id,
        )
    ).first()
