"""Plans what leaves in parcels: a shipment for each location with its boxes, the promise of each, and its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.orm import Session

from jobs import queue, reshaping, story
from jobs.work import Work
from orders import joining, planning, promised, promising, replanning, splitting
from orders.inventory import Holding
from orders.planning import Chosen, Demand
from orders.promising import Promise
from orders.routing import ways
from records.orders import Order
from records.shipments import Shipment, ShipmentLine
from records.tenants import Rules


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What to hold for the shipments that were planned, and the new shipment by the older one that leaves with it."""

    holdings: Sequence[Holding]
    joined: Mapping[int, int]


def plan(
    session: Session, work: Work, order: Order, chosen: Chosen, wanted: Demand, rules: Rules, *, again: bool
) -> Planned:
    """Plan what leaves in parcels, and write down why from there."""
    planning.write_down(session, work.tenant, order.id, chosen)
    story.tell(session, work, order.id, chosen.sentence, kind="choice", picks=[vars(pick) for pick in chosen.picks])
    queue.add(session, work.tenant, "assign_work", f"order/{order.id}")
    planned = _by_place(session, work, order, chosen, wanted, rules, again=again)
    session.flush()
    promised.keep(session, work.tenant, order, because=_leaving_otherwise(chosen))
    session.flush()
    return planned


def _by_place(
    session: Session, work: Work, order: Order, chosen: Chosen, wanted: Demand, rules: Rules, *, again: bool
) -> Planned:
    """Write a shipment for each location with its boxes, and ask for a label for each box."""
    holdings: list[Holding] = []
    joined: dict[int, int] = {}
    spare = ways.spare(chosen.question, chosen.decision.chosen) if chosen.decision.chosen else 0
    for location in dict.fromkeys(pick.location for pick in chosen.picks):
        there = [pick for pick in chosen.picks if pick.location == location]
        units = joining.together([{pick.line: pick.units} for pick in there])
        said = planning.promise(session, work.tenant, chosen, location)
        older = None
        if again:
            older = reshaping.beside(session, order, location, units, said, now=work.now(), waits=spare < 1)
            spare -= older is None and location in chosen.question.joins
        if older is not None:
            units = joining.together([splitting.units_of(session, work.tenant, older.id), units])
            said = promising.in_one([promised.of_shipment(older), said])
            joining.give_up(session, work.tenant, older)
        by_carrier = older is not None and older.by_carrier
        shipment = _shipment(session, work.tenant, order.id, location, said, units, by_carrier=by_carrier)
        if older is not None:
            joined[older.id] = shipment
            sentence = f"Shipment {shipment} leaves in place of {older.id}, with what is added to it."
            story.tell(session, work, order.id, sentence, shipment=shipment)
        holdings += [Holding(pick=pick, shipment=shipment) for pick in there]
        for parcel in replanning.box(session, work.tenant, order.id, shipment, units, wanted.lines, rules):
            queue.add(session, work.tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{order.id}")
    return Planned(holdings=holdings, joined=joined)


def _shipment(
    session: Session,
    tenant: int,
    order: int,
    location: int,
    said: Promise,
    units: Mapping[int, int],
    *,
    by_carrier: bool,
) -> int:
    shipment = session.execute(
        insert(Shipment)
        .values(
            tenant_id=tenant, order_id=order, location_id=location,
            ship_by=said.ship_by, arrives_on=said.arrives_on, arrival_said_by=said.said_by,
            by_carrier=by_carrier,
        )
        .returning(Shipment.id)
    ).scalar_one()  # fmt: skip
    lines = [
        {"tenant_id": tenant, "shipment_id": shipment, "line_id": line, "units": count} for line, count in units.items()
    ]
    session.execute(insert(ShipmentLine), lines)
    return shipment


def _leaving_otherwise(chosen: Chosen) -> str:
    names = {place.id: place.name for place in chosen.question.places}
    places = dict.fromkeys(names.get(pick.location, "another place") for pick in chosen.picks)
    return f"because it leaves from {' and '.join(places)}"
