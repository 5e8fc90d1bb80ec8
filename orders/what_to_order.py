"""Reads what is to be ordered: each thing at each location with what lies there, what comes, and what is foreseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Date, bindparam, text
from sqlalchemy.orm import Session

from orders import demand, foreseeing, lacking, replenishing
from orders.replenishing import Advice, Position, Terms
from records.replenishing import BuyingTerms, Forecast, Replenishing
from records.tenants import rules_of

PAGE = 50
SHOWS = ("low", "out", "over", "all")
# More rows than a spreadsheet opens.
_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which rows. `search` is the beginning of a SKU; `show` is one of SHOWS."""

    show: str = "low"
    search: str = ""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where a page of rows, ordered by urgency, goes on: after this one."""

    pressing: int
    variant: int
    location: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing at one location. Numbers called `milli` are thousandths of a unit a week."""

    variant: int
    location: int
    sku: str
    title: str
    place: str
    position: Position
    per_week_milli: int | None
    mae_milli: int | None
    model: str
    reason: str
    safety_units: int | None
    reorder_point: int | None
    terms: Terms
    advice: Advice
    pressing: int


@dataclass(frozen=True, kw_only=True)
class Rows:
    rows: Sequence[Row]
    onward: Mark | None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """`known` is everything that was ever worked out; the others are parts of it."""

    known: int
    low: int
    out: int
    """Those of `low` that are out, or run out before an order of today could be there."""
    over: int
    alone: int
    """Those of which nothing but the moving average was tried."""
    foreseen: int


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One thing at one location, with what its forecast was made from."""

    row: Row
    forecast: Forecast
    buying: BuyingTerms | None
    weeks: Sequence[tuple[date, int]]
    """Each whole week that was counted, oldest first, and its units."""
    this_week: int
    """Units of the week that is not over, which no forecast counts yet."""


def page(session: Session, tenant: int, wish: Wish, mark: Mark | None, *, today: date) -> Rows:
    """One page, the most pressing first."""
    found = _read(session, tenant, wish, mark, today=today, most=PAGE + 1)
    rows = found[:PAGE]
    last = rows[-1] if len(found) > PAGE else None
    onward = Mark(pressing=last.pressing, variant=last.variant, location=last.location) if last else None
    return Rows(rows=rows, onward=onward)


def every(session: Session, tenant: int, wish: Wish, *, today: date) -> list[Row]:
    """All rows of a wish, the most pressing first: one look, since a page costs as much as all of them."""
    return _read(session, tenant, wish, None, today=today, most=_MOST)


def counts(session: Session, tenant: int, *, today: date) -> Counts:
    row = session.execute(_COUNTS, _told(session, tenant, today=today)).one()
    return Counts(**row._mapping)  # noqa: SLF001 - its public name


def running_out(session: Session, tenant: int, *, today: date) -> int:
    """How many rows the list `out` has."""
    return int(session.execute(_RUNNING_OUT, _told(session, tenant, today=today)).scalar_one())


def detail(session: Session, tenant: int, variant: int, location: int, *, today: date) -> Detail | None:
    """None where nothing is known of that variant there."""
    forecast = session.get(Forecast, (tenant, variant, location))
    found = _read(session, tenant, Wish(show="all"), None, today=today, most=1, only=(variant, location))
    if forecast is None or not found:
        return None
    days = demand.days_of(session, tenant, (variant, location))
    monday = today - timedelta(days=today.weekday())
    return Detail(
        row=found[0],
        forecast=forecast,
        buying=session.get(BuyingTerms, (tenant, variant)),
        weeks=_weeks(days, forecast.begins, forecast.ends),
        this_week=sum(units for day, units in days.items() if day >= monday),
    )


def _weeks(days: Mapping[date, int], begins: date | None, ends: date | None) -> list[tuple[date, int]]:
    if begins is None or ends is None:
        return []
    mondays = [begins + timedelta(weeks=week) for week in range((ends - begins).days // 7)]
    return [(monday, sum(days.get(monday + timedelta(days=day), 0) for day in range(7))) for monday in mondays]


def _read(
    session: Session, tenant: int, wish: Wish, mark: Mark | None, *, today: date, most: int,
    only: tuple[int, int] = (0, 0),
) -> list[Row]:  # fmt: skip
    after = mark or Mark(pressing=-(2**62), variant=0, location=0)
    rules = rules_of(session, tenant).replenishing
    asked = _told(session, tenant, today=today, rules=rules) | {
        "show": wish.show, "search": wish.search.lower(), "pressing": after.pressing, "variant": after.variant,
        "location": after.location, "most": most, "only_variant": only[0], "only_location": only[1],
    }  # fmt: skip
    return [_row(found, rules) for found in session.execute(_PAGE, asked)]


def _told(session: Session, tenant: int, *, today: date, rules: Replenishing | None = None) -> dict[str, Any]:
    known = rules or rules_of(session, tenant).replenishing
    return {"tenant": tenant, "today": today, "lead": known.lead_days, "overstock": known.overstock_days}


def _row(found: Any, rules: Replenishing) -> Row:
    position = Position(
        on_hand=found.on_hand, reserved=found.reserved, damaged=found.damaged, incoming=found.incoming,
        due_in_lead=found.due_in_lead, next_due=found.next_due, waiting=found.waiting,
    )  # fmt: skip
    terms = foreseeing.terms_of(rules, lead_days=found.lead_days, pack_units=found.pack_units)
    return Row(
        variant=found.variant_id, location=found.location_id, sku=found.sku, title=found.title, place=found.place,
        position=position, per_week_milli=found.per_week_milli, mae_milli=found.mae_milli, model=found.model,
        reason=found.reason, safety_units=found.safety_units, reorder_point=found.reorder_point, terms=terms,
        advice=replenishing.advise(position, found.per_week_milli, found.reorder_point, terms),
        pressing=found.pressing,
    )  # fmt: skip


# What orders wait for stands on hold for stock. A forecast's numbers are whole thousandths, so that what is said here
# of a row is what orders/replenishing.py says of it: tests/web/test_replenish.py compares the two.
_KNOWN = (
    """
