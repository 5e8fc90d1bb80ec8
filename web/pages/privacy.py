"""What buyers and the store have demanded about personal data: by when, what came of it, and the exports to send."""

from __future__ import annotations

import json
from typing import Any

import structlog
from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for

from config import boot
from config.keyring import CannotOpen
from jobs import privacy as demanding
from orders import export
from records.orders import orders_named
from records.privacy import EXPORT, REDACT_BUYER
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import privacy

log = structlog.get_logger(__name__)
# What is done here cannot be undone, and what is fetched here is all that is known of somebody.
blueprint = door.guarded("privacy", __name__, may="admin", look="admin")

_KINDS = {"export": EXPORT, "forget": REDACT_BUYER}
_FORMS = {"json": "application/json", "text": "text/plain; charset=utf-8"}


@blueprint.get("/shops/<id:tenant>/privacy")
def shown(tenant: int) -> str:
    return _page(tenant)


@blueprint.post("/shops/<id:tenant>/privacy")
def ask(tenant: int) -> Any:
    """Demand for the buyer of an order what the store would demand for them."""
    what, name = request.form.get("what", ""), asked.told("order", longest=100)
    with shop.opened(tenant) as session:
        kind = _KINDS.get(what) or abort(400)
        found = orders_named(session, tenant, name) if name else []
        if found:
            demand = demanding.ask(session, tenant, kind, found, by=door.actor(), now=show.now())
    if not found:
        return _page(tenant, wrong="No order has this name: look for it among the orders.", given=name, what=what), 422
    log.info("privacy demand by hand", tenant=tenant, demand=demand, kind=kind, actor=door.actor())
    flash("It is done in a moment, or as soon as nothing is at work on the order any more.", "good")
    return redirect(url_for("privacy.shown"), 303)


@blueprint.post("/shops/<id:tenant>/privacy/<id:id>/export")
def fetch(tenant: int, id: int) -> Any:
    """The export as a file. Asked for like a write, because it takes an admin, and every fetch is written down."""
    form = request.form.get("as", "json")
    with shop.opened(tenant) as session:
        media_type = _FORMS.get(form) or abort(400)
        sealed = privacy.sealed_export(session, tenant, id) or abort(404)
    try:
        document = boot.keyring(current_app.extensions["settings"]).open(sealed)["document"]
    except CannotOpen:
        flash("The export was sealed with a key that is not here any more. Ask for it once more.", "bad")
        return redirect(url_for("privacy.shown"), 303)
    log.info("export fetched", tenant=tenant, demand=id, actor=door.actor())
    told = document if form == "json" else export.as_text(json.loads(document))
    ending = "json" if form == "json" else "txt"
    disposition = f'attachment; filename="buyer-{id}.{ending}"'
    return Response(told, content_type=media_type, headers={"Content-Disposition": disposition})


def _page(tenant: int, **more: Any) -> str:
    with shop.opened(tenant) as session:
        found = privacy.overview(session, tenant)
    return render_template("privacy.html", found=found, **more)
