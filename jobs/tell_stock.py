"""Tells the store of a change of stock that a person made here: each unit once, and only onto what the store counts.

The change is told as units more or less than the store has at that moment, never as a number of our own; a count is
told as the units that the store lacks of what was counted, or has too many. Where the store counts something else by
the time it is told, nothing is changed there: we look again, and decide anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from integrations.nouns import StockChange
from integrations.ports import UNITS_MOVED, Permanent, Storefront, Temporary
from jobs import outward, queue
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import telling_stock
from orders.telling_stock import Attempt

log = structlog.get_logger(__name__)

# A store that sells faster than we can look is asked again after a pause.
_LOOKS = 5
# How long to wait for an earlier change of the same level: about as long as a failed telling is put off at first, and
# as long as a person who is asked does not mind.
_TELLING_TAKES_S = 10.0
_PERSON_TAKES_S = 120.0


def ask_about_unsold(session: Session, tenant: int, order: int) -> None:
    """Have the store told what it has not sold of all that this transaction has reserved, given back or shipped."""
    ask(session, tenant, telling_stock.of_unsold(session, tenant, order))


def ask(session: Session, tenant: int, movements: Iterable[int]) -> None:
    """Have the store told of movements that this transaction wrote, where it counts what they moved."""
    told = telling_stock.of_movements(session, tenant, movements)
    # In the connection's lane, where the store is read, too: no count is taken over while something is told.
    lanes = {f"movement/{movement}": f"connection/{one.connection}" for movement, one in told.items() if one.changes}
    queue.add_all(session, tenant, "tell_stock", lanes)


def run(work: Work) -> Outcome:
    with work.reading() as session:
        told = telling_stock.of_movement(session, work.tenant, work.subject_id)
        before = telling_stock.waits_for(session, work.tenant, work.subject_id)
    if told is None:
        return Cancelled(reason="the movement is gone, or is of something that the store does not count")
    if before is not None:
        return _in_turn(before)
    storefront = work.storefront(told.connection)
    for step, change in enumerate(told.changes):
        _tell(work, storefront, step, change, counted=told.counted)
    return Done()


def _in_turn(before: str) -> Snoozed:
    """What is taken back before it was given is refused: a level's changes are told one after the other."""
    if before == "parked":
        reason = (
            "An earlier change of the same level waits for a person: retry or discard the parked job that tells it."
        )
        return Snoozed(wait_s=_PERSON_TAKES_S, reason=reason, cause="one_before")
    reason = "The store is being told of an earlier change of the same level."
    return Snoozed(wait_s=_TELLING_TAKES_S, reason=reason, cause="one_before")


def _tell(work: Work, storefront: Storefront, step: int, change: StockChange, *, counted: bool) -> None:
    for _ in range(_LOOKS):
        with work.reading() as session:
            before = telling_stock.attempts(session, work.tenant, work.subject_id, step)
        if any(attempt.state in {"succeeded", "adopted"} for attempt in before):
            return
        # What was begun is asked for again with the very numbers and key it had: then the store does it once.
        begun = next((attempt for attempt in before if attempt.state == "intended"), None)
        seen = (
            begun.seen
            if begun
            else storefront.read_units(change.inventory_remote_id, change.location_remote_id, change.watched)
        )
        units = begun.units if begun else _to_be_as_counted(work, storefront, change) if counted else None
        wanted = change if units is None else telling_stock.of_count(change, units)
        if wanted is None or _told_onto(work, storefront, step, wanted, Onto(seen=seen, units=units, begun=begun)):
            return
    raise Temporary("The store's stock changed each time between looking and telling.", code=UNITS_MOVED)


def _to_be_as_counted(work: Work, storefront: Storefront, change: StockChange) -> int:
    """Units that the store lacks of what was counted; read after what is watched, which then must not have changed."""
    there = storefront.read_on_hand(change.inventory_remote_id, change.location_remote_id)
    with work.reading() as session:
        return telling_stock.counted_units(session, work.tenant, work.subject_id) - there


@dataclass(frozen=True, kw_only=True)
class Onto:
    """What a telling was decided from: the units seen there, a count's own, and the try that it goes on with."""

    seen: int
    units: int | None
    begun: Attempt | None


def _told_onto(work: Work, storefront: Storefront, step: int, change: StockChange, onto: Onto) -> bool:
    """Whether the store took the change onto the units that we had seen there."""
    seen, begun = onto.seen, onto.begun
    key = telling_stock.key_of(work.subject_id, step, seen, onto.units)
    request = change.model_dump(mode="json") | {"seen": seen}
    act = Act(key=key, kind="tell_stock", subject=f"movement/{work.subject_id}", attempt=step + 1, request=request)
    try:
        performed = outward.once(work, act, perform=lambda keys: storefront.change_stock(change, seen=seen, keys=keys))
    except Permanent as failure:
        if failure.code != UNITS_MOVED:
            raise
        if begun is not None and work.now() - begun.keyed_at > outward.KEYS_LIVE:
            raise _unknowable(change) from None
        log.info("the store counts other units by now", movement=work.subject_id, seen=seen)
        return False
    with work.writing() as session:
        outward.settle(session, work.tenant, key, "succeed", reference=performed.result)
    return True


def _unknowable(change: StockChange) -> Permanent:
    """It was being told more than a day ago, which the store has forgotten, and other units are there now."""
    return Permanent(
        f"Nobody knows whether the store was told of {change.units} units more or less of one thing a day ago.",
        remedy="Look at the item's inventory history in the store. Retry if the change is missing there; discard this "
        "job if it is there.",
        code="unknowable",
    )
