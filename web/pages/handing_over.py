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
    refusal = _said(tenant, id, shipment, desk.ready)
    log.info("ready for pickup", tenant=tenant, order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"Nobody was written. {refusal}", "warn")
    else:
        flash("The store is told, and writes the buyer that they can come for it.", "good")
    return redirect(url_for("order.shown", id=id), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/handed-over")
@door.takes("warehouse")
def given(tenant: int, id: int, shipment: int) -> Any:
    refusal = _said(tenant, id, shipment, desk.give)
    log.info("handed over", tenant=tenant, order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"Nothing was changed. {refusal}", "warn")
    else:
        flash("The buyer has it. The store is told, and its units leave the shelf with that.", "good")
    return redirect(url_for("order.shown", id=id), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/shipments/<id:shipment>/not-handed-over")
@door.takes("warehouse")
def not_given(tenant: int, id: int, shipment: int) -> Any:
    refusal = _said(tenant, id, shipment, desk.not_given)
    log.info("not handed over", tenant=tenant, order=id, shipment=shipment, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"Nothing was changed. {refusal}", "warn")
    else:
        flash("It waits for its buyer still, and the store is told nothing.", "good")
    return redirect(url_for("order.shown", id=id), 303)


def _said(tenant: int, order: int, shipment: int, say: Any) -> str:
    with shop.opened(tenant) as session:
        row = session.get(Shipment, (tenant, shipment))
        if row is None or row.order_id != order:
            abort(404)
        refusal: str = say(session, tenant, shipment, by=door.actor())
        return refusal