WITH waiting AS MATERIALIZED (
    SELECT h.order_id FROM holds h
    JOIN orders o ON o.tenant_id = :tenant AND o.id = h.order_id AND o.state IN ('released', 'allocated', 'shipping')
    WHERE h.tenant_id = :tenant AND h.kind = 'stock' AND h.state = 'open'
), lacking AS MATERIALIZED ("""  # nosec B608 # composed of our own constants; every value is bound
    + lacking.BY_VARIANT
    + """), coming AS MATERIALIZED (
    SELECT variant_id, location_id, sum(units) AS units, min(due_on) AS next_due
    FROM arrivals WHERE tenant_id = :tenant AND state = 'expected' GROUP BY variant_id, location_id
), known AS (
    SELECT f.variant_id, f.location_id, f.per_week_milli, f.mae_milli, f.model, f.reason, f.safety_units,
           f.reorder_point, f.tried, coalesce(f.lead_days, :lead) AS lead_days,
           coalesce(level.on_hand, 0) AS on_hand, coalesce(level.reserved, 0) AS reserved,
           coalesce(level.damaged, 0) AS damaged,
           coalesce(level.on_hand - level.reserved - level.damaged, 0) AS free,
           coalesce(coming.units, 0)::bigint AS incoming, coming.next_due,
           CASE WHEN coming.units IS NULL THEN 0 ELSE (
               SELECT coalesce(sum(a.units), 0) FROM arrivals a
               WHERE a.tenant_id = :tenant AND a.variant_id = f.variant_id AND a.location_id = f.location_id
                 AND a.state = 'expected' AND a.due_on <= :today + coalesce(f.lead_days, :lead)::int) END::bigint
               AS due_in_lead,
           CASE WHEN f.catches THEN coalesce(lacking.units, 0) ELSE 0 END::bigint AS waiting
    FROM forecasts f
    LEFT JOIN stock_levels level ON level.tenant_id = :tenant AND level.variant_id = f.variant_id
         AND level.location_id = f.location_id
    LEFT JOIN coming ON (coming.variant_id, coming.location_id) = (f.variant_id, f.location_id)
    LEFT JOIN lacking ON lacking.variant_id = f.variant_id
    WHERE f.tenant_id = :tenant
      -- What a supplier ships is asked for order by order, and lies nowhere that could run out.
      AND NOT EXISTS (SELECT 1 FROM supplied_variants s WHERE s.tenant_id = :tenant AND s.variant_id = f.variant_id)
), judged AS (
    SELECT known.*,
           waiting > free + incoming AS owed,
           waiting > free + incoming OR (coalesce(per_week_milli, 0) > 0 AND (free <= 0
               OR greatest(0, free + due_in_lead - waiting) * 7000 < lead_days * per_week_milli)) AS runs_out,
           waiting > free + incoming OR (coalesce(per_week_milli, 0) > 0 AND (free <= 0
               OR greatest(0, free + due_in_lead - waiting) * 7000 < lead_days * per_week_milli
               OR free + incoming - waiting <= reorder_point)) AS low,
           per_week_milli IS NOT NULL AND free > 0 AND free * 7000 > :overstock * per_week_milli AS too_much
    FROM known
), ranked AS (
    SELECT judged.*, too_much AND NOT low AS over,
           CASE WHEN owed THEN -1000000 - (waiting - free - incoming)
                WHEN per_week_milli IS NULL THEN 2000000000
                WHEN per_week_milli = 0 THEN 1000000000
                ELSE (free + due_in_lead - waiting) * 7000 / per_week_milli - lead_days END::bigint AS pressing
    FROM judged
)"""
)
_DATED = (bindparam("today", type_=Date),)
_PAGE = text(
    _KNOWN
    + """
