"""What Packline would have done, beside what the merchant did; and the switch between watching and doing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import structlog
from flask import flash, redirect, render_template, url_for

from jobs import going_live
from records import tenants
from records.tenants import Tenant
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import setup, shadow
from web.queries.keyset import Cut

log = structlog.get_logger(__name__)
blueprint = door.guarded("shadow", __name__, may="admin")

VIEWS = (("ship", "Orders"), ("hold", "Would wait"), ("act", "Single acts"))


@blueprint.get("/shops/<id:tenant>/shadow")
def shown(tenant: int) -> str:
    about = asked.one_of("about", [name for name, _ in VIEWS]) or "ship"
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        page = shadow.page(session, tenant, about=about, cut=cut)
        return render_template(
            "shadow.html",
            mode=tenants.mode_of(session, tenant),
            begun=going_live.still_begun(session, tenant),
            page=page,
            orders=shadow.orders_of(session, tenant, page.rows),
            sums=shadow.sums(session, tenant),
            compared=shadow.compared(session, tenant),
            about=about,
            views=VIEWS,
        )


@blueprint.post("/shops/<id:tenant>/shadow")
def watch(tenant: int) -> Any:
    """Only watch from now on; what was begun is finished first."""
    with shop.opened(tenant) as session:
        begun = going_live.watch(session, tenant, by=door.actor())
        row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
        row.setup = row.setup | {"watched_at": show.now().isoformat()}
    if begun:
        flash("Nothing new is begun. What was begun is finished first; then Packline only watches.", "good")
    else:
        flash("Packline only watches this shop from now on. Ship your orders as you always did.", "good")
    return redirect(url_for("shadow.shown"), 303)


@blueprint.get("/shops/<id:tenant>/shadow/go-live")
@door.takes("admin")
def confirm(tenant: int) -> str:
    """Asks once more: from then on money is spent."""
    with shop.opened(tenant) as session:
        return _confirmation(session, tenant, "", "")


@blueprint.post("/shops/<id:tenant>/shadow/go-live")
def go_live(tenant: int) -> Any:
    typed = asked.told("since", longest=10)
    since, wrong = _day(typed)
    with shop.opened(tenant) as session:
        if wrong:
            return _confirmation(session, tenant, typed, wrong), 422
        begun = going_live.go_live(session, tenant, since=since, by=door.actor(), now=datetime.now(UTC))
    log.info("shop went live", tenant=tenant, begun=begun, actor=door.actor())
    flash(f"Packline is live. {begun} open {'order is' if begun == 1 else 'orders are'} worked on.", "good")
    return redirect(url_for("shadow.shown"), 303)


def _confirmation(session: Any, tenant: int, typed: str, wrong: str) -> str:
    return render_template(
        "go_live.html",
        mode=tenants.mode_of(session, tenant),
        progress=setup.progress(session, tenant),
        typed=typed,
        wrong=wrong,
    )


def _day(typed: str) -> tuple[datetime | None, str]:
    """The first moment of a day, in UTC; None where none was asked for. Or what is wrong with it."""
    if not typed:
        return None, ""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None, "A day such as 2026-11-20, or nothing."
    since = datetime.combine(day, time.min, tzinfo=UTC)
    return (None, "That day has not come yet.") if since > show.now() else (since, "")
