"""The Admin API's manners: tokens, versions, pages, searches, costs, idempotency keys, and what a mistake is told."""

import time

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type, is_leaf_type
from shopify_caller import DOMAIN, FULFIL, Caller

from sandbox import shopify_schema

ORDERS = """query Orders($q: String, $n: Int, $after: String, $by: OrderSortKeys = UPDATED_AT, $reverse: Boolean) {
  orders(first: $n, after: $after, query: $q, sortKey: $by, reverse: $reverse) {
    nodes { id name updatedAt } pageInfo { hasNextPage endCursor } } }"""
ADJUST = """mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { field message code } } }"""
REFUND = """mutation Refund($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id } userErrors { field message } } }"""
SHOP = "{ shop { id name myshopifyDomain currencyCode ianaTimezone } }"


@pytest.fixture
def store(sandbox):
    return Caller(sandbox).open()


def adjustment(store, delta, before=None):
    change = {"inventoryItemId": store.item("TEA"), "locationId": store.location("East"), "delta": delta}
    return {"name": "available", "reason": "correction", "changes": [change | {"changeFromQuantity": before}]}


def names(store, **wish):
    return [order["name"] for order in store.told(ORDERS, {"n": 10} | wish)["nodes"]]


def test_an_unknown_token_is_refused(store):
    answered = store.send(SHOP, token="shpat_other")
    message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
    assert (answered.status, answered.body) == (401, {"errors": message})
    assert store.told(SHOP)["myshopifyDomain"] == DOMAIN


