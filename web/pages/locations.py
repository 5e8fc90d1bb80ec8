"""What each location is able to do, as the merchant says: where routing may send from, how much, and when."""

from __future__ import annotations

import hashlib
from typing import Any
from zoneinfo import available_timezones

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from jobs import intake
from records.routing import Sending
from records.stock import Location
from records.tenants import Tenant
from web import asked
from web import session as door
from web.pages import location_form, shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("locations", __name__, may="admin", look="admin")

_ZONES = sorted(
    name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/"))
)
_MEANWHILE = (
    "Nothing was saved: somebody saved this location while you had it open. What you typed is still here. Look at what "
    "was saved, and save again to keep yours."
)


@blueprint.get("/shops/<id:tenant>/locations")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        wanted = select(Location).where(Location.tenant_id == tenant).order_by(Location.name, Location.id)
        places = list(session.scalars(wanted))
    return render_template("locations.html", places=places, days=location_form.DAYS)


@blueprint.get("/shops/<id:tenant>/locations/<id:location>")
def shown(tenant: int, location: int) -> str:
    return _page(tenant, location, None, {})


@blueprint.post("/shops/<id:tenant>/locations/<id:location>")
def save(tenant: int, location: int) -> Any:
    """Keep all of it or nothing."""
    typed = location_form.typed_in(request.form)
    with shop.opened(tenant) as session:
        place = session.get(Location, (tenant, location), with_for_update=True) or abort(404)
        sending, wrong = location_form.read(typed, session.get_one(Tenant, tenant).currency)
        meanwhile = asked.told("version") != version(place.sending)
        if sending is not None and not meanwhile:
            if sending != place.sending:
                intake.fill_backorders(session, tenant)  # what waits for a place that may send it, or for all at once
            place.sending = sending
    if wrong:
        flash("Nothing was saved: what is wrong stands in red beside its field.", "bad")
        return _page(tenant, location, typed, wrong), 422
    if meanwhile:
        flash(_MEANWHILE, "warn")
        return _page(tenant, location, typed, {}), 409
    log.info("location saved", tenant=tenant, location=location, actor=door.actor())
    flash(
        "Saved. Orders that are routed from now on follow it, and those that nobody could send are looked at again.",
        "good",
    )
    return redirect(url_for("locations.listed"), 303)


def version(sending: Sending) -> str:
    """Tells one state of a location's settings from another."""
    return hashlib.sha256(sending.model_dump_json().encode()).hexdigest()[:16]


def _page(tenant: int, location: int, typed: dict[str, str] | None, wrong: dict[str, str]) -> str:
    with shop.opened(tenant) as session:
        place = session.get(Location, (tenant, location)) or abort(404)
        currency = session.get_one(Tenant, tenant).currency
    return render_template(
        "location.html", place=place, currency=currency, wrong=wrong, days=location_form.DAYS, zones=_ZONES,
        typed=typed if typed is not None else location_form.written(place.sending, currency),
        as_of=version(place.sending),
    )  # fmt: skip
