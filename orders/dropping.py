"""Decides which units of an order its suppliers ship, and which purchase orders still fit what is wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from records.suppliers import UNPROMISED


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A purchase order as it matters here. `units` by order line, less what was shipped on it."""

    id: int
    state: str
    settled: str = ""
    units: Mapping[int, int] = field(default_factory=dict)
    elsewhere: bool = False
    """The supplier was told another address than the order has now."""
    sent_here_since: Mapping[int, int] = field(default_factory=dict)
    """Units by order line in shipments of ours that were planned since the supplier rejected it."""

    @property
    def counts(self) -> bool:
        """Its units are with the supplier, or wait for a person's word."""
        return self.state in UNPROMISED | {"accepted"} or self.waits

    @property
    def waits(self) -> bool:
        """It was rejected, and nobody has said yet what is to become of its units."""
        return self.state == "rejected" and not self.settled


@dataclass(frozen=True, kw_only=True)
class Split:
    """Units of one line that are still to be given to somebody: to a place of ours, and to the supplier."""

    here: int
    there: int


def split(line: int, *, to_ship: int, sent_here: int, sent_there: int, supplied: bool, asked: Sequence[Asked]) -> Split:
    """Who is to ship what is left of a line. `sent_here` stands in shipments of ours, `sent_there` in suppliers'.

    What a supplier rejected and a person keeps is ours to ship, even where the line has a supplier.
    """
    with_them = sum(one.units.get(line, 0) for one in asked if one.counts)
    free = max(0, to_ship - sent_here - sent_there - with_them)
    if not supplied:
        return Split(here=free, there=0)
    here = min(free, _kept(line, asked))
    return Split(here=here, there=free - here)


def _kept(line: int, asked: Sequence[Asked]) -> int:
    """Units of a line that were rejected, that a person keeps, and that did not leave from here since.

    What left before the rejection was never meant. The latest is served first: what was sent since then may be for an
    earlier one too, and what was sent before cannot be for it.
    """
    kept = counted = 0
    for one in sorted((one for one in asked if one.state == "rejected" and one.settled == "own_stock"), key=_latest):
        sent = min(one.units.get(line, 0), max(0, one.sent_here_since.get(line, 0) - counted))
        counted += sent
        kept += one.units.get(line, 0) - sent
    return kept


def _latest(one: Asked) -> tuple[int, int]:
    return (sum(one.sent_here_since.values()), -one.id)


def misfits(room: Mapping[int, int], asked: Sequence[Asked]) -> list[Asked]:
    """The purchase orders that do not fit what is wanted any more: too many units, or another address.

    `room` is units by line that are wanted and in no shipment. What was accepted is served first, then what was asked
    for earlier; what waits for a person's word comes last, its address is no matter, and it fits as long as any of it
    is wanted.
    """
    left = dict(room)
    found = []
    for one in sorted((one for one in asked if one.counts), key=_claim):
        fits = _fits(one, left)
        if not fits or (one.elsewhere and not one.waits):
            found.append(one)
        if fits or one.state == "accepted":
            for line, units in one.units.items():
                left[line] = left.get(line, 0) - units
    return found


def _fits(one: Asked, left: Mapping[int, int]) -> bool:
    if one.waits:
        # Whoever says what becomes of it says so of what is still wanted: it is nobody else's to ask for meanwhile.
        return not one.units or any(left.get(line, 0) > 0 for line in one.units)
    return all(units <= max(0, left.get(line, 0)) for line, units in one.units.items())


def _claim(one: Asked) -> tuple[int, int]:
    return (2 if one.waits else 1 if one.state in UNPROMISED else 0, one.id)
