"""Who brings a shipment, on the order's page: a courier of the shop's own or a carrier; the slip, and its delivery."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, abort, flash, redirect, url_for
from sqlalchemy.orm import Session

from integrations.nouns import Address
from jobs import desk
from orders import courier_slip, postage, purchase_told
from orders.courier_slip import Slip
from records.orders import Order
from records.shipments import Shipment
from records.stock import Location
from web import asked, show
from web import session as door
from web.pages import shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("couriered", __name__)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/courier")
def chosen(tenant: int, id: int, shipment: int) -> Any:
    """Give it to one of the couriers who cover its buyer."""
    courier = asked.told_id("courier")
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, shipment)
        refusal = desk.give_to_courier(session, tenant, shipment, courier or 0, by=door.actor(), now=show.now())
    return _back(id, shipment, refusal, "A courier brings it: no label is bought. Print the slip, and say who has it.")


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/by-carrier")
def by_carrier(tenant: int, id: int, shipment: int) -> Any:
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, shipment)
        refusal = desk.by_carrier(session, tenant, shipment, by=door.actor())
    return _back(id, shipment, refusal, "A carrier brings it: rates are asked for, and a label is bought.")


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/delivered")
@door.takes("warehouse")
def delivered(tenant: int, id: int, shipment: int) -> Any:
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, shipment)
        refusal = desk.delivered(session, tenant, shipment, by=door.actor(), now=show.now())
    return _back(id, shipment, refusal, "The buyer has it, and the store is told.")


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/address-slip.pdf")
@door.takes("warehouse")
def slip(tenant: int, id: int, shipment: int) -> Response:
    """What is stuck on the boxes, whoever of the shop's brings them. Not for everybody who looks at orders: the buyer's
    address is on it.
    """
    with shop.opened(tenant) as session:
        row = _of_order(session, tenant, id, shipment)
        order = session.get_one(Order, (tenant, id))
        if row.location_id is None or order.ship_to is None:
            abort(404)
        drawn = _slip(session, row, order, order.ship_to)
    named = f'inline; filename="address-slip-{shipment}.pdf"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    return Response(courier_slip.as_pdf(drawn), content_type="application/pdf", headers=headers)


def _slip(session: Session, row: Shipment, order: Order, to: Address) -> Slip:
    place = session.get_one(Location, (row.tenant_id, row.location_id))
    return Slip(
        order_name=order.name or f"#{order.id}",
        courier=row.courier.name if row.courier else "",
        sender=purchase_told.address_lines(place.address),
        to=purchase_told.address_lines(to),
        phone=to.phone or order.phone,
        boxes=[box.shape.weight_grams for box in postage.parcels_in(session, row.tenant_id, row)] or [0],
    )


def _of_order(session: Session, tenant: int, order: int, shipment: int) -> Shipment:
    """A shipment of this very order, or 404."""
    row = session.get(Shipment, (tenant, shipment))
    return row if row is not None and row.order_id == order else abort(404)


def _back(id: int, shipment: int, refusal: str, said: str) -> Any:
    log.info("courier", order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"Nothing was changed. {refusal}", "warn")
    else:
        flash(said, "good")
    return redirect(url_for("order.shown", id=id), 303)
