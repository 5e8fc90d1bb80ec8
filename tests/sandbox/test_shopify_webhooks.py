"""What the Shopify stand-in announces, to whom, and signed how."""

import base64
import hashlib
import hmac
import json

import pytest
from shopify_caller import BUYER, DOMAIN, SECRET, Caller

SUBSCRIBE = """mutation Subscribe($topic: WebhookSubscriptionTopic!, $s: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $s) {
    webhookSubscription { id } userErrors { message } } }"""
UNSUBSCRIBE = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { userErrors { message } } }"


@pytest.fixture
def store(sandbox, receiver):
    return Caller(sandbox).open(webhook_url=receiver.url("/app"))


@pytest.fixture
def heard(store, receiver):
    """Everything that arrived since the last look, as (topic, webhook) pairs."""

    def listen():
        store.sandbox.flush()
        arrived, receiver.heard[:] = list(receiver.heard), []
        return [(one.headers["X-Shopify-Topic"], one) for one in arrived]

    return listen


def topics(arrived):
    return sorted(topic for topic, _ in arrived)


def test_an_order_is_announced_with_a_signature_over_its_very_bytes(store, heard):
    order = store.place(("TEA", 2), note="Fish & chips <now>")
    arrived = dict(heard())
    assert sorted(arrived) == ["inventory_levels/update", "order_transactions/create", "orders/create", "orders/paid"]
    created = arrived["orders/create"]
    expected = base64.b64encode(hmac.new(SECRET.encode(), created.raw, hashlib.sha256).digest()).decode()
    assert created.headers["X-Shopify-Hmac-Sha256"] == expected
    assert created.headers["X-Shopify-Shop-Domain"] == DOMAIN
    assert created.headers["X-Shopify-Api-Version"] == "2026-10"
    assert created.headers["User-Agent"] == "Shopify-Captain-Hook"
    assert created.headers["Content-Type"] == "application/json"
    assert created.headers["X-Shopify-Triggered-At"].endswith("Z")
    assert created.path == "/app"
    # Written again by anybody else, the body is another one: only the raw bytes verify.
    assert json.dumps(created.body, separators=(",", ":")).encode() != created.raw
    assert created.body["note"] == "Fish & chips <now>"
    assert created.body["id"] == order["id"]


def test_one_act_is_one_event_in_several_deliveries(store, heard):
    store.place(("TEA", 1))
    first = heard()
    assert len({one.headers["X-Shopify-Event-Id"] for _, one in first}) == 1
    assert len({one.headers["X-Shopify-Webhook-Id"] for _, one in first}) == len(first) == 4
    store.place(("TEA", 1))
    second = heard()
    assert {one.headers["X-Shopify-Event-Id"] for _, one in first}.isdisjoint(
        one.headers["X-Shopify-Event-Id"] for _, one in second
    )


def test_the_order_announced_is_the_order_that_is_read(store, heard):
    order = store.place(("TEA", 2), ("CUP", 1), tags=["b", "a"], financial_status="authorized", risk="INVESTIGATE")
    arrived = dict(heard())
    assert "orders/paid" not in arrived
    body = arrived["orders/create"].body
    text = """query($id: ID!) { order(id: $id) { legacyResourceId updatedAt totalPriceSet { shopMoney { amount } }
      risk { recommendation } lineItems(first: 5) { nodes { id } } } }"""
    read = store.told(text, {"id": body["admin_graphql_api_id"]})
    assert read["legacyResourceId"] == str(body["id"]) == str(order["id"])
    assert [line["admin_graphql_api_id"] for line in body["line_items"]] == [
        line["id"] for line in read["lineItems"]["nodes"]
    ]
    assert (body["total_price"], read["totalPriceSet"]["shopMoney"]["amount"]) == ("37.00", "37.0")
    assert (body["name"], body["order_number"], body["currency"]) == ("#1001", 1001, "USD")
    assert (body["financial_status"], body["fulfillment_status"], body["tags"]) == ("authorized", None, "a, b")
    assert body["shipping_address"]["country"] == "United States"
    assert body["shipping_address"]["province"] == "California"
    assert body["shipping_address"]["address1"] == BUYER["address1"]
    assert body["shipping_lines"][0]["price"] == "5.00"
    assert [(line["sku"], line["quantity"], line["price"], line["grams"]) for line in body["line_items"]] == [
        ("TEA", 2, "12.50", 250),
        ("CUP", 1, "7.00", 400),
    ]
    assert [line["fulfillable_quantity"] for line in body["line_items"]] == [2, 1]
    assert read["risk"] == {"recommendation": "INVESTIGATE"}


