"""Have Shopify ship units from the location that they leave from, so that its stock goes down where ours does.

`fulfillmentOrderMove` takes no idempotency key: where the work is assigned tells that it was done. It gives moved work
another id, and refuses work that was begun, that another service has, or whose goods the location does not stock:
https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderMove.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from integrations import nouns
from integrations.storefronts.shopify import shipments, work
from integrations.storefronts.shopify.client import Client
from integrations.storefronts.shopify.refusals import Refused

log = structlog.get_logger(__name__)

# Each look moves one piece of work; an order has as many as it has lines at the very most.
_MOST_MOVES = 100

Place = str
Line = str
Units = Counter[Line]


@dataclass(frozen=True)
class Move:
    """Units of one piece of work that are to go to another location, as (line of the work, order line, units)."""

    work: str
    to: Place
    parts: tuple[tuple[str, Line, int], ...]


def assign(client: Client, order_id: str, wanted: Sequence[nouns.Assignment]) -> nouns.Assigned:
    """Move what is elsewhere, one piece after the other, reading anew after each: ids change. Raises Temporary."""
    moved, refusals = 0, dict[tuple[Line, Place], str]()
    for _ in range(_MOST_MOVES):
        found = shipments.read(client, order_id).fulfillment_orders.nodes
        works = [one for one in found if one.way is nouns.Way.CARRIED]  # where a buyer comes is the buyer's choice
        move = next_move(wanted, works, refused=frozenset(refusals))
        if move is None:
            break
        items = [{"id": line, "quantity": units} for line, _, units in move.parts]
        try:
            client.tell("MoveWork", key=move.work, id=move.work, newLocationId=move.to, items=items)
        except Refused as refusal:
            log.info("shopify.work_not_moved", order=order_id, work=move.work, to=move.to, reason=refusal.reason)
            refusals |= {(line, move.to): refusal.reason for _, line, _ in move.parts}
        else:
            moved += sum(units for _, _, units in move.parts)
    return nouns.Assigned(moved_units=moved, refusals=tuple(sorted(set(refusals.values()))))


def next_move(
    wanted: Sequence[nouns.Assignment], works: Sequence[work.Work], *, refused: frozenset[tuple[Line, Place]]
) -> Move | None:
    """The next piece of work that is not where its units leave from; None where all is, or what is not was refused.

    Units that nobody ships yet stay where they are, unless others are needed elsewhere. Pure.
    """
    asked = {one.location_remote_id: Counter({line.line_remote_id: line.units for line in one.lines}) for one in wanted}
    there = _there(works)
    for place, units in sorted(asked.items()):
        lacking = units - there.get(place, Counter())
        lacking = Counter({line: left for line, left in lacking.items() if (line, place) not in refused})
        move = _towards(place, lacking, asked, there, works) if lacking else None
        if move is not None:
            return move
    return None


def _there(works: Sequence[work.Work]) -> dict[Place, Units]:
    found: dict[Place, Units] = {}
    for one in works:
        if one.status in work.LIVE:
            units = found.setdefault(one.location_id, Counter())
            for line in one.line_items.nodes:
                units[line.line_item.id] += line.remaining_quantity
    return found


def _towards(
    place: Place,
    lacking: Units,
    asked: Mapping[Place, Units],
    there: Mapping[Place, Units],
    works: Sequence[work.Work],
) -> Move | None:
    """What the first other location could give of it without lacking it itself."""
    for one in works:
        if one.status not in work.LIVE or one.location_id == place or not one.allows("MOVE"):
            continue
        spare = there[one.location_id] - asked.get(one.location_id, Counter())
        parts = []
        for line in one.line_items.nodes:
            units = min(lacking[line.line_item.id], line.remaining_quantity, spare[line.line_item.id])
            if units > 0:
                parts.append((line.id, line.line_item.id, units))
        if parts:
            return Move(one.id, place, tuple(parts))
    return None
