"""The rules by which ways are ranked: each gives every way a number, smaller is better, or says nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from orders import promising
from orders.distance import between
from orders.routing.question import Place, Question
from orders.routing.ways import Way, quote_of
from records.routing import RuleName

Score = int | None
# More shipments than any place may be said to send in a day.
NO_LIMIT = 1_000_000
Rule = Callable[[Way, Question], Score]


def ships_all(way: Way, question: Question) -> Score:  # noqa: ARG001
    """Units that nobody would send."""
    return sum(way.short.values())


def fewest_shipments(way: Way, question: Question) -> Score:
    """Shipments more than there are: what joins one is none."""
    return sum(id not in question.joins for id in way.places)


def nearest(way: Way, question: Question) -> Score:
    """Kilometres to the buyer, of all shipments together."""
    places = _places(question)
    return sum(between(places[id].at, question.to) for id in way.places if id not in _on_the_way(question))


def cheapest(way: Way, question: Question) -> Score:
    """Postage of all shipments together and the places' own work, where the carriers were asked about this way."""
    quote = quote_of(question, way)
    places = _places(question)
    if quote is None:
        return None
    return quote.cost_minor + sum(places[id].work_minor for id in way.places if id not in _on_the_way(question))


def soonest(way: Way, question: Question) -> Score:
    """Days until the last shipment arrives, counted from the first day on which any place could send."""
    quote = quote_of(question, way)
    places = _places(question)
    if quote is None:
        return None
    said = [(places[id].leaves_on, quote.days_from(id)) for id in way.places]
    at = promising.arrives_on if question.revision > 1 else _so_many_days_later
    arriving = [at(leaving, days) for leaving, days in said if leaving is not None and days is not None]
    if len(arriving) < len(said):
        return None
    first = min(place.leaves_on for place in question.places if place.leaves_on is not None)
    return (max(arriving) - first).days


def oldest_stock(way: Way, question: Question) -> Score:
    """How long what leaves has lain, in unit days, the longer the better."""
    ages = {(shelf.variant, shelf.place): shelf.oldest_days for shelf in question.shelves}
    lain = [(ages.get((taking.variant, taking.place)), taking.units) for taking in way.takings if taking.variant]
    if not lain or any(days is None for days, _ in lain):
        return None
    return -sum(days * units for days, units in lain if days is not None)


def preferred(way: Way, question: Question) -> Score:
    """The merchant's own ranking of the places, the least preferred of the way speaking for it."""
    places = _places(question)
    return max(places[id].preference for id in way.places)


def least_busy(way: Way, question: Question) -> Score:
    """Shipments that the way's fullest place can still send today, the more the better."""
    places = _places(question)
    room = [places[id].room_today for id in way.places]
    known = [left for left in room if left is not None]
    if known:
        return -min(known)
    limits = question.revision > 1 and any(place.room_today is not None for place in question.places)
    return -NO_LIMIT if limits else None


RULES: Mapping[RuleName, Rule] = {
    "ships_all": ships_all,
    "fewest_shipments": fewest_shipments,
    "nearest": nearest,
    "cheapest": cheapest,
    "soonest": soonest,
    "oldest_stock": oldest_stock,
    "preferred": preferred,
    "least_busy": least_busy,
}

# What carriers have to be asked for.
NEEDS_QUOTES: frozenset[RuleName] = frozenset({"cheapest", "soonest"})


def _so_many_days_later(leaving: date, days: int) -> date:
    return leaving + timedelta(days=days)


def _on_the_way(question: Question) -> tuple[int, ...]:
    """The places from which more of the order leaves anyhow."""
    return question.joins if question.revision > 1 else ()


def _places(question: Question) -> dict[int, Place]:
    return {place.id: place for place in question.places}
