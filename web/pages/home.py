"""The list of shops, and a shop's home: is it working, and what needs me."""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, render_template, url_for

from jobs import health
from records import database
from web import session as door
from web import show
from web.pages import shop
from web.queries import home as counts
from web.queries import setup
from web.queries import shops as shop_list
from web.show import condition
from web.surface import is_embedded

blueprint = door.guarded("home", __name__)


@blueprint.get("/")
def shops() -> Any:
    why = "the list of shops is for everybody who may sign in"
    with database.across_tenants(shop.engine(), why=why, by=door.actor()) as session:
        found = shop_list.every(session, only=door.own_shop())
    if len(found) == 1:
        return redirect(url_for("home.shown", tenant=found[0].id), 303)
    return render_template("shops.html", shops=found)


@blueprint.get("/shops/<id:tenant>/")
def shown(tenant: int) -> str:
    with shop.opened(tenant) as session:
        progress = setup.progress(session, tenant)
    return render_template("home.html", progress=progress, **_overview(tenant))


@blueprint.get("/shops/<id:tenant>/live")
def live(tenant: int) -> str:
    """The part of the home page that keeps itself fresh."""
    return render_template("partials/home.html", **_overview(tenant))


def _overview(tenant: int) -> dict[str, Any]:
    report = health.report(current_app.extensions["settings"].redis_url)
    with shop.opened(tenant) as session:
        found = counts.overview(session, tenant, now=show.now())
    judged = condition.judge(report, found.backlog.oldest_due_at, now=show.now())
    return {"found": found, "condition": condition.for_merchants(judged) if is_embedded() else judged}
