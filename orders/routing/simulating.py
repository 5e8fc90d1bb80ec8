"""What other rules would have chosen for orders of the past: kept questions asked anew, and nothing written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orders.distance import between
from orders.routing.decision import VERSION, Decision, canonical, decide, digest
from orders.routing.question import Question
from orders.routing.ways import Taking, Way
from records.routing import RoutingRules


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A decision as it is kept."""

    id: int
    order: int
    version: int
    question: Mapping[str, Any]
    answer: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """`same`: the question had the same answer, to the byte. `why` it could not be asked, where it could not."""

    id: int
    order: int
    same: bool
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a choice comes to. `cost_minor` is None where nobody knows what it costs."""

    places: tuple[str, ...] = ()
    shipments: int = 0
    short_units: int = 0
    kilometres: int = 0
    cost_minor: int | None = None
    days: int | None = None


Pair = tuple[Measure, Measure]
"""Of one order: as it was, and as it would be."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An order that would have left otherwise."""

    order: int
    before: Measure
    after: Measure
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Sums over all that were asked anew. Of costs and days, only orders count of which both are known."""

    asked: int = 0
    left_out: int = 0
    before: Measure = Measure()
    after: Measure = Measure()
    priced: int = 0
    timed: int = 0
    differences: tuple[Difference, ...] = ()


def replay(kept: Kept) -> Replayed:
    """Ask the same question again, and compare the answer with the kept one."""
    if kept.version != VERSION:
        return Replayed(id=kept.id, order=kept.order, same=False, why=f"decided by version {kept.version} of the rules")
    try:
        again = decide(Question.model_validate(kept.question))
        before = Decision.model_validate(kept.answer)
    except ValidationError:
        return Replayed(id=kept.id, order=kept.order, same=False, why="what was kept was emptied, or is no question")
    same = canonical(again) == canonical(before) and digest(again) == kept.digest
    return Replayed(id=kept.id, order=kept.order, same=same, why="" if same else "the answer is another one")


def simulate(decisions: Iterable[Kept], rules: RoutingRules) -> Simulation:
    """Ask every question under other rules. What cannot be read is left out and counted."""
    pairs: list[tuple[Measure, Measure]] = []
    differences: list[Difference] = []
    left_out = 0
    for kept in decisions:
        try:
            question = Question.model_validate(kept.question)
            before = Decision.model_validate(kept.answer)
        except ValidationError:
            left_out += 1
            continue
        after = decide(question.model_copy(update={"rules": rules}))
        pair = measure(question, before.chosen, before.short), measure(question, after.chosen, after.short)
        pairs.append(pair)
        if _takings(before) != _takings(after):
            told = Difference(order=kept.order, before=pair[0], after=pair[1], sentence=after.sentence)
            differences.append(told)
    priced = [pair for pair in pairs if None not in (pair[0].cost_minor, pair[1].cost_minor)]
    timed = [pair for pair in pairs if None not in (pair[0].days, pair[1].days)]
    before_all, after_all = (_sum(pairs, priced, timed, side) for side in (0, 1))
    return Simulation(
        asked=len(pairs),
        left_out=left_out,
        before=before_all,
        after=after_all,
        priced=len(priced),
        timed=len(timed),
        differences=tuple(differences),
    )


def measure(question: Question, way: Way | None, short: Mapping[int, int]) -> Measure:
    """What a way comes to."""
    if way is None:
        return Measure(short_units=sum(short.values()))
    places = {place.id: place for place in question.places}
    quote = next((one for one in question.quotes if set(one.way) == set(way.places)), None)
    return Measure(
        places=tuple(places[id].name for id in way.places),
        shipments=len(way.places),
        short_units=sum(way.short.values()),
        kilometres=sum(between(places[id].at, question.to) for id in way.places),
        cost_minor=None if quote is None else quote.cost_minor,
        days=None if quote is None else quote.arrives_in_days,
    )


def _takings(decision: Decision) -> tuple[Taking, ...]:
    return decision.chosen.takings if decision.chosen else ()


def _sum(pairs: Sequence[Pair], priced: Sequence[Pair], timed: Sequence[Pair], side: int) -> Measure:
    return Measure(
        shipments=sum(pair[side].shipments for pair in pairs),
        short_units=sum(pair[side].short_units for pair in pairs),
        kilometres=sum(pair[side].kilometres for pair in pairs),
        cost_minor=sum(pair[side].cost_minor or 0 for pair in priced) if priced else None,
        days=sum(pair[side].days or 0 for pair in timed) if timed else None,
    )
