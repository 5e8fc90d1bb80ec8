"""Says what is short of an order, whether that was asked about, and whether the rest leaves without it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders.routing.decision import Decision
from orders.routing.question import Question
from orders.routing.ways import Taking, beyond
from records.tenants import Rules

Units = Mapping[int, int]
"""Units by order line id."""

OPEN = frozenset({"asked", "reminded"})
DECIDED = frozenset({"answered", "defaulted"})
WAIT, REFUND, SHIP_REST = "wait", "refund", "ship_rest"
_SWAP = "swap/"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a buyer was asked, and what came of it so far."""

    state: str
    short: Units
    rest: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is to become of each line that is short, and of the rest."""

    lines: Mapping[int, str] = field(default_factory=dict)
    rest: str = ""
    """`now` or `together`; empty where nothing waits for what is short."""

    @property
    def refunded(self) -> list[int]:
        return sorted(line for line, answer in self.lines.items() if answer == REFUND)

    @property
    def swapped(self) -> dict[int, int]:
        """The variant that is sent instead, by order line id."""
        found = {line: swap_of(answer) for line, answer in sorted(self.lines.items())}
        return {line: variant for line, variant in found.items() if variant is not None}


def swap_for(variant: int) -> str:
    """The answer that a line is to be sent as this variant."""
    return f"{_SWAP}{variant}"


def swap_of(answer: str) -> int | None:
    """The variant that an answer asks for; None where it asks for none."""
    number = answer.removeprefix(_SWAP) if answer.startswith(_SWAP) else ""
    return int(number) if number.isascii() and number.isdigit() else None


def missing(decision: Decision, question: Question) -> dict[int, int]:
    """Units that nobody has, also where the whole order waits for them; by the best way to send the others.

    What lies free somewhere and stays there by the merchant's own rules is none of them.
    """
    best = decision.weighed[0].way if decision.weighed else None
    short = dict(best.short) if best else {want.line: want.units for want in question.wants}
    return dict(Counter(short) - Counter(kept_back(decision, question)))


def kept_back(decision: Decision, question: Question) -> dict[int, int]:
    """Units that lie free, and that the merchant's rules alone keep from leaving: an order is not split further."""
    return dict(sum((Counter({one.line: one.units}) for one in _staying(decision, question)), Counter[int]()))


def spoken_for(decision: Decision, question: Question) -> tuple[Taking, ...]:
    """The units that lie somewhere for lines that are sent from there, or are kept there by the merchant's rules."""
    best = decision.weighed[0].way if decision.weighed else None
    return (*(best.takings if best else ()), *_staying(decision, question))


def covers(asked: Asked | None, short: Units) -> bool:
    """Whether the buyer was asked about all of this: fewer units of the same lines are no new question."""
    if asked is None or asked.state not in OPEN | DECIDED:
        return False
    return all(units <= asked.short.get(line, 0) for line, units in short.items())


def holds_back(asked: Asked | None, short: Units, rules: Rules) -> bool:
    """Whether what is there waits for what is short."""
    if covers(asked, short) and asked is not None:
        return asked.rest == "together" if asked.state in DECIDED else rules.while_asked == "hold_back"
    if rules.ask_when_short:
        return rules.while_asked == "hold_back"
    return rules.when_short == "wait_for_all"


def asks(asked: Asked | None, short: Units, rules: Rules) -> bool:
    """Whether the buyer has yet to say what is to become of this."""
    return asked is not None and asked.state in OPEN if covers(asked, short) else rules.ask_when_short


def deadlines(rules: Rules, *, now: datetime) -> tuple[datetime, datetime]:
    """When the buyer is reminded, and by when they answer."""
    span = timedelta(days=rules.days_to_answer)
    before = timedelta(hours=rules.remind_hours_before)
    return now + (span - before if before < span else span / 2), now + span


def by_default(unanswered: str, short: Units, *, reached: bool, held_back: bool) -> Answer:
    """What happens where nobody answered. Money goes back only where the question has reached the buyer."""
    if unanswered == REFUND and reached:
        return answer(dict.fromkeys(short, REFUND), ship_rest=True, held_back=held_back)
    return answer(dict.fromkeys(short, WAIT), ship_rest=unanswered == SHIP_REST, held_back=held_back)


def answer(lines: Mapping[int, str], *, ship_rest: bool, held_back: bool) -> Answer:
    """An answer as it counts: nothing is held back for lines that are given up."""
    if not held_back:
        return Answer(lines=lines)
    return Answer(lines=lines, rest="together" if WAIT in lines.values() and not ship_rest else "now")


def _staying(decision: Decision, question: Question) -> tuple[Taking, ...]:
    best = decision.weighed[0].way if decision.weighed else None
    return () if best is not None and not best.short else beyond(question, best).takings
