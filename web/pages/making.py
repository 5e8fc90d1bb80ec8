"""Made to order: the working days that a thing takes to be made, which every promise counts in."""

from __future__ import annotations

from typing import Any

import structlog
from flask import flash, redirect, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import making
from records.stock import Variant
from web import asked
from web import session as door
from web.pages import shop
from web.queries import bundles

log = structlog.get_logger(__name__)
blueprint = door.guarded("making", __name__)

MOST_SHOWN = 200
_NO_DAYS = f"A whole number of working days, from 0 to {making.MOST_DAYS}."


@blueprint.get("/shops/<id:tenant>/stock/making")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return _page(session, tenant, given={"sku": asked.asked("sku")}, wrong={})


@blueprint.post("/shops/<id:tenant>/stock/making")
def set_days(tenant: int) -> Any:
    """Say how long something takes to be made; 0 says that it lies ready."""
    given = {name: asked.told(name) for name in ("sku", "days")}
    days = given["days"]
    whole = days.isascii() and days.isdigit() and len(days) <= len(str(making.MOST_DAYS))
    wrong = {} if whole and int(days) <= making.MOST_DAYS else {"days": _NO_DAYS}
    with shop.opened(tenant) as session:
        found = bundles.named(session, tenant, given["sku"])
        if len(found) != 1:
            wrong["sku"] = bundles.SEVERAL if found else bundles.NOTHING
        if wrong:
            return _page(session, tenant, given=given, wrong=wrong), 422
        found[0].making_days = int(days)
        log.info("making days set", tenant=tenant, variant=found[0].id, days=int(days), actor=door.actor())
    took = f"takes {days} working {'day' if days == '1' else 'days'} to make" if int(days) else "lies ready"
    flash(f"{given['sku']} {took}. Orders that are planned from now on are promised so.", "good")
    return redirect(url_for("making.listed"), 303)


def _page(session: Session, tenant: int, *, given: dict[str, str], wrong: dict[str, str]) -> str:
    made = session.scalars(
        select(Variant)
        .where(Variant.tenant_id == tenant, Variant.making_days > 0)
        .order_by(Variant.sku, Variant.id)
        .limit(MOST_SHOWN)
    ).all()
    return render_template(
        "making.html", made=made, most_shown=MOST_SHOWN, given=given, wrong=wrong, most=making.MOST_DAYS
    )
