"""Stock: what can be sold, where it lies, and why each number is what it is."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for

from jobs import desk
from web import asked
from web import session as door
from web.pages import shop
from web.queries import connections, stock
from web.queries.keyset import Cut
from web.queries.stock import Mark

log = structlog.get_logger(__name__)
blueprint = door.guarded("stock", __name__)


@blueprint.get("/shops/<id:tenant>/stock")
def listed(tenant: int) -> str:
    search, short = asked.asked("q"), asked.asked("short") == "1"
    after = asked.row_id("after")
    mark = Mark(sku=asked.asked("after_sku"), id=after) if after is not None else None
    with shop.opened(tenant) as session:
        shelves = stock.shelves(session, tenant, search=search, short=short, mark=mark)
        stores = connections.storefronts(session, tenant)
    return render_template("stock.html", shelves=shelves, stores=stores, search=search, short=short, first=mark is None)


@blueprint.get("/shops/<id:tenant>/stock/<id:variant>/<id:location>")
def ledger(tenant: int, variant: int, location: int) -> str:
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        found = stock.ledger(session, tenant, variant, location, cut) or abort(404)
    return render_template("ledger.html", found=found)


@blueprint.post("/shops/<id:tenant>/stock/read")
def read_again(tenant: int) -> Any:
    """Have the store's locations, variants and counts read anew."""
    with shop.opened(tenant) as session:
        named = asked.told("connection")
        if named not in {store.id for store in connections.storefronts(session, tenant)}:
            abort(404)
        desk.read_catalogue(session, tenant, named)
    log.info("catalogue asked for", tenant=tenant, connection=named, actor=door.actor())
    flash("The store's products and stock are being read anew.", "good")
    return redirect(url_for("stock.listed"), 303)
