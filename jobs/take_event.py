"""Reads one inbox event and turns what it says into records and work."""

from __future__ import annotations

import structlog
from sqlalchemy.orm import Session

from integrations import registry
from integrations.nouns import Fact, PaymentDisputed, WorkRouted
from integrations.ports import Delivery, Unreadable
from jobs import intake
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import lifecycle, money
from records import tenants
from records.inbox import InboxEvent

log = structlog.get_logger(__name__)


def run(work: Work) -> Outcome:
    with work.writing() as session:
        event = session.get(InboxEvent, (work.tenant, work.subject_id))
        connection = None if event is None else tenants.find_connection(session, work.tenant, event.connection_id)
        if event is None or connection is None or event.state != "received":
            return Cancelled(reason=f"event {work.subject_id} is {event.state if event else 'gone'}, not received")
        try:
            fact = _read(event, live=connection.live)
        except Unreadable as refusal:
            _end(session, work, "park", refusal.reason)
            return Done()
        if not _needs_asking(session, work, event, fact):
            _hear(session, work, event, fact)
            return Done()
    # With no transaction open, the vendor is asked for what the delivery did not say.
    if isinstance(fact, WorkRouted):
        work_order = work.storefront(event.connection_id).find_order_of_work(fact.work_remote_id)
        with work.writing() as session:
            _hear(session, work, event, fact, work_order=work_order)
    elif isinstance(fact, PaymentDisputed):
        payment = work.payments(event.connection_id).read_payment(fact.payment_remote_id)
        with work.writing() as session:
            money.record(session, work.tenant, event.connection_id, payment)
            _hear(session, work, event, fact.model_copy(update={"payment_remote_id": payment.remote_id}))
    return Done()


def _needs_asking(session: Session, work: Work, event: InboxEvent, fact: Fact) -> bool:
    """Routed work names only itself, and a dispute may come before its payment, or name a charge of it."""
    if isinstance(fact, PaymentDisputed):
        return not money.is_known(session, work.tenant, event.connection_id, fact.payment_remote_id)
    return isinstance(fact, WorkRouted)


def _read(event: InboxEvent, *, live: bool) -> Fact:
    delivery = Delivery(body=event.body, headers=event.headers)
    return registry.vendor(event.vendor).door.read(event.topic, delivery, live=live)


def _hear(session: Session, work: Work, event: InboxEvent, fact: Fact, *, work_order: str | None = None) -> None:
    log.info("delivery read", vendor=event.vendor, topic=event.topic, delivery=event.delivery_id)
    source = intake.Source(tenant=work.tenant, connection=event.connection_id, vendor=event.vendor, now=work.now())
    heard = intake.hear(session, source, fact, work_order=work_order)
    _end(session, work, heard.by, heard.reason, heard.subject)


def _end(session: Session, work: Work, by: str, reason: str = "", subject: str = "") -> None:
    lifecycle.move(
        session, work.tenant, "inbox_event", work.subject_id, by, reason=reason, subject=subject, taken_at=work.now()
    )
    log.info("event heard", by=by, about=subject, reason=reason)