def test_what_the_merchant_does_is_announced(store, heard):
    order = store.place(("TEA", 2), financial_status="pending")
    heard()
    store.do(order, "pay")
    assert topics(heard()) == ["order_transactions/create", "orders/paid", "orders/updated"]
    store.do(order, "edit", lines=[{"sku": "TEA", "quantity": 1}])
    edited = dict(heard())
    assert sorted(edited) == ["inventory_levels/update", "orders/edited", "orders/updated"]
    assert edited["orders/edited"].body["order_edit"]["order_id"] == order["id"]
    assert edited["orders/edited"].body["order_edit"]["line_items"]["removals"][0]["delta"] == 1
    store.do(order, "tag", add=["vip"])
    assert [one.body["tags"] for _, one in heard()] == ["vip"]
    store.do(order, "cancel", reason="INVENTORY")
    cancelled = dict(heard())
    assert {"orders/cancelled", "orders/updated", "refunds/create"} <= set(cancelled)
    body = cancelled["orders/cancelled"].body
    assert (body["cancel_reason"], body["cancelled_at"] is not None) == ("inventory", True)


def test_what_the_app_does_is_announced(store, heard):
    order = store.place(("TEA", 1))
    (work,) = store.work_orders(order)
    heard()
    hold = store.hold(work["id"], "address")["fulfillmentHold"]["id"]
    assert topics(heard()) == ["fulfillment_holds/added", "fulfillment_orders/placed_on_hold"]
    store.hold(work["id"], "payment")
    assert topics(heard()) == ["fulfillment_holds/added"]
    store.release(work["id"], hold)
    assert topics(heard()) == ["fulfillment_holds/released"]
    store.release(work["id"])
    released = dict(heard())
    assert sorted(released) == ["fulfillment_holds/released", "fulfillment_orders/hold_released"]
    assert released["fulfillment_orders/hold_released"].body == {
        "fulfillment_order": {"id": work["id"], "status": "open"}
    }
    made = store.fulfil(work["id"], company="UPS", number="1Z1")["fulfillment"]
    shipped = dict(heard())
    assert sorted(shipped) == ["fulfillments/create", "orders/fulfilled", "orders/updated"]
    body = shipped["fulfillments/create"].body
    assert (body["admin_graphql_api_id"], body["order_id"]) == (made["id"], order["id"])
    assert (body["tracking_company"], body["tracking_numbers"], body["status"]) == ("UPS", ["1Z1"], "success")
    assert shipped["orders/updated"].body["fulfillment_status"] == "fulfilled"
    assert store.hold(work["id"], "late")["userErrors"] != []
    assert heard() == []


def test_an_order_placed_in_silence_announces_nothing(store, heard):
    store.place(("TEA", 1), webhooks=False)
    assert heard() == []


def test_only_the_apps_own_topics_are_sent_to_it(sandbox, receiver):
    store = Caller(sandbox).open(webhook_url=receiver.url(), topics=["orders/paid"])
    store.place(("TEA", 1))
    sandbox.flush()
    assert [one.headers["X-Shopify-Topic"] for one in receiver.heard] == ["orders/paid"]


def test_a_subscription_gets_its_topic_filtered_and_trimmed_until_it_is_deleted(sandbox, receiver):
    store = Caller(sandbox).open()
    wish = {
        "uri": receiver.url("/own"),
        "filter": "total_price:>=20",
        "includeFields": ["id", "line_items", "updated_at"],
    }
    assert store.told(SUBSCRIBE, {"topic": "ORDERS_CREATE", "s": wish | {"filter": "currency:USD"}})["userErrors"] == []
    taken = store.told(SUBSCRIBE, {"topic": "ORDERS_CREATE", "s": wish})["userErrors"]
    assert taken == [{"message": "Address for this topic has already been taken"}]
    euros = {"uri": receiver.url("/euros"), "filter": "currency:EUR"}
    assert store.told(SUBSCRIBE, {"topic": "ORDERS_CREATE", "s": euros})["userErrors"] == []
    order = store.place(("TEA", 1))
    sandbox.flush()
    (arrived,) = receiver.heard
    assert (arrived.path, sorted(arrived.body)) == ("/own", ["id", "line_items", "updated_at"])
    assert arrived.body["id"] == order["id"]
    text = (
        "{ webhookSubscriptions(first: 10, topics: [ORDERS_CREATE]) { nodes { id topic uri apiVersion { handle } } } }"
    )
    first, second = store.told(text)["nodes"]
    assert (first["uri"], first["apiVersion"], second["uri"]) == (wish["uri"], {"handle": "2026-10"}, euros["uri"])
    assert store.told(UNSUBSCRIBE, {"id": first["id"]})["userErrors"] == []
    store.place(("TEA", 1))
    sandbox.flush()
    assert len(receiver.heard) == 1
