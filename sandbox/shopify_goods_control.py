"""The control door to what a merchant does to goods and places.

POST /_sandbox/shopify/products                 {shop, title, variants}; answers it with its ids
POST /_sandbox/shopify/products/<id>/rename     {title}
POST /_sandbox/shopify/products/<id>/tag        {tags}: all that it has from now on
POST /_sandbox/shopify/products/<id>/delete
POST /_sandbox/shopify/variants/<id>/<what>     delete, track or untrack
POST /_sandbox/shopify/inventory/disconnect     {shop, sku, location}
POST /_sandbox/shopify/locations                {shop, name, …}; answers it with its id
POST /_sandbox/shopify/locations/<id>/<what>    close, open, send (online orders leave from there) or delete
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request

from sandbox import shopify_goods, shopify_seed, shopify_views, shopify_webhooks
from sandbox.core import Core
from sandbox.shopify_act import Act
from sandbox.shopify_store import Shop, Store
from sandbox.shopify_things import Location, Product, Thing, Variant
from sandbox.shopify_wishes import LevelWish, NewLocationWish, NewProductWish, TagsWish, TitleWish

T = TypeVar("T", bound=Thing)
_SWITCHES: dict[str, Callable[[Act, Location], None]] = {
    "close": shopify_goods.close_location,
    "open": shopify_goods.open_location,
    "send": shopify_goods.send_orders,
    "delete": shopify_goods.delete_location,
}
_TRACKED = {"track": True, "untrack": False}


def add(routes: Blueprint, core: Core, store: Store) -> None:
    def acted(shop: Shop, what: Callable[[Act], dict[str, Any]]) -> Response:
        act = Act(store, shop)
        answer = what(act)
        shopify_webhooks.send(core, act)
        return jsonify(answer)

    _add_products(routes, store, acted)
    _add_places(routes, store, acted)


def _add_products(
    routes: Blueprint, store: Store, acted: Callable[[Shop, Callable[[Act], dict[str, Any]]], Response]
) -> None:
    @routes.post("/products")
    def add_product() -> Response:
        wish = NewProductWish.model_validate(_json())
        with store.lock:
            shop = _shop(store, wish.shop)
            return acted(shop, lambda act: shopify_views.product(shopify_goods.add_product(act, wish)))

    @routes.post("/products/<int:number>/<what>")
    def change_product(number: int, what: str) -> Response:
        with store.lock:
            shop, product = _found(store, number, Product)

            def change(act: Act) -> dict[str, Any]:
                if what == "delete":
                    shopify_goods.delete_product(act, product)
                elif what == "tag":
                    shopify_goods.tag_product(act, product, TagsWish.model_validate(_json()).tags)
                else:
                    shopify_goods.rename_product(act, product, TitleWish.model_validate(_json()).title)
                return {"id": number}

            return acted(shop, change)

    @routes.post("/variants/<int:number>/<what>")
    def change_variant(number: int, what: str) -> Response:
        with store.lock:
            shop, variant = _found(store, number, Variant)

            def change(act: Act) -> dict[str, Any]:
                if what == "delete":
                    shopify_goods.delete_variant(act, variant)
                else:
                    shopify_goods.count_stock(act, variant, tracked=_TRACKED[what])
                return {"id": number}

            return acted(shop, change)

    @routes.post("/inventory/disconnect")
    def disconnect() -> Response:
        wish = LevelWish.model_validate(_json())
        with store.lock:
            shop = _shop(store, wish.shop)

            def end(act: Act) -> dict[str, Any]:
                item, place = shop.variants[wish.sku].item, shopify_seed.location_named(shop, wish.location)
                shopify_goods.stock_no_more(act, item, place)
                return {"sku": wish.sku}

            return acted(shop, end)


def _add_places(
    routes: Blueprint, store: Store, acted: Callable[[Shop, Callable[[Act], dict[str, Any]]], Response]
) -> None:
    @routes.post("/locations")
    def add_location() -> Response:
        wish = NewLocationWish.model_validate(_json())
        with store.lock:
            shop = _shop(store, wish.shop)
            return acted(shop, lambda act: shopify_views.place(shopify_goods.add_location(act, wish)))

    @routes.post("/locations/<int:number>/<what>")
    def switch(number: int, what: str) -> Response:
        if what not in _SWITCHES:
            raise ValueError(f"a location can be told to {', '.join(_SWITCHES)}, not {what!r}")
        with store.lock:
            shop, location = _found(store, number, Location)

            def change(act: Act) -> dict[str, Any]:
                _SWITCHES[what](act, location)
                return {"id": number}

            return acted(shop, change)


def _json() -> Any:
    return request.get_json(silent=True) or {}


def _shop(store: Store, domain: str) -> Shop:
    if domain not in store.by_domain:
        raise ValueError(f"no shop {domain!r}")
    return store.by_domain[domain]


def _found(store: Store, number: int, kind: type[T]) -> tuple[Shop, T]:
    for shop in store.by_domain.values():
        thing = shop.things.get(f"gid://shopify/{kind.kind}/{number}")
        if isinstance(thing, kind):
            return shop, thing
    raise ValueError(f"no {kind.kind} {number}")
