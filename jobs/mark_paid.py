"""Tells the storefront that an order was paid elsewhere, so that both say the same of the money."""

from __future__ import annotations

from integrations.nouns import PaymentStanding
from jobs import outward, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import money, payment
from records.orders import Order, Payment


def run(work: Work) -> Outcome:
    with work.reading() as session:
        paid = session.get(Payment, (work.tenant, work.subject_id))
        order = None if paid is None or paid.order_id is None else session.get(Order, (work.tenant, paid.order_id))
        funds = [] if order is None else money.funds_of(session, work.tenant, order.id)
    if order is None:
        return Cancelled(reason="the payment belongs to no order")
    if money.standing_of(order) in {PaymentStanding.PAID, PaymentStanding.PART_REFUNDED, PaymentStanding.REFUNDED}:
        return Done()
    short = payment.gate(
        PaymentStanding.UNPAID, funds, total_minor=order.total_minor, currency=order.currency, ship_when="paid"
    )
    if short is not None:
        return Cancelled(reason="the payments do not cover the order: the store is not told that it is paid")
    key = f"mark_paid/{order.id}"
    storefront = work.storefront(order.connection_id)
    outward.once(
        work,
        Act(key=key, kind="mark_paid", subject=work.claim.subject, request=order.remote_id),
        # Reads the order's standing first, and leaves one that is paid alone.
        perform=lambda _keys: storefront.mark_paid(order.remote_id),
    )
    with work.writing() as session:
        if outward.settle(session, work.tenant, key, "succeed", reference=order.remote_id):
            story.tell(session, work, order.id, "The store was told that the order is paid.", key=key)
    return Done()
