"""Tells a decision in a sentence that a merchant reads on the order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from orders.routing import bans
from orders.routing.question import Question
from orders.routing.ways import Way, beyond, is_let_go, kept_by, limit

_BECAUSE: Mapping[str, str] = {
    "ships_all": "it had the most of it",
    "fewest_shipments": "it takes the fewest shipments",
    "nearest": "the nearest that had everything",
    "cheapest": "the cheapest that had everything",
    "soonest": "what arrives soonest",
    "oldest_stock": "its stock has lain longest",
    "preferred": "the most preferred that had everything",
    "least_busy": "the least busy that had everything",
    "number": "nothing else told the places apart",
}


class _Weighed(Protocol):
    @property
    def way(self) -> Way: ...
    @property
    def dropped_by(self) -> str: ...


def sentence(question: Question, chosen: Way | None, weighed: Sequence[_Weighed]) -> str:
    """Why it leaves from there, or what keeps it here. `weighed` has the best way first."""
    best = weighed[0].way if weighed else None
    short = sum(best.short.values()) if best else sum(want.units for want in question.wants)
    kept, stays = _kept(question, best) if short else (0, "")
    if best is None and kept:
        return f"Nothing more of it leaves.{stays}{_short(short - kept)}"
    if best is None:
        return f"{_nobody_may(question) or 'No place has any of it.'}{_short(short)}"
    if chosen is None:
        waits = "It waits until all of it may leave." if kept else "It waits until all of it is there."
        return f"{waits}{stays}{_short(short - kept)}"
    names = {place.id: place.name for place in question.places}
    if len(best.places) == 1 and not short:
        return f"From {names[best.places[0]]}: {_why(question, weighed)}.{_notes(question, best)}"
    parts = [f"{_units(best, place)} from {names[place]}" for place in best.places]
    split = "Split, because no place had everything: " if not _somebody_had_all(weighed) else "Split: "
    alone = "" if len(parts) > 1 else "Only a part of it leaves: " if kept else "Only a part of it is there: "
    return f"{alone or split}{', '.join(parts)}.{stays}{_short(short - kept)}{_notes(question, best)}"


def _kept(question: Question, best: Way | None) -> tuple[int, str]:
    """The units that stay by the merchant's rules alone, and what is said of them; older questions are not told so."""
    if question.standing is None:
        return 0, ""
    rest = beyond(question, best)
    names = {place.id: place.name for place in question.places}
    there = [f"{_units(rest, place)} in {names[place]}" for place in rest.places]
    units = sum(one.units for one in rest.takings)
    return units, f" By your rule ({kept_by(question, best, rest)}) these stay: {', '.join(there)}." if there else ""


def _notes(question: Question, best: Way) -> str:
    """What a person let go, and when the places have room that are full for the day."""
    let_go = f" A person let it leave though {limit(question)[1]}." if is_let_go(question, best) else ""
    full = {*best.places} & {*question.later}
    days = [(place.name, place.leaves_on) for place in question.places if place.id in full]
    return let_go + "".join(f" {name} has no room before {day.day} {day:%B}." for name, day in days if day is not None)


def _nobody_may(question: Question) -> str:
    """Empty where some place may send some of it, and just has not got it."""
    wanted = {want.line: want.units for want in question.wants}
    kept = bans.not_sent(question, wanted) if question.names_bans else {}
    return (
        "No place may send any of it." if kept and {line: units for line, (units, _) in kept.items()} == wanted else ""
    )


def _why(question: Question, weighed: Sequence[_Weighed]) -> str:
    """By the last rule that dropped a way which had everything; where there was none, it was the only one."""
    if question.joins and set(weighed[0].way.places) <= set(question.joins) and len(weighed) > 1:
        return "more of the order leaves from there"
    others = [one.dropped_by for one in weighed[1:] if not one.way.short]
    if not others:
        return "the only place that ships" if len(question.places) == 1 else "the only place that had everything"
    if "fewest_shipments" in others and set(others) == {"fewest_shipments"}:
        return "the only place that had everything"
    return _BECAUSE[str(next(name for name in others if name != "fewest_shipments"))]


def _somebody_had_all(weighed: Sequence[_Weighed]) -> bool:
    return any(len(one.way.places) == 1 and not one.way.short for one in weighed)


def _units(way: Way, place: int) -> int:
    return sum(taking.units for taking in way.takings if taking.place == place)


def _short(units: int) -> str:
    return f" Short: {units} {'unit' if units == 1 else 'units'}." if units else ""
