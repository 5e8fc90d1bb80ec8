"""Asks places that are full for the day, too, for the first day with room, where some of it would stay else. Pure."""

from __future__ import annotations

from orders.routing.decision import decide
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
    places = tuple(
        place.model_copy(update={"leaves_on": days[place.id]}) if place.id in days else place
        for place in question.places
    )
    wider = question.model_copy(update={"places": places, "later": tuple(sorted(days))})
    return wider if days.keys() & set(beyond(wider, best).places) else question
