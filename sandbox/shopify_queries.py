"""The reading half of the Admin API: the fields of QueryRoot."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

from sandbox import shopify_changes
from sandbox import shopify_facts as facts
from sandbox import shopify_pages as pages
from sandbox import shopify_search as search
from sandbox.shopify_errors import found, unknown_id
from sandbox.shopify_fields import Info, Resolver
from sandbox.shopify_records import Fulfillment, Order, Subscription, WorkOrder
from sandbox.shopify_store import OrderShelf, Shop
from sandbox.shopify_things import InventoryItem, Level, Location, Product, Thing, Variant


def _fulfillment_words(order: Order) -> list[str]:
    """`unfulfilled` and `fulfilled` as the search knows them; `unshipped` is the older word."""
    status = facts.fulfillment_status(order)
    if status == "FULFILLED":
        return ["fulfilled", "shipped"]
    return ["partial"] if status == "PARTIALLY_FULFILLED" else ["unfulfilled", "unshipped"]


_ORDER_SEARCH: search.Getters = {
    "id": lambda order: order.id,
    "name": lambda order: order.name,
    "email": lambda order: order.email,
    "tag": lambda order: order.tags,
    "created_at": lambda order: order.created_at,
    "processed_at": lambda order: order.created_at,
    "updated_at": lambda order: order.updated_at,
    "financial_status": facts.financial_status,
    "fulfillment_status": _fulfillment_words,
    "status": lambda order: ["any", "cancelled", "closed"] if order.cancelled_at else ["any", "open"],
}
_PRODUCT_SEARCH: search.Getters = {
    "id": lambda product: product.id,
    "title": lambda product: product.title,
    "sku": lambda product: [variant.sku for variant in product.variants],
}
_VARIANT_SEARCH: search.Getters = {
    "id": lambda variant: variant.id,
    "sku": lambda variant: variant.sku,
    "barcode": lambda variant: variant.barcode,
    "product_id": lambda variant: variant.product.id,
    "title": lambda variant: variant.title,
}
_ITEM_SEARCH: search.Getters = {
    "id": lambda item: item.id,
    "sku": lambda item: item.variant.sku,
}


def _by_id(kind: type[Thing]) -> Resolver:
    def resolve(_root: None, info: Info, id: str) -> Thing | None:
        return found(info.context.shop, id, kind)

    return resolve


def _node(_root: None, info: Info, id: str) -> Thing | None:
    if not id.startswith("gid://shopify/"):
        raise unknown_id(id)
    thing = info.context.shop.things.get(id)
    return None if isinstance(thing, WorkOrder) and not info.context.sees(thing) else thing


def _nodes(_root: None, info: Info, ids: list[str]) -> list[Thing | None]:
    return [_node(None, info, gid) for gid in ids]


def _work_order(_root: None, info: Info, id: str) -> WorkOrder | None:
    work = found(info.context.shop, id, WorkOrder)
    return work if work and info.context.sees(work) else None


def _location(_root: None, info: Info, id: str | None = None) -> Location | None:
    """Without an id, the store's first."""
    return found(info.context.shop, id, Location) if id else info.context.shop.locations[0]


def _orders(_root: None, info: Info, **args: Any) -> dict[str, Any]:
    wanted = search.parse(args.get("query"), _ORDER_SEARCH)
    by_change = args["sortKey"] == "UPDATED_AT"
    rows = _candidates(info.context.shop.orders, wanted, args, by_change=by_change)
    matching = (order for order in rows if search.matches(wanted, order, _ORDER_SEARCH))
    value: Callable[[Order], Any] = (lambda order: order.updated_at.isoformat()) if by_change else lambda o: o.id
    return pages.page_of(matching, args.get("first"), args.get("after"), value)


