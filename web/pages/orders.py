"""The list of orders: which ones, in what state; as a page, as a file, and many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from flask import Response, abort, flash, redirect, render_template, stream_with_context, url_for
from sqlalchemy.orm import Session

from jobs import desk
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import orders
from web.queries.keyset import Cut
from web.queries.orders import OrderLook, Wish
from web.show import amounts, next_step, sheet, words

log = structlog.get_logger(__name__)
blueprint = door.guarded("orders", __name__)

# The lists that people come back to; each is a link, and a link can be kept.
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("All", {}),
    ("To ship", {"state": "to_ship"}),
    ("On hold", {"hold": "any"}),
    ("Late", {"late": "1"}),
    ("Shipping", {"state": "shipping"}),
    ("Fulfilled", {"state": "fulfilled"}),
    ("Cancelled", {"state": "cancelled"}),
)


@blueprint.get("/shops/<id:tenant>/orders")
def listed(tenant: int) -> Any:
    wish = _wish()
    if asked.asked("go") and wish == Wish(search=wish.search):  # from the search box: one match is what was meant
        with shop.opened(tenant) as session:
            only = orders.only_match(session, tenant, wish.search, now=show.now()) if wish.search else None
        if only is not None:
            return redirect(url_for("order.shown", id=only), 303)
    return render_template("orders.html", views=VIEWS, looks=words.LOOKS, hold_kinds=words.HOLDS, **_list(tenant, wish))


@blueprint.get("/shops/<id:tenant>/orders/live")
def live(tenant: int) -> str:
    """The rows alone, which keep themselves fresh."""
    return render_template("partials/orders.html", **_list(tenant, _wish()))


@blueprint.get("/shops/<id:tenant>/orders.csv")
def file(tenant: int) -> Response:
    """Every order of the filter, not only this page's, written while it is read."""
    with shop.opened(tenant):
        log.info("orders exported", tenant=tenant, actor=door.actor())
    looks = orders.each(shop.engine(), tenant, _wish(), now=show.now())
    rows = sheet.lines(_HEADING, (_row(look) for look in looks))
    named = f'attachment; filename="orders-{show.now():%Y-%m-%d}.csv"'
    return Response(
        stream_with_context(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": named}
    )


@blueprint.post("/shops/<id:tenant>/orders/bulk")
def bulk(tenant: int) -> Any:
    """One action for every order that is ticked. One that it does not fit is left alone and counted."""
    action, ids = _ACTIONS.get(asked.told("action")), asked.row_ids("order")
    onward = asked.local_path(asked.told("back"), url_for("orders.listed", tenant=tenant))
    reason = asked.told("reason")
    if action is None:
        abort(400)
    if not ids or (action is _hold and not reason):
        flash("Tick at least one order." if not ids else "A hold needs a reason: the next person will ask.", "warn")
        return redirect(onward, 303)
    with shop.opened(tenant) as session:
        if orders.existing(session, tenant, ids) != set(ids):
            abort(404)
        done = sum(action(session, tenant, id, reason) for id in ids)
    log.info("bulk action", tenant=tenant, action=asked.told("action"), orders=ids, done=done, actor=door.actor())
    flash(_counted(asked.told("action"), done, len(ids)), "good" if done else "warn")
    return redirect(onward, 303)


def _wish() -> Wish:
    return Wish(
        search=asked.asked("q"),
        state=asked.one_of("state", {*words.LOOKS["order"], "to_ship"}),
        hold=asked.one_of("hold", {*words.HOLDS, "any"}),
        payment=asked.one_of("payment", words.LOOKS["payment"]),
        parcel=asked.one_of("parcel", words.LOOKS["parcel"]),
        late=asked.asked("late") == "1",
        labelled_days=30 if asked.asked("labelled") == "30" else 0,
    )


def _list(tenant: int, wish: Wish) -> dict[str, Any]:
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        page = orders.page(session, tenant, wish, cut, now=show.now())
    return {"page": page, "wish": wish, "filtered": wish != Wish(), "step": step, "first": cut == Cut()}


def step(look: OrderLook) -> next_step.Step:
    statuses = [parcel.carrier_status for parcel in look.parcels]
    return next_step.of(look.order.state, look.holds, look.jobs, statuses, now=show.now())


def _hold(session: Session, tenant: int, id: int, reason: str) -> bool:
    return desk.hold(session, tenant, id, reason=reason, by=door.actor())


def _release(session: Session, tenant: int, id: int, _reason: str) -> bool:
    return desk.release_hold(session, tenant, id, "operator", by=door.actor(), now=show.now())


def _go_on(session: Session, tenant: int, id: int, _reason: str) -> bool:
    desk.resume(session, tenant, id, by=door.actor())
    return True


_ACTIONS: dict[str, Callable[[Session, int, int, str], bool]] = {"hold": _hold, "release": _release, "go_on": _go_on}
_DONE = {"hold": "put on hold", "release": "released", "go_on": "asked to go on"}


def _counted(action: str, done: int, of: int) -> str:
    orders_word = "order was" if done == 1 else "orders were"
    rest = f" {of - done} had nothing to change." if done < of else ""
    return f"{done} {orders_word} {_DONE[action]}.{rest}"


_HEADING = [
    *("order", "placed_at", "state", "buyer", "email", "city", "country", "units", "total", "currency"),
    *("payment", "holds", "carrier", "tracking", "parcel_status", "deliver_by", "next_step"),
]


def _row(look: OrderLook) -> list[object]:
    order, buyer = look.order, look.order.ship_to
    return [
        order.name,
        order.placed_at.isoformat() if order.placed_at else "",
        order.state,
        buyer.name if buyer else "",
        order.email,
        buyer.city if buyer else "",
        buyer.country if buyer else "",
        look.units,
        amounts.decimal(order.total_minor, order.currency),
        order.currency,
        order.standing,
        " ".join(hold.kind for hold in look.holds),
        " ".join(dict.fromkeys(parcel.carrier for parcel in look.parcels if parcel.carrier)),
        " ".join(parcel.tracking_code for parcel in look.parcels if parcel.tracking_code),
        " ".join(parcel.carrier_status for parcel in look.parcels),
        order.deliver_by.isoformat() if order.deliver_by else "",
        step(look).word,
    ]
