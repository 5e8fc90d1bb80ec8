"""Counting: a sheet is uploaded, looked through and applied; what is scanned (count_scan.py) comes here afterwards."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import stock_desk
from orders import count_sheet, counting
from orders.count_sheet import Unreadable
from orders.stock_by_hand import Refused
from records.counts import Count
from records.stock import Location
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import counts, stock

log = structlog.get_logger(__name__)
blueprint = door.guarded("counts", __name__)

_VIEWS = ("changes", "problems", "same")
_LONGEST_NAME = 120


@blueprint.get("/shops/<id:tenant>/stock/counts")
def listed(tenant: int) -> str:
    return _list(tenant)


@blueprint.post("/shops/<id:tenant>/stock/counts")
def upload(tenant: int) -> Any:
    """Keep a sheet to be looked through. No level is touched by it."""
    sheet = request.files.get("sheet")
    name = asked.plain(sheet.filename or "", _LONGEST_NAME) if sheet else ""
    if sheet is None or not name:
        return _list(tenant, wrong="Choose a file first: the CSV that you have written the counted units into."), 422
    content = sheet.stream.read(count_sheet.MOST_BYTES + 1)
    sheet.close()
    try:
        read = count_sheet.read(content)
    except Unreadable as problem:
        return _list(tenant, wrong=str(problem)), 422
    with shop.opened(tenant) as session:
        count = counting.from_sheet(session, tenant, read, name=name, actor=door.actor())
    log.info("count uploaded", tenant=tenant, count=count, rows=len(read.rows), actor=door.actor())
    return redirect(url_for("counts.shown", count=count), 303)


@blueprint.get("/shops/<id:tenant>/stock/counts/<id:count>")
def shown(tenant: int, count: int) -> Any:
    """What a count would change, or has changed; one that is being scanned has a page of its own."""
    which, after = asked.one_of("show", _VIEWS), asked.row_id("after") or 0
    with shop.opened(tenant) as session:
        found = _count(session, tenant, count)
        if found.state == "counting":
            return redirect(url_for("count_scan.shown", count=count), 303)
        tally = counts.tally(session, tenant, count)
        which = which or ("changes" if tally.changes or not tally.problems else "problems")
        lines, onward = counts.lines(session, tenant, count, which=which, after=after)
        place = session.get(Location, (tenant, found.location_id)) if found.location_id else None
    return render_template(
        "count.html", count=found, tally=tally, which=which, lines=lines, onward=onward, first=not after, place=place
    )


@blueprint.post("/shops/<id:tenant>/stock/counts/<id:count>/apply")
def apply(tenant: int, count: int) -> Any:
    """Set the levels that were looked through, and no others."""
    with shop.opened(tenant) as session:
        _count(session, tenant, count)
        done = stock_desk.apply_count(session, tenant, count, by=door.actor(), now=show.now())
    if isinstance(done, Refused):
        flash(done.reason, "warn")
        return redirect(url_for("counts.shown", count=count), 303)
    log.info("count applied", tenant=tenant, count=count, levels=len(done.movements), actor=door.actor())
    many = len(done.movements)
    flash(
        f"Applied: {many:,} level{' was' if many == 1 else 's were'} set. What was left out stands under Problems.",
        "good",
    )
    return redirect(url_for("counts.shown", count=count), 303)


@blueprint.post("/shops/<id:tenant>/stock/counts/<id:count>/discard")
def discard(tenant: int, count: int) -> Any:
    """Give a count up. No level was touched by it."""
    with shop.opened(tenant) as session:
        _count(session, tenant, count)
        done = counting.discard(session, tenant, count, now=show.now())
    log.info("count discarded", tenant=tenant, count=count, done=done, actor=door.actor())
    flash("Discarded. No level was touched by it." if done else "It was applied or discarded before.", "good")
    return redirect(url_for("counts.listed"), 303)


def _list(tenant: int, wrong: str = "") -> str:
    with shop.opened(tenant) as session:
        latest, places = counts.latest(session, tenant), stock.place_names(session, tenant)
    return render_template("counts.html", latest=latest, places=places, wrong=wrong, sheet=count_sheet)


def _count(session: Session, tenant: int, count: int) -> Count:
    return session.get(Count, (tenant, count)) or abort(404)
