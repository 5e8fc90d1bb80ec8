"""Setting a shop up: one short form a step, in any order, left and taken up again whenever its merchant likes."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from pydantic import ValidationError
from sqlalchemy.orm import Session

from jobs import desk, kept_self_test, looking_again, self_test
from orders import self_testing, setting_up
from records import tenants
from records.stock import Location
from records.tenants import Rules, Tenant
from web import session as door
from web import show
from web.pages import settings_form, shop
from web.queries import setup
from web.queries.setup import Place

log = structlog.get_logger(__name__)
blueprint = door.guarded("setup", __name__, may="admin", look="admin")

# Which settings each step asks for; the settings page has them all.
FIELDS = {
    "parcel": (
        "box.length_mm", "box.width_mm", "box.height_mm", "box.empty_grams", "box.max_content_grams",
        "assumed_unit_grams",
    ),
    "labels": ("label_format", "label_size"),
    "payment": ("ship_when", "capture_when_shipped"),
    "holds": ("hold_risk_at", "hold_unverified_abroad", "when_short"),
    "notices": ("tell_buyer",),
}  # fmt: skip


@blueprint.get("/shops/<id:tenant>/setup")
def shown(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return render_template("setup.html", progress=setup.progress(session, tenant))


@blueprint.get("/shops/<id:tenant>/setup/<step>")
def form(tenant: int, step: str) -> str:
    with shop.opened(tenant) as session:
        _known(step)
        rules = tenants.rules_of(session, tenant)
        return _page(session, tenant, step, settings_form.written(rules), {})


@blueprint.post("/shops/<id:tenant>/setup/<step>")
def save(tenant: int, step: str) -> Any:
    """Keep a step or say beside each field why not; what was typed stays."""
    with shop.opened(tenant) as session:
        _known(step)
        row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
        typed, wrong = _save_places(session, row) if step == "locations" else _save_rules(session, row, step)
        if wrong:
            flash("Nothing was saved: what is wrong stands in red beside its field.", "bad")
            return _page(session, tenant, step, typed, wrong), 422
        row.setup = row.setup | {step: show.now().isoformat()}
        session.flush()
        following = setup.progress(session, tenant).next
    log.info("setup step saved", tenant=tenant, step=step, actor=door.actor())
    flash(f"Saved: {setting_up.BY_NAME[step].title}.", "good")
    if following is not None and following.form:
        return redirect(url_for("setup.form", step=following.name), 303)
    return redirect(url_for("setup.shown"), 303)


@blueprint.post("/shops/<id:tenant>/setup/dismissed")
def dismiss(tenant: int) -> Any:
    """Take the steps off the home page, once there is nothing left to do."""
    with shop.opened(tenant) as session:
        row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
        complete = setup.progress(session, tenant).complete
        if complete:
            row.setup = row.setup | {"dismissed": show.now().isoformat()}
    if not complete:
        flash("The steps stay on the home page until the shop has what it needs.", "warn")
    return redirect(url_for("setup.shown"), 303)


@blueprint.post("/shops/<id:tenant>/setup/read-again")
def read_again(tenant: int) -> Any:
    """Read the store's locations anew."""
    with shop.opened(tenant) as session:
        store = tenants.connection_for(session, tenant, "storefront")
        if store is not None:
            desk.read_catalogue(session, tenant, store.id)
    if store is None:
        flash("No store is connected, so nothing is read: install Packline in the store first.", "warn")
    else:
        flash("Packline reads the store's locations. Open this page again in a moment.", "good")
    return redirect(url_for("setup.form", step="locations"), 303)


@blueprint.get("/shops/<id:tenant>/setup/self-test")
def tested(tenant: int) -> str:
    return render_template("self_test.html", **_read_test(tenant))


@blueprint.get("/shops/<id:tenant>/setup/self-test/live")
def live(tenant: int) -> str:
    """The part of the self-test's page that keeps itself fresh."""
    return render_template("partials/self_test.html", **_read_test(tenant))


@blueprint.post("/shops/<id:tenant>/setup/self-test")
def test(tenant: int) -> Any:
    with shop.opened(tenant) as session:
        number = self_test.ask(session, tenant, by=door.actor(), now=show.now().isoformat())
    log.info("self-test asked for", tenant=tenant, number=number, actor=door.actor())
    flash("The test runs. What it finds stands here as it is found.", "good")
    return redirect(url_for("setup.tested"), 303)


def _known(step: str) -> None:
    if step not in setting_up.FORMS:
        abort(404)


def _read_test(tenant: int) -> dict[str, Any]:
    with shop.opened(tenant) as session:
        kept = kept_self_test.read(session, tenant)
    return {
        "kept": kept,
        "rows": self_testing.of_kept(kept),
        "passed": setting_up.passed(kept),
        "not_proved": setting_up.not_proved(kept),
        "under_way": bool(kept) and not kept.get("ended_at"),
    }


def _page(session: Session, tenant: int, step: str, typed: dict[str, str], wrong: dict[str, str]) -> str:
    progress = setup.progress(session, tenant)
    names = FIELDS.get(step, ())
    return render_template(
        "setup_step.html",
        step=setting_up.BY_NAME[step],
        progress=progress,
        fields=[field for field in settings_form.fields() if field.name in names],
        typed=typed,
        wrong=wrong,
        places=setup.places(session, tenant) if step == "locations" else (),
    )


def _save_rules(session: Session, row: Tenant, step: str) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed, and what is wrong with it; kept where nothing is."""
    told = settings_form.typed(request.form)
    typed = settings_form.written(row.rules) | {name: told[name] for name in FIELDS[step]}
    values, wrong = settings_form.read(typed)
    try:
        wished = Rules.model_validate(settings_form.merged(row.rules, values))
    except ValidationError as error:
        return typed, wrong | settings_form.told_of(error)
    if not wrong:
        looking_again.as_rules_change(session, row.id, row.rules, wished)
        row.rules = wished
    return typed, wrong


def _save_places(session: Session, row: Tenant) -> tuple[dict[str, str], dict[str, str]]:
    """Which locations of the store are warehouses; the store's own choice stands for those that it does not offer."""
    offered = [place for place in setup.places(session, row.id) if place.offered]
    chosen = {place.id for place in offered if request.form.get(f"place-{place.id}")}
    if not chosen:
        wrong = "Choose at least one: orders have to leave from somewhere."
        return {}, {"places": wrong if offered else "The store offers no location: read it again, or add one there."}
    row.setup = row.setup | {"no_warehouse": _left_out(session, row.id, offered, chosen)}
    return {}, {}


def _left_out(session: Session, tenant: int, offered: list[Place], chosen: set[int]) -> list[str]:
    places = {place.id: session.get_one(Location, (tenant, place.id)) for place in offered}
    if any(not places[id].ships for id in chosen):
        looking_again.as_a_place_opens(session, tenant, now=show.now())
    for id, location in places.items():
        location.ships = id in chosen
    return [location.remote_id for location in places.values() if not location.ships]
