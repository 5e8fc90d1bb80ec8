"""Counts out what a store has no more: a thing, a place, or a thing at a place. What was promised of it is told.

The units that orders hold there stay theirs, because whether they are still on the shelf only a person can see: each
such order gets a hold that says what is gone and what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from orders import holds, store_counts
from orders.holds import Problem
from orders.store_counts import Place, Units
from records.stock import Location, Variant

log = structlog.get_logger(__name__)

HOLD = "stock_gone"
GOODS_GONE = "the store sells this no more"
PLACE_GONE = "the store has closed this location"
NOT_THERE = "the store keeps this at this location no more"


@dataclass(frozen=True, kw_only=True)
class Promised:
    """Units that an order holds of one thing at one place."""

    order: int
    units: int
    what: str
    where: str


def problem(promised: Iterable[Promised], why: str) -> Problem:
    """What an order's people are told. Pure."""
    named = ", ".join(f"{one.units} × {one.what} at {one.where}" for one in promised)
    return Problem(
        kind=HOLD,
        reason=f"Units that are promised to this order are counted nowhere any more ({named}): {why}.",
        remedy="Look whether they are still on the shelf. If so, release the hold and they ship; if not, cancel them.",
    )


def of_goods(session: Session, tenant: int, connection: str, remote_ids: Collection[str], *, as_of: datetime) -> int:
    """Count out variants, named by their own id or by that of their stock, that the store has no more."""
    variants = variants_named(session, tenant, connection, remote_ids)
    levels = _standing(session, tenant, variants=variants) if variants else set()
    return count_out(session, tenant, levels, GOODS_GONE, as_of=as_of)


def variants_named(session: Session, tenant: int, connection: str, remote_ids: Collection[str]) -> list[int]:
    """The variants that are known by these ids, their own or those of their stock."""
    named = select(Variant.id).where(
        Variant.tenant_id == tenant,
        Variant.connection_id == connection,
        Variant.remote_id.in_(remote_ids) | Variant.inventory_remote_id.in_(remote_ids),
    )
    return list(session.scalars(named))


def close_places(session: Session, tenant: int, connection: str, there: Collection[str], *, as_of: datetime) -> int:
    """Ship from no location that the store does not have open, and count out what lies there; answers how many levels.

    A store without any location is no answer: then nothing is closed.
    """
    if not there:
        return 0
    closing = (
        update(Location)
        .where(
            Location.tenant_id == tenant, Location.connection_id == connection, Location.remote_id.not_in(list(there))
        )
        .values(ships=False)
        .returning(Location.id)
    )
    closed = list(session.scalars(closing))
    levels = _standing(session, tenant, places=closed) if closed else set()
    return count_out(session, tenant, levels, PLACE_GONE, as_of=as_of)


def elsewhere(session: Session, tenant: int, connection: str, variants: Collection[int]) -> set[Place]:
    """Where our records have units of these variants, at the places of one store."""
    return _standing(session, tenant, variants=list(variants), connection=connection)


def count_out(session: Session, tenant: int, levels: Collection[Place], why: str, *, as_of: datetime | None) -> int:
    """Set levels to nothing with the reason, but for what is promised; answers how many numbers changed."""
    if not levels:
        return 0
    taken = store_counts.take_over(
        session, tenant, dict.fromkeys(levels, Units()), actor="packline", as_of=as_of, reason=why
    )
    for order, promised in _promised(session, tenant, levels).items():
        found = [problem(promised, why)]
        holds.settle(session, tenant, order, found, looked_for=(), by="packline", now=datetime.now(UTC))
    if taken.changed:
        log.info("stock counted out", levels=len(levels), changed=taken.changed, why=why)
    return taken.changed


def _standing(
    session: Session,
    tenant: int,
    *,
    variants: Collection[int] | None = None,
    places: Collection[int] | None = None,
    connection: str | None = None,
) -> set[Place]:
    asked = {"tenant": tenant, "variants": variants, "places": places, "connection": connection}
    return {(row.variant_id, row.location_id) for row in session.execute(_STANDING, asked)}


_STANDING = text("""
SELECT level.variant_id, level.location_id FROM stock_levels level
JOIN locations place ON place.tenant_id = level.tenant_id AND place.id = level.location_id
WHERE level.tenant_id = :tenant AND (level.on_hand > 0 OR level.damaged > 0 OR level.safety > 0)
  AND (cast(:variants AS bigint[]) IS NULL OR level.variant_id = ANY(cast(:variants AS bigint[])))
  AND (cast(:places AS bigint[]) IS NULL OR level.location_id = ANY(cast(:places AS bigint[])))
  AND (cast(:connection AS text) IS NULL OR place.connection_id = cast(:connection AS text))
""")


def _promised(session: Session, tenant: int, levels: Collection[Place]) -> dict[int, list[Promised]]:
    asked = {
        "tenant": tenant,
        "variants": [variant for variant, _ in levels],
        "places": [place for _, place in levels],
    }
    found: dict[int, list[Promised]] = {}
    for row in session.execute(_PROMISED, asked):
        one = Promised(order=row.order_id, units=int(row.units), what=row.what, where=row.name)
        found.setdefault(row.order_id, []).append(one)
    return found


_PROMISED = text("""
SELECT r.order_id, sum(r.units) AS units, coalesce(nullif(v.sku, ''), v.title) AS what, place.name
FROM unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
JOIN reservations r ON r.tenant_id = :tenant AND r.variant_id = c.variant_id AND r.location_id = c.location_id
 AND r.state = 'held'
JOIN variants v ON v.tenant_id = :tenant AND v.id = r.variant_id
JOIN locations place ON place.tenant_id = :tenant AND place.id = r.location_id
GROUP BY r.order_id, v.id, v.sku, v.title, place.id, place.name
ORDER BY r.order_id, v.id, place.id
""")
