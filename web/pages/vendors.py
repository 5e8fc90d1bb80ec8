"""The accounts at vendors: do they still tell us everything, and what differed when we last looked?"""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for

from jobs import desk
from web import asked
from web import session as door
from web.pages import shop
from web.queries import vendors
from web.queries.keyset import Cut

log = structlog.get_logger(__name__)
blueprint = door.guarded("vendors", __name__)

OUTCOMES = ("repaired", "parked", "noted")


@blueprint.get("/shops/<id:tenant>/vendors")
def listed(tenant: int) -> str:
    outcome = asked.one_of("outcome", OUTCOMES)
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        page = vendors.findings(session, tenant, outcome=outcome, cut=cut)
        names = vendors.order_names(session, tenant, page.rows)
        accounts = vendors.accounts(session, tenant)
    return render_template(
        "vendors.html",
        accounts=accounts,
        page=page,
        names=names,
        outcome=outcome,
        outcomes=OUTCOMES,
        first=cut == Cut(),
    )


@blueprint.post("/shops/<id:tenant>/vendors/<connection>/compare")
def compare(tenant: int, connection: str) -> Any:
    """Compare with the vendor now, and look whether it still tells us everything."""
    with shop.opened(tenant) as session:
        found = vendors.find_account(session, tenant, connection) or abort(404)
        desk.compare(session, tenant, found.id)
    log.info("comparison asked for", tenant=tenant, connection=connection, actor=door.actor())
    flash("Packline compares its records with the vendor's. What differs stands below in a moment.", "good")
    return redirect(url_for("vendors.listed"), 303)
