"""Says who may not send what: places that are closed to an order, or to one line, and the rule that says so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from integrations.nouns import Noun
from orders.routing.question import Place, Question, Want

# What no stock coming in will change: a person has to say otherwise, or the line is given up.
FOR_GOOD = frozenset({"never_to", "only_to", "hazmat", "not_sent_to"})


class LeftOut(Noun):
    """A place that no way goes through, or that sends nothing of one line, and why.

    What older answers do not have is left out where it is empty, so that they are the same to the byte.
    """

    place: int
    why: str
    rule: str = Field(default="", exclude_if=lambda rule: not rule)
    line: int | None = Field(default=None, exclude_if=lambda line: line is None)


def places(question: Question) -> list[LeftOut]:
    """The places that may not ship this order at all."""
    told = ((place.id, *_why_not(place, question)) for place in question.places)
    return [LeftOut(place=id, why=why, rule=rule if question.names_bans else "") for id, rule, why in told if why]


def lines(question: Question) -> list[LeftOut]:
    """The lines that goods' own marks keep a place from sending."""
    return [
        LeftOut(place=place.id, why=why, rule=rule, line=want.line)
        for place in question.places
        for want in question.wants
        for rule, why in _marks(place, want, question)
    ]


def closed(question: Question) -> set[tuple[int, int]]:
    """(place, line) that nothing is taken for, but for the places that send nothing at all."""
    refused = {(one.place, one.line) for one in question.refused}
    return refused | {(one.place, one.line) for one in lines(question) if one.line is not None}


def barred(question: Question) -> Mapping[int, Sequence[LeftOut]]:
    """The lines that no place may send, each with what every place is kept back by; none where there is no place.

    Of a line of which all lies where somebody has said no, those places alone: it is in stock, whoever else has none.
    """
    whole = {
        place.id: [LeftOut(place=place.id, why=why, rule=rule)]
        for place in question.places
        for rule, why in _countries(place, question)
    }
    found: dict[int, list[LeftOut]] = {}
    for want in question.wants:
        kept = [whole.get(place.id) or _of_line(place, want, question) for place in question.places]
        if kept and all(kept):
            found[want.line] = [why[0] for why in kept]
        elif said := _said_no(want, [why[0] for why in kept if why], question):
            found[want.line] = said
    return found


def _said_no(want: Want, kept: Sequence[LeftOut], question: Question) -> list[LeftOut]:
    """The places that have said no to a line, where all of it lies there."""
    said = [one for one in kept if one.rule == "refused"]
    free = {(shelf.variant, shelf.place): shelf.units for shelf in question.shelves}
    there = sum(
        min((free.get((variant, one.place), 0) // each for variant, each in want.taken()), default=0) for one in said
    )
    return said if said and there >= want.units else []


def _of_line(place: Place, want: Want, question: Question) -> list[LeftOut]:
    """By the goods' own marks, or because the place has said no to what lies there."""
    marks = list(_marks(place, want, question))
    said = [
        ("refused", one.why)
        for one in question.refused
        if (one.place, one.line) == (place.id, want.line) and not one.of_goods
    ]
    return [LeftOut(place=place.id, why=why, rule=rule, line=want.line) for rule, why in (*marks, *said)]


def _why_not(place: Place, question: Question) -> tuple[str, str]:
    """The rule and its words; both empty where the place may ship."""
    for rule, why in _countries(place, question):
        return rule, why
    if place.room_today is not None and place.room_today <= 0 and place.id not in question.later:
        return "room_today", "it has no room left today"
    refused = {(one.place, one.line): one.why for one in question.refused}
    said = [refused.get((place.id, want.line), "") for want in question.wants]
    return ("refused", said[0]) if said and all(said) else ("", "")


def _countries(place: Place, question: Question) -> Iterator[tuple[str, str]]:
    if question.to.country in place.never_to:
        yield "never_to", f"it sends nothing to {question.to.country}"
    elif place.only_to and question.to.country not in place.only_to:
        yield "only_to", f"it sends only to {', '.join(place.only_to)}"


def _marks(place: Place, want: Want, question: Question) -> Iterator[tuple[str, str]]:
    """What keeps a place from sending a line: one reason is enough."""
    if question.to.country in want.never_to:
        yield "not_sent_to", f"these goods may not be sent to {question.to.country}"
    elif want.hazmat and not place.sends_hazmat:
        yield "hazmat", "it may not send hazardous goods"
