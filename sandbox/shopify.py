"""The Shopify stand-in's two doors: the Admin GraphQL API as apps call it, and the control door of the sandbox."""

import weakref
from typing import Any

from flask import Blueprint, Response, request

from sandbox import (
    shopify_control,
    shopify_cost,
    shopify_editing,
    shopify_fulfil,
    shopify_graphql,
    shopify_inventory,
    shopify_jobs,
    shopify_money,
    shopify_oauth,
    shopify_orders,
    shopify_pickup,
    shopify_queries,
    shopify_subscriptions,
    shopify_types_goods,
    shopify_types_orders,
    shopify_types_work,
    shopify_webhooks,
    shopify_work,
)
from sandbox.core import Answer, Core
from sandbox.shopify_act import Act
from sandbox.shopify_fields import Resolver
from sandbox.shopify_idempotency import once, plainly
from sandbox.shopify_inventory import names_the_quantity_before
from sandbox.shopify_store import Shop, Store

# A call to a version no longer supported is answered by the oldest that is
# (shopify.dev/docs/api/usage/versioning), and the answer says which one that was.
VERSIONS = ("2025-10", "2026-01", "2026-04", "2026-07", "2026-10", "unstable")

_MUTATIONS: dict[str, Resolver] = {
    "fulfillmentCreate": plainly(shopify_fulfil.fulfillment_create),
    "fulfillmentTrackingInfoUpdate": plainly(shopify_fulfil.fulfillment_tracking_info_update),
    "fulfillmentEventCreate": plainly(shopify_fulfil.fulfillment_event_create),
    "fulfillmentCancel": plainly(shopify_fulfil.fulfillment_cancel),
    "fulfillmentOrderHold": plainly(shopify_work.fulfillment_order_hold),
    "fulfillmentOrderReleaseHold": plainly(shopify_work.fulfillment_order_release_hold),
    "fulfillmentOrderMove": plainly(shopify_work.fulfillment_order_move),
    "fulfillmentOrderSplit": plainly(shopify_work.fulfillment_order_split),
    "fulfillmentOrderLineItemsPreparedForPickup": plainly(shopify_pickup.prepared_for_pickup),
    "orderMarkAsPaid": plainly(shopify_money.order_mark_as_paid),
    "orderCapture": plainly(shopify_money.order_capture),
    "orderCancel": plainly(shopify_orders.order_cancel),
    "orderUpdate": plainly(shopify_orders.order_update),
    "orderEditBegin": plainly(shopify_editing.begin),
    "orderEditSetQuantity": plainly(shopify_editing.set_quantity),
    "orderEditAddVariant": plainly(shopify_editing.add_variant),
    "orderEditCommit": plainly(shopify_editing.commit),
    "tagsAdd": plainly(shopify_orders.tags_add),
    "tagsRemove": plainly(shopify_orders.tags_remove),
    "refundCreate": once(shopify_money.refund_create),
    "inventoryActivate": once(shopify_inventory.activate),
    "inventoryMoveQuantities": once(
        shopify_inventory.move_quantities,
        names_the_quantity_before("InventoryMoveQuantityTerminalInput", "changes", ends=("from", "to")),
    ),
    "inventoryAdjustQuantities": once(
        shopify_inventory.adjust_quantities, names_the_quantity_before("InventoryChangeInput", "changes")
    ),
    "inventorySetQuantities": once(
        shopify_inventory.set_quantities, names_the_quantity_before("InventoryQuantityInput", "quantities")
    ),
    "webhookSubscriptionCreate": plainly(shopify_subscriptions.webhook_subscription_create),
    "webhookSubscriptionUpdate": plainly(shopify_subscriptions.webhook_subscription_update),
    "webhookSubscriptionDelete": plainly(shopify_subscriptions.webhook_subscription_delete),
}
FIELDS = {
    **shopify_queries.FIELDS,
    **shopify_types_goods.FIELDS,
    **shopify_types_orders.FIELDS,
    **shopify_types_work.FIELDS,
    **shopify_inventory.FIELDS,
    **shopify_editing.FIELDS,
    "Mutation": _MUTATIONS,
}

# Both blueprints of one Core speak of the same stores.
_stores: "weakref.WeakKeyDictionary[Core, Store]" = weakref.WeakKeyDictionary()


