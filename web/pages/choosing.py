"""Answers for a buyer what is to become of what is short, where they said so by phone or nobody can reach them."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import desk
from orders.choice_told import Told
from orders.swapping import Gone
from records import choices
from records.choices import Choice
from records.orders import find_order
from web import asked, show
from web import session as door
from web.pages import choose, shop
from web.pages.choose import Form

log = structlog.get_logger(__name__)
blueprint = door.guarded("choosing", __name__)


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/choice")
@door.takes("ops")
def shown(tenant: int, id: int) -> Any:
    with shop.opened(tenant) as session:
        row, told = _choice(session, tenant, id)
    chosen = {line.id: line.answer for line in told.lines if line.answer}
    return _page(row, told, Form(lines=chosen, ship_rest=told.rest == "now", wrong={}))


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/choice")
def answered(tenant: int, id: int) -> Any:
    try:
        return _answered(tenant, id)
    except Gone:  # in the moment between looking and holding it
        with shop.opened(tenant) as session:
            row, told = _choice(session, tenant, id)
        return _page(row, told, choose.taken(request.form, told), reason=asked.reason()[0]), 422


def _answered(tenant: int, id: int) -> Any:
    reason, wrong = asked.reason()
    with shop.opened(tenant) as session:
        row, told = _choice(session, tenant, id)
        form = choose.read(request.form, told)
        if wrong or form.wrong:
            return _page(row, told, form, reason=reason, wrong=wrong), 422
        counts = desk.answer_choice(
            session, tenant, row.id, form.lines, ship_rest=form.ship_rest, by=door.actor(), reason=reason
        )
    log.info("answered for the buyer", tenant=tenant, order=id, choice=row.id, counts=counts, actor=door.actor())
    if counts:
        flash("Chosen in the buyer's place. It is being done; their page shows it.", "good")
    else:
        flash("Nothing was changed: somebody was first, or what is short has changed. Look at it again.", "warn")
    return redirect(url_for("order.shown", id=id), 303)


def _choice(session: Session, tenant: int, order: int) -> tuple[Choice, Told]:
    if find_order(session, tenant, order) is None:
        abort(404)
    row = choices.latest_of(session, tenant, order) or abort(404)
    return row, desk.choice_told(session, row, today=show.now().date())


def _page(row: Choice, told: Told, form: Form, *, reason: str = "", wrong: str = "") -> str:
    return render_template("choosing.html", row=row, told=told, form=form, reason=reason, wrong=wrong)
