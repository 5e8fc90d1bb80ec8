"""Closes an order of which nothing is left to be done, and asks for the money of what was given of it: the one place.

An order that ends with a parcel is fulfilled instead, and its money asked for there (`fulfilling`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from jobs import capture_payment, drop_shipping, letting_go
from orders import cancelling, outstanding, progress
from records import suppliers
from records.digital import deliveries_of
from records.orders import Order

DELIVERED = "All of this order is delivered, so it is closed here."
NOT_OURS = "Nothing in this order is shipped by Packline, so it is closed here."
NOTHING_LEFT = "Nothing of this order is left to be shipped, so it is closed here."
_SENT = frozenset({"shipping", "fulfilled"})


def close(session: Session, tenant: int, order: int, why: str, *, now: datetime) -> bool:
    """Close an order; answers whether this call did. `why` is told, unless what was delivered says it better.

    It stays open while a supplier has promised units of it: they may be on their way, and a person has to ask.
    """
    if outstanding.promised_by(session, tenant, order):
        return False
    given = bool(deliveries_of(session, tenant, order))
    if not cancelling.close(session, tenant, order, DELIVERED if given else why, now=now):
        return False
    letting_go.of_all(session, tenant, order)
    drop_shipping.withdraw(session, tenant, order, now=now)
    for row in suppliers.of_order(session, tenant, order):
        if row.state == "rejected" and not row.settled:
            row.settled = "unwanted"
    if given:
        capture_payment.when_shipped(session, tenant, order)
    return True


def if_nothing_is_left(session: Session, tenant: int, order: int, why: str = NOTHING_LEFT, *, now: datetime) -> bool:
    """Close an order of which nothing more is to be shipped or delivered; answers whether this call did.

    One that has sent a parcel is fulfilled with its last one instead, unless more was wanted of it after that.
    """
    sent = session.get_one(Order, (tenant, order)).state in _SENT and progress.announced(session, tenant, order)
    return (
        not sent and cancelling.nothing_is_left(session, tenant, order) and close(session, tenant, order, why, now=now)
    )
