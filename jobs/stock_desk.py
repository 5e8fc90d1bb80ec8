"""What a person does to stock: corrected, counted, set aside, moved, expected, received. In one transaction each.

Whatever they change goes through `_done`, so that what has to follow is asked for with the change or not at all.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime

from sqlalchemy.orm import Session

from jobs import intake, looking_again, tell_stock
from orders import arrivals, coming_back, counting, stock_by_hand
from orders.promising_stock import Level
from orders.stock_by_hand import Refused, Said, Written
from records import tenants
from records.stock import Arrival

ONLY_WATCHES = Refused(
    reason="Nothing was changed: Packline only watches this shop, and takes over what the store counts. Change it in "
    "the store; Packline follows."
)


def adjust(
    session: Session,
    tenant: int,
    level: Level,
    units: int,
    *,
    reason: str,
    reference: str,
    by: str,
    of_damaged: bool = False,
) -> Written | Refused:
    """Put so many units more, or fewer, on hand; `of_damaged` are no longer there as damaged."""
    said = Said(cause="adjusted", actor=by, reference=reference)
    return _watched(session, tenant) or _done(
        session,
        tenant,
        stock_by_hand.adjust(session, tenant, level, units, said, reason=reason, of_damaged=of_damaged),
    )


def take_back(
    session: Session, tenant: int, level: Level, units: int, *, order: str, reason: str, by: str
) -> Written | Refused:
    """Put units back on the shelf that a buyer sent back; `order` is the order's number, as the store writes it."""
    refusal = _watched(session, tenant)
    if refusal:
        return refusal
    found = coming_back.named(session, tenant, order, level[0])
    if isinstance(found, str):
        return Refused(reason=found, field="order")
    said = Said(cause="returned", actor=by, order=found)
    return _done(session, tenant, stock_by_hand.adjust(session, tenant, level, units, said, reason=reason))


def count(
    session: Session,
    tenant: int,
    level: Level,
    units: int,
    *,
    reason: str,
    reference: str,
    by: str,
    seen: int | None = None,
) -> Written | Refused:
    """Set what is on hand, as somebody counted it; only while it says what they had `seen`, where that is told."""
    said = Said(cause="counted", actor=by, reference=reference)
    return _watched(session, tenant) or _done(
        session, tenant, stock_by_hand.count(session, tenant, level, units, said, reason=reason, seen=seen)
    )


def set_aside_damaged(
    session: Session, tenant: int, level: Level, units: int, *, reason: str, by: str
) -> Written | Refused:
    """Count so many more units of those on hand as damaged, or fewer."""
    said = Said(cause="set_aside", actor=by)
    return _watched(session, tenant) or _done(
        session, tenant, stock_by_hand.set_aside(session, tenant, level, said, reason=reason, damaged=units)
    )


def set_safety(session: Session, tenant: int, level: Level, units: int, *, reason: str, by: str) -> Written | Refused:
    """Promise the last so many units to nobody."""
    said = Said(cause="set_aside", actor=by)
    return _watched(session, tenant) or _done(
        session, tenant, stock_by_hand.set_aside(session, tenant, level, said, reason=reason, safety=units)
    )


def move(
    session: Session, tenant: int, variant: int, origin: int, to: int, units: int, *, reason: str, by: str
) -> Written | Refused:
    """Take units from one location to another."""
    said = Said(cause="moved", actor=by, reference=f"move/{origin}-{to}/{secrets.token_hex(4)}")
    return _watched(session, tenant) or _done(
        session, tenant, stock_by_hand.move(session, tenant, variant, origin, to, units, said, reason=reason)
    )


def expect(
    session: Session, tenant: int, level: Level, units: int, *, due_on: date | None, reference: str, by: str
) -> int:
    """Write down that units are on their way; answers the arrival."""
    return arrivals.expect(session, tenant, *level, units, due_on=due_on, reference=reference, actor=by)


def receive(
    session: Session, tenant: int, arrival: int, units: int, *, more_comes: bool, by: str, now: datetime
) -> Written | Refused:
    """Put so many units of an arrival on the shelf."""
    return _watched(session, tenant) or _done(
        session, tenant, arrivals.receive(session, tenant, arrival, units, more_comes=more_comes, actor=by, now=now)
    )


def cancel_arrival(session: Session, tenant: int, arrival: Arrival, *, now: datetime) -> Refused | None:
    """Expect it no longer."""
    return arrivals.cancel(session, tenant, arrival.id, now=now)


def apply_count(session: Session, tenant: int, count: int, *, by: str, now: datetime) -> Written | Refused:
    """Set the levels that somebody has looked through."""
    refusal = _watched(session, tenant)
    if refusal:
        return refusal
    written = counting.apply(session, tenant, count, actor=by, now=now)
    if written is None:
        return Refused(reason="Nothing was changed: this count was applied or discarded before.")
    return _done(session, tenant, written)


def _done(session: Session, tenant: int, written: Written | Refused) -> Written | Refused:
    """What follows from a change by hand, asked for in its own transaction: orders that wait, and the store's count."""
    if isinstance(written, Refused):
        return written
    if written.frees:
        intake.fill_backorders(session, tenant)
    elif written.movements:
        looking_again.at_what_was_not_found(session, tenant)
    tell_stock.ask(session, tenant, written.movements.values())
    return written


def _watched(session: Session, tenant: int) -> Refused | None:
    """What is on hand is the store's number while Packline only watches."""
    return ONLY_WATCHES if tenants.mode_of(session, tenant) == "shadow" else None
