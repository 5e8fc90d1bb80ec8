"""Takes over what a store counts, with what a person changed here put on top that the store is yet to be told of.

The store's number counts (docs/adr/0029-stock-on-both-sides.md); only what a person counted here, and the store is yet
to be told of, stands against it. A level of which nobody knows whether the store has
been told of a change is left for the next count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from integrations.nouns import StockReading, StoreLevel
from orders import coming_back, inventory

Place = tuple[int, int]
"""A variant and a location."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units of one variant at one location, by what can be done with them; `on_hand` has them all."""

    on_hand: int = 0
    damaged: int = 0
    safety: int = 0

    def and_also(self, more: Units) -> Units:
        """Both together, and no less than nothing."""
        return Units(
            on_hand=max(0, self.on_hand + more.on_hand),
            damaged=max(0, self.damaged + more.damaged),
            safety=max(0, self.safety + more.safety),
        )


@dataclass(frozen=True, kw_only=True)
class Untold:
    """What was changed here and the store was not told of; `in_doubt` where it may have been."""

    units: Units
    promised: int = 0
    """Units more that orders hold without the store's having sold them."""
    in_doubt: bool = False
    counted: bool = False
    """A person counted what is on hand: then ours, with what changed since, is the number."""


@dataclass(frozen=True, kw_only=True)
class TakenOver:
    """What came of a count: how many numbers changed, and what each level was to be that was not left."""

    changed: int
    wanted: Mapping[Place, Units]


def units_of(counted: StoreLevel | StockReading) -> Units:
    return Units(on_hand=counted.on_hand, damaged=counted.damaged, safety=counted.safety).and_also(Units())


def take_over(
    session: Session,
    tenant: int,
    counts: Mapping[Place, Units],
    *,
    actor: str,
    as_of: datetime | None = None,
    reason: str = "",
) -> TakenOver:
    """Set levels to what the store counts; `as_of` is when the counting began (see inventory.count)."""
    if not counts:
        return TakenOver(changed=0, wanted={})
    ours_now = {(row.variant_id, row.location_id): row.on_hand for row in session.execute(_LOCK, _keys(tenant, counts))}
    waiting = untold(session, tenant, counts)
    ours = _promised(session, tenant, counts)
    wanted = {
        place: units.and_also(here.units).and_also(Units(safety=here.promised - ours.get(place, 0)))
        for place, units in counts.items()
        if not (here := waiting.get(place, _NOTHING)).in_doubt
    }
    for place, units in wanted.items():
        if waiting.get(place, _NOTHING).counted:
            wanted[place] = replace(units, on_hand=ours_now[place])
    on_hand = {place: units.on_hand for place, units in wanted.items()}
    sure = [place for place in wanted if not waiting.get(place, _NOTHING).counted]
    came_back = coming_back.waiting(session, tenant, sure, heard_before=as_of)
    changed = 0
    if wanted:
        changed = inventory.count(
            session, tenant, on_hand, actor=actor, as_of=as_of, reason=reason, came_back=came_back
        )
    return TakenOver(changed=changed + _set_aside(session, tenant, wanted, actor, reason), wanted=wanted)


def lock(session: Session, tenant: int, *, variants: Iterable[int] = (), places: Iterable[int] = ()) -> None:
    """Lock every level of these variants, and of these locations: who is about to change some of them after others.

    Whoever locks many levels does so in one order, and so waits for others without their waiting for it.
    """
    session.execute(_LOCK_ALL, {"tenant": tenant, "variants": list(variants), "places": list(places)})


_LOCK_ALL = text("""
WITH asked AS MATERIALIZED (
    SELECT variant_id, location_id FROM stock_levels
    WHERE tenant_id = :tenant AND variant_id = ANY(cast(:variants AS bigint[]))
    UNION
    SELECT variant_id, location_id FROM stock_levels
    WHERE cardinality(cast(:places AS bigint[])) > 0
      AND tenant_id = :tenant AND location_id = ANY(cast(:places AS bigint[]))
)
SELECT 1 FROM stock_levels level JOIN asked USING (variant_id, location_id)
WHERE level.tenant_id = :tenant ORDER BY level.variant_id, level.location_id FOR UPDATE OF level
""")
_NOTHING = Untold(units=Units())


def _promised(session: Session, tenant: int, places: Collection[Place]) -> dict[Place, int]:
    """Units that our orders hold and the store has not sold. Once it was told, it keeps them for us."""
    rows = session.execute(_UNSOLD_HELD, _keys(tenant, places))
    return {(row.variant_id, row.location_id): int(row.units) for row in rows}


