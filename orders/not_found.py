"""Holds orders for units that a count did not find: the youngest, until what they hold makes up for what is missing.

What is promised stays promised (orders/taking_counts.py), as only a person can see what is on the shelf. Who came first
gets what was counted, and leaves; for the others no label is bought until the rest is found, or is wanted no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from orders import gone_stock, holds
from orders.holds import Problem
from orders.store_counts import Place
from records.orders import Hold

HOLD = "not_found"
_REMEDY = (
    "Look on the shelf. If they are there, count them or release this hold, and they ship; if not, say of the shipment "
    "that its location cannot send it, and it leaves from somewhere else, or cancel them. It goes on by itself once a "
    "count finds them, or an order that came before does without its own."
)


@dataclass(frozen=True, kw_only=True)
class Promised:
    """Units that an order holds of one thing at one place, where a count did not find all that is promised."""

    order: int
    level: Place
    missing: int
    units: int
    unlabelled: int
    kept: int
    """Of no shipment yet (orders/rest.py, or sent instead of something else): its next look takes them anew, or not."""
    what: str
    where: str


def who_waits(missing: int, unlabelled: Mapping[int, int]) -> frozenset[int]:
    """The orders that wait, the youngest first, until their units make up for those that are missing. Pure."""
    waiting = set()
    for order in sorted(unlabelled, reverse=True):
        if missing > 0 and unlabelled[order]:
            waiting.add(order)
            missing -= unlabelled[order]
    return frozenset(waiting)


def problem(promised: Sequence[Promised]) -> Problem:
    """What an order's people are told. Pure."""
    named = ", ".join(f"{one.units} × {one.what} at {one.where}" for one in promised if one.units)
    return Problem(
        kind=HOLD,
        reason=f"A count did not find all that orders were promised, and this one is among the last of them ({named}): "
        "no label is bought for it, as its units may not be there.",
        remedy=_REMEDY,
    )


def note(session: Session, tenant: int, levels: Collection[Place]) -> frozenset[int]:
    """Hold who has to wait for units at these levels, whose rows are locked; answers those orders.

    Nobody is let go by it: each order looks for itself (`let_go`), as it may wait for units at other levels, too.
    """
    short = _short(session, tenant, levels)
    found = _promised(session, tenant, short) if short else {}
    sure = _sure(session, tenant, found)
    waiting = {order for level in short for order in _waiting_at(level, found, sure)}
    for order in sorted(waiting):
        holds.place(session, tenant, order, problem(found[order]), by="packline")
    return frozenset(waiting)


def let_go(session: Session, tenant: int, order: int, *, now: datetime) -> bool:
    """End this hold of an order that has to wait no more; answers whether it did. Locks the levels that it holds."""
    levels = [(row.variant_id, row.location_id) for row in session.execute(_LOCK, {"tenant": tenant, "order": order})]
    if order in note(session, tenant, levels):
        return False
    return holds.release(session, tenant, order, HOLD, by="packline", now=now)


_LOCK = text("""
SELECT variant_id, location_id FROM stock_levels
WHERE tenant_id = :tenant AND (variant_id, location_id) IN (
    SELECT variant_id, location_id FROM reservations
    WHERE tenant_id = :tenant AND order_id = :order AND state = 'held')
ORDER BY variant_id, location_id FOR UPDATE
""")


def _waiting_at(level: Place, found: Mapping[int, Sequence[Promised]], sure: Collection[int]) -> frozenset[int]:
    """Who waits for units of one level. What a person answers for, or is asked about, counts as made up for."""
    there = [one for promised in found.values() for one in promised if one.level == level]
    missing = max((one.missing for one in there), default=0)
    missing -= sum(one.kept + (one.units if one.order in sure else 0) for one in there)
    return who_waits(missing, {one.order: one.unlabelled for one in there if one.order not in sure})


def _sure(session: Session, tenant: int, found: Mapping[int, Sequence[Promised]]) -> frozenset[int]:
    """The orders whose units a person has said to be there, or is asked about as the store keeps none there."""
    rows = session.scalars(
        select(Hold).where(
            Hold.tenant_id == tenant,
            Hold.order_id.in_(found),
            Hold.kind.in_([HOLD, gone_stock.HOLD]),
            or_(Hold.released_by.startswith("person:"), Hold.kind == gone_stock.HOLD),
        )
    )
    return frozenset(
        row.order_id
        for row in (rows if found else ())
        if row.kind == gone_stock.HOLD or row.reason == problem(found[row.order_id]).reason
    )


def _short(session: Session, tenant: int, levels: Collection[Place]) -> list[Place]:
    rows = session.execute(_SHORT, _keys(tenant, levels))
    return [(row.variant_id, row.location_id) for row in rows]


# Asked for at every reading of the store's goods, and empty nearly always: whose units they are is another question.
_SHORT = text("""
SELECT variant_id, location_id FROM stock_levels level
JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
     USING (variant_id, location_id)
WHERE level.tenant_id = :tenant AND level.missing > 0
""")


def _promised(session: Session, tenant: int, levels: Collection[Place]) -> dict[int, list[Promised]]:
    """By order, what is promised at these levels, and wherever else units are missing that the same orders hold."""
    found: dict[int, list[Promised]] = defaultdict(list)
    for row in session.execute(_PROMISED, _keys(tenant, levels)):
        found[row.order_id].append(
            Promised(
                order=row.order_id, level=(row.variant_id, row.location_id), missing=row.missing,
                units=int(row.units), unlabelled=int(row.unlabelled), kept=int(row.kept),
                what=row.what, where=row.name,
            )
        )  # fmt: skip
    return dict(found)


_PROMISED = text("""
WITH holders AS (
    SELECT DISTINCT r.order_id FROM reservations r
    JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
         USING (variant_id, location_id)
    WHERE r.tenant_id = :tenant AND r.state = 'held'
)
SELECT r.order_id, r.variant_id, r.location_id, level.missing,
       coalesce(sum(r.units) FILTER (WHERE s.id IS NOT NULL), 0) AS units,
       coalesce(sum(r.units) FILTER (WHERE s.state = 'planned'), 0) AS unlabelled,
       coalesce(sum(r.units) FILTER (WHERE s.id IS NULL), 0) AS kept,
       coalesce(nullif(v.sku, ''), v.title) AS what, place.name
FROM holders
JOIN reservations r ON r.tenant_id = :tenant AND r.order_id = holders.order_id AND r.state = 'held'
JOIN stock_levels level ON level.tenant_id = :tenant AND level.variant_id = r.variant_id
                       AND level.location_id = r.location_id AND level.missing > 0
JOIN variants v ON v.tenant_id = :tenant AND v.id = r.variant_id
JOIN locations place ON place.tenant_id = :tenant AND place.id = r.location_id
LEFT JOIN shipments s ON s.tenant_id = :tenant AND s.id = r.shipment_id
GROUP BY r.order_id, r.variant_id, r.location_id, level.missing, v.sku, v.title, place.name
ORDER BY r.order_id, r.variant_id, r.location_id
""")


def _keys(tenant: int, levels: Collection[Place]) -> dict[str, object]:
    return {
        "tenant": tenant,
        "variants": [variant for variant, _ in levels],
        "places": [place for _, place in levels],
    }
