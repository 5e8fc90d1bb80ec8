"""Finds out how an announcement ended of which nobody knows, before anything is decided on it: the storefront knows.

What it shows is recorded as announced, what it cannot be making any more is given up. To take it for never made would
give the label of a parcel back that its buyer was told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import Announced, StoreShipment
from integrations.ports import Permanent
from jobs import fulfilling, outward, push_tracking, queue
from jobs.outcomes import Outcome, Snoozed
from jobs.push_tracking import Departure, Word
from jobs.work import Work
from orders import announcing, holds, postage, shown_there
from orders.shown_there import Gone
from records.intentions import find_intention
from records.jobs import Job
from records.orders import Order, open_holds
from records.reversals import under_way

# Telling the store takes a second or two; a store that is away is tried again at its own pace meanwhile.
_TELLING_TAKES_S = 10.0
# A run reads, tells and reads again, each with a deadline of some seconds, and Shopify may still be at work on what it
# did not answer: after this it is made or it is not.
MAY_TAKE = timedelta(seconds=100)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the storefront shows of a shipment now, by our keys; and how much longer the rest may take to appear."""

    departure: Departure
    shown: Mapping[str, Sequence[Announced]]
    may_take: timedelta

    @property
    def whole(self) -> bool:
        return len(self.shown) == len(self.departure.words)

    @property
    def waits(self) -> Snoozed | None:
        if self.whole or self.may_take <= timedelta(0):
            return None
        return Snoozed(wait_s=self.may_take.total_seconds(), reason="The store may still be taking the tracking down.")


def settle_first(work: Work, order: int, *, shipment: int | None = None) -> Outcome | None:
    """Settle what is in doubt of an order, or of one shipment; None where nothing is in doubt any more.

    Telling the storefront again settles it best; where that cannot be done now, the storefront is asked here. Raises
    Permanent where it shows a part of a shipment only.
    """
    with work.reading() as session:
        doubtful = announcing.in_doubt(session, work.tenant, order)
    for one in doubtful:
        if shipment not in {None, one}:
            continue
        waits = _being_told(work, order, one) or _ask(work, one)
        if waits is not None:
            return waits
    return None


def look(work: Work, shipment: int) -> Seen:
    """Ask the storefront what it shows of a shipment."""
    with work.reading() as session:
        departure = push_tracking.departure_of(session, work.tenant, shipment)
    storefront, order = work.storefront(departure.connection), departure.order_remote_id
    theirs = storefront.read_handed_over(order) if departure.handed_over_at else storefront.read_shipped(order)
    shown = {word.key: found for word in departure.words if (found := _showing(theirs, departure, word))}
    with work.reading() as session:
        may_take = _may_still_take(session, work, departure, shown)
    return Seen(departure=departure, shown=shown, may_take=may_take)


def complete(work: Work, seen: Seen) -> Seen:
    """Tell the storefront of the boxes that it does not show, so that the shipment is announced as a whole."""
    storefront = work.storefront(seen.departure.connection)
    words = seen.departure.words
    shown = {word.key: push_tracking.announce(work, storefront, seen.departure, word) for word in words}
    return replace(seen, shown=shown)


def settle(session: Session, work: Work, seen: Seen) -> str:
    """Write down what was seen, and that nothing came of the rest; answers it as a sentence."""
    departure = seen.departure
    for word in departure.words:
        if word.key not in seen.shown:
            outward.settle(session, work.tenant, word.key, "abandon", reason="The store does not show it.")
    if not seen.shown:
        return f"The store does not show shipment {departure.shipment} as shipped."
    push_tracking.record(session, work, departure, seen.shown)
    return f"The store shows shipment {departure.shipment} as shipped already."


def _being_told(work: Work, order: int, shipment: int) -> Outcome | None:
    """Wait for a run that tells the storefront, where one can; None where none would settle anything."""
    with work.writing() as session:
        if not _can_be_told(session, work.tenant, order, shipment):
            return None
        states = _tellings(session, work.tenant, shipment)
        if states == {"parked"}:
            return None
        if not states:
            queue.add(session, work.tenant, "push_tracking", f"shipment/{shipment}", lane=f"order/{order}")
    return Snoozed(wait_s=_TELLING_TAKES_S, reason="The store is being told the tracking of a shipment.")


def _can_be_told(session: Session, tenant: int, order: int, shipment: int) -> bool:
    """Whether such a run would tell anything: it lets be what is held, lacks a label, or is being taken back."""
    return (
        session.get_one(Order, (tenant, order)).state == "shipping"
        and under_way(session, tenant, order) is None
        and not holds.blocking_labels(open_holds(session, tenant, order))
        and not postage.unlabelled(session, tenant, shipment)
    )


def _tellings(session: Session, tenant: int, shipment: int) -> set[str]:
    """The states of the jobs that are to tell the storefront of a shipment."""
    return set(
        session.scalars(
            select(Job.state).where(
                Job.tenant_id == tenant,
                Job.kind == "push_tracking",
                Job.subject == f"shipment/{shipment}",
                Job.state.in_(("due", "parked")),
            )
        )
    )


def _ask(work: Work, shipment: int) -> Outcome | None:
    seen = look(work, shipment)
    if seen.waits is not None:
        return seen.waits
    if seen.shown and not seen.whole:
        raise Permanent(
            f"The store shows a part of shipment {shipment} only: telling it was given up half way.",
            remedy="Release what holds the order and see to its labels, retry telling the store the tracking of this "
            "shipment, then retry this.",
            code="half_announced",
        )
    with work.writing() as session:
        settle(session, work, seen)
        fulfilling.if_complete(session, work.tenant, seen.departure.order)
    return None


def _showing(theirs: Sequence[StoreShipment], departure: Departure, word: Word) -> list[Announced]:
    if not departure.handed_over_at:
        return _carrying(theirs, word.tracking.numbers)
    units = {line.line_remote_id: line.units for line in word.lines}
    place = "" if word.tracking.carrier else departure.handed_over_at
    gone = Gone(shipment=departure.shipment, location_remote_id=place, units=units)
    shown = shown_there.shared_out([gone], theirs, departure.elsewhere)
    return [Announced(remote_id=id, adopted=True) for id in shown.get(departure.shipment, ())]


def _carrying(theirs: Sequence[StoreShipment], numbers: Sequence[str]) -> list[Announced]:
    return [
        Announced(remote_id=one.remote_id, adopted=True)
        for one in theirs
        if one.stands and set(one.numbers) & set(numbers)
    ]


def _may_still_take(
    session: Session, work: Work, departure: Departure, shown: Mapping[str, Sequence[Announced]]
) -> timedelta:
    """How much longer what is not shown may take to appear: nothing where it was never begun, or ended with a no."""
    missing = [find_intention(session, work.tenant, word.key) for word in departure.words if word.key not in shown]
    begun = [one.keyed_at for one in missing if one is not None and one.state == "intended"]
    if not begun:
        return timedelta(0)
    started = session.execute(
        select(func.max(Job.started_at)).where(
            Job.tenant_id == work.tenant,
            Job.kind == "push_tracking",
            Job.subject == f"shipment/{departure.shipment}",
        )
    ).scalar_one()
    return MAY_TAKE - (work.now() - max(*begun, started or begun[0]))
