"""The buyer's own page: what is out of stock, until when to choose, and what happens otherwise.

No login, no cookie, no script, nobody else's server, and nothing that tells who bought: the address is the proof, so it
is signed, ends, and is told to no other site. Looking changes nothing, since programs that check mail look, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import desk
from jobs.work import buyer_links
from orders import choice_told, choosing
from orders.buyer_links import BuyerLinks
from orders.choice_told import Told
from orders.shortage import swap_of
from orders.swapping import Gone
from records import choices
from records.choices import Choice
from web import asked, show
from web.pages import by_link

log = structlog.get_logger(__name__)
# Not guarded as the other pages are: a buyer is nobody's user, and brings nothing but the address.
blueprint = Blueprint("choose", __name__)
TAKEN = "What you chose is not there any more: somebody was first. Nothing was changed; choose again."


@dataclass(frozen=True, kw_only=True)
class Form:
    """What was chosen in a form, and what is missing in it, by field."""

    lines: Mapping[int, str]
    ship_rest: bool
    wrong: Mapping[str, str]

    @property
    def swaps(self) -> bool:
        """Whether something else is to be sent in the place of a line."""
        return any(swap_of(said) is not None for said in self.lines.values())


@blueprint.get("/choose/<token>")
def shown(token: str) -> Any:
    with _opened(token) as (session, row):
        told = desk.choice_told(session, row, today=show.now().date())
    chosen = {line.id: line.answer for line in told.lines if line.answer}
    return _page(token, told, Form(lines=chosen, ship_rest=told.rest == "now", wrong={}))


@blueprint.get("/choose/<token>/confirm")
def confirmed(token: str) -> Any:
    """Shows once more what was chosen, and what comes of it."""
    with _opened(token) as (session, row):
        told = desk.choice_told(session, row, today=show.now().date())
    if told.final:
        return redirect(url_for("choose.shown", token=token), 303)
    form = read(request.args, told)
    if form.wrong:
        return _page(token, told, form), 422
    return render_template("choose_confirm.html", token=token, told=told, form=form, **_words(told))


@blueprint.post("/choose/<token>")
def answered(token: str) -> Any:
    try:
        return _answered(token)
    except Gone:  # in the moment between looking and holding it
        with _opened(token) as (session, row):
            told = desk.choice_told(session, row, today=show.now().date())
        return _page(token, told, taken(request.form, told)), 422


def _answered(token: str) -> Any:
    with _opened(token) as (session, row):
        told = desk.choice_told(session, row, today=show.now().date())
        form = read(request.form, told)
        if form.wrong and not told.final:
            return _page(token, told, form), 422
        counts = desk.answer_choice(
            session, row.tenant_id, row.id, form.lines, ship_rest=form.ship_rest, by=choosing.BUYER
        )
        log.info("buyer chose", tenant=row.tenant_id, order=row.order_id, choice=row.id, counts=counts)
    return redirect(url_for("choose.shown", token=token), 303)


@blueprint.after_request
def tell_nobody_the_address(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def links() -> BuyerLinks:
    return buyer_links(current_app.extensions["settings"])


def read(given: Mapping[str, str], told: Told) -> Form:
    """The answers of a form: one for every line that is short, and one for the rest where that waits. Pure."""
    lines, wrong = {}, {}
    for line in told.lines:
        name = f"line-{line.id}"
        said = asked.plain(given.get(name, ""), 30)
        if said in line.allowed:
            lines[line.id] = said
        else:
            wrong[name] = TAKEN if swap_of(said) is not None else "Choose one of these. Nothing was sent yet."
    return Form(lines=lines, ship_rest=asked.plain(given.get("rest", ""), 20) == "now", wrong=wrong)


def taken(given: Mapping[str, str], told: Told) -> Form:
    """The same form, saying of each swap in it that it came too late. Pure."""
    form = read(given, told)
    swaps = {line: said for line, said in form.lines.items() if swap_of(said) is not None}
    kept = {line: said for line, said in form.lines.items() if line not in swaps}
    gone = {f"line-{line}": TAKEN for line in swaps}
    return Form(lines=kept, ship_rest=form.ship_rest, wrong={**form.wrong, **gone})


def _opened(token: str) -> AbstractContextManager[tuple[Session, Choice]]:
    return by_link.opened(links(), token, choices.find)


def _page(token: str, told: Told, form: Form) -> str:
    return render_template("choose.html", token=token, told=told, form=form, **_words(told))


def _words(told: Told) -> dict[str, Any]:
    locale = show.locale()
    return {
        "deadline": choice_told.moment(told.answer_by, locale),
        "otherwise": choice_told.by_default(told),
        "restock": {line.id: choice_told.day(line.restock, locale) for line in told.lines if line.restock},
    }
