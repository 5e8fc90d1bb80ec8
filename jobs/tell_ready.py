"""Tells the store that what a buyer picks up lies ready; the store writes the buyer by itself, once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Way
from jobs import outward
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import handed_over, holds, told_ready
from records.orders import Order, open_holds
from records.reversals import under_way
from records.shipments import Shipment
from records.stock import Location


@dataclass(frozen=True, kw_only=True)
class Pickup:
    """What waits at one of the store's locations for the buyer of an order."""

    order: int
    location: int
    connection: str
    order_remote_id: str
    location_remote_id: str
    begun: bool
    """It may have been told before, by a run of ours or by the merchant."""


def run(work: Work) -> Outcome:
    with work.reading() as session:
        pickup = _load(session, work)
    if isinstance(pickup, (Cancelled, Done)):
        return _not_told(work, pickup)
    storefront = work.storefront(pickup.connection)
    act = Act(key=told_ready.key_of(work.subject_id), kind="tell_ready", subject=work.claim.subject)
    told = outward.once(
        work,
        act,
        # It reads first, and after a lost answer leaves alone what is begun there: the buyer is written once.
        perform=lambda _keys: storefront.tell_ready(
            pickup.order_remote_id, pickup.location_remote_id, begun=pickup.begun
        ),
    ).result
    with work.writing() as session:
        outward.settle(session, work.tenant, act.key, "succeed" if told else "adopt", reference=pickup.order_remote_id)
        _write_down(session, work.tenant, pickup)
    return Done()


def _load(session: Session, work: Work) -> Pickup | Cancelled | Done:
    shipment = session.get_one(Shipment, (work.tenant, work.subject_id))
    order = session.get_one(Order, (work.tenant, shipment.order_id))
    if shipment.way != Way.COLLECTED or shipment.state != "planned" or order.state not in {"allocated", "shipping"}:
        return Cancelled(reason=f"the shipment is {shipment.state} and the order {order.state}: nothing is made ready")
    if holds.blocking_labels(open_holds(session, work.tenant, order.id)) or under_way(session, work.tenant, order.id):
        return Cancelled(reason="the order is on hold, or being taken back: a person says it again when it goes on")
    place = session.get_one(Location, (work.tenant, shipment.location_id))
    return Pickup(
        order=order.id,
        location=place.id,
        connection=order.connection_id,
        order_remote_id=order.remote_id,
        location_remote_id=place.remote_id,
        begun=told_ready.may_be(session, work.tenant, [shipment.id]),
    )


def _not_told(work: Work, outcome: Cancelled | Done) -> Outcome:
    """What an earlier run began is over with this: nobody waits for its end any more."""
    reason = outcome.reason if isinstance(outcome, Cancelled) else ""
    with work.writing() as session:
        outward.settle(session, work.tenant, told_ready.key_of(work.subject_id), "abandon", reason=reason)
    return outcome


def _write_down(session: Session, tenant: int, pickup: Pickup) -> None:
    """The store speaks of all that waits there for the buyer, so all of it is ready."""
    there = session.scalars(
        select(Shipment).where(
            Shipment.tenant_id == tenant,
            Shipment.order_id == pickup.order,
            Shipment.location_id == pickup.location,
            Shipment.way == Way.COLLECTED.value,
            Shipment.state == "planned",
        )
    ).all()
    for shipment in there:
        handed_over.is_ready(session, tenant, shipment, "The store writes the buyer.")
