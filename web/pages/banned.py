"""Where goods may go: what is hazardous, and the countries that a thing may not be sent to."""

from __future__ import annotations

from typing import Any

import structlog
from flask import flash, redirect, render_template, url_for
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from jobs import intake
from records.routing import Bans
from records.stock import Variant
from web import asked
from web import session as door
from web.pages import location_form, shop
from web.queries import bundles

log = structlog.get_logger(__name__)
blueprint = door.guarded("banned", __name__)

MOST_SHOWN = 200
_FIELDS = ("sku", "hazmat", "never_to")


@blueprint.get("/shops/<id:tenant>/stock/where")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return _page(session, tenant, given={"sku": asked.asked("sku")}, wrong={})


@blueprint.post("/shops/<id:tenant>/stock/where")
def mark(tenant: int) -> Any:
    """Say where something may not go; nothing ticked and nothing named says that it may go everywhere."""
    given = {name: asked.told(name, longest=asked.MOST_SHOWN_AGAIN) for name in _FIELDS}
    wrong: dict[str, str] = {}
    said = Bans(never_to=location_form.countries(given, "never_to", wrong), hazmat=given["hazmat"] == "1")
    with shop.opened(tenant) as session:
        found = bundles.named(session, tenant, given["sku"])
        if len(found) != 1:
            wrong["sku"] = bundles.SEVERAL if found else bundles.NOTHING
        if wrong:
            return _page(session, tenant, given=given, wrong=wrong), 422
        found[0].bans = said
        session.flush()
        intake.fill_backorders(session, tenant)
        log.info("goods marked", tenant=tenant, variant=found[0].id, actor=door.actor(), **said.model_dump())
    flash(f"{given['sku']} is marked so. It counts for what is planned from now on.", "good")
    return redirect(url_for("banned.listed"), 303)


def _page(session: Session, tenant: int, *, given: dict[str, str], wrong: dict[str, str]) -> str:
    marked = session.scalars(
        select(Variant)
        .where(Variant.tenant_id == tenant, text(f"({_SAYS.format('bans')} OR {_SAYS.format('store_bans')})"))
        .order_by(Variant.sku, Variant.id)
        .limit(MOST_SHOWN)
    ).all()
    return render_template("banned.html", marked=marked, most_shown=MOST_SHOWN, given=given, wrong=wrong)


_SAYS = "jsonb_path_exists(variants.{}, '$ ? (@.hazmat == true || @.never_to.size() > 0)')"
