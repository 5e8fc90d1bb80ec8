"""Ends the cancelling of an order: what is free is free again, what has left is told apart, and the rest goes on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from orders import (
    announcing,
    banning,
    choosing,
    digital,
    gone_astray,
    holds,
    inventory,
    lifecycle,
    not_found,
    not_split,
    progress,
    purchasing,
)
from orders.reversing import ShipmentFacts
from records import timeline
from records.orders import OrderLine, lines_of, open_holds
from records.reversals import under_way
from records.shipments import Label, shipments_of


def end(session: Session, tenant: int, order: int, left: list[ShipmentFacts], *, now: datetime) -> int:
    """Nothing of the order is left to ship: write it cancelled. Answers the units that became free just now."""
    for shipment in left:
        _has_left(session, tenant, order, shipment)
    units = inventory.release(session, tenant, order, actor="packline")
    astray = gone_astray.left_all_the_same(session, tenant, order)
    for hold in open_holds(session, tenant, order):
        if astray is None or hold.kind != astray.kind:
            holds.release(session, tenant, order, hold.kind, by="packline", now=now)
    if astray is not None:
        holds.settle(session, tenant, order, [astray], looked_for=(), by="packline", now=now)
    if lifecycle.move(session, tenant, "order", order, "cancelled"):
        gone = f" {len(left)} of its shipments had left already." if left else ""
        _tell(session, tenant, order, f"Cancelled.{gone}")
    return units


def keep(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """Something had left: the order goes on with that, and nothing else is wanted of it any more."""
    planned = progress.planned(session, tenant, order)
    for line in lines_of(session, tenant, order):
        session.execute(
            update(OrderLine)
            .where(OrderLine.tenant_id == tenant, OrderLine.id == line.id)
            .values(to_ship=planned.get(line.id, 0))
        )
    for kind in ("stock", banning.HOLD, not_split.HOLD):
        holds.release(session, tenant, order, kind, by="packline", now=now)
    if lifecycle.move(session, tenant, "order", order, "keep"):
        _tell(session, tenant, order, "What had not left is cancelled; what has left goes on.")


def nothing_is_left(session: Session, tenant: int, order: int) -> bool:
    """Whether nothing more of an order is to be shipped or delivered."""
    planned, gone = progress.planned(session, tenant, order), progress.announced(session, tenant, order)
    if planned != gone or not progress.complete(session, tenant, order):
        return False
    return not digital.owed(session, tenant, order)


def close(session: Session, tenant: int, order: int, why: str, *, now: datetime) -> bool:
    """Write an order closed, of which nothing is left to be done; answers whether this call did."""
    closed = lifecycle.move(session, tenant, "order", order, "close")
    if closed:
        for kind in (
            "stock",
            banning.HOLD,
            not_split.HOLD,
            not_found.HOLD,
            "payment",
            digital.HOLD,
            purchasing.HOLD,
        ):  # nothing waits for any of these any more
            holds.release(session, tenant, order, kind, by="packline", now=now)
        choosing.end_with_order(session, tenant, order, now=now)
        _tell(session, tenant, order, why)
    return closed


def label_is_void(session: Session, tenant: int, label: Label) -> None:
    """The carrier gave the postage back."""
    if lifecycle.move(session, tenant, "label", label.id, "void"):
        timeline.write(
            session,
            tenant,
            label.order_id,
            actor="packline",
            kind="fact",
            sentence=f"The label {label.tracking_code} is void; its postage comes back.",
            label=label.id,
        )


def waiting_for_the_store(session: Session, tenant: int, order: int) -> list[int]:
    """Shipments that the storefront is yet to hear of; none while something is being taken back."""
    if under_way(session, tenant, order) is not None:
        return []
    return [shipment.id for shipment in shipments_of(session, tenant, order) if shipment.state in announcing.TO_TELL]


def _has_left(session: Session, tenant: int, order: int, shipment: ShipmentFacts) -> None:
    """The carrier, or the buyer, has it although the storefront was never told: its units are off the shelf."""
    if shipment.state == "planned":
        lifecycle.move(session, tenant, "shipment", shipment.id, "label")
    if shipment.state in {"planned", "labelled", "handing_over"}:
        lifecycle.move(session, tenant, "shipment", shipment.id, "hand_over")
        inventory.consume(session, tenant, order, shipment.id, actor="packline")


def _tell(session: Session, tenant: int, order: int, sentence: str) -> None:
    timeline.write(session, tenant, order, actor="packline", kind="fact", sentence=sentence)