def _candidates(shelf: OrderShelf, wanted: search.Search, args: dict[str, Any], *, by_change: bool) -> Iterator[Order]:
    """The orders worth looking at: from an index where the query allows, else all in the order asked for."""
    names, ids = search.only(wanted, "name"), search.only(wanted, "id")
    if names is not None and not args.get("after"):
        return iter([shelf.by_name[name] for name in names if name in shelf.by_name])
    if ids is not None and not args.get("after"):
        numbers = [int(text.rpartition("/")[2]) for text in ids if text.rpartition("/")[2].isdigit()]
        return iter([shelf.by_id[number] for number in numbers if number in shelf.by_id])
    last = pages.position(args["after"]) if args.get("after") else None
    if by_change:
        after = (datetime.fromisoformat(last["last_value"]), last["last_id"]) if last else None
        return shelf.by_change(search.since(wanted, "updated_at"), after, reverse=args["reverse"])
    return shelf.by_number(last["last_id"] if last else None, reverse=args["reverse"])


def _searched(things: Callable[[Shop], list[Any]], getters: search.Getters) -> Resolver:
    def resolve(_root: None, info: Info, **args: Any) -> dict[str, Any]:
        wanted = search.parse(args.get("query"), getters)
        matching = [thing for thing in things(info.context.shop) if search.matches(wanted, thing, getters)]
        return pages.page(matching, args.get("first"), args.get("after"), reverse=args["reverse"])

    return resolve


def _variants(_root: None, info: Info, **args: Any) -> dict[str, Any]:
    shop, wanted = info.context.shop, search.parse(args.get("query"), _VARIANT_SEARCH)
    skus = search.only(wanted, "sku")
    rows = (
        list(shop.variants.values()) if skus is None else [shop.variants[sku] for sku in skus if sku in shop.variants]
    )
    matching = [variant for variant in rows if search.matches(wanted, variant, _VARIANT_SEARCH)]
    return pages.page(matching, args.get("first"), args.get("after"), reverse=args["reverse"])


def _locations(_root: None, info: Info, **args: Any) -> dict[str, Any]:
    shown = [one for one in info.context.shop.locations if one.active or args["includeInactive"]]
    return pages.page(shown, args.get("first"), args.get("after"), reverse=args["reverse"])


def _subscriptions(_root: None, info: Info, **args: Any) -> dict[str, Any]:
    topics = args.get("topics")
    shown = [one for one in info.context.shop.subscriptions.values() if topics is None or one.topic in topics]
    return pages.page(shown, args.get("first"), args.get("after"), reverse=args["reverse"])


def _scopes(info: Info) -> Collection[str]:
    return info.context.shop.scopes if info.context.scopes is None else info.context.scopes


def _installation(_root: None, info: Info) -> dict[str, Any]:
    shop = info.context.shop
    return {
        "__typename": "AppInstallation",
        "id": f"gid://shopify/AppInstallation/{shop.id}",
        "accessScopes": [{"handle": scope, "description": scope.replace("_", " ")} for scope in _scopes(info)],
        "activeSubscriptions": [],
        "app": {"__typename": "App", "id": "gid://shopify/App/1", "title": "Packing", "handle": "packing"},
    }


def _job(_root: None, info: Info, id: str) -> dict[str, Any] | None:
    done = id not in info.context.shop.running_jobs
    return {"id": id, "done": done} if id.startswith("gid://shopify/Job/") else None


FIELDS: dict[str, dict[str, Resolver]] = {
    "QueryRoot": {
        "order": _by_id(Order),
        "orders": _orders,
        "node": _node,
        "nodes": _nodes,
        "fulfillment": _by_id(Fulfillment),
        "fulfillmentOrder": _work_order,
        "fulfillmentOrders": shopify_changes.work_orders,
        "product": _by_id(Product),
        "products": _searched(lambda shop: shop.products, _PRODUCT_SEARCH),
        "productVariant": _by_id(Variant),
        "productVariants": _variants,
        "inventoryItem": _by_id(InventoryItem),
        "inventoryItems": _searched(lambda shop: [one.item for one in shop.variants.values()], _ITEM_SEARCH),
        "inventoryLevel": _by_id(Level),
        "location": _location,
        "locations": _locations,
        "shop": lambda _root, info: info.context.shop,
        "currentAppInstallation": _installation,
        "webhookSubscription": _by_id(Subscription),
        "webhookSubscriptions": _subscriptions,
        "job": _job,
    }
}
