"""Purchase orders: what suppliers were asked to ship, which of it waits, and what a person says where they do not."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from jobs import drop_shipping
from orders import purchase_told, purchasing
from records import suppliers as asked_for
from records.suppliers import PurchaseOrder
from web import asked, show
from web import session as door
from web.pages import shop, supply
from web.queries import suppliers
from web.queries.keyset import Cut

log = structlog.get_logger(__name__)
blueprint = door.guarded("purchase_orders", __name__)

_SHOWS = ("open", "every")
_SETTLED = {
    "own_stock": "These units are sent from your own stock now, as far as it is there.",
    "asked_again": "The supplier is asked for these units again.",
}
_TOO_LATE = "Nothing was changed: it stands otherwise by now. Look at it again."


@blueprint.get("/shops/<id:tenant>/purchase-orders")
def listed(tenant: int) -> str:
    shown = asked.one_of("show", _SHOWS) or "open"
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        found = suppliers.placed(session, tenant, every=shown == "every", cut=cut, now=show.now())
        return render_template("purchase_orders.html", found=found, shown=shown)


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/purchase-orders/<id:purchase_order>/purchase-order.pdf")
@door.takes("ops")
def sheet(tenant: int, id: int, purchase_order: int) -> Response:
    """What the supplier gets. Not for everybody who looks at orders: the supplier's link is on it."""
    with shop.opened(tenant) as session:
        row = _of_order(session, tenant, id, purchase_order)
        told = purchase_told.told(session, row)
        link = supply.links().address(purchasing.link_of(row, purchasing.supplier_of(session, row).lead_days))
    return supply.pdf(told, link)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/purchase-orders/<id:purchase_order>/settle")
def settle(tenant: int, id: int, purchase_order: int) -> Any:
    """Say what becomes of what a supplier rejected."""
    how = asked.told("how")
    if how not in _SETTLED:
        abort(404)
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, purchase_order)
        done = drop_shipping.settle(session, tenant, purchase_order, how, by=door.actor())
    return _back(tenant, id, purchase_order, how, done=done, said=_SETTLED[how])


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/purchase-orders/<id:purchase_order>/mail")
def mail_again(tenant: int, id: int, purchase_order: int) -> Any:
    """Mail it once more with a new link; the old link leads nowhere from then on."""
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, purchase_order)
        done = drop_shipping.send_again(session, tenant, purchase_order, by=door.actor())
    said = "It is mailed again, with a new link. The old link leads nowhere any more."
    return _back(tenant, id, purchase_order, "mail", done=done, said=said)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/purchase-orders/<id:purchase_order>/accept")
def accept(tenant: int, id: int, purchase_order: int) -> Any:
    """The supplier said yes by phone."""
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, purchase_order)
        done = drop_shipping.accept(session, tenant, purchase_order, by=door.actor(), now=show.now())
    return _back(tenant, id, purchase_order, "accept", done=done, said="Accepted in the supplier's place.")


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/purchase-orders/<id:purchase_order>/call-off")
def call_off(tenant: int, id: int, purchase_order: int) -> Any:
    """The supplier agrees that what they accepted does not leave."""
    with shop.opened(tenant) as session:
        _of_order(session, tenant, id, purchase_order)
        done = drop_shipping.call_off(session, tenant, purchase_order, by=door.actor(), now=show.now())
    said = "Called off: the supplier does not ship it. What is still wanted of it is planned anew."
    return _back(tenant, id, purchase_order, "call_off", done=done, said=said)


def _of_order(session: Session, tenant: int, order: int, purchase_order: int) -> PurchaseOrder:
    """A purchase order of this very order, or 404."""
    row = asked_for.find(session, tenant, purchase_order)
    return row if row is not None and row.order_id == order else abort(404)


def _back(tenant: int, id: int, purchase_order: int, act: str, *, done: bool, said: str) -> Any:
    log.info("purchase order", tenant=tenant, order=id, purchase_order=purchase_order, act=act, done=done,
             actor=door.actor())  # fmt: skip
    flash(said if done else _TOO_LATE, "good" if done else "warn")
    return redirect(url_for("order.shown", id=id) + "#purchase-orders", 303)
