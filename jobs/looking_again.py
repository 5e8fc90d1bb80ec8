"""Looks again at orders once more may leave: those that wait for it, and those closed while it was somebody else's."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import intake, queue
from orders import holds, not_found
from records.orders import Order, OrderLine, open_holds
from records.stock import Variant
from records.tenants import Rules

# A buyer who has not come for a month is known to the merchant; and a shop that opens has years of closed orders.
_LATELY = timedelta(days=30)


def as_a_place_opens(session: Session, tenant: int, *, now: datetime) -> None:
    """What lies there may leave from now on: no number changes, and nobody else would look."""
    at_what_was_closed(session, tenant, now=now)
    intake.fill_backorders(session, tenant)


def as_goods_change(session: Session, tenant: int) -> None:
    """The store counts otherwise, marks otherwise where goods may go, or counts something no more."""
    intake.fill_backorders(session, tenant)
    _at_what_is_not_counted(session, tenant)


def as_rules_change(session: Session, tenant: int, before: Rules, rules: Rules) -> None:
    """Some may leave by the new rules, and were kept by the old ones."""
    if _leaves_by(rules) != _leaves_by(before):
        intake.fill_backorders(session, tenant)


def at_what_was_not_found(session: Session, tenant: int) -> None:
    """A count has found units, or an order does without: others may not have to wait any more for theirs."""
    subjects = [f"order/{order}" for order in holds.waiting_for(session, tenant, not_found.HOLD)]
    queue.add_all(session, tenant, "reserve_stock", {subject: subject for subject in subjects})


def keeps_waiting(session: Session, tenant: int, order: int, *, now: datetime) -> bool:
    """Whether a hold keeps labels from an order, whose row is locked. One that ends by this look asks for another."""
    standing = open_holds(session, tenant, order)
    blocked = bool(holds.blocking_labels(standing))
    if any(hold.kind == not_found.HOLD for hold in standing) and not_found.let_go(session, tenant, order, now=now):
        intake.resume(session, tenant, order)
    return blocked


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


def _at_what_is_not_counted(session: Session, tenant: int) -> None:
    """Have orders checked anew that wait for stock of what has none any more: a line of them still says that it has."""
    sold = (
        select(OrderLine.order_id)
        .join(Variant, (Variant.tenant_id == OrderLine.tenant_id) & (Variant.id == OrderLine.variant_id))
        .where(OrderLine.tenant_id == tenant, ~Variant.tracked)
    )
    waiting = holds.waiting_for_stock(session, tenant)
    found = set(session.scalars(sold.where(OrderLine.order_id.in_(waiting)))) if waiting else set()
    subjects = [f"order/{order}" for order in waiting if order in found]
    queue.add_all(session, tenant, "verify_order", {subject: subject for subject in subjects})


def _leaves_by(rules: Rules) -> tuple[object, ...]:
    """What decides from where an order leaves, and whether a part of it waits for the rest."""
    return rules.routing, rules.when_short, rules.while_asked, rules.ask_when_short
