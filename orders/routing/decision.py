"""Decides from where an order leaves, and tells why: the same question has the same answer, to the byte. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from integrations.nouns import Noun
from orders.routing import told
from orders.routing.bans import LeftOut
from orders.routing.question import Question
from orders.routing.rules import NEEDS_QUOTES, RULES, fewest_shipments, nearest
from orders.routing.ways import Way, left_out, ways
from records.routing import RuleName

# Counts what changes answers: a record of another number was decided by other rules, and is read and not replayed.
VERSION = 1


class Weighed(Noun):
    """A way with what each rule said of it, and the rule that dropped it; the last that stands has none."""

    way: Way
    scores: Mapping[RuleName, int]
    dropped_by: str = ""


class Decision(Noun):
    """The answer to a question, with everything that a person needs to see why."""

    version: int = VERSION
    weighed: tuple[Weighed, ...]
    """Every way, the chosen one first, then in the order in which they were dropped, the last dropped first."""
    left_out: tuple[LeftOut, ...]
    chosen: Way | None
    """None where nobody has any of it, or where all was wanted at once and a part is short."""
    short: Mapping[int, int]
    sentence: str


LAST_RESORT = "number"
"""What drops the rest where no rule could tell them apart: the place that was known first is taken."""


def decide(question: Question) -> Decision:
    """Ask the rules in their order; each leaves the ways that are best by it, or all where it says nothing."""
    weighing = _Weighing(question)
    for name in question.rules.asked:
        weighing.ask(name)
    weighed = weighing.told()
    best = weighed[0].way if weighed else None
    everything = {want.line: want.units for want in question.wants}
    chosen = None if best is None or (best.short and question.whole_or_nothing) else best
    return Decision(
        weighed=weighed,
        left_out=tuple(left_out(question)),
        chosen=chosen,
        short=everything if chosen is None else dict(chosen.short),
        sentence=told.sentence(question, chosen, weighed),
    )


def to_be_priced(question: Question) -> list[Way]:
    """The ways that are still in question when a rule first wants to know what carriers say, the nearest first."""
    weighing = _Weighing(question)
    for name in question.rules.asked:
        if name in NEEDS_QUOTES:
            standing = sorted(weighing.standing, key=lambda way: (nearest(way, question), way.places))
            return _with_one_parcel(standing, question) if len(standing) > 1 else []
        weighing.ask(name)
    return []


def _with_one_parcel(standing: list[Way], question: Question) -> list[Way]:
    """As many of the nearest ways as are asked about, with one of the fewest shipments: that is cheap as a rule."""
    asked = standing[: question.rules.ask_rates_for]
    fewest = min(standing, key=lambda way: fewest_shipments(way, question) or 0)
    return asked if any(way.places == fewest.places for way in asked) else [*asked[:-1], fewest]


class _Weighing:
    """The ways that stand, those that were dropped, the worst first, and what was said of each."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.standing = ways(question)
        self._scores: dict[tuple[int, ...], dict[RuleName, int]] = {way.places: {} for way in self.standing}
        self._dropped: list[tuple[Way, str]] = []

    def ask(self, name: RuleName) -> None:
        """What a rule cannot score is worse than what it can; where it can score nothing, it says nothing."""
        said = {way.places: RULES[name](way, self._question) for way in self.standing}
        known = {places: score for places, score in said.items() if score is not None}
        for places, score in known.items():
            self._scores[places][name] = score
        if not known:
            return
        best = min(known.values())
        out = [way for way in self.standing if known.get(way.places) != best]
        out.sort(key=lambda way: (way.places not in known, known.get(way.places, 0), way.places), reverse=True)
        self._dropped += [(way, name) for way in out]
        self.standing = [way for way in self.standing if known.get(way.places) == best]

    def told(self) -> tuple[Weighed, ...]:
        """Every way, the best first; what no rule could tell apart goes by the places' numbers."""
        standing = sorted(self.standing, key=lambda way: way.places)
        dropped = [*self._dropped, *((way, LAST_RESORT) for way in reversed(standing[1:]))]
        ranked = [*((way, "") for way in standing[:1]), *reversed(dropped)]
        return tuple(Weighed(way=way, scores=self._scores[way.places], dropped_by=name) for way, name in ranked)


def canonical(value: Noun) -> bytes:
    """The one way in which a question or a decision is written, so that bytes can be compared."""
    return json.dumps(value.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


def digest(value: Noun) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()
