"""Stock: what can be sold, where it lies, and why each number is what it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from flask import Response, abort, flash, redirect, render_template, stream_with_context, url_for

from jobs import desk
from orders import count_sheet, stock_check
from orders.promising_stock import Promised
from web import asked, show
from web import session as door
from web.pages import shop
from web.pages.stock_forms import Typed
from web.queries import connections, stock, stock_sheet
from web.queries.keyset import Cut
from web.queries.stock import Mark
from web.show import sheet

log = structlog.get_logger(__name__)
blueprint = door.guarded("stock", __name__)

# A repair is news for a while; the level's own page tells of it for ever.
_REPAIRS_SHOWN, _REPAIRS_SHOWN_FOR = 3, timedelta(days=7)


@blueprint.get("/shops/<id:tenant>/stock")
def listed(tenant: int) -> str:
    search, short = asked.asked("q"), asked.asked("short") == "1"
    after = asked.row_id("after")
    mark = Mark(sku=asked.asked("after_sku"), id=after) if after is not None else None
    with shop.opened(tenant) as session:
        shelves = stock.shelves(session, tenant, search=search, short=short, mark=mark)
        stores = connections.storefronts(session, tenant)
        places = stock.place_names(session, tenant)
        repairs = stock_check.repairs(session, tenant, since=show.now() - _REPAIRS_SHOWN_FOR, limit=_REPAIRS_SHOWN)
    return render_template(
        "stock.html", shelves=shelves, stores=stores, search=search, short=short, first=mark is None, places=places,
        repairs=repairs,
    )  # fmt: skip


@blueprint.get("/shops/<id:tenant>/stock.csv")
def file(tenant: int) -> Response:
    """What is on hand, as a sheet that can be edited and uploaded as a count."""
    search = asked.asked("q")
    with shop.opened(tenant):
        log.info("stock exported", tenant=tenant, actor=door.actor())
    levels = stock_sheet.each(shop.engine(), tenant, search=search)
    rows = sheet.lines(list(count_sheet.HEADING), ([sku, place, units, units, ""] for sku, place, units in levels))
    named = f'attachment; filename="stock-{show.now():%Y-%m-%d}.csv"'
    return Response(
        stream_with_context(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": named}
    )


@blueprint.get("/shops/<id:tenant>/stock/<id:variant>/<id:location>")
def ledger(tenant: int, variant: int, location: int) -> str:
    return level_page(tenant, variant, location, Typed())


def level_page(tenant: int, variant: int, location: int, typed: Typed, promised: tuple[Promised, ...] = ()) -> str:
    """A level with its movements and what can be done to it; `typed` is what was typed and could not be done."""
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        found = stock.ledger(session, tenant, variant, location, cut) or abort(404)
    return render_template("ledger.html", found=found, typed=typed, promised=promised)


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
