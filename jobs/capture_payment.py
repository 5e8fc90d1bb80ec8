"""Takes money that was only authorised, once what it pays for has left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from integrations.nouns import Money, PaymentFact, PaymentStanding, PaymentState
from integrations.ports import Keys, Payments, Permanent
from jobs import outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import money
from records import tenants
from records.orders import Order, Payment, payments_of

# The store says that it has the money, or had it: taking it here would take it twice.
_STORE_HAS_IT = frozenset({PaymentStanding.PAID, PaymentStanding.PART_REFUNDED, PaymentStanding.REFUNDED})


@dataclass(frozen=True, kw_only=True)
class Due:
    """Money that is to be taken: the payment, and how much of it."""

    order: int
    connection: str
    remote_id: str
    amount: Money


def when_shipped(session: Session, tenant: int, order: int) -> None:
    """Ask for the order's authorised money, where the shop wants it taken when the last shipment has left."""
    if not tenants.rules_of(session, tenant).capture_when_shipped:
        return
    for payment in payments_of(session, tenant, order):
        if payment.state == PaymentState.AUTHORISED:
            queue.add(session, tenant, "capture_payment", f"payment/{payment.id}", lane=f"order/{order}")


def run(work: Work) -> Outcome:
    with work.reading() as session:
        due = _load(session, work)
    if isinstance(due, (Cancelled, Done)):
        return due
    key = f"capture/{work.subject_id}"
    payments = work.payments(due.connection)
    taken = outward.once(
        work,
        Act(key=key, kind="capture_payment", subject=work.claim.subject, request=due.amount.model_dump()),
        perform=lambda keys: _capture(payments, due, keys),
        find=lambda _keys: _taken(payments, due.remote_id),
    )
    with work.writing() as session:
        _record(session, work, due, taken.result, key, adopted=taken.adopted)
    return Done()


def owed_minor(payment: Payment, others: Iterable[Payment], order: Order) -> int:
    """What is to be taken of an authorisation: what the order costs, less what others took. Pure.

    Money that another payment gave back still counts as taken: it was given back on purpose.
    """
    elsewhere = sum(other.captured_minor for other in others if other.currency == order.currency)
    return max(0, min(payment.authorised_minor, order.total_minor - elsewhere))


def _load(session: Session, work: Work) -> Due | Cancelled | Done:
    tenant = work.tenant
    payment = session.get(Payment, (tenant, work.subject_id))
    order = None if payment is None or payment.order_id is None else session.get(Order, (tenant, payment.order_id))
    if payment is None or order is None:
        return Cancelled(reason="the payment belongs to no order")
    if payment.captured_minor:
        return Done()
    if payment.state != PaymentState.AUTHORISED:
        return Cancelled(reason=f"the payment is {payment.state}: there is nothing to take")
    if order.state in {"cancelling", "cancelled"}:
        return Cancelled(reason="the order is cancelled: its money is not taken")
    if money.standing_of(order) in _STORE_HAS_IT:
        return Cancelled(reason=f"the store says that the order is {order.standing}: no money is taken for it")
    if payment.currency != order.currency:
        raise Permanent(
            f"The payment is in {payment.currency} and the order in {order.currency}: what is owed cannot be told.",
            remedy="Take the money at the payment provider, then discard this job.",
            code="other_currency",
        )
    others = [other for other in payments_of(session, tenant, order.id) if other.id != payment.id]
    amount = owed_minor(payment, others, order)
    if not amount:
        return Cancelled(reason="other payments have covered the order")
    return Due(
        order=order.id,
        connection=payment.connection_id,
        remote_id=payment.remote_id,
        amount=Money(minor=amount, currency=payment.currency),
    )


def _capture(payments: Payments, due: Due, keys: Keys) -> PaymentFact:
    return payments.capture(due.remote_id, amount=due.amount, key=keys.idempotency)


def _taken(payments: Payments, remote_id: str) -> PaymentFact | None:
    fact = payments.read_payment(remote_id)
    return fact if fact.captured_minor else None


def _record(session: Session, work: Work, due: Due, fact: PaymentFact, key: str, *, adopted: bool) -> None:
    tenant = work.tenant
    payment = money.record(session, tenant, due.connection, fact)
    outward.settle(session, tenant, key, "adopt" if adopted else "succeed", reference=due.remote_id)
    taken = Money(minor=fact.captured_minor, currency=payment.currency)
    how = "was taken already" if adopted else "is taken, as the order has left"
    story.tell(session, work, due.order, f"{taken} of payment {due.remote_id} {how}.", key=key)
    queue.add(session, tenant, "mark_paid", f"payment/{payment.id}", lane=f"order/{due.order}")
