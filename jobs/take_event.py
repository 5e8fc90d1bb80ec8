"""Reads one inbox event and turns what it says into records and work."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from integrations import registry
from integrations.nouns import PARTING, Fact, PaymentDisputed, PaymentFact, RefundFailed, WorkRouted
from integrations.ports import Delivery, Unreadable
from jobs import intake
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import forgetting, forgotten, lifecycle, money
from records import tenants
from records.inbox import InboxEvent

log = structlog.get_logger(__name__)


# What PostgreSQL says no to, and will say no to again: two rows of one key in one statement, a value that fits no
# column, an index row that is too long, nothing where something must be, a broken check. A key that is taken already is
# another matter: somebody was first by a moment. https://www.postgresql.org/docs/current/errcodes-appendix.html
_NEVER_KEPT = ("21", "22", "54", "23502", "23514")

_OF_NOTHING = hashlib.sha256(b"").digest()


def run(work: Work) -> Outcome:
    try:
        return _take(work)
    except (DBAPIError, UnicodeError) as refusal:
        kind = _what_cannot_be_kept(refusal)
        if not kind:
            raise
    # Everything that was begun is rolled back; the delivery itself stays, byte for byte.
    log.error("delivery cannot be kept as records", error=kind)
    with work.writing() as session:
        _end(session, work, "park", f"The database cannot keep what this delivery says ({kind}).")
    return Done()


def _take(work: Work) -> Outcome:
    with work.writing() as session:
        event = session.get(InboxEvent, (work.tenant, work.subject_id))
        connection = None if event is None else tenants.find_connection(session, work.tenant, event.connection_id)
        if event is None or connection is None or event.state != "received":
            return Cancelled(reason=f"event {work.subject_id} is {event.state if event else 'gone'}, not received")
        if tenants.is_forgotten(session, connection):
            _forget(session, work)
            return Done()
        if not event.body and event.body_sha256 != _OF_NOTHING:
            _end(session, work, "ignore", "What it said is not kept any more, so that it cannot be read again.")
            return Done()
        try:
            fact = _read(event, live=connection.live)
        except Unreadable as refusal:
            _end(session, work, "park", refusal.reason)
            return Done()
        if not isinstance(fact, PARTING) and tenants.has_left(session, connection):
            _end(session, work, "ignore", "The store took Packline away: nothing is done for it any more.")
            return Done()
        if not _needs_asking(session, work, event, fact):
            _hear(session, work, event, fact)
            return Done()
    # With no transaction open, the vendor is asked for what the delivery did not say.
    if isinstance(fact, WorkRouted):
        work_order = work.storefront(event.connection_id).find_order_of_work(fact.work_remote_id)
        with work.writing() as session:
            _hear(session, work, event, fact, work_order=work_order)
    elif isinstance(fact, PaymentDisputed | RefundFailed):
        payment = work.payments(event.connection_id).read_payment(fact.payment_remote_id)
        if isinstance(fact, RefundFailed):
            payment = _later_than(fact.at, payment)
        with work.writing() as session:
            money.record(session, work.tenant, event.connection_id, payment)
            _hear(session, work, event, fact.model_copy(update={"payment_remote_id": payment.remote_id}))
    return Done()


def _forget(session: Session, work: Work) -> None:
    """Keep nothing of what came while the shop was being forgotten: the job that forgets it has been here already."""
    places = forgetting.of_the_shop()["inbox_events"]
    emptied = ", ".join(f"{column} = {value}" for column, value in places.items())
    told = {"tenant": work.tenant, "event": work.subject_id}
    lifecycle.move(session, work.tenant, "inbox_event", work.subject_id, "ignore", taken_at=work.now())
    empty = f"UPDATE inbox_events SET {emptied} WHERE tenant_id = :tenant AND id = :event"  # nosec B608 # our own names; values are bound
    session.execute(text(empty), told)
    log.info("event of a forgotten shop emptied")


def _what_cannot_be_kept(refusal: DBAPIError | UnicodeError) -> str:
    """The kind of value that the records refuse; empty where the database was merely not well. Values are personal."""
    if isinstance(refusal, UnicodeError):
        return "text that is no Unicode"
    state = getattr(refusal.orig, "sqlstate", None)
    if state is None:  # the driver itself refuses NUL
        return "a NUL character" if isinstance(refusal, DataError) else ""
    return type(refusal.orig).__name__ if str(state).startswith(_NEVER_KEPT) else ""


def _needs_asking(session: Session, work: Work, event: InboxEvent, fact: Fact) -> bool:
    """Routed work names only itself, a dispute may come before its payment, or name a charge of it, and a refund that
    failed does not say what is still refunded.
    """
    if isinstance(fact, PaymentDisputed):
        return not money.is_known(session, work.tenant, event.connection_id, fact.payment_remote_id)
    return isinstance(fact, WorkRouted | RefundFailed)


def _later_than(told_at: datetime, payment: PaymentFact) -> PaymentFact:
    """The payment as it was read because something had happened to it, so it is newer than that. Providers' times have
    whole seconds; the half of one lets it win over what was told in the same second, and lose to what comes after.
    """
    return payment.model_copy(update={"at": max(payment.at, told_at + timedelta(seconds=0.5))})


def _read(event: InboxEvent, *, live: bool) -> Fact:
    delivery = Delivery(body=event.body, headers=event.headers)
    return registry.vendor(event.vendor).door.read(event.topic, delivery, live=live)


def _hear(session: Session, work: Work, event: InboxEvent, fact: Fact, *, work_order: str | None = None) -> None:
    log.info("delivery read", vendor=event.vendor, topic=event.topic, delivery=event.delivery_id)
    source = intake.Source(
        tenant=work.tenant, connection=event.connection_id, vendor=event.vendor, now=work.now(), event=event.id
    )
    heard = intake.hear(session, source, fact, work_order=work_order)
    _end(session, work, heard.by, heard.reason, heard.subject)


def _end(session: Session, work: Work, by: str, reason: str = "", subject: str = "") -> None:
    lifecycle.move(
        session, work.tenant, "inbox_event", work.subject_id, by, reason=reason, subject=subject, taken_at=work.now()
    )
    forgotten.keep_forgotten(session, work.tenant, work.subject_id, subject)
    log.info("event heard", by=by, about=subject, reason=reason)
