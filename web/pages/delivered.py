"""The buyer's page of what they bought digitally: their codes, and links that are counted when they are opened.

No login, no cookie, no script: the address is the proof, so it is signed, ends, and is told to no other site. Looking
counts nothing, since programs that check mail look, too; a link is opened by a button.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import structlog
from flask import Blueprint, Response, abort, current_app, redirect, render_template
from sqlalchemy.orm import Session

from config.keyring import Keyring
from orders import choice_told, digital, digital_told
from orders.digital_told import Told
from records.digital import DigitalDelivery, find_delivery, lines_in
from web import show
from web.pages import by_link, choose

log = structlog.get_logger(__name__)
# Not guarded as the other pages are: a buyer is nobody's user, and brings nothing but the address.
blueprint = Blueprint("delivered", __name__)

# As on every page, but for where its forms may lead: browsers hold the merchant's site, which the button ends at,
# against it, too (CSP 3, 6.4.1).
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self' https:; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@blueprint.get("/delivered/<token>")
def shown(token: str) -> Any:
    with _opened(token) as (session, row):
        told = _told(session, row)
    return _page(token, told)


@blueprint.post("/delivered/<token>/open/<id:line>")
def opened(token: str, line: int) -> Any:
    """Count one opening, and lead on to the merchant's link; what has ended says so on the page."""
    with _opened(token) as (session, row):
        mine = next((one for one in lines_in(session, row.tenant_id, row.id) if one.id == line), None) or abort(404)
        cancelled = _told(session, row).cancelled
        address = digital_told.address(session, row.tenant_id, mine, _keyring().open)
        leads = bool(address) and not cancelled and digital.open_link(session, row.tenant_id, line, now=show.now())
        log.info("download opened", tenant=row.tenant_id, order=row.order_id, line=line, leads=leads)
        session.expire_all()
        told = _told(session, row)
    return redirect(address, 303) if leads else (_page(token, told, refused=line), 410)


@blueprint.after_request
def tell_nobody_the_address(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _opened(token: str) -> AbstractContextManager[tuple[Session, DigitalDelivery]]:
    return by_link.opened(choose.links().leading_to("delivered"), token, find_delivery)


def _told(session: Session, row: DigitalDelivery) -> Told:
    return digital_told.told(session, row, _keyring().open, now=show.now())


def _page(token: str, told: Told, *, refused: int = 0) -> str:
    locale = show.locale()
    until = {line.id: choice_told.moment(line.ends_at, locale) for line in told.lines if line.ends_at}
    return render_template("delivered.html", token=token, told=told, until=until, refused=refused)


def _keyring() -> Keyring:
    keyring: Keyring = current_app.extensions["keyring"]
    return keyring