_UNSOLD_HELD = text("""
SELECT r.variant_id, r.location_id, sum(r.units) AS units
FROM reservations r
JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
     USING (variant_id, location_id)
WHERE r.tenant_id = :tenant AND r.unsold AND r.state = 'held'
GROUP BY r.variant_id, r.location_id
""")
# Whoever changes a level by hand waits here, or we for them: then the sum of what is untold is true until we end.
_LOCK = text("""
SELECT level.variant_id, level.location_id, level.on_hand FROM stock_levels level
JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
     USING (variant_id, location_id)
WHERE level.tenant_id = :tenant ORDER BY level.variant_id, level.location_id FOR UPDATE OF level
""")


def untold(session: Session, tenant: int, places: Collection[Place]) -> dict[Place, Untold]:
    """What the store is still to be told of these levels: while there is a job that tells it, and no longer."""
    rows = session.execute(_UNTOLD, _keys(tenant, places))
    return {
        (row.variant_id, row.location_id): Untold(
            units=Units(on_hand=int(row.on_hand), damaged=int(row.damaged), safety=int(row.safety)),
            promised=int(row.promised),
            in_doubt=row.in_doubt,
            counted=row.counted,
        )
        for row in rows
    }


_UNTOLD = text("""
WITH telling AS MATERIALIZED (
    SELECT subject FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'due'
    UNION SELECT subject FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'running'
)
SELECT m.variant_id, m.location_id, sum(m.on_hand_change) AS on_hand, sum(m.damaged_change) AS damaged,
       sum(m.safety_change) AS safety,
       sum(CASE WHEN m.reference IN ('bundle', 'elsewhere') THEN m.reserved_change ELSE 0 END) AS promised,
       bool_or(m.cause = 'counted') AS counted,
       bool_or(EXISTS (
           SELECT 1 FROM intentions i
           WHERE i.tenant_id = :tenant AND i.kind = 'tell_stock' AND i.subject = telling.subject)) AS in_doubt
FROM telling JOIN movements m ON m.tenant_id = :tenant AND m.id = cast(split_part(telling.subject, '/', 2) AS bigint)
JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
     USING (variant_id, location_id)
GROUP BY m.variant_id, m.location_id
""")


def yet_to_be_told(session: Session, tenant: int, places: Collection[Place]) -> set[Place]:
    """The levels of which the store is to be told something, though the job may wait for a person."""
    if not places:
        return set()
    rows = session.execute(_YET_TO_BE_TOLD, _keys(tenant, places))
    return {(row.variant_id, row.location_id) for row in rows}


_YET_TO_BE_TOLD = text("""
WITH telling AS MATERIALIZED (
    SELECT subject FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'due'
    UNION SELECT subject FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'running'
    UNION SELECT subject FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'parked'
)
SELECT DISTINCT m.variant_id, m.location_id
FROM telling JOIN movements m ON m.tenant_id = :tenant AND m.id = cast(split_part(telling.subject, '/', 2) AS bigint)
JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS c (variant_id, location_id)
     USING (variant_id, location_id)
""")


def _set_aside(session: Session, tenant: int, wanted: Mapping[Place, Units], actor: str, reason: str) -> int:
    """Take over what cannot be sold and what is kept; answers how many levels that changed."""
    counted = _keys(tenant, wanted) | {
        "damaged": [units.damaged for units in wanted.values()],
        "safety": [units.safety for units in wanted.values()],
        "actor": actor,
        "reason": reason,
    }
    return int(session.execute(_SET_ASIDE, counted).scalar_one())


_SET_ASIDE = text("""
WITH before AS MATERIALIZED (
    SELECT variant_id, location_id, c.damaged - level.damaged AS damaged, c.safety - level.safety AS safety
    FROM stock_levels level
    JOIN unnest(cast(:variants AS bigint[]), cast(:places AS bigint[]), cast(:damaged AS bigint[]),
                cast(:safety AS bigint[])) AS c (variant_id, location_id, damaged, safety)
         USING (variant_id, location_id)
    WHERE level.tenant_id = :tenant AND (c.damaged <> level.damaged OR c.safety <> level.safety)
), written AS (
    UPDATE stock_levels level SET damaged = level.damaged + before.damaged, safety = level.safety + before.safety
    FROM before
    WHERE level.tenant_id = :tenant AND level.variant_id = before.variant_id
      AND level.location_id = before.location_id
), told AS (
    INSERT INTO movements (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, damaged_change,
                           safety_change, actor, reason)
    SELECT :tenant, variant_id, location_id, 'counted', 0, 0, damaged, safety, :actor, :reason FROM before
    RETURNING 1
)
SELECT count(*) FROM told
""")


def _keys(tenant: int, places: Collection[Place]) -> dict[str, object]:
    return {
        "tenant": tenant,
        "variants": [variant for variant, _ in places],
        "places": [location for _, location in places],
    }
