"""Keeps what is on its way to a location, and puts it on the shelf when it comes, wholly or in part."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from orders import lifecycle, stock_by_hand
from orders.stock_by_hand import Refused, Said, Written
from records.stock import Arrival

_OVER = {
    "received": "It was received already, and nothing was added a second time. Look at the level's movements.",
    "cancelled": "It was cancelled before. Add it anew if it came after all.",
}


def expect(
    session: Session,
    tenant: int,
    variant: int,
    location: int,
    units: int,
    *,
    due_on: date | None,
    reference: str,
    actor: str,
) -> int:
    """Write down that units are on their way; answers the arrival."""
    row = Arrival(
        tenant_id=tenant, variant_id=variant, location_id=location, units=units, due_on=due_on, reference=reference,
        actor=actor,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def receive(
    session: Session, tenant: int, arrival: int, units: int, *, more_comes: bool, actor: str, now: datetime
) -> Written | Refused:
    """Put so many units of an arrival on the shelf. What is left of it stays expected where `more_comes`.

    What came becomes an arrival that is received, what still comes one of its own: their units add up to what was
    ordered, whatever came in how many parts.
    """
    row = session.get_one(Arrival, (tenant, arrival), with_for_update=True, populate_existing=True)
    left = row.units - units
    if not lifecycle.move(session, tenant, "arrival", arrival, "receive", units=units, ended_at=now):
        return Refused(reason=_OVER[row.state])
    if left > 0:
        rest = expect(
            session, tenant, row.variant_id, row.location_id, left, due_on=row.due_on, reference=row.reference,
            actor=row.actor,
        )  # fmt: skip
        if not more_comes:
            cancel(session, tenant, rest, now=now)
    said = Said(cause="received", actor=actor, reference=f"arrival/{arrival}")
    return stock_by_hand.receive(session, tenant, (row.variant_id, row.location_id), units, said)


def cancel(session: Session, tenant: int, arrival: int, *, now: datetime) -> Refused | None:
    """Expect it no longer; answers why that could not be."""
    if lifecycle.move(session, tenant, "arrival", arrival, "cancel", ended_at=now):
        return None
    row = session.get_one(Arrival, (tenant, arrival), populate_existing=True)
    return Refused(reason=_OVER[row.state])
