"""What to order: what runs out first, how much of it, and the forecast behind each number with its error."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, abort, flash, redirect, render_template, url_for

from jobs import desk
from orders import foreseeing
from orders import what_to_order as replenish
from orders.what_to_order import SHOWS, Detail, Mark, Wish
from records.replenishing import BuyingTerms, last_letter
from records.tenants import rules_of
from web import asked, show
from web import session as door
from web.pages import shop
from web.show import foreseen, sheet, to_order

log = structlog.get_logger(__name__)
blueprint = door.guarded("replenish", __name__)

MOST_LEAD_DAYS, MOST_PACK_UNITS = 365, 100_000


@blueprint.get("/shops/<id:tenant>/replenish")
def listed(tenant: int) -> str:
    wish, mark = _wish(), _mark()
    today = show.now().date()
    with shop.opened(tenant) as session:
        found = replenish.page(session, tenant, wish, mark, today=today)
        counts = replenish.counts(session, tenant, today=today)
        letter = last_letter(session, tenant)
    return render_template(
        "replenish.html", found=found, counts=counts, wish=wish, first=mark is None, foreseen=foreseen,
        locale=show.locale(), letter=letter,
    )  # fmt: skip


@blueprint.get("/shops/<id:tenant>/replenish.csv")
def file(tenant: int) -> Response:
    """Every row of the filter, not only this page's."""
    with shop.opened(tenant) as session:
        rows = replenish.every(session, tenant, _wish(), today=show.now().date())
    log.info("replenishment exported", tenant=tenant, actor=door.actor())
    named = f'attachment; filename="to-order-{show.now():%Y-%m-%d}.csv"'
    lines = sheet.lines(list(to_order.COLUMNS), ([*to_order.plain_row(row).values()] for row in rows))
    return Response(lines, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


@blueprint.get("/shops/<id:tenant>/replenish/<id:variant>/<id:location>")
def shown(tenant: int, variant: int, location: int) -> str:
    return _detail_page(_detail(tenant, variant, location), {}, {})


@blueprint.post("/shops/<id:tenant>/replenish/<id:variant>/<id:location>/terms")
def terms(tenant: int, variant: int, location: int) -> Any:
    """Keep how a variant is bought; its reorder points follow at once."""
    typed = {name: asked.told(name, longest=asked.MOST_SHOWN_AGAIN) for name in ("lead_days", "pack_units")}
    wrong = _wrong(typed)
    found = _detail(tenant, variant, location)
    if wrong:
        flash("Nothing was saved: what is wrong stands in red beside its field.", "bad")
        return _detail_page(found, typed, wrong), 422
    with shop.opened(tenant) as session:
        lead, pack = typed["lead_days"], typed["pack_units"]
        kept = BuyingTerms(
            tenant_id=tenant, variant_id=variant, lead_days=int(lead) if lead else None, pack_units=int(pack or 1)
        )
        session.merge(kept)
        session.flush()
        foreseeing.write_points(session, tenant, variant, rules_of(session, tenant).replenishing)
    log.info("buying terms saved", tenant=tenant, variant=variant, actor=door.actor())
    flash("Saved. Its reorder point is worked out from this.", "good")
    return redirect(url_for("replenish.shown", variant=variant, location=location), 303)


@blueprint.post("/shops/<id:tenant>/replenish/again")
def again(tenant: int) -> Any:
    """Have everything worked out anew."""
    with shop.opened(tenant) as session:
        desk.forecast(session, tenant)
    log.info("forecast asked for", tenant=tenant, actor=door.actor())
    flash("It is being worked out. Look again in a moment.", "good")
    return redirect(url_for("replenish.listed"), 303)


def _wish() -> Wish:
    return Wish(show=asked.one_of("show", SHOWS) or "low", search=asked.asked("q"))


def _mark() -> Mark | None:
    variant, location, pressing = asked.row_id("after"), asked.row_id("after_place"), asked.asked("after_pressing")
    number = pressing.removeprefix("-")
    if variant is None or location is None or not (number.isascii() and number.isdigit() and len(number) < 12):
        return None
    return Mark(pressing=int(pressing), variant=variant, location=location)


def _detail(tenant: int, variant: int, location: int) -> Detail:
    with shop.opened(tenant) as session:
        found: Detail = replenish.detail(session, tenant, variant, location, today=show.now().date()) or abort(404)
    return found


def _detail_page(found: Detail, typed: dict[str, str], wrong: dict[str, str]) -> str:
    show.draw_as("replenish")
    row, kept = found.row, found.buying
    own = {
        "lead_days": "" if kept is None or kept.lead_days is None else str(kept.lead_days),
        "pack_units": str(kept.pack_units if kept else 1),
    }
    forecasts = {one["week"]: one["forecast_milli"] for one in found.forecast.tested}
    arithmetic = (
        foreseen.steps(
            row.per_week_milli, found.forecast.error_milli or 0, row.reorder_point, row.position, row.terms,
            show.locale(),
        )
        if row.per_week_milli is not None and row.reorder_point is not None else [foreseen.there(row.position)]
    )  # fmt: skip
    return render_template(
        "replenish_detail.html", found=found, row=row, typed=own | typed, wrong=wrong, forecasts=forecasts,
        arithmetic=arithmetic, bars=foreseen.chart(found.weeks, forecasts, show.locale()), foreseen=foreseen,
        locale=show.locale(), most_lead_days=MOST_LEAD_DAYS, most_pack_units=MOST_PACK_UNITS,
    )  # fmt: skip


def _wrong(typed: dict[str, str]) -> dict[str, str]:
    limits = {"lead_days": (0, MOST_LEAD_DAYS, "days"), "pack_units": (1, MOST_PACK_UNITS, "units")}
    wrong = {}
    for name, (least, most, unit) in limits.items():
        text = typed[name]
        if not text and name == "lead_days":
            continue
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            wrong[name] = "A whole number, without a unit."
        elif not least <= int(text) <= most:
            wrong[name] = f"Between {least:,} and {most:,} {unit}."
    return wrong
