"""The control door to the Shopify stand-in: open stores, place orders, be the buyer and the merchant, look inside."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError

from sandbox import (
    shopify_app_control,
    shopify_goods_control,
    shopify_seed,
    shopify_subscriptions,
    shopify_views,
    shopify_webhooks,
)
from sandbox import shopify_checkout as checkout
from sandbox.core import Core
from sandbox.shopify_act import Act
from sandbox.shopify_records import Order, Subscription
from sandbox.shopify_store import Shop, Store
from sandbox.shopify_things import QUANTITY_STATES
from sandbox.shopify_wishes import (
    CancelWish,
    EditWish,
    FulfilWish,
    OrderWish,
    PointWish,
    ShopWish,
    StockWish,
    TagWish,
    TakeBackWish,
    Wish,
)

W = TypeVar("W", bound=Wish)
View = dict[str, Any]


def blueprint(core: Core, store: Store) -> Blueprint:
    routes = Blueprint("shopify_control", __name__, url_prefix="/_sandbox/shopify")

    @routes.errorhandler(ValueError)
    def refused(problem: ValueError) -> tuple[Response, int]:
        said = problem.errors(include_url=False, include_input=False) if isinstance(problem, ValidationError) else None
        return jsonify({"error": said or str(problem)}), 400

    _add_shops(routes, core, store)
    _add_orders(routes, core, store)
    _add_order_acts(routes, core, store)
    _add_inventory(routes, core, store)
    _add_subscriptions(routes, store)
    shopify_app_control.add(routes, store)
    shopify_goods_control.add(routes, core, store)
    return routes


def _add_shops(routes: Blueprint, core: Core, store: Store) -> None:
    @routes.post("/shops")
    def open_shop() -> tuple[Response, int]:
        wish = _wish(ShopWish)
        with store.lock:
            shop = shopify_seed.open_shop(store, wish)
            if wish.webhook_url:
                core.deliveries.register("shopify", shop.domain, wish.webhook_url)
            return jsonify(shopify_views.shop(shop)), 201

    @routes.get("/shops")
    def shops() -> Response:
        with store.lock:
            return jsonify({"shops": [shopify_views.shop(shop) for shop in store.by_domain.values()]})


def _add_orders(routes: Blueprint, core: Core, store: Store) -> None:
    @routes.post("/orders")
    def place() -> tuple[Response, int]:
        wish = _wish(OrderWish)
        placed = [_place(core, store, wish) for _ in range(wish.count or 1)]
        return jsonify(placed[0] if wish.count is None else {"orders": placed}), 201

    @routes.get("/orders")
    def orders() -> Response:
        with store.lock:
            shop = _shop(store, request.args.get("shop", ""))
            return jsonify({"orders": [shopify_views.order(order) for order in shop.orders.by_id.values()]})

    @routes.get("/orders/<int:number>")
    def order(number: int) -> Response:
        with store.lock:
            return jsonify(shopify_views.order(_order(store, number)[1]))


def _place(core: Core, store: Store, wish: OrderWish) -> View:
    """One act an order, so that each has an event of its own, and the app's calls come in between."""
    with store.lock:
        act = Act(store, _shop(store, wish.shop))
        order = checkout.place_order(act, wish)
        if wish.webhooks:
            shopify_webhooks.send(core, act)
        return shopify_views.placed(order)


