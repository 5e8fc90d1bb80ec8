"""Draws up how an order would leave: what it still wants, which locations send it, in which boxes. Reserves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import allocation, holds, inventory, packing, progress
from orders.allocation import Allocation, Pick, Place, Want
from orders.holds import Problem
from records.orders import OrderLine, lines_of
from records.stock import Location
from records.tenants import Rules


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What an order still wants, with the lines that it is for."""

    wants: tuple[Want, ...]
    lines: dict[int, OrderLine]


def demand(session: Session, tenant: int, order: int) -> Demand:
    """What is to be shipped and stands in no shipment yet."""
    planned = progress.planned(session, tenant, order)
    lines = {line.id: line for line in lines_of(session, tenant, order)}
    wants = tuple(
        Want(line=line.id, variant=line.variant_id, units=line.to_ship - planned.get(line.id, 0))
        for line in lines.values()
        if line.to_ship > planned.get(line.id, 0)
    )
    return Demand(wants=wants, lines=lines)


def choose(
    session: Session,
    tenant: int,
    wants: Sequence[Want],
    to: Address,
    rules: Rules,
    *,
    spoken_for: Mapping[tuple[int, int], int] | None = None,
) -> Allocation:
    """Where the units come from. `spoken_for` is units, by (variant, location), that others would take first."""
    places = [
        Place(id=row.id, name=row.name, address=row.address)
        for row in session.scalars(
            select(Location).where(Location.tenant_id == tenant, Location.ships).order_by(Location.id)
        )
    ]
    variants = {want.variant for want in wants if want.variant is not None}
    free = Counter(inventory.available(session, tenant, variants, [place.id for place in places]))
    free.subtract(spoken_for or {})
    chosen = allocation.allocate(wants, free, places, to=to)
    if chosen.short and rules.when_short == "wait_for_all":
        return Allocation(picks=(), short={want.line: want.units for want in wants}, sentence=chosen.sentence)
    return chosen


def note_shortage(
    session: Session, tenant: int, order: int, chosen: Allocation, wanted: Demand, *, now: datetime
) -> None:
    """Hold an order for the units that nobody has, or let it go where nothing is short."""
    if not chosen.short:
        holds.release(session, tenant, order, "stock", by="packline", now=now)
        return
    missing = ", ".join(
        f"{units} × {wanted.lines[line].sku or wanted.lines[line].title}"
        for line, units in sorted(chosen.short.items())
    )
    problem = Problem(
        kind="stock",
        reason=f"Out of stock: {missing}.",
        remedy="It goes on by itself when stock is counted in; or cancel these lines in the store.",
    )
    holds.place(session, tenant, order, problem, by="packline")


def boxes(picks: Sequence[Pick], wanted: Demand, rules: Rules) -> list[packing.Box]:
    """The boxes of what leaves one location."""
    packables = [
        packing.Packable(
            line=pick.line, units=pick.units, unit_grams=wanted.lines[pick.line].unit_grams or rules.assumed_unit_grams
        )
        for pick in picks
    ]
    return packing.pack(packables, rules.box)
