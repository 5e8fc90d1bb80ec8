"""The statements by which orders.inventory takes over a count: levels, and the movements that say why they changed.

What came back from buyers is in the store's count, and is told as returned; the rest of the difference is counted.
Where the units had been counted before anybody told that they came back, the two movements make up for each other: the
number is the count's, always. What is promised stays promised, and what of it was not found is remembered: nobody else
gets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

_COUNTED_BEFORE = "What came back had been counted already, or has left again."


class CameBack(NamedTuple):
    """Units that the store says came back, by their row in `returned_units`."""

    id: int
    variant: int
    place: int


def take(
    session: Session,
    tenant: int,
    levels: Mapping[tuple[int, int], int],
    came_back: Sequence[CameBack],
    *,
    actor: str,
    as_of: datetime | None,
    reason: str,
) -> int:
    """Take a count over where it can be (see inventory.count); answers how many levels changed."""
    counted = {
        "tenant": tenant,
        "variants": [variant for variant, _ in levels],
        "places": [place for _, place in levels],
        "units": list(levels.values()),
        "actor": actor,
        "as_of": as_of,
        "reason": reason,
        "came_back": [one.id for one in came_back],
        "counted_before": _COUNTED_BEFORE,
    }
    session.execute(_BEGIN_LEVELS, counted)
    return int(session.execute(_COUNT, counted).scalar_one())


_COUNTED = """
WITH counted AS (
    SELECT * FROM unnest(cast(:variants AS bigint[]), cast(:places AS bigint[]), cast(:units AS bigint[]))
             AS c (variant_id, location_id, units)
)"""
# A level starts at nothing, in a statement of its own: two counts of a new level at once then meet at one row, and only
# the second sees what the first one wrote, so that the movements still add up to the level.
_BEGIN_LEVELS = text(
    _COUNTED
    + """
INSERT INTO stock_levels (tenant_id, variant_id, location_id)
SELECT :tenant, variant_id, location_id FROM counted ORDER BY variant_id, location_id
ON CONFLICT (tenant_id, variant_id, location_id) DO NOTHING
"""  # nosec B608 # composed of our own constants; every value is bound
)
_COUNT = text(
    _COUNTED
    + """, before AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.on_hand, greatest(counted.units, level.reserved) AS found,
           greatest(level.reserved - counted.units, 0) AS missing
    FROM stock_levels level JOIN counted USING (variant_id, location_id)
    WHERE level.tenant_id = :tenant
      AND NOT EXISTS (SELECT 1 FROM movements m
                      WHERE m.tenant_id = :tenant AND m.variant_id = level.variant_id
                        AND m.location_id = level.location_id AND m.cause IN ('shipped', 'put_back')
                        AND m.at >= cast(:as_of AS timestamptz))
      AND (cast(:as_of AS timestamptz) IS NULL OR NOT EXISTS (
          SELECT 1 FROM reservations r JOIN shipments s ON s.tenant_id = r.tenant_id AND s.id = r.shipment_id
          WHERE r.tenant_id = :tenant AND r.variant_id = level.variant_id AND r.location_id = level.location_id
            AND r.state = 'held' AND s.state IN ('labelled', 'handing_over')))
      AND (cast(:as_of AS timestamptz) IS NULL OR NOT EXISTS (
          SELECT 1 FROM reversals v
          JOIN reversal_steps t ON t.tenant_id = v.tenant_id AND t.reversal_id = v.id
           AND t.kind = 'put_back_stock' AND t.state = 'due'
          JOIN reservations r ON r.tenant_id = v.tenant_id AND r.order_id = v.order_id
           AND t.subject = 'shipment/' || r.shipment_id AND r.state = 'consumed'
          WHERE v.tenant_id = :tenant AND v.state = 'under_way' AND r.variant_id = level.variant_id
            AND r.location_id = level.location_id))
    ORDER BY level.variant_id, level.location_id
    FOR UPDATE OF level
), written AS (
    UPDATE stock_levels level SET on_hand = before.found, missing = before.missing
    FROM before
    WHERE level.tenant_id = :tenant AND level.variant_id = before.variant_id
      AND level.location_id = before.location_id
      AND (before.found <> before.on_hand OR before.missing <> level.missing)
    RETURNING level.variant_id
), came AS (
    UPDATE returned_units r SET counted_at = now()
    FROM before
    WHERE r.tenant_id = :tenant AND r.id = ANY(cast(:came_back AS bigint[])) AND r.counted_at IS NULL
      AND r.variant_id = before.variant_id AND r.location_id = before.location_id
    RETURNING r.id, r.variant_id, r.location_id, r.order_id, r.units
), rest AS (
    SELECT before.variant_id, before.location_id, count(came.id) AS came,
           before.found - before.on_hand - coalesce(sum(came.units), 0) AS change
    FROM before LEFT JOIN came USING (variant_id, location_id)
    GROUP BY before.variant_id, before.location_id, before.found, before.on_hand
), told AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor, reason)
    SELECT :tenant, variant_id, location_id, cause, change, 0, order_id, reference, :actor, why FROM (
        SELECT variant_id, location_id, 'returned' AS cause, units AS change, order_id, 'return/' || id AS reference,
               :reason AS why, id AS place FROM came
        UNION ALL
        SELECT variant_id, location_id, 'counted', change, NULL, '',
               CASE WHEN came > 0 AND change < 0 THEN :counted_before ELSE :reason END, NULL
        FROM rest WHERE change <> 0) AS said
    ORDER BY variant_id, location_id, place NULLS LAST
)
SELECT count(*) FROM written
"""  # nosec B608 # composed of our own constants; every value is bound
)
