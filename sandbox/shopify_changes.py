"""Reading by time of change what is not an order: fulfillment orders over all orders, and the levels of a location."""

from typing import Any

from sandbox import shopify_facts as facts
from sandbox import shopify_pages as pages
from sandbox import shopify_search as search
from sandbox.shopify_fields import Info
from sandbox.shopify_records import WorkOrder
from sandbox.shopify_things import Location

_WORK_SEARCH: search.Getters = {
    "id": lambda work: work.id,
    "status": lambda work: work.status,
    "assigned_location_id": lambda work: work.location.id,
    "updated_at": lambda work: work.updated_at,
}
_LEVEL_SEARCH: search.Getters = {
    "id": lambda level: level.id,
    "created_at": lambda level: level.created_at,
    "inventory_item_id": lambda level: level.item.id,
    "updated_at": lambda level: level.updated_at,
}


def work_orders(_root: None, info: Info, **args: Any) -> dict[str, Any]:
    """Those closed only where they are asked for; a page goes on behind the last one's place, which may have moved."""
    wanted, by_change = search.parse(args.get("query"), _WORK_SEARCH), args["sortKey"] == "UPDATED_AT"

    def place(work: WorkOrder) -> tuple[str, int]:
        return (work.updated_at.isoformat() if by_change else "", work.id)

    shown = [
        work
        for order in info.context.shop.orders.by_id.values()
        for work in order.work_orders
        if info.context.sees(work)
        and (args["includeClosed"] or work.status in facts.LIVE)
        and search.matches(wanted, work, _WORK_SEARCH)
    ]
    shown.sort(key=place, reverse=args["reverse"])
    if args.get("after"):
        last = pages.position(args["after"])
        behind = (str(last["last_value"]) if by_change else "", last["last_id"])
        shown = [work for work in shown if (place(work) < behind if args["reverse"] else place(work) > behind)]
    return pages.page_of(shown, args.get("first"), args.get("after"), lambda work: place(work)[0] or work.id)


def levels(location: Location, info: Info, **args: Any) -> dict[str, Any]:
    wanted = search.parse(args.get("query"), _LEVEL_SEARCH)
    items = [variant.item for variant in info.context.shop.variants.values()]
    there = [item.levels[location.id] for item in items if location.active and location.id in item.levels]
    shown = [level for level in there if search.matches(wanted, level, _LEVEL_SEARCH)]
    return pages.page(shown, args.get("first"), args.get("after"), reverse=args["reverse"])
