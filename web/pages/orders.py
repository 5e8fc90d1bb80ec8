"""The list of orders: which ones, in what state; as a page and as a file."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, redirect, render_template, request, stream_with_context, url_for

from orders import amounts
from web import asked, show
from web import session as door
from web.pages import shop
from web.pages.order_wish import as_query, wish_in
from web.queries import orders, wishes
from web.queries.keyset import Cut
from web.queries.orders import OrderLook
from web.queries.wishes import Wish
from web.show import next_step, sheet, words

log = structlog.get_logger(__name__)
blueprint = door.guarded("orders", __name__)

# The lists that people come back to; each is a link, and a link can be kept.
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("All", {}),
    ("To ship", {"state": "to_ship"}),
    ("On hold", {"hold": "any"}),
    ("Needs you", {"parked": "any"}),
    ("Late", {"late": "1"}),
    ("Shipping", {"state": "shipping"}),
    ("Fulfilled", {"state": "fulfilled"}),
    ("Cancelled", {"state": "cancelled"}),
)


@blueprint.get("/shops/<id:tenant>/orders")
def listed(tenant: int) -> Any:
    wish = wish_in(request.args)
    if asked.asked("go") and wish == Wish(search=wish.search):  # from the search box: one match is what was meant
        with shop.opened(tenant) as session:
            only = orders.only_match(session, tenant, wish.search, now=show.now()) if wish.search else None
        if only is not None:
            return redirect(url_for("order.shown", id=only), 303)
    return render_template("orders.html", views=VIEWS, hold_kinds=words.HOLDS, **_list(tenant, wish, whole=True))


@blueprint.get("/shops/<id:tenant>/orders/live")
def live(tenant: int) -> str:
    """The rows alone, which keep themselves fresh."""
    return render_template("partials/orders.html", **_list(tenant, wish_in(request.args)))


@blueprint.get("/shops/<id:tenant>/orders.csv")
def file(tenant: int) -> Response:
    """Every order of the filter, not only this page's, written while it is read."""
    with shop.opened(tenant):
        log.info("orders exported", tenant=tenant, actor=door.actor())
    looks = orders.each(shop.engine(), tenant, wish_in(request.args), now=show.now())
    rows = sheet.lines(_HEADING, (_row(look) for look in looks))
    named = f'attachment; filename="orders-{show.now():%Y-%m-%d}.csv"'
    return Response(
        stream_with_context(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": named}
    )


def _list(tenant: int, wish: Wish, *, whole: bool = False) -> dict[str, Any]:
    """The rows; for the `whole` page also what its filters offer and how many orders fit."""
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        page = orders.page(session, tenant, wish, cut, now=show.now())
        more = {
            "fitting": orders.count(session, tenant, wish, now=show.now()),
            "locations": wishes.locations(session, tenant),
            "service_choices": [(name, name) for name in wishes.services(session, tenant)],
            "most_counted": orders.MOST_COUNTED,
        } if whole else {}  # fmt: skip
    query = as_query(wish)
    return {
        "page": page,
        "wish": wish,
        "query": query,
        "filtered": bool(query),
        "step": step,
        "first": cut == Cut(),
    } | more


def step(look: OrderLook) -> next_step.Step:
    statuses = [parcel.carrier_status for parcel in look.parcels]
    return next_step.of(look.order.state, look.holds, look.jobs, statuses, now=show.now(), waiting=look.waiting)


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
