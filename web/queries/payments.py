"""Finds payments: the ones that no order is known for first, because they wait for somebody to notice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records.orders import Order, Payment
from web.queries import keyset
from web.queries.keyset import Cut, Page


def page(session: Session, tenant: int, *, matched: bool, cut: Cut) -> Page[Payment]:
    """One page of the payments with an order, or of those without one, newest first."""
    known = Payment.order_id.is_not(None) if matched else Payment.order_id.is_(None)
    return keyset.newest_first(session, select(Payment).where(Payment.tenant_id == tenant, known), Payment.id, cut)


def unmatched_count(session: Session, tenant: int) -> int:
    return session.execute(
        select(func.count()).select_from(Payment).where(Payment.tenant_id == tenant, Payment.order_id.is_(None))
    ).scalar_one()


def order_names(session: Session, tenant: int, payments: Sequence[Payment]) -> dict[int, str]:
    ids = {payment.order_id for payment in payments if payment.order_id is not None}
    rows = session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(ids)))
    return dict(rows.all())
