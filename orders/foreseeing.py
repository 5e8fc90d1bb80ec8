"""Writes forecasts down, and beside each when to order, by the shop's rules and the variant's own terms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from orders import forecasting, replenishing
from orders.demand import History, Level
from orders.forecasting import Model, TooLittle, Wrong
from orders.replenishing import Terms
from records.replenishing import BuyingTerms, Forecast, Replenishing

_NO_WEEK = "Too little to tell: no whole week of orders is over yet."
_EMPTY: Mapping[str, Any] = {
    "model": "", "reason": "", "per_week_milli": None, "error_milli": None, "mae_milli": None, "bias_milli": None,
    "same_mae_milli": None, "tested": [], "tried": [],
}  # fmt: skip


def digests(histories: Mapping[Level, History], models: Mapping[str, Model]) -> dict[Level, str]:
    return {
        level: forecasting.digest(history.begins.isoformat(), history.weeks, models)
        for level, history in histories.items()
    }


def columns(history: History | None, models: Mapping[str, Model]) -> dict[str, Any]:
    """A forecast as its row keeps it, but for when it was made. Pure."""
    if history is None:
        return {**_EMPTY, "begins": None, "ends": None, "reason": _NO_WEEK}
    span = {"begins": history.begins, "ends": history.begins + timedelta(weeks=len(history.weeks))}
    found = forecasting.forecast(history.weeks, models)
    if isinstance(found, TooLittle):
        return {**_EMPTY, **span, "reason": found.reason}
    return {
        **_EMPTY, **span, "model": found.model, "per_week_milli": _milli(found.per_week),
        "error_milli": _milli(found.wrong.rmse), "mae_milli": _milli(found.wrong.mae),
        "bias_milli": _milli(found.wrong.bias), "same_mae_milli": _milli(found.same_mae),
        "tested": [
            {"week": (history.begins + timedelta(weeks=one.week)).isoformat(), "units": one.units,
             "forecast_milli": _milli(one.forecast), "model": one.model}
            for one in found.tested
        ],
        "tried": [_tried(model, wrong) for model, wrong in found.tried.items()],
    }  # fmt: skip


def write(
    session: Session, tenant: int, levels: Collection[Level], made: Mapping[Level, Mapping[str, Any]], *,
    rules: Replenishing, now: datetime,
) -> None:  # fmt: skip
    """Write what was worked out of some of these levels, and when to order each of them."""
    rows = _locked(session, tenant, Forecast.variant_id.in_({level[0] for level in levels}), levels)
    for row in rows:
        if values := made.get((row.variant_id, row.location_id)):
            for name, value in values.items():
                setattr(row, name, value)
            row.made_at = now
    _set_points(session, tenant, rows, rules)


def write_points(session: Session, tenant: int, variant: int, rules: Replenishing) -> None:
    """When to order one variant, everywhere, by its terms of now."""
    _set_points(session, tenant, _locked(session, tenant, Forecast.variant_id == variant, None), rules)


def terms_of(rules: Replenishing, *, lead_days: int | None, pack_units: int | None) -> Terms:
    """How a variant is bought: the shop's rules, but for what is said of the variant itself. Pure."""
    own = {"lead_days": rules.lead_days if lead_days is None else lead_days, "pack_units": pack_units or 1}
    return Terms(**rules.model_dump() | own)


def _locked(session: Session, tenant: int, which: Any, levels: Collection[Level] | None) -> list[Forecast]:
    """The rows, which nobody else writes until the transaction ends: points and terms then fit each other."""
    asked = select(Forecast).where(Forecast.tenant_id == tenant, which)
    if levels is not None:
        asked = asked.where(tuple_(Forecast.variant_id, Forecast.location_id).in_(levels))
    ordered = asked.order_by(Forecast.variant_id, Forecast.location_id)
    return list(session.scalars(ordered.with_for_update().execution_options(populate_existing=True)))


def _set_points(session: Session, tenant: int, rows: Collection[Forecast], rules: Replenishing) -> None:
    variants = {row.variant_id for row in rows}
    bought = select(BuyingTerms).where(BuyingTerms.tenant_id == tenant, BuyingTerms.variant_id.in_(variants))
    terms = {row.variant_id: row for row in session.scalars(bought.execution_options(populate_existing=True))}
    for row in rows:
        buying = terms.get(row.variant_id)
        own = terms_of(
            rules,
            lead_days=buying.lead_days if buying else None,
            pack_units=buying.pack_units if buying else None,
        )
        row.lead_days, row.safety_units, row.reorder_point = own.lead_days, None, None
        if row.per_week_milli is not None:
            points = replenishing.points(row.per_week_milli, row.error_milli or 0, own)
            row.safety_units, row.reorder_point = points.safety_units, points.reorder_point
    session.flush()


def _tried(model: str, wrong: Wrong) -> dict[str, Any]:
    return {
        "model": model,
        "error_milli": _milli(wrong.rmse),
        "mae_milli": _milli(wrong.mae),
        "bias_milli": _milli(wrong.bias),
    }


def _milli(units: float) -> int:
    return round(units * 1000)
