"""Counting with a scanner on a phone: each code adds one to what was counted at a location, and is kept at once."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from orders import counting, matching_counts
from records.counts import Count
from records.stock import Location, Variant
from web import asked
from web import session as door
from web.pages import shop
from web.pages.stock_forms import Typed
from web.queries import counts

log = structlog.get_logger(__name__)
# Who counts changes no level: that is done by whoever looks the count through.
blueprint = door.guarded("count_scan", __name__, may="warehouse")

_SHOWN = 200
_IS_OVER = "This count is being looked through or is over. Go on scanning, or begin another one."


@blueprint.post("/shops/<id:tenant>/stock/scan")
def begin(tenant: int) -> Any:
    """Begin a count at one location."""
    with shop.opened(tenant) as session:
        place = session.get(Location, (tenant, asked.told_id("place") or 0))
        count = None if place is None else counting.by_scan(session, tenant, place.id, actor=door.actor())
    if count is None:
        flash("Choose at which location you count.", "bad")
        return redirect(url_for("counts.listed"), 303)
    log.info("count begun", tenant=tenant, count=count, actor=door.actor())
    return redirect(url_for("count_scan.shown", count=count), 303)


@blueprint.get("/shops/<id:tenant>/stock/scan/<id:count>")
def shown(tenant: int, count: int) -> Any:
    with shop.opened(tenant) as session:
        found = session.get(Count, (tenant, count)) or abort(404)
        if found.means != "scan" or found.state != "counting":
            return redirect(url_for("counts.shown", count=count), 303)
    return _page(tenant, count, Typed())


@blueprint.post("/shops/<id:tenant>/stock/scan/<id:count>")
def scan(tenant: int, count: int) -> Any:
    """Count one more of what the code means."""
    typed = Typed(act="scan")
    code = typed.words("code")
    with shop.opened(tenant) as session:
        found = _scanned(session, tenant, count, lock=True)
        variant = matching_counts.scanned(session, tenant, code) if code else "Nothing was scanned. Try again."
        if found.state != "counting":
            variant = _IS_OVER
        if isinstance(variant, Variant):
            counting.scan(session, tenant, found, variant.id)
        else:
            typed.wrong["code"] = f"Not counted. {variant}"
    if typed.wrong:
        return _page(tenant, count, typed), 422
    return redirect(url_for("count_scan.shown", count=count), 303)


@blueprint.post("/shops/<id:tenant>/stock/scan/<id:count>/units")
def set_units(tenant: int, count: int) -> Any:
    """Say how many there are of one, in place of scanning each."""
    typed = Typed(act="units")
    units, line = typed.units(least=0), asked.told_id("line")
    with shop.opened(tenant) as session:
        found = _scanned(session, tenant, count, lock=True)
        if found.state != "counting":
            typed.wrong["units"] = _IS_OVER
        elif line is None or (not typed.wrong and not counting.set_units(session, tenant, count, line, units)):
            typed.wrong["units"] = "That line is not there any more."
    typed.said["line"] = str(line or "")
    if typed.wrong:
        return _page(tenant, count, typed), 422
    return redirect(url_for("count_scan.shown", count=count), 303)


@blueprint.post("/shops/<id:tenant>/stock/scan/<id:count>/ready")
def ready(tenant: int, count: int) -> Any:
    """Stop scanning, and look through what would change."""
    with shop.opened(tenant) as session:
        _scanned(session, tenant, count, lock=True)
        counting.look_through(session, tenant, count)
    return redirect(url_for("counts.shown", count=count), 303)


@blueprint.post("/shops/<id:tenant>/stock/scan/<id:count>/on")
def go_on(tenant: int, count: int) -> Any:
    """Scan on."""
    with shop.opened(tenant) as session:
        _scanned(session, tenant, count, lock=True)
        counting.go_on(session, tenant, count)
    return redirect(url_for("count_scan.shown", count=count), 303)


def _scanned(session: Session, tenant: int, count: int, *, lock: bool = False) -> Count:
    found = session.get(Count, (tenant, count), with_for_update=lock or None, populate_existing=lock)
    return found if found is not None and found.means == "scan" else abort(404)


def _page(tenant: int, count: int, typed: Typed) -> str:
    with shop.opened(tenant) as session:
        found = _scanned(session, tenant, count)
        place = session.get_one(Location, (tenant, found.location_id))
        lines = counts.scanned(session, tenant, count, limit=_SHOWN)
        units, variants = counts.units_scanned(session, tenant, count)
    return render_template(
        "count_scan.html", count=found, place=place, lines=lines, units=units, variants=variants, typed=typed
    )
