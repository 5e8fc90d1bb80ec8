"""Says what fell below its reorder point, or lies there in excess, since the merchant was last told; each once.

A thing is told once at each location until it has recovered, and then anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from orders import lifecycle, what_to_order
from orders.what_to_order import Row, Wish
from records import replenishing
from records.replenishing import StockAlert, StockLetter

Alert = tuple[int, int, str]
"""A variant, a location, and `low` or `over`."""

KINDS = ("low", "over")
# A clock that is started anew looks at once: what it finds is kept for the next day's letter.
_A_DAY = timedelta(hours=20)


def news(now: Collection[Alert], told: Collection[Alert]) -> tuple[list[Alert], list[Alert]]:
    """What is to be told, in the order of `now`, and what has recovered since it was. Pure."""
    known, standing = set(told), set(now)
    return [one for one in now if one not in known], sorted(known - standing)


def standing(session: Session, tenant: int, *, today: date) -> dict[Alert, Row]:
    """Everything that is low or in excess today, the most pressing of each kind first."""
    return {
        (row.variant, row.location, kind): row
        for kind in KINDS
        for row in what_to_order.every(session, tenant, Wish(show=kind), today=today)
    }


def due(session: Session, tenant: int, *, now: datetime) -> StockLetter | None:
    """The letter that is to be sent: one that was begun, or one of what is new; None where there is nothing to say."""
    begun = replenishing.last_letter(session, tenant)
    if begun is not None and begun.state == "due":
        return begun
    if begun is not None and now - begun.created_at < _A_DAY:
        return None
    found = standing(session, tenant, today=now.date())
    fresh, recovered = news(list(found), _told(session, tenant))
    _forget(session, tenant, recovered)
    return _write(session, tenant, fresh, now) if fresh else None


def rows_of(session: Session, tenant: int, letter: StockLetter, *, today: date) -> Mapping[Alert, Row]:
    """What a letter is about, as it stands now; without what has recovered since it was begun."""
    listed = {(variant, location, kind) for variant, location, kind in letter.listed}
    return {alert: row for alert, row in standing(session, tenant, today=today).items() if alert in listed}


def end(session: Session, letter: StockLetter, by: str, *, now: datetime, told: bool, **also: str) -> None:
    """Write how a letter ended. What was certainly not told by it is told by the next one."""
    if lifecycle.move(session, letter.tenant_id, "stock_letter", letter.id, by, ended_at=now, **also) and not told:
        session.execute(
            delete(StockAlert).where(StockAlert.tenant_id == letter.tenant_id, StockAlert.letter_id == letter.id)
        )


def forget_all(session: Session, tenant: int) -> None:
    """Nobody is to be told any more: who is later is told of everything."""
    session.execute(delete(StockAlert).where(StockAlert.tenant_id == tenant))


def _told(session: Session, tenant: int) -> list[Alert]:
    asked = select(StockAlert.variant_id, StockAlert.location_id, StockAlert.kind)
    return [(row[0], row[1], row[2]) for row in session.execute(asked.where(StockAlert.tenant_id == tenant))]


def _forget(session: Session, tenant: int, alerts: Collection[Alert]) -> None:
    if alerts:
        key = tuple_(StockAlert.variant_id, StockAlert.location_id, StockAlert.kind)
        session.execute(delete(StockAlert).where(StockAlert.tenant_id == tenant, key.in_(alerts)))


def _write(session: Session, tenant: int, fresh: Collection[Alert], now: datetime) -> StockLetter:
    letter = StockLetter(tenant_id=tenant, listed=[list(one) for one in fresh], created_at=now)
    session.add(letter)
    session.flush()
    session.execute(
        insert(StockAlert),
        [
            {"tenant_id": tenant, "variant_id": variant, "location_id": location, "kind": kind, "letter_id": letter.id}
            for variant, location, kind in fresh
        ],
    )
    return letter
