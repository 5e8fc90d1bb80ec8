"""Says that an order has left as a whole, and asks for the money that was to be taken then: the one place for both."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs import capture_payment, queue
from orders import lifecycle, progress
from records import choices


def if_complete(session: Session, tenant: int, order: int) -> None:
    """Move an order that is shipping on, where everything that is wanted of it has left."""
    if progress.complete(session, tenant, order) and lifecycle.move(session, tenant, "order", order, "fulfil"):
        capture_payment.when_shipped(session, tenant, order)
        if choices.swaps_of(session, tenant, order):
            # What was to be sent instead may still be held, where the store was never told of it.
            queue.add(session, tenant, "swap_line", f"order/{order}")
