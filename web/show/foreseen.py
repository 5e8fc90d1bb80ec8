"""How forecasts and what to order look on a page: words, numbers and the arithmetic, step by step. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from types import MappingProxyType

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from orders import replenishing
from orders.replenishing import Position, Terms

MODELS: Mapping[str, str] = MappingProxyType(
    {
        "moving_average": "Average of the last 8 weeks",
        "exponential_smoothing": "Exponential smoothing",
        "croston_sba": "Croston, after Syntetos and Boylan",
        "tsb": "Teunter, Syntetos and Babai",
        "adida": "ADIDA (weeks taken together)",
        "imapa": "IMAPA (several ways of taking weeks together)",
    }
)
# A word, an icon and a tone for each of orders.replenishing.URGENCIES.
URGENCIES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "out": ("Out", "alert", "bad"),
        "runs_out": ("Runs out", "clock", "bad"),
        "order": ("Order", "flag", "warn"),
        "enough": ("Enough", "check", "good"),
        "over": ("Too much", "stack", "warn"),
        "unknown": ("Not known", "question", "quiet"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the arithmetic."""

    what: str
    how: str
    comes_to: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A week in a chart, in its own units: a bar from `y` down, and where the forecast lay, if one was tested."""

    x: float
    y: float
    height: float
    told: str
    forecast_y: float | None = None


def model(name: str) -> str:
    return MODELS.get(name, name.replace("_", " "))


def rate(milli: int | None, locale: Locale) -> str:
    """Thousandths of a unit a week, as people read them."""
    if milli is None:
        return "–"
    places = "#,##0" if abs(milli) >= 100_000 else "#,##0.0" if abs(milli) >= 1_000 or not milli else "#,##0.00"
    return str(format_decimal(milli / 1000, format=places, locale=locale))


def day(moment: date | str, locale: Locale) -> str:
    """A day, or the words that a backtest keeps one in."""
    known = date.fromisoformat(moment) if isinstance(moment, str) else moment
    return str(format_date(known, format="medium", locale=locale))


def steps(
    per_week_milli: int, error_milli: int, reorder_point: int, position: Position, terms: Terms, locale: Locale
) -> list[Step]:
    """From the forecast to what to order, every number of it."""
    points = replenishing.points(per_week_milli, error_milli, terms)
    weekly, weeks = rate(per_week_milli, locale), format_decimal(terms.span_days / 7, format="0.##", locale=locale)
    quantile = format_decimal(NormalDist().inv_cdf(terms.service_percent / 100), format="0.000", locale=locale)
    found = [
        Step(
            what="Time to cover",
            how=f"{terms.lead_days} days until an order is there, and {terms.review_days} until the next look",
            comes_to=f"{terms.span_days} days",
        ),
        Step(
            what="Expected in that time",
            how=f"{weekly} a week × {weeks} weeks, rounded up",
            comes_to=_units(points.expected_units),
        ),
        Step(
            what="For safety",
            how=f"{quantile} (for {terms.service_percent} %) × {rate(error_milli, locale)} (error of a week) "
            f"× √{weeks}, rounded up",
            comes_to=_units(points.safety_units),
        ),
        Step(
            what="Reorder point",
            how=f"{points.expected_units:,} + {points.safety_units:,}",
            comes_to=_units(reorder_point),
        ),
        there(position),
    ]
    return [*found, _order(per_week_milli, reorder_point, position, terms)]


def there(position: Position) -> Step:
    how = f"{position.on_hand:,} on hand − {position.reserved:,} reserved − {position.damaged:,} damaged"
    how += f" + {position.incoming:,} incoming"
    how += f" − {position.waiting:,} that orders wait for" if position.waiting else ""
    return Step(what="There and incoming", how=how, comes_to=_units(position.units))


def _order(per_week_milli: int, reorder_point: int, position: Position, terms: Terms) -> Step:
    many = replenishing.suggested(position, reorder_point, per_week_milli, terms)
    if not many:
        return Step(what="To order", how="It is above the reorder point, or nothing is wanted", comes_to="nothing")
    extra = math.ceil(per_week_milli * terms.order_for_days / replenishing.MILLI_WEEK)
    how = f"{reorder_point:,} + {extra:,} (for {terms.order_for_days} days) − {position.units:,}"
    how += f", in packs of {terms.pack_units:,}" if terms.pack_units > 1 else ""
    return Step(what="To order", how=how, comes_to=_units(many))


def _units(many: int) -> str:
    return f"{many:,} {'unit' if many == 1 else 'units'}"


# The chart's own height and the room of one week, in its own units.
CHART_HEIGHT, WEEK_WIDTH = 80, 10


def chart(weeks: Sequence[tuple[date, int]], forecasts: Mapping[str, int], locale: Locale) -> list[Bar]:
    """Bars of weeks, and a mark where a tested week's forecast (in thousandths, by its Monday) lay."""
    most = max([units for _, units in weeks] + [milli / 1000 for milli in forecasts.values()] + [1])
    bars = []
    for place, (monday, units) in enumerate(weeks):
        height = units / most * (CHART_HEIGHT - 4)
        milli = forecasts.get(monday.isoformat())
        told = f"Week of {day(monday, locale)}: {units:,} ordered"
        told += f", {rate(milli, locale)} forecast" if milli is not None else ""
        bars.append(
            Bar(
                x=place * WEEK_WIDTH + 1, y=round(CHART_HEIGHT - max(height, 1), 1), height=round(max(height, 1), 1),
                told=told,
                forecast_y=None if milli is None
                else round(CHART_HEIGHT - milli / 1000 / most * (CHART_HEIGHT - 4), 1),
            )
        )  # fmt: skip
    return bars
