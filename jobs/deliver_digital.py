"""Delivers what an order has of things that are never shipped: codes and links, in one mail; then the store is told.

What is given is given in one transaction with the wish for its mail, so that a crash gives all of it or nothing, and
never twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from integrations.ports import Temporary
from jobs import closing, outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import digital, holds, still_changeable
from orders.digital import Given
from records import notices, tenants
from records.digital import DigitalDelivery, deliveries_of, lines_in
from records.orders import LOCK, Order, lines_of, open_holds
from records.reversals import under_way


@dataclass(frozen=True, kw_only=True)
class Untold:
    """A delivery that the store does not show yet."""

    delivery: int
    connection: str
    order_remote_id: str
    lines: tuple[str, ...]
    begun: bool
    """A run before this one began to tell it, and nobody knows how that ended."""


def run(work: Work) -> Outcome:
    with work.writing() as session:
        order = session.get(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        if order is None or order.state not in digital.TELLS:
            return Cancelled(reason=f"the order is {order.state if order else 'gone'}: nothing is delivered for it")
        if under_way(session, work.tenant, order.id) is not None:
            return Done()  # what is being taken back asks for this job again when it is done
        waits = _give(session, work, order)
    with work.reading() as session:
        untold = _untold(session, work)
    for one in untold:
        _tell(work, one)
    return waits or Done()


def tell_the_rest(session: Session, tenant: int, order: int) -> None:
    """Have the store told of what was given and is not shown there yet, now that nothing is taken back any more."""
    if session.get_one(Order, (tenant, order)).state in digital.TELLS and digital.untold(session, tenant, order):
        queue.add(session, tenant, "deliver_digital", f"order/{order}")


def _give(session: Session, work: Work, order: Order) -> Outcome | None:
    """Deliver what is owed and there; answers until when the job waits where it is too early."""
    if order.state not in digital.GIVES:
        return None
    # A released hold asks for this job again. What was given before it opened is told all the same: the buyer has it.
    if holds.blocking_labels(open_holds(session, work.tenant, order.id)):
        return None
    waits = _buyers_time(session, work, order)
    if waits is not None:
        return waits
    given = digital.give(session, work.tenant, order.id, now=work.now())
    _write_down(session, work, order.id, given)
    digital.note_shortage(session, work.tenant, order.id, given.short, now=work.now())
    # An order that has no parcel to wait for ends with what was delivered, as another ends with its last parcel.
    closing.if_nothing_is_left(session, work.tenant, order.id, now=work.now())
    return None


def _buyers_time(session: Session, work: Work, order: Order) -> Outcome | None:
    """A code that was read cannot be taken back, so it waits like a label while the buyer may change the order."""
    minutes = tenants.rules_of(session, work.tenant).minutes_to_change
    left_s = still_changeable.time_left_s(order.placed_at, minutes, now=work.now())
    if not left_s or not digital.owed(session, work.tenant, order.id):
        return None
    return Snoozed(wait_s=left_s, reason="The buyer still has time to change the order.")


def _write_down(session: Session, work: Work, order: int, given: Given) -> None:
    if given.delivery is None:
        return
    what = ", ".join(f"{one.units} × {one.title}" for one in given.lines)
    story.tell(session, work, order, f"Delivered digitally: {what}.", delivery=given.delivery)
    notice = notices.want(session, work.tenant, order, digital.subject_of(given.delivery), "delivered")
    if notice is not None:
        queue.add(session, work.tenant, "send_notice", f"notice/{notice}")


def _untold(session: Session, work: Work) -> list[Untold]:
    order = session.get_one(Order, (work.tenant, work.subject_id))
    names = {line.id: line.remote_id for line in lines_of(session, work.tenant, order.id)}
    return [
        Untold(
            delivery=row.id,
            connection=order.connection_id,
            order_remote_id=order.remote_id,
            lines=tuple(sorted({names[line.line_id] for line in lines_in(session, work.tenant, row.id)})),
            begun=outward.was_intended(session, work.tenant, digital.subject_of(row.id)),
        )
        for row in deliveries_of(session, work.tenant, order.id)
        if row.fulfillments is None
    ]


def _tell(work: Work, one: Untold) -> None:
    """Have the store show it as delivered. The buyer was written by us, so the store tells them nothing."""
    key = digital.subject_of(one.delivery)
    storefront = work.storefront(one.connection)
    try:
        told = outward.once(
            work,
            Act(key=key, kind="deliver_digital", subject=key, request={"lines": list(one.lines)}),
            # What the store shows as delivered has no open work any more: asking again does nothing.
            perform=lambda _keys: storefront.fulfil_unshipped(one.order_remote_id, one.lines),
        ).result
    except Temporary as failure:
        if not (failure.outcome_unknown or one.begun):
            with work.writing() as session:
                outward.settle(session, work.tenant, key, "abandon", reason=failure.reason)
        raise
    with work.writing() as session:
        outward.settle(session, work.tenant, key, "succeed", reference=", ".join(told))
        session.get_one(DigitalDelivery, (work.tenant, one.delivery)).fulfillments = list(told)
        order = session.get_one(Order, (work.tenant, work.subject_id))
        story.tell(session, work, order.id, "The store shows it as delivered.", key=key)
