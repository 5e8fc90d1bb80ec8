"""Looks again at orders once places may send what they might not: those that were closed, and those that are held."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import queue
from orders import banning, holds
from records.orders import Order, OrderLine

# A buyer who has not come for a month is known to the merchant; and a shop that opens has years of closed orders.
_LATELY = timedelta(days=30)


def at_what_was_barred(session: Session, tenant: int) -> None:
    """Have orders looked at again of which nobody was allowed to send a line."""
    subjects = [f"order/{order}" for order in holds.waiting_for(session, tenant, banning.HOLD)]
    queue.add_all(session, tenant, "reserve_stock", {subject: subject for subject in subjects})


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
