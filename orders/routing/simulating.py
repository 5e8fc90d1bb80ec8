"""What other rules would have chosen for orders of the past: kept questions asked anew, and nothing written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from orders import promising
from orders.routing import later
from orders.routing.decision import VERSION, Decision, canonical, decide, digest
from orders.routing.question import Place, Question
from orders.routing.rules import cheapest, nearest
from orders.routing.ways import Taking, Way, quote_of
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
    """What a choice comes to. `cost_minor` is postage and the places' own work, None where nobody knows the postage."""

    places: tuple[str, ...] = ()
    shipments: int = 0
    short_units: int = 0
    kilometres: int = 0
    cost_minor: int | None = None
    days: int | None = None
    """Carrier days, where carriers were asked."""
    late_days: int | None = None
    """Days by which it arrives later than was promised; None where nothing was, or nobody knows when it arrives."""


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
    splits: tuple[int, int] = (0, 0)
    """Orders in more than one shipment: as it was, and as it would be."""
    priced: int = 0
    timed: int = 0
    promised: int = 0
    """Those of which both arrivals are known, and what was promised."""
    late: tuple[int, int] = (0, 0)
    """Of these, those that come too late: as it was, and as it would be."""
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
        tried = later.opened(question.model_copy(update={"rules": rules, "later": ()}))
        after = decide(tried)
        pair = measure(question, before.chosen, before.short), measure(tried, after.chosen, after.short)
        pairs.append(pair)
        if _takings(before) != _takings(after):
            told = Difference(order=kept.order, before=pair[0], after=pair[1], sentence=after.sentence)
            differences.append(told)
    priced = [pair for pair in pairs if None not in (pair[0].cost_minor, pair[1].cost_minor)]
    timed = [pair for pair in pairs if None not in (pair[0].days, pair[1].days)]
    dated = [pair for pair in pairs if None not in (pair[0].late_days, pair[1].late_days)]
    before_all, after_all = (_sum(pairs, priced, timed, side) for side in (0, 1))
    return Simulation(
        asked=len(pairs),
        left_out=left_out,
        before=before_all,
        after=after_all,
        splits=(sum(pair[0].shipments > 1 for pair in pairs), sum(pair[1].shipments > 1 for pair in pairs)),
        priced=len(priced),
        timed=len(timed),
        promised=len(dated),
        late=(sum(bool(pair[0].late_days) for pair in dated), sum(bool(pair[1].late_days) for pair in dated)),
        differences=tuple(differences),
    )


def measure(question: Question, way: Way | None, short: Mapping[int, int]) -> Measure:
    """What a way comes to."""
    if way is None:
        return Measure(short_units=sum(short.values()))
    places = {place.id: place for place in question.places}
    quote = quote_of(question, way)
    return Measure(
        places=tuple(places[id].name for id in way.places),
        shipments=len(way.places),
        short_units=sum(way.short.values()),
        kilometres=nearest(way, question) or 0,
        cost_minor=cheapest(way, question),
        days=None if quote is None else quote.arrives_in_days,
        late_days=_late_days(question, way),
    )


def _late_days(question: Question, way: Way) -> int | None:
    """By the calendars of its places, and by what carriers said, or the shop's own rule where they were not asked."""
    arriving = [_arrives(question, way, place) for place in question.places if place.id in way.places]
    known = [day for day in arriving if day is not None]
    if question.deliver_by is None or not known or len(known) < len(arriving):
        return None
    return max(0, (max(known) - question.deliver_by).days)


def _arrives(question: Question, way: Way, place: Place) -> date | None:
    quote = quote_of(question, way)
    asked = None if quote is None else quote.days_from(place.id)
    days = place.carrier_days if asked is None else asked
    return None if place.leaves_on is None or days is None else promising.arrives_on(place.leaves_on, days)


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
