"""Follows what the store says of units that buyers pick up or are brought: ready, handed over, or not after all.

The merchant may say so in the store instead of here; it is taken over, and nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder, Way
from orders import (
    announcing,
    by_hand,
    digital,
    inventory,
    lifecycle,
    nothing_to_tell,
    progress,
    splitting,
    told_ready,
)
from orders.by_hand import Spot
from orders.shown_there import Gone
from records import timeline
from records.orders import Order, lines_of
from records.shipments import BY_HAND, Shipment, shipments_of
from records.stock import Location

WAITS = ("planned", "ready", "handing_over")
_SHOWN = "The store shows it already."


def concerns(session: Session, tenant: int, order: int) -> bool:
    """Whether anything of an order gets, or got, to its buyer by hand."""
    return any(one.way in BY_HAND and one.state != "cancelled" for one in shipments_of(session, tenant, order))


def may_leave_there(session: Session, tenant: int, order: int) -> bool:
    """Whether the merchant can still ship something of an order in the store before we do: no label was bought."""
    return concerns(session, tenant, order) or any(
        one.state == "planned" for one in shipments_of(session, tenant, order)
    )


def gone_there(session: Session, tenant: int, order: int, store: StoreOrder) -> list[Gone]:
    """What waits here, while the store says by its numbers that the buyer has it. Which fulfillment shows it is asked
    apart: most orders wait for nobody.
    """
    waiting = _waiting(session, tenant, order)
    if not waiting:
        return []
    asked = _asked(session, tenant, order, store)
    strange = _fulfilled_by_others(session, tenant, order, store)
    remote_ids = {line.id: line.remote_id for line in lines_of(session, tenant, order)}
    found = []
    for shipment in waiting:
        units = splitting.units_of(session, tenant, shipment.id)
        spot = (shipment.way, shipment.location_id or 0)
        if all(count <= strange.get(line, 0) and not asked.get(line, {}).get(spot) for line, count in units.items()):
            place = session.get_one(Location, (tenant, shipment.location_id)).remote_id
            shown = {remote_ids[line]: count for line, count in units.items()}
            found.append(Gone(shipment=shipment.id, location_remote_id=place, units=shown))
            for line, count in units.items():
                strange[line] -= count
    return found


def take_over(session: Session, tenant: int, order: int, shipment: int, fulfillments: Sequence[str]) -> None:
    """The merchant handed it over in the store: its units are off the shelf, and nobody tells the store again."""
    lifecycle.move(session, tenant, "order", order, "ship")
    row = session.get_one(Shipment, (tenant, shipment))
    if row.state != "handing_over" and not lifecycle.move(session, tenant, "shipment", shipment, "give"):
        return
    if not lifecycle.move(session, tenant, "shipment", shipment, "hand_over", fulfillments=list(fulfillments)):
        return
    inventory.consume(session, tenant, order, shipment, actor="store")
    told, key = ", ".join(fulfillments), announcing.key_of(shipment, "")
    nothing_to_tell.end(session, tenant, shipment, kind="push_tracking", key=key, reference=told, why=_SHOWN)
    nobody_waits(session, tenant, shipment)
    _tell(session, tenant, order, f"{_named(session, row)} was handed over in the store: its units are off the shelf.")


def follow(session: Session, tenant: int, order: int, store: StoreOrder) -> None:
    """Take over what the store says beside that: what is ready, and what the buyer does not have after all."""
    asked = {line.line_remote_id for line in store.asked if line.units}
    wanted = {line.id for line in lines_of(session, tenant, order) if line.remote_id in asked}
    for shipment in progress.taken_back(session, tenant, order, store.taken_back):
        if shipment.way in BY_HAND and wanted & set(splitting.units_of(session, tenant, shipment.id)):
            _bring_back(session, tenant, order, shipment)
    waiting = _waiting(session, tenant, order)
    for spot in _ready_there(session, tenant, order, store) if waiting else ():
        there = [one for one in waiting if (one.way, one.location_id) == spot]
        if not told_ready.may_be(session, tenant, [one.id for one in there]):
            continue
        for shipment in (one for one in there if one.state == "planned"):
            is_ready(session, tenant, shipment, "The store has written the buyer that it is ready.")


def is_ready(session: Session, tenant: int, shipment: Shipment, sentence: str) -> bool:
    """Write a shipment as ready for its buyer; answers whether this call did."""
    moved = lifecycle.move(session, tenant, "shipment", shipment.id, "ready")
    if moved:
        key = told_ready.key_of(shipment.id)
        nothing_to_tell.end(session, tenant, shipment.id, kind="tell_ready", key=key, reference="ready", why=_SHOWN)
        _tell(session, tenant, shipment.order_id, f"{_named(session, shipment)} is ready. {sentence}")
    return moved


def nobody_waits(session: Session, tenant: int, shipment: int) -> None:
    """The buyer has it, or does not get it: that it lies ready need not be told any more."""
    why = "Nobody needs to come for it any more."
    nothing_to_tell.end(session, tenant, shipment, kind="tell_ready", key=told_ready.key_of(shipment), why=why)


def _bring_back(session: Session, tenant: int, order: int, shipment: Shipment) -> None:
    if lifecycle.move(session, tenant, "shipment", shipment.id, "bring_back"):
        inventory.put_back(session, tenant, order, shipment.id, actor="store")
        said = "The store does not show any more that the buyer has it: its units are on the shelf, and put aside anew."
        _tell(session, tenant, order, f"{_named(session, shipment)} came back. {said}")


def _waiting(session: Session, tenant: int, order: int) -> list[Shipment]:
    return [one for one in shipments_of(session, tenant, order) if one.way in BY_HAND and one.state in WAITS]


def _asked(session: Session, tenant: int, order: int, store: StoreOrder) -> dict[int, dict[Spot, int]]:
    """By our own line ids."""
    connection = session.get_one(Order, (tenant, order)).connection_id
    spots = by_hand.asked(store, by_hand.places_of(session, tenant, connection))
    return {line.id: spots[line.remote_id] for line in lines_of(session, tenant, order) if line.remote_id in spots}


def _fulfilled_by_others(session: Session, tenant: int, order: int, store: StoreOrder) -> dict[int, int]:
    """Units by line that the buyer still wants, and that the store neither asks for nor has from us."""
    units = {line.remote_id: line.units for line in store.snapshot.lines}
    open_there: dict[str, int] = {}
    for line in store.asked:
        open_there[line.line_remote_id] = open_there.get(line.line_remote_id, 0) + line.units
    gone = progress.announced(session, tenant, order)
    given = digital.units_given(session, tenant, order, told=True)
    return {
        line.id: units.get(line.remote_id, 0)
        - open_there.get(line.remote_id, 0)
        - gone.get(line.id, 0)
        - given.get(line.id, 0)
        for line in lines_of(session, tenant, order)
    }


def _ready_there(session: Session, tenant: int, order: int, store: StoreOrder) -> set[Spot]:
    """Where all that the store wants picked up may be ready."""
    connection = session.get_one(Order, (tenant, order)).connection_id
    places = by_hand.places_of(session, tenant, connection)
    there: dict[int, list[bool]] = {}
    for line in store.asked:
        if line.way is Way.COLLECTED and line.units and line.location_remote_id in places:
            there.setdefault(places[line.location_remote_id], []).append(line.ready)
    return {(Way.COLLECTED.value, place) for place, ready in there.items() if all(ready)}


def _named(session: Session, shipment: Shipment) -> str:
    place = session.get_one(Location, (shipment.tenant_id, shipment.location_id)).name
    what = "What is to be picked up at" if shipment.way == Way.COLLECTED else "What the shop delivers itself from"
    return f"{what} {place}"


def _tell(session: Session, tenant: int, order: int, sentence: str) -> None:
    timeline.write(session, tenant, order, actor="packline", kind="fact", sentence=sentence)
