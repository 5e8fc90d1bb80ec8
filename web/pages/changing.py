"""A person of the shop has an order go elsewhere, or ends its buyer's link where that got into other hands."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import changing, desk
from orders.still_changeable import BUSY, CANCELLED, FORGOTTEN, GIVEN, PICKING, PROMISED, SENT, WATCHED
from records.orders import Order, find_order
from web import asked
from web import session as door
from web.pages import address_form, shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("changing", __name__)

_WHY_NOT = {
    WATCHED: desk.ONLY_WATCHES,
    CANCELLED: "The order is cancelled, or is being cancelled.",
    SENT: "It has left, or the store shows its tracking already. Ask the carrier to redirect the parcel, or take the "
    "shipment back first while the parcel is still here.",
    PICKING: "A label is bought or being bought for it. Change the address in the store, and buy another label here "
    "while the parcel has not left.",
    PROMISED: "A supplier has accepted to ship a part of it. Ask them to stop, and call their purchase order off on "
    "this order's page once they agree; what is still wanted is planned anew then.",
    BUSY: "Something else is being changed or taken back of this order at this moment. Wait until that is done.",
    FORGOTTEN: "Who bought this was forgotten: nothing can be sent to them any more.",
    GIVEN: "All that was ordered is delivered, so nothing goes anywhere any more.",
    changing.SAME: "That is the address that it goes to already, so nothing was changed.",
}


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/address")
@door.takes("ops")
def shown(tenant: int, id: int) -> str:
    with shop.opened(tenant) as session:
        order = _order(session, tenant, id)
        still = changing.look(session, tenant, id)
    return _page(order, address_form.written(order.ship_to), {}, refusal="" if still.address else _WHY_NOT[still.why])


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/address")
def readdressed(tenant: int, id: int) -> Any:
    typed = address_form.typed_in(request.form)
    reason, unsaid = asked.reason()
    with shop.opened(tenant) as session:
        order = _order(session, tenant, id)
        address, wrong = address_form.read(typed, before=order.ship_to)
        if unsaid:
            wrong["reason"] = unsaid
        if address is None or wrong:
            return _page(order, typed | {"reason": reason}, wrong), 422
        refusal = desk.readdress(session, tenant, id, address, by=door.actor(), reason=reason)
    log.info("address change asked for", tenant=tenant, order=id, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"The address stays as it is. {_WHY_NOT[refusal]}", "warn")
    else:
        flash("The store is told of the new address. What has no label yet is planned and rated anew for it.", "good")
    return redirect(url_for("order.shown", id=id), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/buyer-link/end")
def end_link(tenant: int, id: int) -> Any:
    with shop.opened(tenant) as session:
        _order(session, tenant, id)
        desk.end_links(session, tenant, id, by=door.actor())
    log.info("buyer's link ended", tenant=tenant, order=id, actor=door.actor())
    flash("The old link leads nowhere any more. The one below is new.", "good")
    return redirect(url_for("order.shown", id=id), 303)


def _order(session: Session, tenant: int, id: int) -> Order:
    return find_order(session, tenant, id) or abort(404)


def _page(order: Order, typed: dict[str, str], wrong: dict[str, str], *, refusal: str = "") -> str:
    return render_template(
        "readdress.html", order=order, typed=typed, wrong=wrong, refusal=refusal, countries=address_form.countries()
    )
