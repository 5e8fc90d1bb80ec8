"""Says in a sentence whether the work is being done, and what to do where it is not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobs.health import Report
from web.show import moments

# Work that is due is normally picked up within a second, and within ten when its bell was lost.
_LONG_WAIT_S = 120


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Tones: good, warn, bad."""

    tone: str
    icon: str
    word: str
    sentence: str


def for_merchants(found: Condition) -> Condition:
    """The same to somebody who runs no server: what it means for their orders, and that it is not theirs to mend."""
    if found.tone == "good":
        return Condition(tone="good", icon=found.icon, word=found.word, sentence="Nothing that is due has waited long.")
    return Condition(
        tone="warn",
        icon="clock",
        word="Slower than usual",
        sentence="Orders and payments are taken and kept, but what is done for them waits at the moment. Nothing is "
        "lost and nothing is yours to do: it goes on by itself, and whoever runs Packline sees this, too.",
    )


def judge(report: Report, oldest_due_at: datetime | None, *, now: datetime) -> Condition:
    waited_s = (now - oldest_due_at).total_seconds() if oldest_due_at else 0.0
    if not report.answers:
        return Condition(
            tone="bad",
            icon="alert",
            word="Redis does not answer",
            sentence="Deliveries are still taken and kept, but no job starts until it does. Nothing is lost. "
            "Look at the Redis server.",
        )
    if report.unheard:
        queues = ", ".join(report.unheard)
        return Condition(
            tone="bad",
            icon="alert",
            word="Not every queue has a worker",
            sentence=f"Nobody listens to {queues}: that work waits. Start “packline worker”.",
        )
    if waited_s > _LONG_WAIT_S:
        return Condition(
            tone="warn",
            icon="clock",
            word="Behind",
            sentence=f"The oldest job has waited {moments.span(waited_s)}. If it does not shrink, start more workers, "
            "and see that “packline clock” runs.",
        )
    workers = len(report.listeners)
    return Condition(
        tone="good",
        icon="check-circle",
        word="Working",
        sentence=f"{workers} workers listen, and nothing that is due has waited long.",
    )