def _add_order_acts(routes: Blueprint, core: Core, store: Store) -> None:
    def acted(number: int, what: Callable[[Act, Order], Any]) -> Response:
        with store.lock:
            shop, order = _order(store, number)
            act = Act(store, shop)
            what(act, order)
            shopify_webhooks.send(core, act)
            return jsonify(shopify_views.order(order))

    @routes.post("/orders/<int:number>/pay")
    def pay(number: int) -> Response:
        return acted(number, checkout.pay_order)

    @routes.post("/orders/<int:number>/archive")
    def archive(number: int) -> Response:
        return acted(number, checkout.archive_order)

    @routes.post("/orders/<int:number>/unarchive")
    def unarchive(number: int) -> Response:
        return acted(number, checkout.unarchive_order)

    @routes.post("/orders/<int:number>/cancel")
    def cancel(number: int) -> Response:
        wish = _wish(CancelWish)
        return acted(number, lambda act, order: checkout.cancel_order(act, order, wish))

    @routes.post("/orders/<int:number>/take-back")
    def take_back(number: int) -> Response:
        wish = _wish(TakeBackWish)
        return acted(number, lambda act, order: checkout.take_units_back(act, order, wish))

    @routes.post("/orders/<int:number>/edit")
    def edit(number: int) -> Response:
        wish = _wish(EditWish)
        return acted(number, lambda act, order: checkout.edit_order(act, order, wish))

    @routes.post("/orders/<int:number>/tag")
    def tag(number: int) -> Response:
        wish = _wish(TagWish)
        return acted(number, lambda act, order: checkout.tag_order(act, order, wish.add, wish.remove))

    @routes.post("/orders/<int:number>/route")
    def route(number: int) -> Response:
        return acted(number, checkout.route_now)

    @routes.post("/orders/<int:number>/ready")
    def ready(number: int) -> Response:
        return acted(number, checkout.ready_by_hand)

    @routes.post("/orders/<int:number>/fulfil")
    def fulfil(number: int) -> Response:
        wish = _wish(FulfilWish)
        return acted(number, lambda act, order: checkout.ship_by_hand(act, order, wish))


def _add_inventory(routes: Blueprint, core: Core, store: Store) -> None:
    @routes.get("/inventory")
    def inventory() -> Response:
        with store.lock:
            shop = _shop(store, request.args.get("shop", ""))
            levels = [level for variant in shop.variants.values() for level in variant.item.open_levels]
            return jsonify({"levels": [shopify_views.level(level) for level in levels], "states": QUANTITY_STATES})

    @routes.post("/inventory")
    def count() -> Response:
        wish = _wish(StockWish)
        with store.lock:
            shop = _shop(store, wish.shop)
            act = Act(store, shop)
            checkout.count_stock(act, wish)
            shopify_webhooks.send(core, act)
            place = shopify_seed.location_named(shop, wish.location)
            return jsonify(shopify_views.level(shop.variants[wish.sku].item.levels[place.id]))


def _add_subscriptions(routes: Blueprint, store: Store) -> None:
    @routes.get("/subscriptions")
    def subscriptions() -> Response:
        with store.lock:
            shop = _shop(store, request.args.get("shop", ""))
            return jsonify({"subscriptions": [shopify_views.subscription(one) for one in shop.subscriptions.values()]})

    @routes.post("/subscriptions/<int:number>/drop")
    def drop(number: int) -> Response:
        with store.lock:
            shop, one = _subscription(store, number)
            shopify_subscriptions.drop(Act(store, shop), one)
            return jsonify(shopify_views.subscription(one))

    @routes.post("/subscriptions/<int:number>/point")
    def point(number: int) -> Response:
        wish = _wish(PointWish)
        with store.lock:
            one = _subscription(store, number)[1]
            one.uri = wish.uri
            return jsonify(shopify_views.subscription(one))


def _wish(kind: type[W]) -> W:
    return kind.model_validate(request.get_json(silent=True) or {})


def _shop(store: Store, domain: str) -> Shop:
    if domain not in store.by_domain:
        raise ValueError(f"no shop {domain!r}")
    return store.by_domain[domain]


def _subscription(store: Store, number: int) -> tuple[Shop, Subscription]:
    for shop in store.by_domain.values():
        if number in shop.subscriptions:
            return shop, shop.subscriptions[number]
    raise ValueError(f"no subscription {number}")


def _order(store: Store, number: int) -> tuple[Shop, Order]:
    found = store.order(number)
    if found is None:
        raise ValueError(f"no order {number}")
    return found
