"""Bundles: what is sold as one thing and lies on the shelves as several."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from jobs import intake
from orders import bundles
from records.stock import Variant
from web import asked
from web import session as door
from web.pages import shop
from web.queries import bundles as made

log = structlog.get_logger(__name__)
blueprint = door.guarded("bundles", __name__)

_FIELDS = ("bundle", "part", "units")


@blueprint.get("/shops/<id:tenant>/stock/bundles")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return _page(session, tenant, given={"bundle": asked.asked("bundle"), "units": "1"})


@blueprint.post("/shops/<id:tenant>/stock/bundles")
def put_in(tenant: int) -> Any:
    """Put a part in a bundle, or other units of it. Orders that hold stock already keep what they hold."""
    given = {name: asked.told(name) for name in _FIELDS}
    with shop.opened(tenant) as session:
        wrong = _put_in(session, tenant, given)
        if wrong:
            return _page(session, tenant, given=given, wrong=wrong), 422
    flash(f"{given['units']} × {given['part']} in {given['bundle']}. Orders that hold none yet take it so.", "good")
    return redirect(url_for("bundles.listed", bundle=given["bundle"]), 303)


@blueprint.post("/shops/<id:tenant>/stock/bundles/<id:bundle>/parts/<id:part>/take-out")
def take_out(tenant: int, bundle: int, part: int) -> Any:
    """Take a part out of a bundle. It is put in again with the form above."""
    with shop.opened(tenant) as session:
        if None in (session.get(Variant, (tenant, bundle)), session.get(Variant, (tenant, part))):
            abort(404)
        gone = bundles.take_out(session, tenant, bundle, part)
        if gone:
            intake.fill_backorders(session, tenant)
        log.info("part taken out of bundle", tenant=tenant, bundle=bundle, part=part, gone=gone, actor=door.actor())
    if gone:
        flash("The part was taken out. Orders that hold it keep it.", "good")
    else:
        flash("That part was not in the bundle any more.", "warn")
    return redirect(url_for("bundles.listed"), 303)


def _page(session: Session, tenant: int, *, given: dict[str, str], wrong: dict[str, str] | None = None) -> str:
    return render_template("bundles.html", bundles=made.all_of(session, tenant), given=given, wrong=wrong or {})


def _put_in(session: Session, tenant: int, given: dict[str, str]) -> dict[str, str]:
    """What is wrong with what was typed, by field; empty where the part is in the bundle now."""
    units = given["units"]
    whole = units.isascii() and units.isdigit() and len(units) <= len(str(bundles.MOST_UNITS))
    wrong = {} if whole else {"units": f"A whole number from 1 to {bundles.MOST_UNITS:,}."}
    sold: dict[str, Variant] = {}
    for name in ("bundle", "part"):
        found = made.named(session, tenant, given[name])
        if len(found) == 1:
            sold[name] = found[0]
        else:
            wrong[name] = made.SEVERAL if found else made.NOTHING
    if wrong:
        return wrong
    refused = _take_so_many(session, tenant, sold["bundle"].id, sold["part"].id, int(units))
    log.info("part of a bundle", tenant=tenant, bundle=sold["bundle"].id, part=sold["part"].id, units=units,
             refused=refused.why if refused else "", actor=door.actor())  # fmt: skip
    return {refused.field: refused.why} if refused else {}


def _take_so_many(session: Session, tenant: int, bundle: int, part: int, units: int) -> bundles.Refused | None:
    """Put it in; orders that wait for what is in the bundle now are looked at again where that is something else."""
    before = bundles.parts_of(session, tenant, bundle)
    refused = bundles.put_in(session, tenant, bundle, part, units)
    if bundles.parts_of(session, tenant, bundle) != before:
        intake.fill_backorders(session, tenant)
    return refused
