"""A location cannot send a shipment: why, and the order leaves from elsewhere; and that location is asked again."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from jobs import desk
from orders.refusing import WHY
from records.orders import Order, find_order
from records.shipments import Shipment
from records.stock import Location
from web import asked, show
from web import session as door
from web.pages import shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("rerouting", __name__)

# Each goes on from the name of the place.
REASONS = tuple((name, sentence.removeprefix("it ").capitalize()) for name, sentence in WHY.items())


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/cannot-send")
@door.takes("ops")
def asked_for(tenant: int, id: int, shipment: int) -> str:
    """Asks why, and says what happens then. Looking changes nothing."""
    return _page(tenant, id, shipment, {}, {})


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/cannot-send")
def taken(tenant: int, id: int, shipment: int) -> Any:
    typed = {"why": asked.told("why"), "note": asked.told("note", longest=asked.MOST_SHOWN_AGAIN)}
    wrong = _wrong(typed)
    with shop.opened(tenant) as session:
        _shipment(session, tenant, id, shipment)
        refusal = "" if wrong else desk.cannot_send(
            session, tenant, shipment, why=typed["why"], note=typed["note"], by=door.actor(), now=show.now()
        )  # fmt: skip
    if wrong:
        return _page(tenant, id, shipment, typed, wrong), 422
    log.info("cannot send", tenant=tenant, order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"The shipment stays where it is. {refusal}", "warn")
    else:
        flash("It is taken from there, and the order is routed anew without that place.", "good")
    return redirect(url_for("order.shown", id=id), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/places/<id:location>/ask-again")
def ask_again(tenant: int, id: int, location: int) -> Any:
    with shop.opened(tenant) as session:
        if find_order(session, tenant, id) is None or session.get(Location, (tenant, location)) is None:
            abort(404)
        asked_anew = desk.ask_again(session, tenant, id, location, by=door.actor())
    log.info("asked again", tenant=tenant, order=id, location=location, done=asked_anew, actor=door.actor())
    if asked_anew:
        flash("It may be asked again. What is still open of the order is routed anew.", "good")
    else:
        flash("It may be asked already, so nothing was changed.", "warn")
    return redirect(url_for("routing.shown", id=id), 303)


def _page(tenant: int, id: int, shipment: int, typed: dict[str, str], wrong: dict[str, str]) -> str:
    with shop.opened(tenant) as session:
        order, row = _shipment(session, tenant, id, shipment)
        place = session.get_one(Location, (tenant, row.location_id)).name
        refusal = desk.why_it_sends(session, row)
    return render_template(
        "cannot_send.html", order=order, shipment=row, location=place, reasons=REASONS, refusal=refusal,
        typed=typed, wrong=wrong,
    )  # fmt: skip


def _wrong(typed: dict[str, str]) -> dict[str, str]:
    wrong = {"why": "Choose one of these."} if typed["why"] not in WHY else {}
    if typed["why"] == "other" and not typed["note"]:
        wrong["note"] = "Say why: the next person will ask."
    too_long = asked.too_long(typed["note"], asked.LONGEST_REASON)
    return wrong | ({"note": too_long} if too_long else {})


def _shipment(session: Session, tenant: int, order: int, shipment: int) -> tuple[Order, Shipment]:
    found = find_order(session, tenant, order) or abort(404)
    row = session.get(Shipment, (tenant, shipment))
    # A supplier's leaves none of our places: nothing of it is ours to divide or to send from elsewhere.
    return (found, row) if row is not None and row.order_id == order and row.location_id is not None else abort(404)
