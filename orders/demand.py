"""Keeps what orders wanted of each thing, day by day and by location, and reads it as weeks.

Demand is what was ordered, on the day (UTC) it was ordered, whether it could be sent or not: what is reserved or has
left counts where it lies or lay, what lies nowhere counts at the location that catches it. Units that were cancelled
before they left are none, and neither are test orders. What came back after it had left was wanted all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from records.orders import Order
from records.replenishing import DemandDay

# Two years: a season that comes back is seen twice, and whole weeks are counted.
MOST_WEEKS = 104

Level = tuple[int, int]
"""A variant at a location."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Units of whole weeks, oldest first; `begins` is the Monday of the first."""

    begins: date
    weeks: tuple[int, ...]


def bring_up(session: Session, tenant: int, *, today: date) -> None:
    """Make the kept days, and the list of what is forecast, what orders and stock say now. Twice changes nothing."""
    told = {"tenant": tenant, "since": _monday(today) - timedelta(weeks=MOST_WEEKS), "until": today}
    session.execute(_BRING_UP, told)
    session.execute(_LIST, told)


# Who catches what lies nowhere: the location that has placed the most of it, else the one where the most of it lies.
_CATCHERS = """WITH catchers AS MATERIALIZED (
    SELECT DISTINCT ON (variant_id) variant_id, location_id FROM (
        SELECT r.variant_id, r.location_id, 1 AS here, sum(r.units) AS units FROM reservations r
        WHERE r.tenant_id = :tenant AND r.state IN ('held', 'consumed') AND r.created_at >= :since
        GROUP BY r.variant_id, r.location_id
        UNION ALL
        SELECT variant_id, location_id, 0, on_hand FROM stock_levels WHERE tenant_id = :tenant
    ) known ORDER BY variant_id, here DESC, units DESC, location_id
)"""
# A bundle is demand for what it is made of. A line of which other things were reserved, such as what its bundle was
# made of then, wants nothing besides them.
_BRING_UP = text(
    _CATCHERS
    + """, lines AS MATERIALIZED (
    SELECT l.id, coalesce(l.variant_id, sold.id) AS variant_id, l.units,
           (o.placed_at AT TIME ZONE 'UTC')::date AS day, o.state NOT IN ('cancelling', 'cancelled') AS lives
    FROM orders o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
    -- What the store does not count, as it does no bundle, stands on its line by the store's own name only.
    LEFT JOIN variants sold ON sold.tenant_id = o.tenant_id AND sold.connection_id = o.connection_id
                           AND sold.remote_id = l.variant_remote_id
    WHERE o.tenant_id = :tenant AND NOT o.test AND o.placed_at >= :since AND o.placed_at < :until
), placed AS MATERIALIZED (
    SELECT r.line_id, r.variant_id, r.location_id, lines.day, sum(r.units) AS units
    FROM reservations r JOIN lines ON lines.id = r.line_id
    WHERE r.tenant_id = :tenant AND r.state IN ('held', 'consumed')
    GROUP BY r.line_id, r.variant_id, r.location_id, lines.day
), things AS (
    SELECT lines.id, lines.day, coalesce(part.part_id, lines.variant_id) AS variant_id,
           lines.units * coalesce(part.units, 1) AS units,
           array_agg(coalesce(part.part_id, lines.variant_id)) OVER (PARTITION BY lines.id) AS all_of_line
    FROM lines LEFT JOIN bundle_parts part ON part.tenant_id = :tenant AND part.bundle_id = lines.variant_id
    WHERE lines.lives
), by_thing AS (
    SELECT line_id, variant_id, sum(units) AS units FROM placed GROUP BY line_id, variant_id
), by_line AS (
    SELECT line_id, array_agg(variant_id) AS variants FROM by_thing GROUP BY line_id
), nowhere AS (
    SELECT things.variant_id, catchers.location_id, things.day, things.units - coalesce(by_thing.units, 0) AS units
    FROM things JOIN catchers USING (variant_id)
    LEFT JOIN by_thing ON (by_thing.line_id, by_thing.variant_id) = (things.id, things.variant_id)
    LEFT JOIN by_line ON by_line.line_id = things.id
    WHERE things.units > coalesce(by_thing.units, 0)
      AND (by_line.variants IS NULL OR by_line.variants <@ things.all_of_line)
), wanted AS MATERIALIZED (
    SELECT found.variant_id, found.location_id, found.day, sum(found.units) AS units
    FROM (SELECT variant_id, location_id, day, units FROM placed UNION ALL SELECT * FROM nowhere) found
    JOIN variants v ON v.tenant_id = :tenant AND v.id = found.variant_id AND v.tracked
    GROUP BY 1, 2, 3
), gone AS (
    DELETE FROM demand_days kept WHERE kept.tenant_id = :tenant AND NOT EXISTS (
        SELECT 1 FROM wanted WHERE (wanted.variant_id, wanted.location_id, wanted.day)
                                 = (kept.variant_id, kept.location_id, kept.day))
)
INSERT INTO demand_days (tenant_id, variant_id, location_id, day, units)
SELECT :tenant, variant_id, location_id, day, units FROM wanted ORDER BY variant_id, location_id, day
ON CONFLICT (tenant_id, variant_id, location_id, day) DO UPDATE SET units = excluded.units
WHERE demand_days.units <> excluded.units
"""  # nosec B608 # composed of our own constants; every value is bound
)
_LIST = text(
    _CATCHERS
    + """, listed AS MATERIALIZED (
    SELECT DISTINCT variant_id, location_id FROM demand_days WHERE tenant_id = :tenant
    UNION
    SELECT level.variant_id, level.location_id FROM stock_levels level
    JOIN variants v ON v.tenant_id = :tenant AND v.id = level.variant_id AND v.tracked
    WHERE level.tenant_id = :tenant AND level.on_hand > 0
), gone AS (
    DELETE FROM forecasts kept WHERE kept.tenant_id = :tenant AND NOT EXISTS (
        SELECT 1 FROM listed WHERE (listed.variant_id, listed.location_id) = (kept.variant_id, kept.location_id))
)
INSERT INTO forecasts (tenant_id, variant_id, location_id, catches)
SELECT :tenant, listed.variant_id, listed.location_id, catchers.variant_id IS NOT NULL
FROM listed LEFT JOIN catchers ON (catchers.variant_id, catchers.location_id) = (listed.variant_id, listed.location_id)
ORDER BY listed.variant_id, listed.location_id
ON CONFLICT (tenant_id, variant_id, location_id) DO UPDATE SET catches = excluded.catches
WHERE forecasts.catches <> excluded.catches
"""  # nosec B608 # composed of our own constants; every value is bound
)


