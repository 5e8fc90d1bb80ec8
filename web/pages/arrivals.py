"""What is on its way: written down, received whole or in part, or expected no longer."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for

from jobs import stock_desk
from orders import matching_counts
from orders.stock_by_hand import Refused
from records.stock import Location, Variant
from web import asked, show
from web import session as door
from web.pages import shop
from web.pages.stock_forms import Typed
from web.queries import arrivals, stock

log = structlog.get_logger(__name__)
blueprint = door.guarded("arrivals", __name__)


@blueprint.get("/shops/<id:tenant>/arrivals")
def listed(tenant: int) -> str:
    return _list(tenant, Typed(said={"sku": asked.asked("sku"), "place": asked.asked("place")}))


@blueprint.post("/shops/<id:tenant>/arrivals")
def add(tenant: int) -> Any:
    """Write down that units are on their way."""
    typed = Typed(act="add")
    sku, units, due_on = typed.words("sku"), typed.units(), typed.day("due_on")
    reference = typed.reference()
    typed.words("place")
    with shop.opened(tenant) as session:
        variant = matching_counts.scanned(session, tenant, sku) if sku else "Say which SKU comes."
        place = session.get(Location, (tenant, asked.told_id("place") or 0))
        if not isinstance(variant, Variant):
            typed.wrong["sku"] = variant
        elif place is None:
            typed.wrong["place"] = "Choose where it comes to."
        elif not typed.wrong:
            level, by = (variant.id, place.id), door.actor()
            arrival = stock_desk.expect(session, tenant, level, units, due_on=due_on, reference=reference, by=by)
    if typed.wrong:
        flash("Nothing was written down: what is wrong stands in red beside its field.", "bad")
        return _list(tenant, typed), 422
    log.info("arrival expected", tenant=tenant, arrival=arrival, units=units, actor=door.actor())
    flash("It is expected now, and shown as incoming.", "good")
    return redirect(url_for("arrivals.listed"), 303)


@blueprint.get("/shops/<id:tenant>/arrivals/<id:arrival>")
def shown(tenant: int, arrival: int) -> str:
    return _one(tenant, arrival, Typed())


@blueprint.post("/shops/<id:tenant>/arrivals/<id:arrival>/receive")
def receive(tenant: int, arrival: int) -> Any:
    """Put what came of it on the shelf."""
    typed = Typed(act="receive")
    units, more_comes = typed.units(), typed.one_of("rest", ("comes", "never")) == "comes"
    with shop.opened(tenant) as session:
        found = arrivals.found(session, tenant, arrival) or abort(404)
        level = (found.variant.id, found.row.location_id)
        if not typed.wrong:
            done = stock_desk.receive(
                session, tenant, arrival, units, more_comes=more_comes, by=door.actor(), now=show.now()
            )
            if isinstance(done, Refused):
                typed.wrong["units"] = done.reason
    log.info("arrival received", tenant=tenant, arrival=arrival, done=not typed.wrong, actor=door.actor())
    if typed.wrong:
        flash("Nothing was received: what is wrong stands in red beside its field.", "bad")
        return _one(tenant, arrival, typed), 422
    flash("Received: the units are on the shelf, and orders that waited for them go on by themselves.", "good")
    return redirect(url_for("stock.ledger", variant=level[0], location=level[1]), 303)


@blueprint.post("/shops/<id:tenant>/arrivals/<id:arrival>/cancel")
def cancel(tenant: int, arrival: int) -> Any:
    """Expect it no longer."""
    with shop.opened(tenant) as session:
        found = arrivals.found(session, tenant, arrival) or abort(404)
        refused = stock_desk.cancel_arrival(session, tenant, found.row, now=show.now())
    log.info("arrival cancelled", tenant=tenant, arrival=arrival, done=refused is None, actor=door.actor())
    if refused is not None:
        flash(refused.reason, "warn")
        return redirect(url_for("arrivals.shown", arrival=arrival), 303)
    flash("It is expected no longer.", "good")
    return redirect(url_for("arrivals.listed"), 303)


def _list(tenant: int, typed: Typed) -> str:
    with shop.opened(tenant) as session:
        expected, ended = arrivals.expected(session, tenant), arrivals.ended(session, tenant)
        places = stock.place_names(session, tenant)
    return render_template(
        "arrivals.html", expected=expected, ended=ended, places=places, typed=typed, today=show.now().date()
    )


def _one(tenant: int, arrival: int, typed: Typed) -> str:
    with shop.opened(tenant) as session:
        found = arrivals.found(session, tenant, arrival) or abort(404)
    return render_template("arrival.html", found=found, typed=typed)