def test_another_stores_things_are_not_there(store):
    order = store.place(("TEA", 1))
    other = Caller(store.sandbox)
    wish = {"domain": "other.myshopify.com", "token": "shpat_other", "secret": "x", "locations": [{"name": "Depot"}]}
    store.sandbox.control("POST", "/shopify/shops", wish)
    text = "query($id: ID!) { order(id: $id) { id } }"
    assert store.told(text, {"id": order["admin_graphql_api_id"]})["id"] == order["admin_graphql_api_id"]
    assert other.told(text, {"id": order["admin_graphql_api_id"]}, token="shpat_other") is None
    work = order["fulfillment_orders"][0]["admin_graphql_api_id"]
    group = {"f": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": work}]}}
    assert other.told(FULFIL, group, token="shpat_other")["fulfillment"] is None
    assert store.seen(order)["fulfillments"] == []


def test_a_reset_forgets_every_store(store):
    store.sandbox.control("POST", "/reset")
    assert store.send(SHOP).status == 401
    assert store.sandbox.control("GET", "/shopify/shops") == {"shops": []}


@pytest.mark.parametrize(("asked", "served"), [("2026-10", "2026-10"), ("2026-04", "2026-04"), ("2024-01", "2025-10")])
def test_the_answer_names_the_version_that_gave_it(store, asked, served):
    assert store.send(SHOP, version=asked).headers["x-shopify-api-version"] == served


def test_a_wrong_field_fails_and_does_nothing(store):
    (work,) = store.work_orders(store.place(("TEA", 1)))
    wish = {"f": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": work["id"]}]}}
    body = store.ask(FULFIL.replace("status displayStatus", "status trackingCompany"), wish)
    assert body["errors"][0]["message"] == "Field 'trackingCompany' doesn't exist on type 'Fulfillment'"
    assert body["errors"][0]["extensions"]["code"] == "undefinedField"
    assert "data" not in body
    assert store.ask(FULFIL, {"f": {"lineItems": []}})["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
    assert store.work_orders(store.place(("CUP", 1)))[0]["status"] == "OPEN"
    assert store.sandbox.calls(vendor="shopify", operation="fulfillmentCreate", effect="true") == []


def test_the_call_log_tells_what_was_asked_and_what_it_did(store):
    (work,) = store.work_orders(store.place(("TEA", 1)))
    store.fulfil(work["id"], company="UPS", number="1Z1")
    store.fulfil(work["id"], company="UPS", number="1Z1")
    calls = store.sandbox.calls(vendor="shopify", operation="fulfillmentCreate")
    assert [call["effect"] for call in calls] == [True, False]
    reads = store.sandbox.calls(vendor="shopify", operation="order")
    assert [(call["effect"], call["summary"]["shop"]) for call in reads] == [(False, DOMAIN)]


def test_orders_are_found_by_name_and_id_and_by_when_they_changed(store):
    first, _, third = (store.place(("CUP", 1), tags=[tag]) for tag in "abc")
    assert names(store, q="name:#1002") == ["#1002"]
    assert names(store, q=f"id:{third['id']}") == ["#1003"]
    assert names(store, q="tag:a OR tag:'c'") == ["#1001", "#1003"]
    assert names(store, q="-tag:a financial_status:paid") == ["#1002", "#1003"]
    # Shopify's times have whole seconds: the change must fall into a later one.
    second_of_placing = int(time.time())
    while int(time.time()) == second_of_placing:
        time.sleep(0.02)
    store.do(first, "tag", add=["late"])
    changed = store.told(ORDERS, {"n": 10, "q": "name:#1001"})["nodes"][0]["updatedAt"]
    assert names(store, q=f"updated_at:>='{changed}'") == ["#1001"]
    assert names(store) == ["#1002", "#1003", "#1001"]
    assert names(store, reverse=True) == ["#1001", "#1003", "#1002"]
    assert names(store, by="ID") == ["#1001", "#1002", "#1003"]
    refused = store.ask(ORDERS, {"n": 10, "q": "colour:red"})["errors"][0]
    assert refused["extensions"]["code"] == "SANDBOX_UNSUPPORTED"


@pytest.mark.parametrize("by", ["UPDATED_AT", "ID"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_follow_one_another_without_gap_or_repetition(store, by, reverse):
    placed = store.place(("CUP", 1), count=5, webhooks=False)["orders"]
    found, after = [], None
    while True:
        page = store.told(ORDERS, {"n": 2, "by": by, "reverse": reverse, "after": after})
        found += [order["name"] for order in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == sorted((order["name"] for order in placed), reverse=reverse)
    assert store.ask("{ orders { nodes { id } } }")["errors"][0]["message"] == "you must provide one of first or last"


def test_goods_are_found_by_sku(store):
    text = """query($q: String) { productVariants(first: 5, query: $q) { nodes { sku price inventoryItem {
      harmonizedSystemCode measurement { weight { value unit } }
      inventoryLevels(first: 5) { nodes { location { name } quantities(names: ["available"]) { quantity } } } } } } }"""
    (cup,) = store.told(text, {"q": "sku:CUP"})["nodes"]
    assert (cup["price"], cup["inventoryItem"]["harmonizedSystemCode"]) == ("7.00", "691110")
    assert cup["inventoryItem"]["measurement"]["weight"] == {"value": 400.0, "unit": "GRAMS"}
    assert cup["inventoryItem"]["inventoryLevels"]["nodes"] == [
        {"location": {"name": "West"}, "quantities": [{"quantity": 3}]}
    ]
    assert [one["sku"] for one in store.told(text, {"q": "sku:TEA OR sku:CUP"})["nodes"]] == ["TEA", "CUP"]


def test_one_key_acts_once_and_for_one_wish_only(store):
    wish = adjustment(store, 5)
    first = store.told(ADJUST, {"input": wish, "key": "k1"})
    assert store.told(ADJUST, {"input": wish, "key": "k1"}) == first
    assert store.stock("TEA", "East")["available"] == 15
    other = store.told(ADJUST, {"input": adjustment(store, 6), "key": "k1"})
    assert other["inventoryAdjustmentGroup"] is None
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    assert store.stock("TEA", "East")["available"] == 15
    assert store.told(ADJUST, {"input": wish, "key": "k2"})["userErrors"] == []
    assert store.stock("TEA", "East")["available"] == 20
    keys = [call["key"] for call in store.sandbox.calls(operation="inventoryAdjustQuantities")]
    assert keys == ["k1", "k1", "k1", "k2"]


def test_a_stale_quantity_changes_nothing(store):
    refused = store.told(ADJUST, {"input": adjustment(store, 5, before=9), "key": "k1"})
    assert [error["code"] for error in refused["userErrors"]] == ["CHANGE_FROM_QUANTITY_STALE"]
    assert store.stock("TEA", "East")["available"] == 10
    assert store.told(ADJUST, {"input": adjustment(store, 5, before=10), "key": "k2"})["userErrors"] == []


def test_money_is_refunded_once_under_one_key(store):
    order = store.place(("TEA", 2))
    line = {"lineItemId": order["lines"][0]["admin_graphql_api_id"], "quantity": 1, "restockType": "CANCEL"}
    payment = {
        "orderId": order["admin_graphql_api_id"], "parentId": order["transactions"][0]["admin_graphql_api_id"],
        "kind": "REFUND", "gateway": "manual", "amount": "12.50",
    }  # fmt: skip
    wish = {"orderId": order["admin_graphql_api_id"], "refundLineItems": [line], "transactions": [payment]}
    unkeyed = store.ask(REFUND.replace(" @idempotent(key: $key)", "").replace(", $key: String!", ""), {"input": wish})
    assert unkeyed["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert store.seen(order)["financial_status"] == "PAID"
    made = store.told(REFUND, {"input": wish, "key": "r1"})
    assert store.told(REFUND, {"input": wish, "key": "r1"}) == made
    text = "query($id: ID!) { order(id: $id) { displayFinancialStatus totalRefundedSet { shopMoney { amount } } } }"
    assert store.told(text, {"id": order["admin_graphql_api_id"]}) == {
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "totalRefundedSet": {"shopMoney": {"amount": "12.5"}},
    }
    assert store.stock("TEA", "East")["committed"] == 1
    assert store.work_orders(order)[0]["lineItems"]["nodes"][0]["remainingQuantity"] == 1


def test_a_throttled_call_is_a_200_that_did_nothing(store):
    (work,) = store.work_orders(store.place(("TEA", 1)))
    store.sandbox.fault(vendor="shopify", operation="fulfillmentCreate", kind="throttled")
    body = store.ask(FULFIL, {"f": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": work["id"]}]}})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["THROTTLED"]
    assert "data" not in body
    assert body["extensions"]["cost"]["throttleStatus"] == {
        "maximumAvailable": 2000, "currentlyAvailable": 0, "restoreRate": 100,
    }  # fmt: skip
    assert store.fulfil(work["id"], company="UPS", number="1Z1")["userErrors"] == []
    faults = [call["fault"] for call in store.sandbox.calls(operation="fulfillmentCreate")]
    assert faults == ["throttled", None]


def test_a_store_that_enforces_its_limit_runs_dry(sandbox):
    store = Caller(sandbox).open(throttle=True)
    text = "{ orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id } } } } }"
    bodies = [store.ask(text) for _ in range(40)]
    refused = next(place for place, body in enumerate(bodies) if "errors" in body)
    cost = bodies[0]["extensions"]["cost"]
    assert refused >= 2000 // cost["requestedQueryCost"]
    assert bodies[refused]["errors"][0]["extensions"]["code"] == "THROTTLED"
    status = bodies[refused]["extensions"]["cost"]["throttleStatus"]
    assert status["currentlyAvailable"] < cost["requestedQueryCost"]


def test_every_field_of_an_order_and_all_it_leads_to_has_an_answer(sandbox):
    store = Caller(sandbox).open(scopes=["read_apps", "read_orders", "write_merchant_managed_fulfillment_orders"])
    order = store.place(("TEA", 2), hold_reason="OTHER")
    store.release(order["fulfillment_orders"][0]["admin_graphql_api_id"])
    made = store.fulfil(order["fulfillment_orders"][0]["admin_graphql_api_id"], company="UPS", number="1Z1")
    text = """mutation($e: FulfillmentEventInput!) {
      fulfillmentEventCreate(fulfillmentEvent: $e) { userErrors { message } } }"""
    store.told(text, {"e": {"fulfillmentId": made["fulfillment"]["id"], "status": "IN_TRANSIT"}})
    schema = build_schema(shopify_schema.sdl())
    fields = _selection(schema, schema.type_map["Order"], 4)
    assert store.told(f"query($id: ID!) {{ order(id: $id) {fields} }}", {"id": order["admin_graphql_api_id"]})["name"]
    for root in ("shop", "currentAppInstallation"):
        assert store.told(f"{{ {root} {_selection(schema, get_named_type(schema.query_type.fields[root].type), 3)} }}")


def _selection(schema, type_, depth):
    """Every field of a type, and of the types it leads to, as deep as asked."""
    shown = []
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        given = {"first": "first: 5", "names": 'names: ["available", "on_hand"]'}
        arguments = ", ".join(given[argument] for argument in field.args if argument in given)
        if "locationId" in field.args:
            continue
        called = f"{name}({arguments})" if arguments else name
        if is_leaf_type(inner):
            shown.append(called)
        elif isinstance(inner, GraphQLObjectType) and depth > 0:
            shown.append(f"{called} {_selection(schema, inner, depth - 1)}")
    return "{ " + " ".join(shown or ["__typename"]) + " }"
