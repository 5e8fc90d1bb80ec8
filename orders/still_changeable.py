"""Says what of an order may still be changed before it is picked, and why the rest may not. Pure.

Packing and labelling are one step here, so picking has started once a label is bought or being bought, and for what has
gone further than planned. What a supplier has accepted is theirs to pack, and counts as begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders.reversal import Facts, ShipmentFacts

# Why something may not be changed any more.
WATCHED, CANCELLED, SENT, PICKING, BUSY, FORGOTTEN, GIVEN = (
    "watched", "cancelled", "sent", "picking", "busy", "forgotten", "given"
)  # fmt: skip
# A supplier has accepted to ship a part of it, and is packing it for all that anybody here knows.
PROMISED = "promised"
WORDS = frozenset({WATCHED, CANCELLED, SENT, PICKING, BUSY, FORGOTTEN, GIVEN, PROMISED})
_OVER = frozenset({"cancelling", "cancelled"})
_GONE = frozenset({"announced", "handed_over"})


@dataclass(frozen=True, kw_only=True)
class Still:
    """What may be changed now. `why` tells what stands in the way of the rest; empty where nothing does."""

    why: str = ""
    address: bool = False
    cancel: bool = False
    free: Mapping[int, int] = field(default_factory=dict)
    """Units, by order line id, that can still be taken off."""

    @property
    def anything(self) -> bool:
        return self.address or self.cancel or bool(self.free)


def look(facts: Facts, *, watches: bool, forgotten: bool, readdressed: bool, buying: bool) -> Still:
    """`readdressed`: another address is being written to the store. `buying`: a worker has a parcel in hand, or a
    purchase was begun and nobody knows how it ended.
    """
    why = _over(facts, watches=watches, forgotten=forgotten)
    if not why and (facts.under_way or readdressed):
        why = BUSY
    if why:
        return Still(why=why)
    begun = [one for one in facts.shipments if _has_begun(one) or (buying and one.state == "planned")]
    free = _free(facts, begun)
    if not begun:
        if facts.promised_by:
            return Still(why=PROMISED, free=free)
        # A code that went out by mail stays with who read it: the money for it does not go back by a press.
        given = bool(facts.deliveries)
        return Still(why=GIVEN if given else "", address=_goes_somewhere(facts), cancel=not given, free=free)
    return Still(why=SENT if any(one.state in _GONE or one.left for one in begun) else PICKING, free=free)


def _goes_somewhere(facts: Facts) -> bool:
    """Whether an address is any matter: it is none where a buyer comes for all of it, or the shop brings it."""
    return not any(line.by_hand for line in facts.lines) or any(line.to_ship > line.by_hand for line in facts.lines)


def time_left_s(placed_at: datetime | None, minutes: int, *, now: datetime) -> float:
    """Seconds until the first label of an order may be bought; 0.0 where it may be now."""
    if placed_at is None or not minutes:
        return 0.0
    return max(0.0, (placed_at + timedelta(minutes=minutes) - now).total_seconds())


def _over(facts: Facts, *, watches: bool, forgotten: bool) -> str:
    if forgotten:  # before how it ended: orders are forgotten when they have
        return FORGOTTEN
    if facts.state in _OVER or facts.cancelled_in_store:
        return CANCELLED
    if facts.state in {"fulfilled", "closed"}:
        return GIVEN if facts.deliveries and not facts.shipments else SENT
    return WATCHED if watches else ""


def _has_begun(shipment: ShipmentFacts) -> bool:
    if shipment.state == "cancelled":
        return False
    bought = any(label.state == "bought" for parcel in shipment.parcels for label in parcel.labels)
    return shipment.state != "planned" or bought


def _free(facts: Facts, begun: list[ShipmentFacts]) -> dict[int, int]:
    taken = dict(facts.promised_units)
    for shipment in begun:
        for line, units in shipment.units.items():
            taken[line] = taken.get(line, 0) + units
    left = {line.id: min(line.units, line.to_ship - taken.get(line.id, 0)) for line in facts.lines}
    return {line: units for line, units in left.items() if units > 0}
