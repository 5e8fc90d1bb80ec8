"""Keeps the steps of a reversal true to what happens meanwhile: before each one, the plan is made anew.

A label may be bought, a payment captured, or a parcel leave between two steps. What is done stays done, and so does
what a person skipped; what nobody needs any more is dropped, and settles nothing: its like may be called for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from orders import reversing, taking_back
from orders.giving_back import BY_HAND
from orders.order_facts import facts_of
from orders.reversing import Facts, Plan, Step
from records import tenants
from records.intentions import find_intention
from records.reversals import Reversal, ReversalStep, steps_of

_OPEN = frozenset({"due", "asks"})
# Only these tell that a matter is settled.
SETTLED = frozenset({"done", "skipped"})
# Their sums hang on what the store said when it was asked what the units cost.
_QUOTED = frozenset({"refund_payment", BY_HAND})


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """The facts and the plan of now, the step that is next, and the steps that nobody needs any more."""

    facts: Facts
    plan: Plan
    next: ReversalStep | None
    dropped: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """The steps as they are: those that wait, those of which nobody knows how they ended, and what is settled."""

    steps: Sequence[ReversalStep]
    waiting: dict[tuple[str, str, str], ReversalStep]
    in_doubt: frozenset[int]
    settled: frozenset[tuple[str, str]]
    quoted: bool
    """The store took units off, or may have: the sums that it named before stand."""
    told: bool
    """The store took something back, or may have: how much of its money is the buyer's cannot be told any more."""


def freshen(session: Session, tenant: int, reversal: Reversal, *, now: datetime) -> Fresh:
    """Make the steps that are still due those that the facts of now call for, with the sums of now.

    A step whose act was begun and has no known end stays as it is: it has to be found out.
    """
    facts = facts_of(session, tenant, reversal.order_id)
    drawn = reversing.plan(taking_back.wish_of(reversal), facts, tenants.rules_of(session, tenant))
    before = _standing(session, tenant, steps_of(session, tenant, reversal.id))
    unknown = _taken_off_or_not(before)
    if unknown is not None:
        return Fresh(facts=facts, plan=drawn, next=unknown, dropped=())
    wanted = [one for one in drawn.steps if _still_wanted(one, before)]
    dropped = _not_needed({one.identity for one in wanted}, before)
    for step in dropped:
        taking_back.drop_step(session, tenant, step.id, "Not needed any more.", now=now)
    for one in wanted:
        _give_sum_of_now(one, before)
    if any(one.identity not in before.waiting for one in wanted):
        _write_anew(session, tenant, reversal, wanted, before)
    session.flush()
    following = [step for step in steps_of(session, tenant, reversal.id) if step.state == "due"]
    return Fresh(
        facts=facts,
        plan=drawn,
        next=following[0] if following else None,
        dropped=tuple(step.id for step in dropped),
    )


def in_doubt(session: Session, tenant: int, step: int) -> bool:
    """Whether a step's act was begun and nobody knows how it ended."""
    intention = find_intention(session, tenant, f"reverse/{step}")
    return intention is not None and intention.state == "intended"


def _standing(session: Session, tenant: int, steps: Sequence[ReversalStep]) -> _Standing:
    begun = {step.kind for step in steps if step.kind.endswith("_in_store") and _begun(session, tenant, step)}
    return _Standing(
        steps=steps,
        waiting={_identity(step): step for step in steps if step.state in _OPEN},
        in_doubt=frozenset(step.id for step in steps if step.state in _OPEN and in_doubt(session, tenant, step.id)),
        settled=frozenset(_family(*_identity(step)) for step in steps if step.state in SETTLED),
        quoted="refund_in_store" in begun,
        told=bool(begun),
    )


def _begun(session: Session, tenant: int, step: ReversalStep) -> bool:
    """The store was asked, and did not refuse; or it did, and a person went on with the sums that it had named."""
    intention = find_intention(session, tenant, f"reverse/{step.id}")
    return intention is not None and (step.state in SETTLED or intention.state == "intended")


def _taken_off_or_not(before: _Standing) -> ReversalStep | None:
    """Until it is known whether the store took the units off, nobody can tell which of those that stand are too many.

    What is to be shipped may have been verified since, and the wish would be taken off it a second time.
    """
    doubtful = (step for step in before.waiting.values() if step.id in before.in_doubt)
    return next((step for step in doubtful if step.kind == "refund_in_store"), None)


def _still_wanted(one: Step, before: _Standing) -> bool:
    if one.kind == BY_HAND and before.told:
        return False  # what there is of it was written while it could be told
    return _family(*one.identity) not in before.settled


def _not_needed(needed: set[tuple[str, str, str]], before: _Standing) -> list[ReversalStep]:
    return [
        step
        for identity, step in before.waiting.items()
        if identity not in needed and step.id not in before.in_doubt and not (step.kind == BY_HAND and before.told)
    ]


def _give_sum_of_now(one: Step, before: _Standing) -> None:
    """The plan may have shrunk from the whole to a part, or money have moved: then another sum goes back."""
    step = before.waiting.get(one.identity)
    if step is None or step.id in before.in_doubt or (one.kind in _QUOTED and before.quoted):
        return
    if (step.amount_minor, step.units) != (one.amount_minor, one.units):
        step.amount_minor, step.currency, step.units = one.amount_minor, one.currency, one.units


def _write_anew(session: Session, tenant: int, reversal: Reversal, wanted: list[Step], before: _Standing) -> None:
    """Put the steps that are left in the order of the new plan, behind those that were."""
    last = max((step.position for step in before.steps), default=0)
    for position, step in enumerate(wanted, start=last + 1):
        if step.identity in before.waiting:
            before.waiting[step.identity].position = position
        else:
            taking_back.write_step(session, tenant, reversal.id, step, position)


def _identity(step: ReversalStep) -> tuple[str, str, str]:
    return (step.kind, step.subject, step.remote_id)


def _family(kind: str, subject: str, remote_id: str) -> tuple[str, str]:
    """What is settled once it was done in one way or another: the word with the store, the money of one payment."""
    if kind in {"cancel_in_store", "refund_in_store"}:
        return ("store", subject)
    if kind in {"cancel_payment", "refund_payment"}:
        return ("money", subject)
    return (kind, f"{subject} {remote_id}")
