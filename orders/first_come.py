"""Says which units belong to orders that have waited longer: first come, first served, also where all look at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import inventory, lacking
from orders.routing.question import Want

Level = tuple[int, int]
"""A variant and a location."""


def spoken_for(session: Session, tenant: int, order: int, wants: Sequence[Want]) -> dict[Level, int]:
    """Units, by (variant, location), that orders are about to take which have waited longer than this one.

    Those are orders that are held for stock, or not split further, and whose turn to look again has come. Who looked
    and could not take what is there stands in nobody's way: units do not lie still for an order that may wait for
    months.
    """
    variants = sorted({variant for want in wants for variant, _ in want.taken()})
    rows = session.execute(_WANTED, {"tenant": tenant, "order": order, "variants": variants})
    wanted: dict[int, int] = {}
    there: dict[Level, int] = {}
    for row in rows:
        if row.location_id is None:
            wanted[row.variant_id] = int(row.units)
        else:
            there[row.variant_id, row.location_id] = int(row.units)
    if not wanted:
        return {}
    return spread(wanted, inventory.free_to_ship(session, tenant, wanted), there)


def spread(
    wanted: Mapping[int, int], free: Mapping[Level, int], there: Mapping[Level, int] = MappingProxyType({})
) -> dict[Level, int]:
    """Where units of each variant would be taken. Pure.

    Those of `wanted` that buyers come for are taken where they do (`there`), or not at all; the rest from the fullest
    shelf first, as nobody has chosen yet.
    """
    rest, left = Counter(wanted), Counter({level: max(units, 0) for level, units in free.items()})
    taken: Counter[Level] = Counter()
    for (variant, place), units in there.items():
        take = min(units, left[variant, place])
        taken[variant, place] += take
        left[variant, place] -= take
        rest[variant] -= units
    for (variant, place), units in sorted(left.items(), key=lambda one: (-one[1], one[0])):
        take = min(units, max(rest[variant], 0))
        taken[variant, place] += take
        rest[variant] -= take
    return dict(+taken)


# The bell of an order that waits is rung when stock lands; what is due a little later only waits for its turn.
_WANTED = text(
    """
WITH waiting AS MATERIALIZED (
    SELECT h.order_id FROM (
        SELECT order_id, min(id) AS id FROM holds
        WHERE tenant_id = :tenant AND kind IN ('stock', 'not_split') AND state = 'open' GROUP BY order_id) h
    JOIN jobs j ON j.tenant_id = :tenant AND j.subject = 'order/' || h.order_id AND j.kind = 'reserve_stock'
               AND j.state IN ('due', 'running') AND j.due_at < now() + interval '10 seconds'
    WHERE h.order_id <> :order
      AND h.id < coalesce((SELECT min(mine.id) FROM holds mine WHERE mine.tenant_id = :tenant
                           AND mine.order_id = :order AND mine.kind IN ('stock', 'not_split')
                           AND mine.state = 'open'), h.id + 1)
), lacking AS ("""  # nosec B608 # composed of our own constants; every value is bound
    + lacking.BY_VARIANT
    + """), to_be_put_aside AS ("""
    + lacking.BY_LEVEL
    + """)
SELECT variant_id, NULL AS location_id, units FROM lacking WHERE variant_id = ANY(:variants)
UNION ALL
SELECT variant_id, location_id, units FROM to_be_put_aside WHERE variant_id = ANY(:variants)
ORDER BY variant_id, location_id
"""  # nosec B608 # composed of our own constants; every value is bound
)
