"""Says who may not send what: places that are closed to an order, or to one line, and the rule that says so. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from pydantic import Field

from integrations.nouns import Noun
from orders.routing.question import Place, Question, Want

# What no stock coming in will change: a person has to say otherwise, or the line is given up.
FOR_GOOD = frozenset({"never_to", "only_to", "hazmat", "not_sent_to"})


class Lying(Protocol):
    """Units of a line at a place."""

    line: int
    place: int
    units: int


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
    """The lines that no place may send, each with what every place is kept back by; none where there is no place."""
    whole = {
        place.id: LeftOut(place=place.id, why=why, rule=rule)
        for place in question.places
        for rule, why in _countries(place, question)
    }
    marked: dict[tuple[int, int | None], LeftOut] = {}
    for one in lines(question):
        marked.setdefault((one.place, one.line), one)
    found: dict[int, list[LeftOut]] = {}
    for want in question.wants:
        kept = [whole.get(place.id) or marked.get((place.id, want.line)) for place in question.places]
        if kept and all(kept):
            found[want.line] = [why for why in kept if why is not None]
    return found


def not_sent(
    question: Question, short: Mapping[int, int], spoken_for: Iterable[Lying] = ()
) -> dict[int, tuple[int, Sequence[LeftOut]]]:
    """Of the units that are short (by order line), those that nobody may send, and by what they are kept back.

    What lies where somebody has said no is in stock, but for what they could not find there. A unit counts once: what
    is `spoken_for` lies for other lines.
    """
    never = barred(question)
    found: dict[int, tuple[int, Sequence[LeftOut]]] = {
        line: (units, never[line]) for line, units in short.items() if line in never
    }
    left = Counter({(shelf.variant, shelf.place): shelf.units for shelf in question.shelves})
    made_of = {want.line: want.taken() for want in question.wants}
    for one in spoken_for:
        left.subtract({(variant, one.place): one.units * each for variant, each in made_of[one.line]})
    for want in question.wants:
        if want.line in short and want.line not in never:
            there = _where_somebody_said_no(want, short[want.line], question, left)
            if there:
                found[want.line] = (sum(there.values()), list(there))
    return found


def _where_somebody_said_no(
    want: Want, units: int, question: Question, left: Counter[tuple[int, int]]
) -> dict[LeftOut, int]:
    """Units of it that lie there, by who has said no; they are taken off what is left."""
    found: dict[LeftOut, int] = {}
    without_goods = {one.place for one in question.refused if one.line == want.line and one.of_goods}
    for one in question.refused:
        if one.line != want.line or one.place in without_goods or not want.taken():
            continue
        lie = min(left[variant, one.place] // each for variant, each in want.taken())
        here = max(0, min(lie, units - sum(found.values())))
        if here:
            left.subtract({(variant, one.place): here * each for variant, each in want.taken()})
            found[LeftOut(place=one.place, why=one.why, rule="refused", line=want.line)] = here
    return found


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
