"""Keeps what payment providers say of payments, and finds the orders that they pay for."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.nouns import Money, PaymentDisputed, PaymentFact, PaymentStanding
from orders.payment import Funds, merged
from records import timeline
from records.orders import Order, Payment, payments_of


def record(session: Session, tenant: int, connection: str, fact: PaymentFact) -> Payment:
    """Take a fact into the payment's row; facts may come in any order and more than once."""
    before = find(session, tenant, connection, fact.remote_id)
    if before is None:
        session.execute(
            insert(Payment)
            .values(tenant_id=tenant, connection_id=connection, remote_id=fact.remote_id, **merged(None, fact))
            .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "remote_id"])
        )
        before = find(session, tenant, connection, fact.remote_id)
        if before is None:
            raise RuntimeError("a payment vanished between its insert and its lock")
    for name, value in merged(before, fact).items():
        setattr(before, name, value)
    if before.order_id is None:
        before.order_id = _order_named_by(session, tenant, before)
    session.flush()
    return before


def dispute(session: Session, tenant: int, connection: str, fact: PaymentDisputed) -> Payment | None:
    """Mark a payment as disputed, or as safe again; None where the payment is unknown."""
    payment = find(session, tenant, connection, fact.payment_remote_id)
    if payment is not None and (payment.disputed_as_of is None or fact.at >= payment.disputed_as_of):
        payment.disputed = not fact.over
        payment.disputed_as_of = fact.at
        session.flush()
    return payment


def find(session: Session, tenant: int, connection: str, remote_id: str) -> Payment | None:
    """The payment, locked until the transaction ends; None where it is unknown."""
    return session.scalars(
        select(Payment)
        .where(Payment.tenant_id == tenant, Payment.connection_id == connection, Payment.remote_id == remote_id)
        .with_for_update()
    ).first()


def is_known(session: Session, tenant: int, connection: str, remote_id: str) -> bool:
    return find(session, tenant, connection, remote_id) is not None


def match(session: Session, tenant: int, payment: Payment) -> int | None:
    """The order that a payment pays for, remembered on the payment; None while nobody can tell."""
    if payment.order_id is None:
        payment.order_id = _order_named_by(session, tenant, payment)
        session.flush()
    return payment.order_id


def order_named(session: Session, tenant: int, fact: PaymentFact) -> int | None:
    """The order that a payment names, before the payment itself is known."""
    return _order_named_by(session, tenant, fact)


def waiting_for(session: Session, tenant: int, order: int) -> list[int]:
    """Payments that name this order and arrived before it."""
    row = session.get(Order, (tenant, order))
    if row is None:
        return []
    return list(
        session.scalars(
            select(Payment.id).where(
                Payment.tenant_id == tenant,
                Payment.order_id.is_(None),
                or_(
                    Payment.order_name.in_(_spellings(row.name)) if row.name else False,
                    Payment.order_remote_id.in_(_ids(row.remote_id)),
                ),
            )
        )
    )


def funds_of(session: Session, tenant: int, order: int) -> list[Funds]:
    """The payments of an order as the gate looks at them."""
    return [
        Funds(
            currency=payment.currency,
            authorised_minor=payment.authorised_minor,
            captured_minor=payment.captured_minor,
            refunded_minor=payment.refunded_minor,
            safe=not payment.disputed,
        )
        for payment in payments_of(session, tenant, order)
    ]


def tell(session: Session, tenant: int, payment: Payment, *, said_by: str) -> None:
    """One line on the order's timeline: what the payment is now."""
    if payment.order_id is None:
        return
    amount = Money(
        minor=payment.captured_minor or payment.authorised_minor or payment.amount_minor, currency=payment.currency
    )
    timeline.write(
        session,
        tenant,
        payment.order_id,
        actor=said_by,
        kind="fact",
        sentence=f"Payment {payment.remote_id} is {payment.state.replace('_', ' ')}: {amount}."
        + (f" {payment.problem}" if payment.problem else ""),
        payment=payment.id,
    )


def standing_of(order: Order) -> PaymentStanding:
    return PaymentStanding(order.standing)


def _order_named_by(session: Session, tenant: int, payment: Payment | PaymentFact) -> int | None:
    """By the order's id where the payment carries it, else by its name; a name that fits two orders fits none."""
    if payment.order_remote_id:
        found = session.scalars(
            select(Order.id).where(
                Order.tenant_id == tenant,
                # People write the bare number of an id that a storefront spells with a prefix and a slash.
                or_(
                    Order.remote_id == payment.order_remote_id,
                    Order.bare_remote_id == payment.order_remote_id,
                ),
            )
        ).all()
        if len(found) == 1:
            return found[0]
    if not payment.order_name:
        return None
    named = session.scalars(
        select(Order.id).where(Order.tenant_id == tenant, Order.name.in_(_spellings(payment.order_name)))
    ).all()
    return named[0] if len(named) == 1 else None


def _spellings(name: str) -> list[str]:
    """`#1001` and `1001` are one name to the people who type it into a payment link."""
    bare = name.strip().removeprefix("#")
    return [bare, f"#{bare}"]


def _ids(remote_id: str) -> list[str]:
    return [remote_id, remote_id.rpartition("/")[2]]
