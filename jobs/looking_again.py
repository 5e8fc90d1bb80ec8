"""Looks again at orders that were closed as none of our work, once a place is ours to send from that was not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import queue
from records.orders import Order, OrderLine

# A buyer who has not come for a month is known to the merchant; and a shop that opens has years of closed orders.
_LATELY = timedelta(days=30)


def at_what_was_closed(session: Session, tenant: int, *, now: datetime) -> None:
    """Have orders checked anew that were closed while something of them was left to somebody else."""
    orders = session.scalars(
        select(Order.id)
        .where(Order.tenant_id == tenant, Order.state == "closed", Order.created_at > now - _LATELY)
        .where(
            select(OrderLine.id)
            .where(OrderLine.tenant_id == tenant, OrderLine.order_id == Order.id)
            .where(OrderLine.needs_shipping, OrderLine.to_ship < OrderLine.units)
            .exists()
        )
        .order_by(Order.id)
    )
    subjects = [f"order/{order}" for order in orders]
    queue.add_all(session, tenant, "verify_order", {subject: subject for subject in subjects})