def blueprint(core: Core) -> Blueprint:
    """The wire: POST /admin/api/<version>/graphql.json."""
    routes = Blueprint("shopify", __name__)
    store, engine = _store_of(core), shopify_graphql.Engine(FIELDS)
    core.shape_errors("shopify", _error_body)

    @routes.post("/admin/api/<version>/graphql.json")
    def graphql(version: str) -> Response:
        return _graphql(core, store, engine, version)

    shopify_oauth.add(routes, core, store)
    return routes


def control(core: Core) -> Blueprint:
    """/_sandbox/shopify/…: open stores, place orders, look inside."""
    return shopify_control.blueprint(core, _store_of(core))


def _store_of(core: Core) -> Store:
    if core not in _stores:
        store = _stores[core] = Store()

        def forget() -> None:
            with store.lock:
                store.forget()

        core.on_reset(forget)
    return _stores[core]


def _graphql(core: Core, store: Store, engine: shopify_graphql.Engine, version: str) -> Response:
    token = request.headers.get("X-Shopify-Access-Token", "")
    with store.lock:
        shop = store.grants.shop_of(token)
    asked = request.get_json(silent=True)
    text = asked.get("query") if isinstance(asked, dict) else None
    prepared = engine.prepare(text) if isinstance(text, str) else None
    operation = prepared.operation(asked.get("operationName")) if prepared and isinstance(asked, dict) else None
    variables = _variables(asked)
    name = shopify_graphql.operation_name(operation)

    def perform() -> Answer:
        if shop is None:
            said = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Answer(401, {"errors": said}, effect=False)
        if prepared is None or not isinstance(asked, dict):
            return Answer(400, {"errors": {"query": "Required parameter missing or invalid"}}, effect=False)
        if operation is None:
            return _answered(prepared.errors or [_no_operation(asked)], version)
        cost = prepared.cost(operation, variables)
        with store.lock:
            if core.faults.take("shopify", name, kinds={"throttled"}):
                return _throttled(shop, cost, version, fault="throttled")
            if not shopify_cost.pay(shop, cost):
                return _throttled(shop, cost, version)
            act = Act(store, shop, _served(version), store.grants.scopes_of(token))
            body = engine.run(prepared, operation, variables, act)
            shopify_webhooks.send(core, act)
            shopify_jobs.start(core, act)
        if "data" in body:
            body["extensions"] = {"cost": shopify_cost.described(shop, cost, paid=True)}
        return Answer(200, body, _headers(version), effect=act.changed)

    key = shopify_graphql.idempotency_key(operation, variables)
    summary = {"shop": shop.domain if shop else None, **_subject(variables)}
    return core.answer("shopify", name, perform, key=key, summary=summary)


def _variables(asked: Any) -> dict[str, Any]:
    given = asked.get("variables") if isinstance(asked, dict) else None
    return given if isinstance(given, dict) else {}


def _served(version: str) -> str:
    return version if version in VERSIONS else VERSIONS[0]


def _headers(version: str) -> dict[str, str]:
    return {"X-Shopify-API-Version": _served(version)}


def _answered(errors: list[dict[str, Any]], version: str) -> Answer:
    return Answer(200, {"errors": errors}, _headers(version), effect=False)


def _no_operation(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = asked.get("operationName")
    said = f"No operation named {wanted!r}" if wanted else "An operation name is required"
    return {"message": said, "extensions": {"code": "BAD_REQUEST"}}


def _throttled(shop: Shop, cost: int, version: str, fault: str | None = None) -> Answer:
    """HTTP 200 all the same (shopify.dev/docs/api/usage/limits)."""
    documentation = "https://shopify.dev/api/usage/rate-limits"
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": documentation}}
    body = {"errors": [error], "extensions": {"cost": shopify_cost.described(shop, cost, paid=False)}}
    return Answer(200, body, _headers(version), effect=False, fault=fault)


def _subject(variables: dict[str, Any]) -> dict[str, Any]:
    """The ids of a call and what it says yes or no to, so that the call log can be asked what it was about."""
    return {
        key: value
        for key, value in variables.items()
        if isinstance(value, bool) or (isinstance(value, str) and value.startswith("gid://"))
    }


def _error_body(status: int) -> dict[str, Any]:
    said = {429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway"}
    return {"errors": said.get(status, "Service Unavailable")}
