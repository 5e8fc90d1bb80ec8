"""The inbox: did the vendor tell us, and what did we do with it."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for

from jobs import desk
from web import asked
from web import session as door
from web.pages import shop
from web.queries import inbox
from web.queries.inbox import Wish
from web.queries.keyset import Cut
from web.show import redaction, words

log = structlog.get_logger(__name__)
blueprint = door.guarded("inbox", __name__)

VENDORS = ("shopify", "stripe", "easypost")


@blueprint.get("/shops/<id:tenant>/inbox")
def listed(tenant: int) -> str:
    vendor_choices = [(name, words.actor(name)) for name in VENDORS]
    return render_template("inbox.html", vendor_choices=vendor_choices, **_list(tenant))


@blueprint.get("/shops/<id:tenant>/inbox/live")
def live(tenant: int) -> str:
    """The rows alone, which keep themselves fresh."""
    return render_template("partials/inbox.html", **_list(tenant))


@blueprint.get("/shops/<id:tenant>/inbox/<id:id>")
def shown(tenant: int, id: int) -> str:
    """One delivery. What identifies the buyer is hidden, unless a person asks for it, which is logged."""
    unveiled = asked.asked("show") == "all"
    with shop.opened(tenant) as session:
        event = inbox.one(session, tenant, id) or abort(404)
        body, is_json = redaction.pretty(event.body, redacted=not unveiled)
    if unveiled:
        log.info("personal data looked at", tenant=tenant, inbox_event=id, actor=door.actor())
    headers = {name: redaction.header(name, str(value)) for name, value in sorted(event.headers.items())}
    return render_template(
        "event.html",
        event=event,
        body=body,
        is_json=is_json,
        headers=headers,
        unveiled=unveiled,
        order=inbox.order_of(event.subject),
    )


@blueprint.post("/shops/<id:tenant>/inbox/<id:id>/replay")
def replay(tenant: int, id: int) -> Any:
    with shop.opened(tenant) as session:
        if inbox.one(session, tenant, id) is None:
            abort(404)
        replayed = desk.replay(session, tenant, id)
    if replayed:
        log.info("event replayed", tenant=tenant, inbox_event=id, actor=door.actor())
        flash("The delivery is read again, as if it had just arrived. What was done for it is not done twice.", "good")
    else:
        flash("The delivery is being read already, so nothing was changed.", "warn")
    return redirect(url_for("inbox.shown", id=id), 303)


def _list(tenant: int) -> dict[str, Any]:
    wish = Wish(
        vendor=asked.one_of("vendor", VENDORS),
        topic=asked.asked("topic"),
        state=asked.one_of("state", words.LOOKS["inbox"]),
    )
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        page = inbox.page(session, tenant, wish, cut)
        names = inbox.order_names(session, tenant, page.rows)
    return {
        "page": page,
        "names": names,
        "order_of": inbox.order_of,
        "wish": wish,
        "filtered": wish != Wish(),
        "first": cut == Cut(),
    }
