"""Why an order leaves from where it does: every way that was weighed, and the rule that decided."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort, render_template

from orders.routing.decision import LAST_RESORT
from records.routing import RuleName
from web import session as door
from web.pages import shop
from web.queries import routing

blueprint = door.guarded("routing", __name__)

# What stands above the column of a rule's numbers, and what is said where it decided.
_HEADINGS: Mapping[RuleName, str] = {
    "ships_all": "Units short",
    "fewest_shipments": "Shipments",
    "nearest": "Kilometres",
    "cheapest": "Cost",
    "soonest": "Days",
    "oldest_stock": "Age of stock",
    "preferred": "Your ranking",
    "least_busy": "Room left",
}
_DROPPED: Mapping[str, str] = {
    "ships_all": "more would be short",
    "fewest_shipments": "more shipments",
    "nearest": "farther away",
    "cheapest": "dearer, or no price",
    "soonest": "later, or nobody knows",
    "oldest_stock": "fresher stock",
    "preferred": "you rank it lower",
    "least_busy": "less room today",
    LAST_RESORT: "nothing told them apart",
}
# The rule that keeps a place out before the others are asked.
_BARRED: Mapping[str, str] = {
    "never_to": "countries it sends nothing to",
    "only_to": "countries it sends to",
    "hazmat": "hazardous goods",
    "not_sent_to": "countries these goods may not go to",
    "room_today": "shipments a day",
    "refused": "could not send it",
    "most_shipments": "shipments of an order",
    "split_from_units": "units from which an order is split",
}


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/routing")
def shown(tenant: int, id: int) -> str:
    with shop.opened(tenant) as session:
        found = routing.of_order(session, tenant, id) or abort(404)
    return render_template("routing.html", found=found, headings=_HEADINGS, dropped=_DROPPED, barred=_BARRED)
