"""Holds our payments against the provider's: those begun lately, and those that open orders still wait for."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import PaymentChanged, PaymentFact, PaymentState
from jobs import intake
from jobs.comparing.looking import Look
from orders import comparing, money, payment
from orders.comparing import Difference, KnownPayment
from records.orders import Order, Payment

# A payment that may still change is asked for where nobody has spoken of it for this long.
_QUIET = timedelta(hours=1)
# Asking takes a call for each; what was asked moves to the end of the line, so the rest has its turn at the next pass.
_ASKED_AT_ONCE = 100
_NOT_FINAL = (PaymentState.PENDING, PaymentState.AUTHORISED, PaymentState.FAILED, PaymentState.UNKNOWN)


def compare(look: Look) -> None:
    provider = look.work.payments(look.connection)
    # A payment carries no time of its last change, but its newest events do: those may still be on their way to us.
    fresh = b"\n".join(event.body for event in provider.events_since(look.until))
    for fact in provider.payments_since(look.since):
        look.looked_at += 1
        if _settled(look, fact.remote_id, fresh):
            _hear(look, fact)
    for remote_id in _waited_for(look):
        if look.out_of_time:
            return
        look.looked_at += 1
        if _settled(look, remote_id, fresh):
            with look.apart(remote_id):
                _hear(look, provider.read_payment(remote_id), note_asked=True)


def _settled(look: Look, remote_id: str, fresh: bytes) -> bool:
    moving = remote_id.encode() in fresh
    if moving:
        look.leave(look.until)
    return not moving


def _waited_for(look: Look) -> list[str]:
    with look.work.reading() as session:
        return list(
            session.scalars(
                select(Payment.remote_id)
                .join(Order, (Order.tenant_id == Payment.tenant_id) & (Order.id == Payment.order_id))
                .where(
                    Payment.tenant_id == look.tenant,
                    Payment.connection_id == look.connection,
                    Payment.state.in_([state.value for state in _NOT_FINAL]),
                    Payment.as_of < look.until - _QUIET,
                    Order.state.in_(intake.STILL_OPEN),
                )
                .order_by(Payment.as_of)
                .limit(_ASKED_AT_ONCE)
            )
        )


def _hear(look: Look, fact: PaymentFact, *, note_asked: bool = False) -> None:
    """Take a payment over where it tells something new. `note_asked`: remember that it was asked for, all the same."""
    with look.work.reading() as session:
        row = _known(session, look, fact.remote_id)
        lack = comparing.payment_lack(None if row is None else _totals(row), _after(row, fact))
    if lack or note_asked:
        with look.work.writing() as session:
            _record(session, look, fact)


def _record(session: Session, look: Look, fact: PaymentFact) -> None:
    """Look again with the row locked, so that a webhook that comes at this moment is not told twice."""
    row = _known(session, look, fact.remote_id, lock=True)
    before = None if row is None else _totals(row)
    if not comparing.payment_lack(before, _after(row, fact)):
        if row is not None:
            money.record(session, look.tenant, look.connection, fact)
        return
    because = look.because(session, fact.remote_id, None)
    if because is None:
        return
    heard = intake.hear(session, look.source(), PaymentChanged(fact=fact))
    thing, _, number = heard.subject.partition("/")
    look.find(
        session,
        Difference(
            subject=heard.subject,
            order=int(number) if thing == "order" else None,
            kind="drift",
            outcome="repaired",
            sentence=comparing.payment_sentence(fact, before, because),
        ),
    )


def _known(session: Session, look: Look, remote_id: str, *, lock: bool = False) -> Payment | None:
    wanted = select(Payment).where(
        Payment.tenant_id == look.tenant, Payment.connection_id == look.connection, Payment.remote_id == remote_id
    )
    return session.scalars(wanted.with_for_update() if lock else wanted).first()


def _totals(row: Payment) -> KnownPayment:
    return KnownPayment(
        state=row.state,
        authorised_minor=row.authorised_minor,
        captured_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
    )


def _after(row: Payment | None, fact: PaymentFact) -> KnownPayment:
    return KnownPayment.of(payment.merged(row, fact))
