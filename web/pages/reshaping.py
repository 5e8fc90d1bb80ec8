"""What a person changes of a shipment before its label is bought: divided, sent together, rates asked for anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import desk
from orders import splitting
from records.orders import Order, find_order, lines_of
from records.shipments import Parcel, Shipment
from records.stock import Location
from web import asked
from web import session as door
from web.pages import shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("reshaping", __name__)

# No line has this number.
_TOGETHER = 0


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/split")
@door.takes("ops")
def planned(tenant: int, id: int, shipment: int) -> str:
    """Asks which units leave apart. Looking changes nothing."""
    return _page(tenant, id, shipment, {}, {})


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/split")
def split(tenant: int, id: int, shipment: int) -> Any:
    typed = _typed()
    with shop.opened(tenant) as session:
        _shipment(session, tenant, id, shipment)
        wrong = _wrong(typed, splitting.units_of(session, tenant, shipment))
        apart = {} if wrong else {line: int(text) for line, text in typed.items()}
        refusal = "" if wrong else desk.split(session, tenant, shipment, apart, by=door.actor())
    if wrong:
        return _page(tenant, id, shipment, typed, wrong), 422
    log.info("split asked for", tenant=tenant, order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"The shipment stays as it is. {refusal}", "warn")
        return redirect(url_for("reshaping.planned", id=id, shipment=shipment), 303)
    flash("Two shipments leave instead of one; a label is bought for each.", "good")
    return redirect(url_for("order.shown", id=id), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/join")
def join(tenant: int, id: int, shipment: int) -> Any:
    with shop.opened(tenant) as session:
        _shipment(session, tenant, id, shipment)
        refusal = desk.join(session, tenant, shipment, by=door.actor())
    log.info("to leave together", tenant=tenant, order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"The shipments stay as they are. {refusal}", "warn")
    else:
        flash("One shipment leaves instead of several; you can split it again while no label is bought.", "good")
    return redirect(url_for("order.shown", id=id), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/parcels/<id:parcel>/rates")
def rerate(tenant: int, id: int, parcel: int) -> Any:
    with shop.opened(tenant) as session:
        row = session.get(Parcel, (tenant, parcel))
        if row is None or row.order_id != id:
            abort(404)
        refusal = desk.rerate(session, tenant, parcel, by=door.actor())
    log.info("new rates asked for", tenant=tenant, order=id, parcel=parcel, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"No new rates are asked for. {refusal}", "warn")
    else:
        flash("The carriers are asked again, and the best rate is bought.", "good")
    return redirect(url_for("order.shown", id=id), 303)


def _page(tenant: int, id: int, shipment: int, typed: Mapping[int, str], wrong: Mapping[int, str]) -> str:
    with shop.opened(tenant) as session:
        order, row = _shipment(session, tenant, id, shipment)
        units = splitting.units_of(session, tenant, shipment)
        lines = [line for line in lines_of(session, tenant, id) if line.id in units]
        place = session.get_one(Location, (tenant, row.location_id))
        late = "" if row.state == "planned" else f"The shipment is {row.state.replace('_', ' ')}: it is too late."
    return render_template(
        "split.html", order=order, shipment=row, units=units, lines=lines, location=place.name, refusal=late,
        typed=typed, wrong=wrong, wrong_together=wrong.get(_TOGETHER, ""),
    )  # fmt: skip


def _typed() -> dict[int, str]:
    """What was typed, by order line."""
    found: dict[int, str] = {}
    for name, value in request.form.items():
        line = name.removeprefix("units-")
        if name.startswith("units-") and line.isascii() and line.isdigit() and len(line) < 19:
            found[int(line)] = asked.plain(value, 40) or "0"
    return found


def _wrong(typed: Mapping[int, str], units: Mapping[int, int]) -> dict[int, str]:
    """What is wrong, by order line; under no line's number, what is wrong with all of it together. Pure."""
    wrong = {line: said for line, text in typed.items() if (said := asked.odd_count(text, units.get(line, 0)))}
    together = "" if wrong else splitting.odd_units(units, {line: int(text) for line, text in typed.items()})
    return wrong | ({_TOGETHER: together} if together else {})


def _shipment(session: Session, tenant: int, order: int, shipment: int) -> tuple[Order, Shipment]:
    found = find_order(session, tenant, order) or abort(404)
    row = session.get(Shipment, (tenant, shipment))
    # A supplier's leaves none of our places: nothing of it is ours to divide or to send from elsewhere.
    return (found, row) if row is not None and row.order_id == order and row.location_id is not None else abort(404)
