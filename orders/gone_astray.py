"""Finds parcels that are not where the books have them: taken back in the store or by us, and leaving all the same."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder
from orders import too_late, wanted
from orders.holds import Problem
from orders.reversal import ON_THE_ROAD
from records.reversals import Reversal, ReversalStep, under_way
from records.shipments import parcels_of, shipments_of


def problems(session: Session, tenant: int, order: int, store: StoreOrder) -> list[Problem]:
    """What only a person can put right, as one problem at most."""
    ours, gone = _on_the_road(session, tenant, order), _taken_back_there(session, tenant, order, store)
    theirs, couriers = _named(session, tenant, order, gone)
    found = [too_late.left_all_the_same(ours)] if ours else []
    if theirs - ours:
        found.append(too_late.taken_back_there(theirs - ours))
    if couriers:
        found.append(too_late.given_and_taken_back_there(couriers))
    if len(found) < 2:
        return found
    reason, remedy = " ".join(one.reason for one in found), " ".join(one.remedy for one in found)
    return [Problem(kind=found[0].kind, reason=reason, remedy=remedy)]


def left_all_the_same(session: Session, tenant: int, order: int) -> Problem | None:
    """The carrier has a parcel that we have taken back, so that nobody tells the buyer of it."""
    numbers = _on_the_road(session, tenant, order)
    return too_late.left_all_the_same(numbers) if numbers else None


def _on_the_road(session: Session, tenant: int, order: int) -> set[str]:
    moving = [one for one in parcels_of(session, tenant, order) if one.carrier_status in ON_THE_ROAD]
    if not moving:
        return set()
    states = {shipment.id: shipment.state for shipment in shipments_of(session, tenant, order)}
    unsaid = _unsaid_by_us(session, tenant, order)
    return {one.tracking_code for one in moving if states[one.shipment_id] == "cancelled" or one.shipment_id in unsaid}


def _unsaid_by_us(session: Session, tenant: int, order: int) -> set[int]:
    """The shipments whose announcement we have taken back in the store."""
    subjects = session.scalars(
        select(ReversalStep.subject)
        .join(Reversal, (Reversal.tenant_id == ReversalStep.tenant_id) & (Reversal.id == ReversalStep.reversal_id))
        .where(
            ReversalStep.tenant_id == tenant,
            Reversal.order_id == order,
            ReversalStep.kind == "cancel_fulfillment",
            ReversalStep.state == "done",
        )
    )
    return {int(subject.rpartition("/")[2]) for subject in subjects}


def _taken_back_there(session: Session, tenant: int, order: int, store: StoreOrder) -> set[int]:
    gone = wanted.gone_and_asked_for(session, tenant, order, store)
    return set() if not gone or under_way(session, tenant, order) is not None else gone


def _named(session: Session, tenant: int, order: int, gone: Collection[int]) -> tuple[set[str], set[str]]:
    """The numbers of these shipments' parcels, and who of the shop's own couriers has what went without one."""
    if not gone:
        return set(), set()
    couriers = {one.id: one.courier.name for one in shipments_of(session, tenant, order) if one.courier}
    numbers = {
        one.tracking_code
        for one in parcels_of(session, tenant, order)
        if one.shipment_id in gone and one.shipment_id not in couriers
    }
    return numbers, {name for shipment, name in couriers.items() if shipment in gone}
