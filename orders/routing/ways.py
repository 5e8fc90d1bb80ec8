"""The ways in which an order could leave: from each place alone, and from a few together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

from integrations.nouns import Noun
from orders.distance import between
from orders.routing import bans
from orders.routing.bans import LeftOut
from orders.routing.question import Question, Quote, Want

# A variant that the store does not count is never short.
UNCOUNTED = 10**9
# Of so many of the nearest places, every set is tried; a hundred sets are looked at in about a millisecond.
_TOGETHER = 8
_FEWEST_FIRST = ("ships_all", "fewest_shipments")


class Taking(Noun):
    """Units of a line that leave from one place."""

    line: int
    variant: int | None
    place: int
    units: int


class Way(Noun):
    """One way to ship: who sends what, and what nobody would."""

    places: tuple[int, ...]
    takings: tuple[Taking, ...]
    short: Mapping[int, int]
    """Units by order line."""


def left_out(question: Question) -> list[LeftOut]:
    """The places that may not ship this order at all, and then those that may not ship a line of it."""
    whole = bans.places(question)
    out = {one.place for one in whole}
    return [*whole, *(one for one in bans.lines(question) if one.place not in out)]


def ways(question: Question) -> list[Way]:
    """Every way worth weighing, each set of places once.

    The nearest place of a set gives what it has first, after those from which more of the order leaves anyhow.
    """
    out, closed = {one.place for one in bans.places(question)}, bans.closed(question)
    free = {(shelf.variant, shelf.place): shelf.units for shelf in question.shelves}
    open_places = [
        place
        for place in question.places
        if place.id not in out and any((place.id, want.line) not in closed for want in question.wants)
    ]
    near = sorted(
        open_places,
        key=lambda place: (place.id not in question.joins, between(place.at, question.to), place.id),
    )
    found: dict[tuple[int, ...], Way] = {}
    for size in range(1, _most(question) + 1):
        for chosen in combinations(near if size == 1 else near[:_TOGETHER], size):
            way = _way(question.wants, [place.id for place in chosen], dict(free), closed)
            if way.takings:
                found.setdefault(tuple(sorted(way.places)), way)
        if question.rules.asked[:2] == _FEWEST_FIRST and any(_is_enough(way, question) for way in found.values()):
            break  # no larger set could win
    return list(found.values())


def _is_enough(way: Way, question: Question) -> bool:
    """Everything, in no shipment more than any larger set would take."""
    return not way.short and (not question.joins or set(way.places) <= set(question.joins))


def quote_of(question: Question, way: Way) -> Quote | None:
    """What carriers said of this very way, where they were asked."""
    return next((one for one in question.quotes if set(one.way) == set(way.places)), None)


def _most(question: Question) -> int:
    units = sum(want.units for want in question.wants)
    return question.rules.most_shipments if units >= question.rules.split_from_units else 1


def _way(
    wants: Sequence[Want], places: Sequence[int], free: dict[tuple[int, int], int], closed: AbstractSet[tuple[int, int]]
) -> Way:
    """What these places would send, in their order, which is taken off `free`.

    A place that would send nothing is not among the way's places.
    """
    open_units = {want.line: want.units for want in wants}
    takings: list[Taking] = []
    for place in places:
        for want in wants:
            if (place, want.line) in closed:
                continue
            shelves = [((variant, place), each) for variant, each in want.taken()]
            there = min((free.get(shelf, 0) // each for shelf, each in shelves), default=UNCOUNTED)
            units = min(open_units[want.line], there)
            if units <= 0:
                continue
            takings.append(Taking(line=want.line, variant=want.variant, place=place, units=units))
            open_units[want.line] -= units
            for shelf, each in shelves:
                free[shelf] -= units * each
    return Way(
        places=tuple(dict.fromkeys(taking.place for taking in takings)),
        takings=tuple(takings),
        short={line: units for line, units in open_units.items() if units},
    )
