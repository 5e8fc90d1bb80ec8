"""Buttons for what waits for its buyer: it is ready to be picked up, the buyer has it, or does not after all."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, url_for

from jobs import desk
from records.shipments import Shipment
from web import session as door
from web.pages import shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("handing_over", __name__)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/ready")
@door.takes("warehouse")
def ready(tenant: int, id: int, shipment: int) -> Any:
    refusal, _ = _said(tenant, id, shipment, desk.ready, "ready for pickup")
    if refusal:
        return _back(id, f"Nobody was written. {refusal}", "warn")
    return _back(id, "The store is to be told now, and writes the buyer that they can come for it.", "good")


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/handed-over")
@door.takes("warehouse")
def given(tenant: int, id: int, shipment: int) -> Any:
    refusal, courier = _said(tenant, id, shipment, desk.give, "handed over")
    if refusal:
        return _back(id, f"Nothing was changed. {refusal}", "warn")
    has_it = f"{courier} has it" if courier else "The buyer has it"
    return _back(id, f"{has_it}. The store is to be told now, and its units leave the shelf with that.", "good")


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/not-handed-over")
@door.takes("warehouse")
def not_given(tenant: int, id: int, shipment: int) -> Any:
    refusal, courier = _said(tenant, id, shipment, desk.not_given, "not handed over")
    if refusal:
        return _back(id, f"Nothing was changed. {refusal}", "warn")
    return _back(
        id, f"It waits for its {'courier' if courier else 'buyer'} still, and the store is told nothing.", "good"
    )


def _said(tenant: int, order: int, shipment: int, say: Any, event: str) -> tuple[str, str]:
    """Why it was refused, or an empty text; and the courier's name, where one brings it."""
    with shop.opened(tenant) as session:
        row = session.get(Shipment, (tenant, shipment))
        if row is None or row.order_id != order:
            abort(404)
        courier = row.courier.name if row.courier else ""
        refusal: str = say(session, tenant, shipment, by=door.actor())
    log.info(event, tenant=tenant, order=order, shipment=shipment, refusal=refusal, actor=door.actor())
    return refusal, courier


def _back(id: int, said: str, tone: str) -> Any:
    flash(said, tone)
    return redirect(url_for("order.shown", id=id), 303)
