"""Says by which day an order is to be with its buyer, once, when it comes: the shop's own rule, whoever brings it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder
from orders import by_hand
from records.orders import Order, lines_of
from records.tenants import Rules


def make(session: Session, order: Order, store: StoreOrder, rules: Rules) -> None:
    """Promise the day, where none was and a carrier brings any of it: what was promised stays, whatever rule comes."""
    if order.deliver_by is not None or order.placed_at is None or not rules.promise_days:
        return
    if _is_carried(session, order, store):
        order.deliver_by = order.placed_at + timedelta(days=rules.promise_days)


def _is_carried(session: Session, order: Order, store: StoreOrder) -> bool:
    """The order's lines are asked only where the store's answer does not say it."""
    if any(line.ships and line.units for line in store.asked):
        return True
    return not by_hand.all_of(store, lines_of(session, order.tenant_id, order.id))
