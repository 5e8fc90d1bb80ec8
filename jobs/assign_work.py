"""Has the store ship from where we ship, so that its stock goes down at the same location as ours.

Nothing waits for it: what the store refuses to move leaves from our location all the same, and is told on the order.
"""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Assigned, Assignment, ShippedLine, Way
from jobs import outward, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from records.orders import Order, OrderLine
from records.reversals import under_way
from records.shipments import Shipment, ShipmentLine
from records.stock import Location

log = structlog.get_logger(__name__)

# What the store has not been told of yet; what it has been told of it has taken off its stock.
_NOT_TOLD = ("planned", "picking", "packed", "labelled")
# It may be a person's answer that is waited for.
_TAKEN_BACK_FIRST_S = 300.0


def run(work: Work) -> Outcome:
    with work.reading() as session:
        order = session.get(Order, (work.tenant, work.subject_id))
        if order is None or order.cancelled_at is not None or order.state not in {"allocated", "shipping"}:
            return Cancelled(reason=f"the order is {order.state if order else 'gone'}: nothing is to leave")
        if under_way(session, work.tenant, order.id) is not None:
            # What is taken back may leave nothing to plan anew, and what stays is still to be moved along.
            return Snoozed(wait_s=_TAKEN_BACK_FIRST_S, reason="Something of the order is being taken back first.")
        wanted = assignments(session, work.tenant, order)
    if not wanted:
        return Done()
    request = [one.model_dump() for one in wanted]
    key = f"assign_work/{order.id}/{outward.digest(request)}"  # a later plan is another act
    act = Act(key=key, kind="assign_work", subject=f"order/{order.id}", request=request)
    storefront = work.storefront(order.connection_id)
    # It reads first where the work is, so a repeat moves nothing twice.
    performed = outward.once(work, act, perform=lambda _keys: storefront.assign(order.remote_id, wanted))
    with work.writing() as session:
        _tell(session, work, order.id, performed.result)
        outward.settle(session, work.tenant, act.key, "succeed", reference=order.remote_id)
    return Done()


def assignments(session: Session, tenant: int, order: Order) -> tuple[Assignment, ...]:
    """What leaves from which of the store's locations, of shipments that it has not been told of.

    Empty where the store has one location only.
    """
    places = _places(session, tenant, order.connection_id)
    if len(places) < 2:
        return ()
    rows = session.execute(
        select(Shipment.location_id, OrderLine.remote_id, ShipmentLine.units)
        .join(
            ShipmentLine,
            (ShipmentLine.tenant_id == Shipment.tenant_id) & (ShipmentLine.shipment_id == Shipment.id),
        )
        .join(OrderLine, (OrderLine.tenant_id == ShipmentLine.tenant_id) & (OrderLine.id == ShipmentLine.line_id))
        .where(Shipment.tenant_id == tenant, Shipment.order_id == order.id, Shipment.state.in_(_NOT_TOLD))
        .where(Shipment.way == Way.CARRIED.value)
        .order_by(Shipment.location_id, OrderLine.id)
    )
    units: dict[str, dict[str, int]] = {}
    for location, line, count in rows:
        if location in places:
            there = units.setdefault(places[location], {})
            there[line] = there.get(line, 0) + count
    return tuple(
        Assignment(
            location_remote_id=place,
            lines=tuple(ShippedLine(line_remote_id=line, units=count) for line, count in lines.items()),
        )
        for place, lines in units.items()
    )


def _places(session: Session, tenant: int, connection: str) -> dict[int, str]:
    rows = session.execute(
        select(Location.id, Location.remote_id).where(
            Location.tenant_id == tenant, Location.connection_id == connection
        )
    )
    return dict(rows.all())


def _tell(session: Session, work: Work, order: int, assigned: Assigned) -> None:
    if assigned.moved_units:
        units = "1 unit" if assigned.moved_units == 1 else f"{assigned.moved_units} units"
        story.tell(session, work, order, f"The store moved {units} to where they leave from.")
    if assigned.refusals:
        said = " ".join(assigned.refusals)
        story.tell(session, work, order, f"The store keeps another location for some of it: {said}")
        log.info("work not moved", order=order, refusals=len(assigned.refusals))
