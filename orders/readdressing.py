"""Keeps the wish that an order goes elsewhere until the store has it; the order waits as long: no label is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import holds, lifecycle
from orders.holds import Problem
from orders.signed_links import Link
from records import timeline
from records.address_changes import AddressChange, latest_of
from records.digital import deliveries_of
from records.orders import LOCK, Order

HOLD = "change"
BUYER = "person:the buyer"
# A buyer comes back to the link to follow the parcel, and long after that it shows nobody where they live.
LINKS_LAST = timedelta(days=90)


def asked(session: Session, tenant: int, order: int) -> AddressChange | None:
    """The change that the store does not have yet; None where there is none."""
    row = latest_of(session, tenant, order)
    return row if row is not None and row.state == "asked" else None


def key_of(change: int) -> str:
    """Our own key of telling the store."""
    return f"change_address/{change}"


def ask(session: Session, order: Order, address: Address, *, by: str, reason: str) -> int:
    """Write down where an order is to go, and let it wait; answers the change. The order's row is locked."""
    row = AddressChange(
        tenant_id=order.tenant_id, order_id=order.id, address=address, asked_by=by, reason=reason
    )  # fmt: skip
    session.add(row)
    session.flush()
    because = f" Because: {reason}" if reason else ""
    _tell(session, row, by, f"Asked for another address.{because}", kind="person")
    waits = Problem(
        kind=HOLD,
        reason="Another address was asked for, and the store is told of it.",
        remedy="The order goes on as soon as the store has the address; a job that needs you says so where it cannot.",
    )
    holds.place(session, order.tenant_id, order.id, waits, by="packline")
    return row.id


def written(session: Session, row: AddressChange, *, now: datetime) -> bool:
    """The store has the address: the order need not wait any more. Answers whether this call wrote it."""
    if not lifecycle.move(session, row.tenant_id, "address_change", row.id, "write", ended_at=now):
        return False
    holds.release(session, row.tenant_id, row.order_id, HOLD, by="packline", now=now)
    return True


def refused(session: Session, row: AddressChange, why: str, remedy: str, *, now: datetime) -> None:
    """The store does not take the address: the order waits for a person."""
    if lifecycle.move(session, row.tenant_id, "address_change", row.id, "refuse", said=why, ended_at=now):
        problem = Problem(
            kind=HOLD,
            reason=f"Another address was asked for, and the store did not take it. {why}",
            remedy=f"{remedy} Or change the address again here; release the hold to ship to the old one.",
        )
        holds.place(session, row.tenant_id, row.order_id, problem, by="packline")


def withdraw(session: Session, row: AddressChange, why: str, *, now: datetime) -> None:
    """It goes nowhere else: the order is over, or a person gave the wish up. The order's row is locked.

    What the store was told by then is not taken back: change_address looks what became of it.
    """
    if lifecycle.move(session, row.tenant_id, "address_change", row.id, "withdraw", said=why, ended_at=now):
        holds.release(session, row.tenant_id, row.order_id, HOLD, by="packline", now=now)


def link_of(order: Order, *, given_at: datetime | None = None) -> Link:
    """The buyer's link to their order. It lasts from when it is given, if that is later than the order itself.

    Given on one day it is one and the same link.
    """
    placed = order.placed_at or order.created_at
    until = max(placed, _day_of(given_at) if given_at else placed) + LINKS_LAST
    return Link(tenant=order.tenant_id, about=order.id, version=order.link_version, until=until)


def end_links(session: Session, tenant: int, order: int, *, by: str) -> None:
    """Let every link that its buyer was given lead nowhere, to what was delivered too; the next ones are others."""
    row = session.get_one(Order, (tenant, order), with_for_update=LOCK, populate_existing=True)
    void_links(session, row)
    sentence = "The buyer's link was ended; the next one is another."
    timeline.write(session, tenant, order, actor=by, kind="person", sentence=sentence)


def void_links(session: Session, order: Order) -> None:
    """Count the versions of an order's links up, so that those which were given out lead nowhere. Its row is locked."""
    order.link_version += 1
    for delivery in deliveries_of(session, order.tenant_id, order.id):
        delivery.link_version += 1


def _day_of(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _tell(session: Session, row: AddressChange, by: str, sentence: str, *, kind: str) -> None:
    timeline.write(session, row.tenant_id, row.order_id, actor=by, kind=kind, sentence=sentence, change=row.id)
