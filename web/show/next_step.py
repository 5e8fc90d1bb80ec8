"""Says in a few words what happens next with an order, and whether that needs a person. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.nouns import Way
from orders import holds as order_holds
from records.jobs import Job
from records.orders import Hold
from records.shipments import Shipment
from web.show import words


@dataclass(frozen=True, kw_only=True)
class Step:
    """What comes next; `at` is when, `job` the job to look at. `held` says that a hold is all that it tells."""

    word: str
    tone: str
    icon: str
    detail: str = ""
    at: datetime | None = None
    job: int | None = None
    held: bool = False


# Orders that still have to leave.
TO_SHIP = ("received", "verified", "released", "allocated", "shipping")
_AT_REST = {
    "closed": Step(word="Nothing: closed", tone="quiet", icon="check-circle"),
    "cancelled": Step(word="Nothing: cancelled", tone="quiet", icon="ban"),
}
# Of an order's parcels, the one that wants looking at speaks for all; the last of these is reached by all together.
_LOUDEST_FIRST = (
    *("failure", "error", "return_to_sender", "available_for_pickup", "out_for_delivery", "in_transit"),
    *("pre_transit", "unknown", "cancelled", "delivered"),
)


def of(
    state: str,
    holds: Sequence[Hold],
    jobs: Sequence[Job],
    parcels: Sequence[str],
    *,
    now: datetime,
    waiting: Sequence[Shipment] = (),
) -> Step:
    """`holds` are the open ones, `jobs` those due, running or parked, `parcels` the carrier statuses, `waiting` what a
    buyer has not come for, or was not brought yet.
    """
    parked = [job for job in jobs if job.state == "parked"]
    if parked:
        return _needs_person(parked[0])
    blocking = order_holds.blocking_labels(holds)
    if blocking:
        return _on_hold(blocking)
    if state in _AT_REST:
        return _asked(holds) if holds else _AT_REST[state]
    running = [job for job in jobs if job.state == "running"]
    if running:
        return Step(word=f"Now: {_lower(running[0].kind)}", tone="going", icon="bolt", job=running[0].id)
    due = min((job for job in jobs if job.state == "due"), key=lambda job: job.due_at, default=None)
    if due is not None:
        return _waits_for_its_time(due, now)
    if holds:
        return _asked(holds)
    return _of_waiting(waiting[0]) if waiting else _of_parcels(state, parcels)


def is_late(state: str, deliver_by: datetime | None, ship_by: datetime | None, now: datetime) -> bool:
    """Promised to be at the door by now, or to have left, and not everything has even left."""
    return state in TO_SHIP and any(moment is not None and moment < now for moment in (deliver_by, ship_by))


def loudest(parcels: Sequence[str]) -> str:
    """The status that speaks for several parcels; `unknown` where there is none."""
    ranks = {status: rank for rank, status in enumerate(_LOUDEST_FIRST)}
    return min(parcels, key=lambda status: ranks.get(status, -1), default="unknown")


def _needs_person(job: Job) -> Step:
    word = f"Needs you: {_lower(job.kind)}"
    return Step(word=word, tone="bad", icon="alert", detail=job.reason, job=job.id)


def _on_hold(blocking: Sequence[Hold]) -> Step:
    kinds = ", ".join(words.hold(hold.kind).lower() for hold in blocking)
    return Step(word=f"On hold: {kinds}", tone="warn", icon="pause", detail=blocking[0].reason, held=True)


def _asked(holds: Sequence[Hold]) -> Step:
    """Holds that stop no label: what is short waits for stock, everything else for a person's answer."""
    stock = all(hold.kind == "stock" for hold in holds)
    kinds = ", ".join(words.hold(hold.kind).lower() for hold in holds)
    word = "Waits for stock" if stock else f"Needs an answer: {kinds}"
    return Step(word=word, tone="warn", icon="pause" if stock else "question", detail=holds[0].reason, held=True)


def _waits_for_its_time(job: Job, now: datetime) -> Step:
    if job.due_at > now and job.reason:
        again = f"Tries again: {_lower(job.kind)}"
        return Step(word=again, tone="warn", icon="clock", detail=job.reason, at=job.due_at, job=job.id)
    return Step(word=f"Next: {_lower(job.kind)}", tone="going", icon="clock", at=job.due_at, job=job.id)


def _of_waiting(shipment: Shipment) -> Step:
    if shipment.courier is not None:
        return _of_couriered(shipment.courier.name, shipment.state)
    if shipment.way != Way.COLLECTED.value:
        return Step(word="To be delivered by the shop", tone="going", icon="pin", detail="Say so here once it is done.")
    if shipment.state == "planned":
        cure = "Put it aside, and press “Ready for pickup”: the store writes the buyer."
        return Step(word="To be put aside for pickup", tone="going", icon="pin", detail=cure)
    return Step(word="Ready for pickup", tone="going", icon="pin", detail="The store has written the buyer.")


def _of_couriered(name: str, state: str) -> Step:
    if state == "handed_over":
        return Step(word=f"On its way with {name}", tone="going", icon="truck", detail="Say so here once it arrived.")
    return Step(word=f"To be given to {name}", tone="going", icon="truck", detail="Say so here once they have it.")


def _of_parcels(state: str, parcels: Sequence[str]) -> Step:
    if state not in {"shipping", "fulfilled"} or not parcels:
        # Every order that is not at its end has a job due, a hold, or a parcel on the road; this one has none of them.
        cure = "Press “Go on” to look at it again."
        return Step(word="Nothing is planned", tone="warn", icon="question", detail=cure)
    status = loudest(parcels)
    look = words.look("parcel", status)
    waits = {"unknown": "Waits for the first scan", "pre_transit": "Waits for the first scan"}
    return Step(word=waits.get(status, look.word), tone=look.tone, icon=look.icon, detail=look.meaning)


def _lower(kind: str) -> str:
    word = words.doing(kind).word
    return word[:1].lower() + word[1:]
