"""When new stock is to be ordered, how much, and why: arithmetic on what lies there and what will be wanted. Pure.

The reorder point is what will be wanted until an order of the next look could lie on the shelf, and safety units for
what that forecast gets wrong: with review R and lead time L in weeks, d x (L + R) + z x s x sqrt(L + R), where z is the
normal quantile of the service level and s the root mean squared error of a week's forecast.
Source: Silver, Pyke and Thomas, Inventory and Production Management in Supply Chains, 4th ed., ch. 6 (periodic review);
Chopra and Meindl, Supply Chain Management, ch. "Managing Uncertainty in a Supply Chain".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

# Forecasts and errors are thousandths of a unit a week.
MILLI_WEEK = 7 * 1000


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How one thing is bought: the shop's rules, and its own terms where there are any."""

    lead_days: int
    review_days: int
    service_percent: int
    order_for_days: int
    overstock_days: int
    pack_units: int = 1

    @property
    def span_days(self) -> int:
        """Until an order of the next look could lie on the shelf."""
        return self.lead_days + self.review_days


@dataclass(frozen=True, kw_only=True)
class Points:
    """`reorder_point` is the sum of what is expected in the span and the safety units, all whole units."""

    expected_units: int
    safety_units: int

    @property
    def reorder_point(self) -> int:
        return self.expected_units + self.safety_units


@dataclass(frozen=True, kw_only=True)
class Position:
    """What there is of one thing at one location, in units. The merchant's own safety units count: they lie there."""

    on_hand: int
    reserved: int
    damaged: int
    incoming: int = 0
    due_in_lead: int = 0
    """Those of `incoming` whose day lies within the lead time."""
    next_due: date | None = None
    waiting: int = 0
    """Units that orders wait for and that lie nowhere."""

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved - self.damaged

    @property
    def units(self) -> int:
        """What an order of today would add to: free, and incoming, less what is owed already."""
        return self.free + self.incoming - self.waiting

    @property
    def within_lead(self) -> int:
        return self.free + self.due_in_lead - self.waiting


@dataclass(frozen=True, kw_only=True)
class Advice:
    """`urgency` is one of URGENCIES; `cover_days` None where nothing is wanted, or nobody knows how much is."""

    urgency: str
    cover_days: int | None
    suggested_units: int
    why: str


URGENCIES = ("out", "runs_out", "order", "enough", "over", "unknown")


def points(per_week_milli: int, error_milli: int, terms: Terms) -> Points:
    """The reorder point of a forecast and its error."""
    weeks = terms.span_days / 7
    quantile = NormalDist().inv_cdf(terms.service_percent / 100)
    return Points(
        expected_units=-(-per_week_milli * terms.span_days // MILLI_WEEK),
        safety_units=math.ceil(quantile * error_milli / 1000 * math.sqrt(weeks)),
    )


def cover_days(units: int, per_week_milli: int) -> int | None:
    """Whole days that so many units last; None where nothing is wanted."""
    return max(0, units) * MILLI_WEEK // per_week_milli if per_week_milli else None


def suggested(position: Position, reorder_point: int, per_week_milli: int, terms: Terms) -> int:
    """Units to order now, in whole packs: none above the reorder point."""
    if position.units > reorder_point or (per_week_milli == 0 and position.units >= 0):
        return 0
    up_to = reorder_point + -(-per_week_milli * terms.order_for_days // MILLI_WEEK)
    return -(-(up_to - position.units) // terms.pack_units) * terms.pack_units


def advise(position: Position, per_week_milli: int | None, reorder_point: int | None, terms: Terms) -> Advice:
    """What to do about one thing at one location."""
    if per_week_milli is None or reorder_point is None:
        return _unforeseen(position, terms)
    now = cover_days(position.free - position.waiting, per_week_milli)
    many = suggested(position, reorder_point, per_week_milli, terms)

    def so(urgency: str, why: str) -> Advice:
        return Advice(urgency=urgency, cover_days=now, suggested_units=many, why=why)

    if position.waiting > position.free + position.incoming:
        return so("out", _owed(position))
    if per_week_milli and position.free <= 0:
        return so("out", _empty(position))
    if per_week_milli and runs_out_within_lead(position, per_week_milli, terms):
        return so("runs_out", _too_short(position, per_week_milli, terms))
    if per_week_milli and position.units <= reorder_point:
        return so("order", f"{position.units:,} free and incoming; the reorder point is {reorder_point:,}.")
    if is_over(position.free, per_week_milli, terms):
        return so("over", _too_much(position.free, per_week_milli, terms))
    return so("enough", f"{position.units:,} free and incoming; the reorder point is {reorder_point:,}.")


def runs_out_within_lead(position: Position, per_week_milli: int, terms: Terms) -> bool:
    """Whether what an order of today brings comes too late, with all that is due by then."""
    return max(0, position.within_lead) * MILLI_WEEK < terms.lead_days * per_week_milli


def is_over(free: int, per_week_milli: int, terms: Terms) -> bool:
    return free > 0 and free * MILLI_WEEK > terms.overstock_days * per_week_milli


def _unforeseen(position: Position, terms: Terms) -> Advice:
    lacks = position.waiting - position.free - position.incoming
    if lacks > 0:
        packs = -(-lacks // terms.pack_units) * terms.pack_units
        return Advice(urgency="out", cover_days=None, suggested_units=packs, why=_owed(position))
    return Advice(urgency="unknown", cover_days=None, suggested_units=0, why="")


def _owed(position: Position) -> str:
    there = max(0, position.free) + position.incoming
    return f"Orders wait for {position.waiting:,}, and {there:,} are there or incoming."


def _empty(position: Position) -> str:
    if not position.incoming:
        return "Nothing is free, and nothing is incoming."
    return f"Nothing is free; {position.incoming:,} are incoming."


def _too_short(position: Position, per_week_milli: int, terms: Terms) -> str:
    cover = cover_days(position.within_lead, per_week_milli) or 0
    due = f" with the {position.due_in_lead:,} due by then" if position.due_in_lead else ""
    return f"Lasts {_days(cover)}{due}; an order takes {_days(terms.lead_days)}."


def _too_much(free: int, per_week_milli: int, terms: Terms) -> str:
    cover = cover_days(free, per_week_milli)
    if cover is None:
        return "Nobody ordered any in all the weeks that were counted."
    return f"Lasts {_days(cover)}; more than {_days(terms.overstock_days)} is too much."


def _days(many: int) -> str:
    return f"{many:,} {'day' if many == 1 else 'days'}"