def histories(session: Session, tenant: int, levels: Sequence[Level], *, today: date) -> Mapping[Level, History]:
    """The whole weeks of each level, since it was first heard of; without those of which no week is over yet."""
    heard = _first_heard(session, tenant)
    if heard is None or not levels:
        return {}
    until, firsts, days = _monday(today), _first_seen(session, tenant, levels), _days(session, tenant, levels)
    found = {}
    for level in levels:
        seen = min([day for day in (firsts.get(level), *days[level]) if day is not None], default=until)
        begins = max(_monday_from(max(heard, seen)), until - timedelta(weeks=MOST_WEEKS))
        if begins < until:
            found[level] = History(begins=begins, weeks=_weeks(days[level], begins, until))
    return found


def days_of(session: Session, tenant: int, level: Level) -> Mapping[date, int]:
    return _days(session, tenant, [level])[level]


def _first_heard(session: Session, tenant: int) -> date | None:
    """The day on which the shop's first order was heard of. What was ordered before came to us in parts at best."""
    at = session.scalar(select(Order.created_at).where(Order.tenant_id == tenant).order_by(Order.id).limit(1))
    return at.date() if at else None


def _first_seen(session: Session, tenant: int, levels: Sequence[Level]) -> dict[Level, date]:
    """The day of each level's first movement: from then on, silence means that nobody ordered it."""
    variants, places = [level[0] for level in levels], [level[1] for level in levels]
    rows = session.execute(_FIRST_MOVED, {"tenant": tenant, "variants": variants, "places": places})
    return {(row.variant_id, row.location_id): row.day for row in rows}


_FIRST_MOVED = text("""
SELECT l.variant_id, l.location_id, first.day
FROM unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS l (variant_id, location_id)
CROSS JOIN LATERAL (
    SELECT (at AT TIME ZONE 'UTC')::date AS day FROM movements m
    WHERE m.tenant_id = :tenant AND m.variant_id = l.variant_id AND m.location_id = l.location_id
    ORDER BY m.id LIMIT 1) first
""")


def _days(session: Session, tenant: int, levels: Sequence[Level]) -> dict[Level, dict[date, int]]:
    rows = session.execute(
        select(DemandDay.variant_id, DemandDay.location_id, DemandDay.day, DemandDay.units).where(
            DemandDay.tenant_id == tenant, tuple_(DemandDay.variant_id, DemandDay.location_id).in_(levels)
        )
    )
    found: dict[Level, dict[date, int]] = defaultdict(dict)
    for row in rows:
        found[row.variant_id, row.location_id][row.day] = row.units
    return found


def _weeks(days: Mapping[date, int], begins: date, until: date) -> tuple[int, ...]:
    units = [0] * ((until - begins).days // 7)
    for day, many in days.items():
        if begins <= day < until:
            units[(day - begins).days // 7] += many
    return tuple(units)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _monday_from(day: date) -> date:
    """The first Monday that is no earlier."""
    return day + timedelta(days=-day.weekday() % 7)
