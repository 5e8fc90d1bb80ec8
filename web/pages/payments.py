"""Payments: the ones that no order is known for, and those that found theirs."""

from __future__ import annotations

from flask import render_template

from web import asked
from web import session as door
from web.pages import shop
from web.queries import connections, payments
from web.queries.keyset import Cut

blueprint = door.guarded("payments", __name__)


@blueprint.get("/shops/<id:tenant>/payments")
def listed(tenant: int) -> str:
    """Unmatched ones stand first, on the first page of the matched ones; `show` narrows to one of the two."""
    only = asked.one_of("show", ("unmatched", "matched"))
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        first = cut == Cut()
        wants_unmatched = only == "unmatched" or (not only and first)
        unmatched = payments.page(session, tenant, matched=False, cut=cut) if wants_unmatched else None
        matched = None if only == "unmatched" else payments.page(session, tenant, matched=True, cut=cut)
        names = payments.order_names(session, tenant, matched.rows if matched else [])
        count = payments.unmatched_count(session, tenant)
        vendors = connections.vendors(session, tenant)
    return render_template(
        "payments.html", unmatched=unmatched, matched=matched, names=names, count=count, vendors=vendors, only=only
    )
