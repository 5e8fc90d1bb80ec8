"""What can be done to many orders at once, to each by itself, and how its outcome is told."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from jobs import desk
from orders import taking_back
from orders.reversal import Plan, Wish
from orders.taking_back import Begun, PlanChanged
from records.orders import OVER, find_order, open_holds
from web import show
from web.show import words

log = structlog.get_logger(__name__)

# A reason names so many orders before it says "and others".
_NAMED = 5

Told = Mapping[str, str]
Opened = Callable[[int], AbstractContextManager[Session]]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing to do to an order. `run` answers why it was not done, or an empty text."""

    word: str
    done: str
    run: Callable[[Session, int, int, Told, str], str]
    needs_reason: bool = False


@dataclass
class Outcome:
    """How many orders it was done to, and why it was not to others, by reason."""

    done: int = 0
    not_done: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What cancelling one order would do."""

    order: int
    name: str
    plan: Plan
    currency: str
    store_minor: int
    """What the store itself has taken for it at most, and gives back; 0 where it gives nothing back."""


def do(opened: Opened, tenant: int, ids: Sequence[int], act: Act, told: Told, *, by: str) -> Outcome:
    """Do it to each order in a transaction of its own."""
    outcome = Outcome()
    for id in ids:
        name, refusal = _one(opened, tenant, id, act, told, by=by)
        if refusal:
            outcome.not_done[refusal].append(name)
        else:
            outcome.done += 1
    return outcome


def told(outcome: Outcome, act: Act) -> str:
    """`18 orders were put on hold; 2 not: a person held it already (#1003, #1007).` Pure."""
    head = f"{outcome.done} {'order was' if outcome.done == 1 else 'orders were'} {act.done}"
    if not outcome.not_done:
        return f"{head}."
    count = sum(len(names) for names in outcome.not_done.values())
    reasons = "; ".join(f"{reason} ({_listed(names)})" for reason, names in outcome.not_done.items())
    return f"{head}; {count} not: {reasons}."


def plans(session: Session, tenant: int, ids: Sequence[int]) -> list[Planned]:
    """What cancelling each of these would do now. Looking changes nothing."""
    found = []
    for id in ids:
        order = find_order(session, tenant, id)
        if order is not None:
            plan = taking_back.plan_of(session, tenant, id, _wish())
            in_store = any(step.kind == "cancel_in_store" for step in plan.steps)
            held = in_store and taking_back.facts_of(session, tenant, id).store_holds_the_money
            found.append(
                Planned(
                    order=id,
                    name=order.name or f"order {id}",
                    plan=plan,
                    currency=order.currency,
                    store_minor=order.total_minor if held else 0,
                )
            )
    return found


def sums(planned: Sequence[Planned]) -> dict[str, int]:
    """The money that would go back at most, in minor units by currency. Pure."""
    back: Counter[str] = Counter()
    for one in planned:
        if one.store_minor:
            back[one.currency] += one.store_minor
        for step in one.plan.steps:
            if step.kind.startswith("refund") and step.amount_minor:
                back[step.currency] += step.amount_minor
    return dict(back)


def _one(opened: Opened, tenant: int, id: int, act: Act, told: Told, *, by: str) -> tuple[str, str]:
    name = f"order {id}"
    try:
        with opened(tenant) as session:
            order = find_order(session, tenant, id)
            if order is None:
                return name, "it is gone"
            name = order.name or name
            if order.state in OVER:
                return name, f"the order is {order.state}"
            return name, act.run(session, tenant, id, told, by)
    except HTTPException:
        raise
    except Exception as fault:
        if isinstance(fault, DBAPIError) and fault.connection_invalidated:
            raise  # the database is away: it is so for every other order, too
        reference = secrets.token_hex(4).upper()
        log.exception("bulk act failed", reference=reference, tenant=tenant, order=id, act=act.word)
        return name, f"Packline met a fault of its own, reference {reference}"


def _hold(session: Session, tenant: int, order: int, told: Told, by: str) -> str:
    return _as_reason(desk.hold(session, tenant, order, reason=told["reason"], by=by))


def _release(session: Session, tenant: int, order: int, told: Told, by: str) -> str:
    kind = told.get("kind") or "operator"
    found = [hold for hold in open_holds(session, tenant, order) if hold.kind == kind]
    if not found:
        return "no hold of a person's is on it" if kind == "operator" else f"{words.hold(kind)} does not hold it"
    if not found[0].overridable:
        return "the hold is not a person's to release"
    desk.release_hold(session, tenant, order, kind, by=by, now=show.now())
    return ""


def _go_on(session: Session, tenant: int, order: int, _told: Told, by: str) -> str:
    desk.resume(session, tenant, order, by=by)
    return ""


def _rerate(session: Session, tenant: int, order: int, _told: Told, by: str) -> str:
    return _as_reason(desk.rerate_order(session, tenant, order, by=by))


def _retry(session: Session, tenant: int, order: int, _told: Told, by: str) -> str:
    return "" if desk.retry_order(session, tenant, order, by=by) else "nothing of it is parked"


def _cancel(session: Session, tenant: int, order: int, told: Told, by: str) -> str:
    """By the plan that was shown; without one nothing is begun, because nobody has seen what it comes to."""
    digest = told.get(f"plan-{order}", "")
    if not digest:
        return "its plan was not shown"
    begun = desk.cancel(session, tenant, order, _wish(), by=by, digest=digest)
    if isinstance(begun, PlanChanged):
        return "something happened to it since you looked"
    return "" if isinstance(begun, Begun) else _as_reason(begun.reason)


def _wish() -> Wish:
    return Wish(purpose="cancel", reason="staff")


def _as_reason(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


ACTS: Mapping[str, Act] = {
    "hold": Act(word="Hold", done="put on hold", run=_hold, needs_reason=True),
    "release": Act(word="Release", done="released", run=_release),
    "go_on": Act(word="Go on", done="asked to go on", run=_go_on),
    "rerate": Act(word="Ask for new rates", done="quoted anew", run=_rerate),
    "retry": Act(word="Try again", done="tried again", run=_retry),
    "cancel": Act(word="Cancel", done="begun to be cancelled", run=_cancel),
}
