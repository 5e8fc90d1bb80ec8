"""The ways in which an order could leave: from each place alone, and from a few together. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, permutations

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
# The revision of questions since which it is so: see there.
_TRIED_ANEW = 2
# Of so many lines that contend for the same goods, every order is tried: twenty-four.
_ALL_ORDERS_OF = 4
# Into so many shipments more what a person lets go is split at most: the most that a merchant can set.
_LET_GO = 4


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
    whole = [*bans.places(question), *_one_too_many(question)]
    out = {one.place for one in whole}
    return [*whole, *(one for one in bans.lines(question) if one.place not in out)]


def _one_too_many(question: Question) -> list[LeftOut]:
    """The places that have some of it, where the order stands in as many shipments as it is split into at most."""
    if question.standing is None or _room(question):
        return []
    rule, told = limit(question)
    why = f"it would be a shipment more, and {told}"
    places = [place for place in beyond(question, None).places if place not in question.joins]
    return [LeftOut(place=place, why=why, rule=rule) for place in sorted(places)]


def ways(question: Question) -> list[Way]:
    """Every way worth weighing, each set of places once.

    The nearest place of a set gives what it has first, after those from which more of the order leaves anyhow.
    """
    near, free, closed = _near(question), _free(question), bans.closed(question)
    room, joined = _room(question), question.joins if question.standing else ()
    found: dict[tuple[int, ...], Way] = {}
    for size in range(1, min(room + len(joined), _TOGETHER) + 1):
        for chosen in combinations(near if size == 1 else near[:_TOGETHER], size):
            if sum(place not in joined for place in chosen) > room:
                continue
            way = _least_short(question, question.wants, chosen, free, closed)
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


def limit(question: Question) -> tuple[str, str]:
    """The rule that says into how many shipments the order is split at most, and what it says."""
    rules = question.rules
    if _units(question) < rules.split_from_units:
        return "split_from_units", f"no order of fewer than {rules.split_from_units} units is split"
    if rules.most_shipments == 1:
        return "most_shipments", "no order is split"
    return "most_shipments", f"an order is split into at most {rules.most_shipments} shipments"


def kept_by(question: Question, way: Way | None, rest: Way) -> str:
    """What the merchant's rule says that keeps `rest` from leaving with a way, or after it."""
    places = {*(way.places if way else ()), *rest.places}.difference(question.joins)
    return limit(question)[1] if len(places) > _room(question) else "the order in which your rules are asked"


def spare(question: Question, way: Way) -> int:
    """Into so many shipments more than a way takes the order may be split."""
    return _room(question) - len(set(way.places).difference(question.joins))


def is_let_go(question: Question, way: Way) -> bool:
    """Whether a way takes more shipments than the rules allow, because a person does."""
    if question.standing is None or question.standing.let_go is None:
        return False
    return len(set(way.places).difference(question.joins)) > _room(question, let_go=False)


def beyond(question: Question, way: Way | None) -> Way:
    """What all places together would send of what a way leaves short, or of everything: nobody has the rest of it.

    What is in here is free, and stays where it is by the merchant's rules alone.
    """
    free, short = _free(question), way.short if way else {want.line: want.units for want in question.wants}
    wants = {want.line: want for want in question.wants}
    for taking in way.takings if way else ():
        for variant, each in wants[taking.line].taken():
            free[variant, taking.place] -= taking.units * each
    left = [want.model_copy(update={"units": short[line]}) for line, want in wants.items() if line in short]
    return _least_short(question, left, _near(question), free, bans.closed(question))


def _units(question: Question) -> int:
    """Of the whole order, where that is known."""
    return question.standing.units if question.standing else sum(want.units for want in question.wants)


def _room(question: Question, *, let_go: bool = True) -> int:
    """Into so many shipments, besides those that it joins, this may be split."""
    most = question.rules.most_shipments if limit(question)[0] == "most_shipments" else 1
    if question.standing is None:
        return most
    return _LET_GO if let_go and question.standing.let_go is not None else max(0, most - question.standing.shipments)


def _near(question: Question) -> list[int]:
    """The places that may send some of it, first those from which more of the order leaves, then the nearest."""
    out, closed = {one.place for one in bans.places(question)}, bans.closed(question)
    open_places = [
        place
        for place in question.places
        if place.id not in out and any((place.id, want.line) not in closed for want in question.wants)
    ]
    near = sorted(
        open_places,
        key=lambda place: (place.id not in question.joins, between(place.at, question.to), place.id),
    )
    return [place.id for place in near if question.revision < _TRIED_ANEW or _has_some(question, place.id, closed)]


def _has_some(question: Question, place: int, closed: AbstractSet[tuple[int, int]]) -> bool:
    return bool(_way(question.wants, (place,), _free(question), closed).takings)


def _free(question: Question) -> dict[tuple[int, int], int]:
    return {(shelf.variant, shelf.place): shelf.units for shelf in question.shelves}


def _least_short(
    question: Question,
    wants: Sequence[Want],
    places: Sequence[int],
    free: Mapping[tuple[int, int], int],
    closed: AbstractSet[tuple[int, int]],
) -> Way:
    """The same whatever the order of the lines: what one may take anywhere, another may need from the first place."""
    way = _way(wants, places, dict(free), closed)
    if question.revision < _TRIED_ANEW or not way.short:
        return way
    others = (_way(order, places, dict(free), closed) for order in _other_orders(wants))
    return min((way, *others), key=lambda one: sum(one.short.values()))


def _other_orders(wants: Sequence[Want]) -> Iterator[Sequence[Want]]:
    """Orders in which lines that contend for goods may be served: all of them for a few, for many the likely ones."""
    count = Counter(variant for want in wants for variant in {variant for variant, _ in want.taken()})
    contending = [want for want in wants if any(count[variant] > 1 for variant, _ in want.taken())]
    rest = [want for want in wants if want not in contending]
    if len(contending) <= _ALL_ORDERS_OF:
        yield from ([*order, *rest] for order in permutations(contending))
    else:
        yield [*sorted(contending, key=lambda want: not want.parts), *rest]
        yield [*sorted(contending, key=lambda want: bool(want.parts)), *rest]
        yield [*reversed(contending), *rest]


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
