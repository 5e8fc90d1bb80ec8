"""Ends a choice that is no question any more: its order is over, or what was short is not wanted of it now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from orders import choosing, planning, swapping
from records.choices import Choice
from records.orders import Order

# In these an order still gets units; in all others somebody else has ended it or is about to look at it anew.
_GOES_ON = frozenset({"released", "allocated", "shipping"})


def wanted_still(session: Session, row: Choice) -> dict[int, int]:
    """Units by line that were short and that the order still waits for; none where the order does not go on."""
    order = session.get_one(Order, (row.tenant_id, row.order_id))
    if order.state not in _GOES_ON:
        return {}
    short = choosing.units_of(row.short)
    units = planning.demand(session, row.tenant_id, row.order_id).units
    return {line: min(count, short[line]) for line, count in units.items() if line in short}


def end_if_over(session: Session, row: Choice, *, now: datetime) -> bool:
    """Withdraw a choice that nothing was done about and nobody needs; answers whether it was. Order and row are locked.

    An answer that was given goes with it: the goods may have been sent by somebody else.
    """
    if row.acted_at is not None or wanted_still(session, row):
        return False
    if swapping.asked(session, row.tenant_id, row.order_id):
        return False  # the store may have it already, and nobody has written that down yet
    return choosing.end(session, row, "What was short is not wanted of this order any more.", now=now)
