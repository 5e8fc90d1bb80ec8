"""Asks places that are full for the day, too, for the first day with room, where some of it would stay else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from orders.routing.decision import Decision, decide
from orders.routing.question import Question
from orders.routing.ways import beyond


def opened(question: Question) -> Question:
    """The same question; with the full places in it (`later`) where they have what the others do not send.

    An order beyond what a place sends in a day is not short of anything: it leaves from elsewhere, or on another day.
    """
    days = {place.id: place.next_room_on for place in question.places if place.next_room_on is not None}
    if not days:
        return question
    weighed = decide(question).weighed
    best = weighed[0].way if weighed else None
    if best is not None and not best.short:
        return question
    wide = _asking(question, days)
    needed = days.keys() & set(beyond(wide, best).places)
    narrow = _asking(question, {place: day for place, day in days.items() if place in needed}) if needed else question
    return wide if _short(decide(wide)) < _short(decide(narrow)) else narrow


def _asking(question: Question, days: Mapping[int, date]) -> Question:
    """Some of the full places as well, each for its day."""
    places = tuple(
        place.model_copy(update={"leaves_on": days[place.id]}) if place.id in days else place
        for place in question.places
    )
    return question.model_copy(update={"places": places, "later": tuple(sorted(days))})


def _short(decision: Decision) -> int:
    """Units by the best way, also where none of it leaves."""
    best = decision.weighed[0].way if decision.weighed else None
    return sum(best.short.values() if best else decision.short.values())
