"""Chooses the locations that ship an order, reserves the units there, and plans shipments and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from jobs import fulfilling, queue, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import allocation, holds, inventory, lifecycle, packing, progress
from orders.allocation import Allocation, Pick, Place, Want
from orders.holds import Problem
from orders.inventory import Holding
from records import tenants
from records.orders import Order, OrderLine, lines_of, open_holds
from records.reversals import under_way
from records.shipments import Parcel, Shipment, ShipmentLine
from records.stock import Location
from records.tenants import Rules

# How often a run looks again at once when others take the units between looking and taking.
_LOOKS = 5


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What an order still wants, with the lines that it is for."""

    wants: tuple[Want, ...]
    lines: dict[int, OrderLine]


def run(work: Work) -> Outcome:
    for _ in range(_LOOKS):
        try:
            with work.writing() as session:
                return _reserve(session, work)
        except inventory.Contended:
            continue
    return Snoozed(wait_s=0.5, reason="Many orders want the same units at this moment.")


def _reserve(session: Session, work: Work) -> Outcome:
    order = session.get(Order, (work.tenant, work.subject_id), with_for_update=True)
    if order is None or order.state not in {"released", "allocated", "shipping"}:
        return Cancelled(reason=f"the order is {order.state if order else 'gone'}: no stock is reserved for it")
    if holds.blocking_labels(open_holds(session, work.tenant, order.id)):
        return Done()  # a released hold asks for this job again
    if under_way(session, work.tenant, order.id) is not None:
        return Done()  # what is being taken back asks for this job again when it is done
    rules = tenants.rules_of(session, work.tenant)
    demand = _demand(session, work.tenant, order.id)
    if not demand.wants:
        holds.release(session, work.tenant, order.id, "stock", by="packline", now=work.now())
        if order.state == "shipping":
            fulfilling.if_complete(session, work.tenant, order.id)
        return Done()
    chosen = _choose(session, work.tenant, demand.wants, order.ship_to or Address())
    if chosen.short and rules.when_short == "wait_for_all":
        chosen = Allocation(picks=(), short={want.line: want.units for want in demand.wants}, sentence=chosen.sentence)
    _note_shortage(session, work, order.id, chosen, demand)
    if not chosen.picks:
        return Done()
    if order.state == "released":
        lifecycle.move(session, work.tenant, "order", order.id, "allocate")
    story.tell(session, work, order.id, chosen.sentence, kind="choice", picks=[vars(pick) for pick in chosen.picks])
    holdings = _plan(session, work, order.id, chosen.picks, demand, rules)
    session.flush()
    # The last statement of the transaction: popular variants stay locked from here to the commit only.
    inventory.reserve(session, work.tenant, order.id, holdings, actor="packline")
    return Done()


def _demand(session: Session, tenant: int, order: int) -> Demand:
    """What is to be shipped and stands in no shipment yet."""
    planned = progress.planned(session, tenant, order)
    lines = {line.id: line for line in lines_of(session, tenant, order)}
    wants = tuple(
        Want(line=line.id, variant=line.variant_id, units=line.to_ship - planned.get(line.id, 0))
        for line in lines.values()
        if line.to_ship > planned.get(line.id, 0)
    )
    return Demand(wants=wants, lines=lines)


def _choose(session: Session, tenant: int, wants: Sequence[Want], to: Address) -> Allocation:
    places = [
        Place(id=row.id, name=row.name, address=row.address)
        for row in session.scalars(
            select(Location).where(Location.tenant_id == tenant, Location.ships).order_by(Location.id)
        )
    ]
    variants = {want.variant for want in wants if want.variant is not None}
    free = inventory.available(session, tenant, variants, [place.id for place in places])
    return allocation.allocate(wants, free, places, to=to)


def _note_shortage(session: Session, work: Work, order: int, chosen: Allocation, demand: Demand) -> None:
    if not chosen.short:
        holds.release(session, work.tenant, order, "stock", by="packline", now=work.now())
        return
    missing = ", ".join(
        f"{units} × {demand.lines[line].sku or demand.lines[line].title}"
        for line, units in sorted(chosen.short.items())
    )
    problem = Problem(
        kind="stock",
        reason=f"Out of stock: {missing}.",
        remedy="It goes on by itself when stock is counted in; or cancel these lines in the store.",
    )
    holds.place(session, work.tenant, order, problem, by="packline")


def _plan(
    session: Session, work: Work, order: int, picks: Sequence[Pick], demand: Demand, rules: Rules
) -> list[Holding]:
    """Write a shipment for each location with its boxes, and ask for a label for each box."""
    holdings: list[Holding] = []
    for location in dict.fromkeys(pick.location for pick in picks):
        there = [pick for pick in picks if pick.location == location]
        shipment = session.execute(
            insert(Shipment).values(tenant_id=work.tenant, order_id=order, location_id=location).returning(Shipment.id)
        ).scalar_one()
        session.execute(
            insert(ShipmentLine),
            [
                {"tenant_id": work.tenant, "shipment_id": shipment, "line_id": pick.line, "units": pick.units}
                for pick in there
            ],
        )
        holdings += [Holding(pick=pick, shipment=shipment) for pick in there]
        for parcel in _boxes(session, work.tenant, order, shipment, there, demand, rules):
            queue.add(session, work.tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{order}")
    return holdings


def _boxes(
    session: Session, tenant: int, order: int, shipment: int, picks: Sequence[Pick], demand: Demand, rules: Rules
) -> list[int]:
    packables = [
        packing.Packable(
            line=pick.line, units=pick.units, unit_grams=demand.lines[pick.line].unit_grams or rules.assumed_unit_grams
        )
        for pick in picks
    ]
    return [
        session.execute(
            insert(Parcel)
            .values(
                tenant_id=tenant,
                shipment_id=shipment,
                order_id=order,
                shape=box.shape,
                contents={str(line): units for line, units in box.contents.items()},
            )
            .returning(Parcel.id)
        ).scalar_one()
        for box in packing.pack(packables, rules.box)
    ]
