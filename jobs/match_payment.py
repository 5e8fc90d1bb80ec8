"""Finds the order that a payment pays for: by what the payment says, else by its check-out session."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs import intake
from jobs.comparing import matched
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import money
from records.orders import Payment


def run(work: Work) -> Outcome:
    with work.writing() as session:
        payment = session.get(Payment, (work.tenant, work.subject_id), with_for_update=True)
        if payment is None:
            return Cancelled(reason="the payment is gone")
        if _matched(session, work, payment):
            return Done()
        connection, remote_id, asked = payment.connection_id, payment.remote_id, payment.session_remote_id
    if asked:
        return Done()  # its session is known and names no order of ours: it waits, visibly, for one that it fits
    fact = work.payments(connection).find_session(remote_id)
    if fact is None:
        return Done()
    with work.writing() as session:
        _matched(session, work, money.record(session, work.tenant, connection, fact))
    return Done()


def _matched(session: Session, work: Work, payment: Payment) -> bool:
    if money.match(session, work.tenant, payment) is None:
        return False
    intake.payment_counts(session, work.tenant, payment, said_by="packline")
    matched.tell(session, work)
    return True