SELECT ranked.*, v.sku, v.title, l.name AS place, coalesce(terms.pack_units, 1) AS pack_units
FROM ranked
JOIN variants v ON v.tenant_id = :tenant AND v.id = ranked.variant_id
JOIN locations l ON l.tenant_id = :tenant AND l.id = ranked.location_id
LEFT JOIN buying_terms terms ON terms.tenant_id = :tenant AND terms.variant_id = ranked.variant_id
WHERE (:show = 'all' OR (:show = 'low' AND low) OR (:show = 'out' AND runs_out)
       OR (:show = 'over' AND over))
  AND (:search = '' OR starts_with(lower(v.sku), :search))
  AND (:only_variant = 0 OR (ranked.variant_id, ranked.location_id) = (:only_variant, :only_location))
  AND (pressing, ranked.variant_id, ranked.location_id) > (:pressing, :variant, :location)
ORDER BY pressing, ranked.variant_id, ranked.location_id LIMIT :most
"""  # nosec B608 # composed of our own constants; every value is bound
).bindparams(*_DATED)
_COUNTS = text(
    _KNOWN
    + """
SELECT count(*) AS known, count(*) FILTER (WHERE low) AS low, count(*) FILTER (WHERE runs_out) AS out,
       count(*) FILTER (WHERE over) AS over,
       count(*) FILTER (WHERE per_week_milli IS NOT NULL) AS foreseen,
       count(*) FILTER (WHERE per_week_milli IS NOT NULL AND jsonb_array_length(tried) <= 1) AS alone
FROM ranked
"""  # nosec B608 # composed of our own constants; every value is bound
).bindparams(*_DATED)
_RUNNING_OUT = text(
    _KNOWN + "SELECT count(*) FROM judged WHERE runs_out"  # nosec B608 # our own constants
).bindparams(*_DATED)
