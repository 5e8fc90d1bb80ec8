"""What a buyer picks up at a location, or the shop brings itself: which units, and what is put aside for them there.

The store says where, so nothing of it is routed, split, boxed or labelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder, Way
from orders.allocation import Pick
from orders.inventory import Holding
from orders.routing.question import Want
from orders.routing.ways import UNCOUNTED
from records.orders import ByHand, OrderLine, Waiting
from records.shipments import BY_HAND, Shipment, ShipmentLine
from records.stock import Location

Spot = tuple[str, int]
"""A way and a location: where units wait, and who takes them from there."""
_FOR_WHOM = {Way.COLLECTED.value: "for the buyer to pick up", Way.BROUGHT.value: "for the shop to deliver itself"}


@dataclass(frozen=True, kw_only=True)
class Aside:
    """What can be put aside now, by spot, and the units that are short there, by order line."""

    picks: Mapping[Spot, Sequence[Pick]] = field(default_factory=dict)
    short: Mapping[Spot, Mapping[int, int]] = field(default_factory=dict)

    @property
    def short_units(self) -> dict[int, int]:
        """Units that are short, by order line."""
        return dict(sum((Counter(units) for units in self.short.values()), Counter[int]()))


def places_of(session: Session, tenant: int, connection: str) -> dict[str, int]:
    """The locations of a store that are ours to send from, by its own ids: what waits elsewhere is no work of ours."""
    rows = session.execute(
        select(Location.remote_id, Location.id).where(
            Location.tenant_id == tenant, Location.connection_id == connection, Location.ships
        )
    )
    return dict(rows.all())


def asked(store: StoreOrder, places: Mapping[str, int]) -> dict[str, dict[Spot, int]]:
    """Units that the store wants handed over at places of ours, by its line ids. Pure."""
    found: dict[str, dict[Spot, int]] = {}
    for line in store.asked:
        place = places.get(line.location_remote_id)
        if line.way.value in BY_HAND and place is not None and line.units:
            spots = found.setdefault(line.line_remote_id, {})
            spots[line.way.value, place] = spots.get((line.way.value, place), 0) + line.units
    return found


def asked_places(store: StoreOrder) -> set[str]:
    """Where the store wants anything handed over without a carrier, by its own ids; most orders: nowhere. Pure."""
    return {line.location_remote_id for line in store.asked if line.way.value in BY_HAND and line.units}


def all_of(store: StoreOrder, lines: Iterable[OrderLine]) -> bool:
    """Whether a buyer comes for all that leaves or has left, or is brought it: nothing of that is promised for a day.

    `lines` tell of what has gone, which the store asks for no more. Pure.
    """
    kept = list(lines)
    if any(line.ships and line.units for line in store.asked) or any(line.carried for line in kept):
        return False
    return bool(asked_places(store)) or any(line.by_hand.parts for line in kept)


def written(spots: Mapping[Spot, int]) -> ByHand:
    """Units by spot, as a line keeps them. Pure."""
    return ByHand(
        parts=tuple(
            Waiting(way=way, location=place, units=units) for (way, place), units in sorted(spots.items()) if units > 0
        )
    )


def in_shipments(
    session: Session, tenant: int, order: int, *, states: Sequence[str] = ()
) -> dict[int, dict[Spot, int]]:
    """Units by order line and spot that stand in shipments which are not cancelled, or are in one of these states."""
    rows = session.execute(
        select(ShipmentLine.line_id, Shipment.way, Shipment.location_id, ShipmentLine.units)
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(ShipmentLine.tenant_id == tenant, Shipment.order_id == order, Shipment.way.in_(BY_HAND))
        .where(Shipment.state.in_(states) if states else Shipment.state != "cancelled")
    )
    found: dict[int, dict[Spot, int]] = {}
    for line, way, place, units in rows:
        if place is None:
            continue  # a supplier's
        spots = found.setdefault(line, {})
        spots[way, place] = spots.get((way, place), 0) + units
    return found


def not_gone(lines: Iterable[OrderLine], gone: Mapping[int, Mapping[Spot, int]]) -> dict[str, dict[Spot, int]]:
    """Units by the store's line ids and spot that wait, or are to; `gone` is units that their buyers have. Pure."""
    return {
        line.remote_id: {
            (part.way, part.location): part.units - gone.get(line.id, {}).get((part.way, part.location), 0)
            for part in line.by_hand.parts
        }
        for line in lines
        if line.by_hand.parts
    }


def still_open(
    lines: Mapping[int, OrderLine], planned: Mapping[int, int], there: Mapping[int, Mapping[Spot, int]]
) -> dict[int, dict[Spot, int]]:
    """Units by order line and spot that stand in no shipment yet.

    `planned` is units in shipments of any kind, `there` in those by hand: never more is open than the line wants. Pure.
    """
    found: dict[int, dict[Spot, int]] = {}
    for id, line in lines.items():
        left = line.to_ship - planned.get(id, 0)
        for part in line.by_hand.parts:
            spot = (part.way, part.location)
            units = min(left, part.units - there.get(id, {}).get(spot, 0))
            if units > 0:
                found.setdefault(id, {})[spot] = units
                left -= units
    return found


def put_aside(wants: Mapping[Spot, Sequence[Want]], free: Mapping[tuple[int, int], int]) -> Aside:
    """What each spot has of what it is wanted for; `free` is units by (variant, location). Pure."""
    left = dict(free)
    picks: dict[Spot, list[Pick]] = {}
    short: dict[Spot, dict[int, int]] = {}
    for (way, place), wanted in sorted(wants.items()):
        for want in wanted:
            shelves = [((variant, place), each) for variant, each in want.taken()]
            there = min((max(0, left.get(shelf, 0)) // each for shelf, each in shelves), default=UNCOUNTED)
            units = min(want.units, there)
            for shelf, each in shelves:
                left[shelf] = left.get(shelf, 0) - units * each
            if units:
                parts = want.taken() if want.parts else ()
                pick = Pick(line=want.line, variant=want.variant, location=place, units=units, parts=parts)
                picks.setdefault((way, place), []).append(pick)
            if units < want.units:
                short.setdefault((way, place), {})[want.line] = want.units - units
    return Aside(picks=picks, short=short)


def write(session: Session, tenant: int, order: int, aside: Aside) -> list[Holding]:
    """Write a shipment for each spot, without boxes; answers what is to be reserved for them."""
    holdings: list[Holding] = []
    for (way, place), picks in aside.picks.items():
        shipment = session.execute(
            insert(Shipment).values(tenant_id=tenant, order_id=order, location_id=place, way=way).returning(Shipment.id)
        ).scalar_one()
        session.execute(
            insert(ShipmentLine),
            [
                {"tenant_id": tenant, "shipment_id": shipment, "line_id": pick.line, "units": pick.units}
                for pick in picks
            ],
        )
        holdings += [Holding(pick=pick, shipment=shipment) for pick in picks]
    return holdings


def told(session: Session, tenant: int, aside: Aside) -> list[str]:
    """What is put aside, one sentence for each spot."""
    return [
        f"Put aside at {name_of(session, tenant, place)} {_FOR_WHOM[way]}: {sum(pick.units for pick in picks)} "
        f"{'unit' if sum(pick.units for pick in picks) == 1 else 'units'}."
        for (way, place), picks in aside.picks.items()
    ]


def name_of(session: Session, tenant: int, place: int) -> str:
    return session.get_one(Location, (tenant, place)).name
