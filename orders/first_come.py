"""Says which units belong to orders that have waited longer: first come, first served, also where all look at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from orders import inventory
from orders.routing.question import Want
from records.stock import Location


def spoken_for(session: Session, tenant: int, order: int, wants: Sequence[Want]) -> dict[tuple[int, int], int]:
    """Units, by (variant, location), that orders are about to take which have waited longer than this one.

    Those are orders that are held for stock and whose turn to look again has come. Who looked and could not take what
    is there stands in nobody's way: units do not lie still for an order that may wait for months.
    """
    variants = sorted({variant for want in wants for variant, _ in want.taken()})
    rows = session.execute(_WANTED, {"tenant": tenant, "order": order, "variants": variants})
    wanted = {row.variant_id: int(row.units) for row in rows}
    if not wanted:
        return {}
    places = session.scalars(select(Location.id).where(Location.tenant_id == tenant, Location.ships)).all()
    return spread(wanted, inventory.available(session, tenant, wanted, places))


def spread(wanted: Mapping[int, int], free: Mapping[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Where units of each variant would be taken: from the fullest shelf first, as nobody has chosen yet. Pure."""
    left = dict(wanted)
    taken = {}
    for (variant, place), units in sorted(free.items(), key=lambda one: (-one[1], one[0])):
        take = min(max(units, 0), left.get(variant, 0))
        if take:
            taken[variant, place] = take
            left[variant] -= take
    return taken


# The bell of an order that waits is rung when stock lands; what is due a little later only waits for its turn.
_WANTED = text("""
WITH older AS MATERIALIZED (
    SELECT h.order_id FROM holds h
    JOIN jobs j ON j.tenant_id = :tenant AND j.subject = 'order/' || h.order_id AND j.kind = 'reserve_stock'
               AND j.state IN ('due', 'running') AND j.due_at < now() + interval '10 seconds'
    WHERE h.tenant_id = :tenant AND h.kind = 'stock' AND h.state = 'open' AND h.order_id <> :order
      AND h.id < coalesce((SELECT mine.id FROM holds mine WHERE mine.tenant_id = :tenant AND mine.order_id = :order
                           AND mine.kind = 'stock' AND mine.state = 'open'), h.id + 1)
), lines AS (
    SELECT l.variant_id, l.variant_remote_id, o.connection_id, l.to_ship - coalesce((
               SELECT sum(inside.units) FROM shipments s
               JOIN shipment_lines inside ON inside.tenant_id = :tenant AND inside.shipment_id = s.id
                                         AND inside.line_id = l.id
               WHERE s.tenant_id = :tenant AND s.order_id = o.id AND s.state <> 'cancelled'), 0) AS units
    FROM older
    JOIN orders o ON o.tenant_id = :tenant AND o.id = older.order_id
    JOIN order_lines l ON l.tenant_id = :tenant AND l.order_id = o.id
)
SELECT coalesce(part.part_id, lines.variant_id) AS variant_id, sum(lines.units * coalesce(part.units, 1)) AS units
FROM lines
LEFT JOIN variants sold ON sold.tenant_id = :tenant AND sold.connection_id = lines.connection_id
                       AND sold.remote_id = lines.variant_remote_id
LEFT JOIN bundle_parts part ON part.tenant_id = :tenant AND part.bundle_id = sold.id
WHERE lines.units > 0 AND coalesce(part.part_id, lines.variant_id) = ANY(:variants)
GROUP BY 1 ORDER BY 1
""")
