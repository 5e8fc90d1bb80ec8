"""Reads why an order leaves from where it does, as a table that a merchant can follow from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.orm import Session

from orders import refusing
from orders.routing.decision import Decision, Weighed
from orders.routing.question import Question
from records import decisions
from records.decisions import RoutingDecision
from records.orders import Order, find_order, lines_of
from records.routing import RuleName
from records.stock import Location


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to ship: from where, what each rule said of it, and what became of it."""

    places: Sequence[str]
    units: Sequence[int]
    """Of each place."""
    scores: Sequence[int | None]
    """One for each rule that was asked."""
    dropped_by: str
    """The rule's name; empty for the chosen way."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a place was kept back by: the rule's name, empty in what was decided before rules were named."""

    place: str
    why: str
    rule: str
    goods: str
    """Of one line only; empty where it sends nothing at all."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    at: datetime
    sentence: str
    rules: Sequence[RuleName]
    ways: Sequence[Way]
    left_out: Sequence[Kept]
    """Places that were not looked at, or not for one line."""
    currency: str
    short: int


@dataclass(frozen=True, kw_only=True)
class RefusedBy:
    """A place that could not send a part of the order, and is not asked for it again."""

    location: int
    name: str
    why: str
    note: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Choices:
    order: Order
    choices: Sequence[Choice]
    """The newest first."""
    refused: Sequence[RefusedBy]
    emptied: int
    """Choices that are kept without what they were made from: the shop's records were forgotten."""


def of_order(session: Session, tenant: int, id: int) -> Choices | None:
    order = find_order(session, tenant, id)
    if order is None:
        return None
    kept = decisions.of_order(session, tenant, id)
    lines = {line.id: line.sku or line.title for line in lines_of(session, tenant, id)}
    read = [choice for row in kept if (choice := _read(row, lines)) is not None]
    refused = _refused(session, tenant, id)
    return Choices(order=order, choices=read, refused=refused, emptied=len(kept) - len(read))


def _refused(session: Session, tenant: int, id: int) -> list[RefusedBy]:
    """Each place once, whatever it was asked for."""
    found: dict[int, RefusedBy] = {}
    for row in decisions.refusals_of(session, tenant, id):
        place, why = session.get_one(Location, (tenant, row.location_id)), refusing.told(row.why, row.at)
        found.setdefault(
            place.id, RefusedBy(location=place.id, name=place.name, why=why, note=row.note, actor=row.actor)
        )
    return list(found.values())


def _read(row: RoutingDecision, lines: Mapping[int, str]) -> Choice | None:
    try:
        question, answer = Question.model_validate(row.question), Decision.model_validate(row.answer)
    except ValidationError:
        return None
    names = {place.id: place.name for place in question.places}
    rules = [rule for rule in question.rules.asked if any(rule in one.scores for one in answer.weighed)]
    return Choice(
        at=row.at,
        sentence=row.sentence,
        rules=rules,
        ways=[_way(one, names, rules) for one in answer.weighed],
        left_out=[
            Kept(
                place=names.get(one.place, ""),
                why=one.why,
                rule=one.rule,
                goods="" if one.line is None else lines.get(one.line, "a line that is gone"),
            )
            for one in answer.left_out
        ],
        currency=question.quotes[0].currency if question.quotes else "",
        short=sum(answer.short.values()),
    )


def _way(weighed: Weighed, names: Mapping[int, str], rules: Sequence[RuleName]) -> Way:
    way = weighed.way
    return Way(
        places=[names.get(place, "") for place in way.places],
        units=[sum(one.units for one in way.takings if one.place == place) for place in way.places],
        scores=[weighed.scores.get(rule) for rule in rules],
        dropped_by=weighed.dropped_by,
    )
