"""Says what a change in the store came too late for: what the storefront knows to have left. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orders.holds import Problem
from orders.reversing import Facts, ParcelFacts, ShipmentFacts

_ANNOUNCED = frozenset({"announced", "handed_over"})


def problem(facts: Facts) -> Problem | None:
    """What could not be changed any more, with what a person can still do; None where everything could."""
    said: list[str] = []
    todo: list[str] = []
    for shipment in facts.shipments:
        for parcel in _to_another_address(shipment):
            said.append(f"parcel {parcel.id} has a label for another address or content")
            todo.append(
                f"Ask the carrier to redirect parcel {parcel.id}, or release the hold to let it arrive as it is."
                if shipment.left
                else f"Buy another label for parcel {parcel.id}, or release the hold to let it go as it is."
            )
    for title, units in _unwanted(facts).items():
        said.append(f"{units} × {title} {'is' if units == 1 else 'are'} not wanted any more")
        todo.append(f"Cancel these units of {title} to take their shipment back, or release the hold to let it go.")
    if not said:
        return None
    return Problem(
        kind="edit",
        reason=f"The order changed in the store after its tracking was announced: {'; '.join(said)}.",
        remedy=" ".join(todo),
    )


def taken_back_there(numbers: Iterable[str]) -> Problem:
    """Somebody cancelled our announcement in the store: only a person knows whether the parcel is still to go."""
    told = ", ".join(sorted(numbers))
    return Problem(
        kind="taken_back",
        reason=f"The shipment {told} was cancelled in the store, and its label here is still bought.",
        remedy="If it does not leave, cancel the units: the label goes back while it is unused. If it has left, mark "
        f"the units as fulfilled in the store again with {told}, then release this hold.",
    )


def given_and_taken_back_there(couriers: Iterable[str]) -> Problem:
    """The same for what couriers of the shop's own have, who gave it no number and no label."""
    who = ", ".join(sorted(couriers))
    return Problem(
        kind="taken_back",
        reason=f"What {who} brings was cancelled in the store, and was given to them here.",
        remedy=f"Ask {who} where it is. If the buyer is not to have it, have it brought back and cancel the units. "
        "Else mark the units as fulfilled in the store again, then release this hold.",
    )


def left_all_the_same(numbers: Iterable[str]) -> Problem:
    """The carrier has what was taken back here: its units are on the shelf, and its buyer knows no number."""
    told = ", ".join(sorted(numbers))
    return Problem(
        kind="taken_back",
        reason=f"The carrier has the parcel {told} on the road, although it was taken back here.",
        remedy=f"Have the carrier bring it back; or mark the units as fulfilled in the store with {told}, and settle "
        "their price with the buyer. Count the stock, then release this hold.",
    )


def _to_another_address(shipment: ShipmentFacts) -> list[ParcelFacts]:
    if shipment.state not in _ANNOUNCED:
        return []
    return [parcel for parcel in shipment.parcels if any(label.outdated for label in parcel.labels)]


def _unwanted(facts: Facts) -> dict[str, int]:
    """Units that the store takes off while their parcel is announced and not seen on the road: later it is a return."""
    found: dict[str, int] = {}
    for line in facts.lines:
        gone = sum(one.units.get(line.id, 0) for one in facts.shipments if one.state in _ANNOUNCED)
        here = sum(one.units.get(line.id, 0) for one in facts.shipments if one.state == "announced" and one.stands)
        over = min(gone - line.units, here)
        if over > 0:
            found[line.title] = found.get(line.title, 0) + over
    return found
