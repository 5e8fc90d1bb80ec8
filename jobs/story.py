"""Writes the calls of a run on the order's timeline: which vendor was asked what, under which key, and what it said."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs.work import Work
from records import timeline


def fact(session: Session, tenant: int, order: int, sentence: str) -> None:
    """One line of the story that no call led to."""
    timeline.write(session, tenant, order, actor="packline", kind="fact", sentence=sentence)


def tell(session: Session, work: Work, order: int, sentence: str, *, kind: str = "fact", **details: object) -> None:
    """One line of the story, with the outside calls that led to it."""
    calls = [
        {"vendor": call.vendor, "verb": call.verb, "outcome": call.outcome, "ms": call.ms, "key": call.key}
        for call in work.take_calls()
    ]
    timeline.write(
        session,
        work.tenant,
        order,
        actor="packline",
        kind=kind,
        sentence=sentence,
        job=work.claim.id,
        stage=work.claim.kind,
        calls=calls,
        **details,
    )
