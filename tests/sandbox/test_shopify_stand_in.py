"""Stories of one store at the Shopify stand-in: an order is placed, held, split, shipped, tracked, cancelled."""

import pytest
from shopify_caller import BUYER, CUP, DOMAIN, EAST, TEA, WEST, Caller

TRACK = """mutation Track($id: ID!, $t: FulfillmentTrackingInput!) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $t) {
    fulfillment { id trackingInfo(first: 20) { company number url } } userErrors { field message } } }"""
CANCEL_FULFILLMENT = """mutation Undo($id: ID!) {
  fulfillmentCancel(id: $id) { fulfillment { id status } userErrors { field message } } }"""
EVENT = """mutation Event($e: FulfillmentEventInput!) {
  fulfillmentEventCreate(fulfillmentEvent: $e) { fulfillmentEvent { id } userErrors { field message } } }"""
CANCEL = """mutation Cancel($id: ID!, $restock: Boolean!, $refund: OrderCancelRefundMethodInput) {
  orderCancel(orderId: $id, reason: CUSTOMER, restock: $restock, refundMethod: $refund) {
    job { id } orderCancelUserErrors { field message code } } }"""
CAPTURE = """mutation Capture($input: OrderCaptureInput!) {
  orderCapture(input: $input) { transaction { kind status } userErrors { field message } } }"""
PAID = "mutation Paid($id: ID!) { orderMarkAsPaid(input: {id: $id}) { order { id } userErrors { field message } } }"
TAGS = """mutation Tags($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } } }"""


@pytest.fixture
def store(sandbox):
    return Caller(sandbox).open()


def test_fulfillment_orders_appear_when_routing_is_done(store):
    order = store.place(("TEA", 1), fo_delay_s=3_600)
    hidden = order["fulfillment_orders"][0]["admin_graphql_api_id"]
    assert store.work_orders(order) == []
    assert store.told("query($id: ID!) { node(id: $id) { id } }", {"id": hidden}) is None
    assert store.fulfil(hidden)["userErrors"] == [
        {"field": ["fulfillment"], "message": "Fulfillment order does not exist."}
    ]
    store.do(order, "route")
    found = store.work_orders(order)
    assert [(one["id"], one["status"]) for one in found] == [(hidden, "OPEN")]


def test_an_order_takes_its_stock_at_once_and_leaves_the_shelf_when_it_ships(store):
    order = store.place(("TEA", 4))
    placed = store.stock("TEA", "East")
    assert (placed["available"], placed["committed"], placed["on_hand"]) == (6, 4, 10)
    (work,) = store.work_orders(order)
    made = store.fulfil(work["id"], company="UPS", number="1Z1")
    assert made["fulfillment"]["trackingInfo"][0]["url"].endswith("trackNums=1Z1")
    shipped = store.stock("TEA", "East")
    assert (shipped["available"], shipped["committed"], shipped["on_hand"]) == (6, 0, 6)
    assert store.work(order)["displayFulfillmentStatus"] == "FULFILLED"


def test_what_was_fulfilled_is_not_fulfilled_again(store):
    order = store.place(("TEA", 1))
    (work,) = store.work_orders(order)
    store.fulfil(work["id"], company="USPS", number="9400")
    refused = store.fulfil(work["id"], company="USPS", number="9401")
    number = work["id"].rpartition("/")[2]
    message = f"Fulfillment order {number} has an unfulfillable status= closed."
    assert refused == {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": message}]}
    assert [one["tracking"][0]["number"] for one in store.seen(order)["fulfillments"]] == ["9400"]
    assert store.stock("TEA", "East")["on_hand"] == 9


def test_a_part_ships_and_the_rest_stays_to_be_shipped(store):
    order = store.place(("TEA", 3))
    (work,) = store.work_orders(order)
    row = work["lineItems"]["nodes"][0]["id"]
    store.fulfil(work["id"], [{"id": row, "quantity": 1}], company="UPS", number="1Z1")
    (left,) = store.work_orders(order)
    assert (left["status"], left["lineItems"]["nodes"][0]["remainingQuantity"]) == ("IN_PROGRESS", 2)
    assert store.work(order)["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    store.fulfil(work["id"], company="UPS", number="1Z2")
    assert [one["lines"] for one in store.seen(order)["fulfillments"]] == [
        [{"sku": "TEA", "quantity": 1}],
        [{"sku": "TEA", "quantity": 2}],
    ]


def test_new_tracking_replaces_all_of_the_old(store):
    order = store.place(("TEA", 1))
    (work,) = store.work_orders(order)
    made = store.fulfil(work["id"], company="UPS", numbers=["1Z1", "1Z2"])["fulfillment"]
    assert [one["number"] for one in made["trackingInfo"]] == ["1Z1", "1Z2"]
    wish = {"company": "FedEx", "number": "77", "url": "https://track.example/77"}
    assert store.told(TRACK, {"id": made["id"], "t": wish})["fulfillment"]["trackingInfo"] == [wish]
    assert store.seen(order)["fulfillments"][0]["tracking"] == [wish]


def test_events_set_the_display_status_by_when_they_happened(store):
    order = store.place(("TEA", 1))
    (work,) = store.work_orders(order)
    made = store.fulfil(work["id"], company="UPS", number="1Z1")["fulfillment"]["id"]
    for status, hour in (("DELIVERED", 15), ("IN_TRANSIT", 9)):
        event = {"fulfillmentId": made, "status": status, "happenedAt": f"2026-11-20T{hour:02}:00:00Z"}
        assert store.told(EVENT, {"e": event})["userErrors"] == []
    (seen,) = store.seen(order)["fulfillments"]
    assert seen["display_status"] == "DELIVERED"
    assert [event["status"] for event in seen["events"]] == ["DELIVERED", "IN_TRANSIT"]


def test_a_cancelled_fulfillment_gives_its_units_back_under_a_new_fulfillment_order(store):
    order = store.place(("TEA", 2))
    (work,) = store.work_orders(order)
    made = store.fulfil(work["id"], company="UPS", number="1Z1")["fulfillment"]["id"]
    assert store.told(CANCEL_FULFILLMENT, {"id": made})["fulfillment"]["status"] == "CANCELLED"
    old, new = store.work_orders(order)
    assert (old["id"], old["status"], new["status"]) == (work["id"], "CLOSED", "OPEN")
    assert new["lineItems"]["nodes"][0]["remainingQuantity"] == 2
    level = store.stock("TEA", "East")
    assert (level["committed"], level["on_hand"]) == (2, 10)
    assert store.fulfil(new["id"], company="UPS", number="1Z2")["userErrors"] == []


def test_a_hold_is_placed_once_under_its_handle(store):
    (work,) = store.work_orders(store.place(("TEA", 1)))
    first = store.hold(work["id"], "address")
    assert (first["fulfillmentOrder"]["status"], first["userErrors"]) == ("ON_HOLD", [])
    again = store.hold(work["id"], "address")
    assert again["fulfillmentHold"] is None
    assert [error["code"] for error in again["userErrors"]] == ["DUPLICATE_FULFILLMENT_HOLD_HANDLE"]
    assert store.hold(work["id"], "payment")["userErrors"] == []
    held = store.fulfil(work["id"], company="UPS", number="1Z1")["userErrors"]
    assert held[0]["message"].endswith("has an unfulfillable status= on_hold.")


def test_an_eleventh_hold_is_refused(store):
    order = store.place(("TEA", 1))
    (work,) = store.work_orders(order)
    for number in range(10):
        assert store.hold(work["id"], f"h{number}")["userErrors"] == []
    refused = store.hold(work["id"], "h10")["userErrors"]
    assert [error["code"] for error in refused] == ["FULFILLMENT_ORDER_HOLD_LIMIT_REACHED"]
    assert len(store.seen(order)["holds"]) == 10


def test_releasing_our_hold_leaves_the_merchants(store):
    order = store.place(("TEA", 1), hold_reason="HIGH_RISK_OF_FRAUD")
    (work,) = store.work_orders(order)
    assert work["supportedActions"] == [{"action": "RELEASE_HOLD"}, {"action": "HOLD"}, {"action": "MOVE"}]
    ours = store.hold(work["id"], "address")["fulfillmentHold"]["id"]
    left = store.release(work["id"], ours)["fulfillmentOrder"]
    assert (left["status"], len(left["fulfillmentHolds"])) == ("ON_HOLD", 1)
    assert [hold["ours"] for hold in store.seen(order)["holds"]] == [False]


def test_releasing_without_ids_releases_the_merchants_hold_too(store):
    order = store.place(("TEA", 1), hold_reason="HIGH_RISK_OF_FRAUD")
    (work,) = store.work_orders(order)
    store.hold(work["id"], "address")
    assert store.release(work["id"])["fulfillmentOrder"]["status"] == "OPEN"
    assert store.seen(order)["holds"] == []


def test_an_order_is_routed_whole_where_one_place_has_all_else_line_by_line(store):
    whole = store.place(("TEA", 2), ("CUP", 1))
    assert [one["assignedLocation"]["location"]["name"] for one in store.work_orders(whole)] == ["West"]
    torn = store.place(("TEA", 6), ("CUP", 1))
    works = {one["assignedLocation"]["location"]["name"]: one for one in store.work_orders(torn)}
    assert [row["sku"] for row in works["East"]["lineItems"]["nodes"]] == ["TEA"]
    assert [row["sku"] for row in works["West"]["lineItems"]["nodes"]] == ["CUP"]
    east, west = works["East"]["id"], works["West"]["id"]
    both = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": east}, {"fulfillmentOrderId": west}]}
    text = "mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { userErrors { message } } }"
    (error,) = store.told(text, {"f": both})["userErrors"]
    assert error["message"].startswith("All fulfillment orders must be assigned to a single location.")


def test_goods_that_need_no_parcel_and_orders_to_be_fetched_say_so(sandbox):
    gift = {"sku": "GIFT", "requires_shipping": False, "tracked": False}
    store = Caller(sandbox).open(variants=[TEA, CUP, gift])
    text = """query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes {
      deliveryMethod { methodType } destination { city } } } } }"""
    mixed = store.told(text, {"id": store.place(("TEA", 1), ("GIFT", 1))["admin_graphql_api_id"]})
    methods = [one["deliveryMethod"]["methodType"] for one in mixed["fulfillmentOrders"]["nodes"]]
    assert sorted(methods) == ["NONE", "SHIPPING"]
    fetched = store.place(("TEA", 1), delivery_method="PICK_UP", location="West")
    (work,) = store.told(text, {"id": fetched["admin_graphql_api_id"]})["fulfillmentOrders"]["nodes"]
    assert work == {"deliveryMethod": {"methodType": "PICK_UP"}, "destination": None}


def test_cancelling_waits_for_no_parcel_and_gives_stock_and_money_back(store):
    order = store.place(("TEA", 2))
    wish = {"id": order["admin_graphql_api_id"], "restock": True, "refund": {"originalPaymentMethodsRefund": True}}
    assert store.told(CANCEL, wish)["orderCancelUserErrors"] == []
    seen = store.seen(order)
    assert (seen["cancelled"], seen["financial_status"], seen["fulfillment_status"]) == (
        True,
        "REFUNDED",
        "UNFULFILLED",
    )
    assert [one["status"] for one in seen["fulfillment_orders"]] == ["CLOSED"]
    level = store.stock("TEA", "East")
    assert (level["available"], level["committed"], level["on_hand"]) == (10, 0, 10)
    shipped = store.place(("TEA", 1))
    store.fulfil(store.work_orders(shipped)[0]["id"], company="UPS", number="1Z1")
    (error,) = store.told(CANCEL, wish | {"id": shipped["admin_graphql_api_id"]})["orderCancelUserErrors"]
    assert error["message"] == "Cannot cancel an order that has outstanding fulfillments"
    assert store.seen(shipped)["cancelled"] is False


def test_an_unpaid_order_is_marked_paid_once_and_an_authorised_one_captured(store):
    pending = store.place(("TEA", 1), financial_status="pending")
    gid = pending["admin_graphql_api_id"]
    assert store.seen(pending)["financial_status"] == "PENDING"
    assert store.told(PAID, {"id": gid})["userErrors"] == []
    assert store.seen(pending)["financial_status"] == "PAID"
    assert store.told(PAID, {"id": gid})["userErrors"] == [
        {"field": ["id"], "message": "Order cannot be marked as paid."}
    ]
    held = store.place(("TEA", 1), financial_status="authorized")
    assert store.seen(held)["financial_status"] == "AUTHORIZED"
    wish = {"id": held["admin_graphql_api_id"], "parentTransactionId": held["transactions"][0]["admin_graphql_api_id"]}
    refused = store.told(CAPTURE, {"input": wish | {"amount": "99.00"}})["userErrors"]
    assert [error["message"] for error in refused] == [
        "Cannot capture more than the authorized 17.50 for this payment."
    ]
    assert store.told(CAPTURE, {"input": wish | {"amount": "17.50"}})["transaction"] == {
        "kind": "CAPTURE",
        "status": "SUCCESS",
    }
    assert store.seen(held)["financial_status"] == "PAID"


def test_what_the_merchant_does_past_the_app_is_there_to_be_read(store):
    order = store.place(("TEA", 2), tags=["new"])
    store.do(
        order,
        "edit",
        ship_to=BUYER | {"city": "Oakland"},
        lines=[{"sku": "TEA", "quantity": 1}, {"sku": "CUP", "quantity": 2}],
    )
    text = """query($id: ID!) { order(id: $id) { edited tags shippingAddress { city }
      lineItems(first: 5) { nodes { sku quantity currentQuantity fulfillableQuantity } } } }"""
    read = store.told(text, {"id": order["admin_graphql_api_id"]})
    assert (read["edited"], read["shippingAddress"]) == (True, {"city": "Oakland"})
    assert [tuple(line.values()) for line in read["lineItems"]["nodes"]] == [("TEA", 2, 1, 1), ("CUP", 2, 2, 2)]
    store.told(TAGS, {"id": order["admin_graphql_api_id"], "tags": ["packed", "new"]})
    store.do(order, "tag", add=["vip"], remove=["new"])
    assert store.seen(order)["tags"] == ["packed", "vip"]
    store.do(order, "fulfil", company="UPS", number="1Z9")
    assert store.work(order)["displayFulfillmentStatus"] == "FULFILLED"


def test_counting_stock_changes_what_is_available_and_not_what_is_promised(store):
    store.place(("TEA", 4))
    wish = {"shop": DOMAIN, "sku": "TEA", "location": "East", "on_hand": 12}
    level = store.sandbox.control("POST", "/shopify/inventory", wish)
    assert (level["available"], level["committed"], level["on_hand"]) == (8, 4, 12)


def test_a_misspelt_wish_is_an_error_and_makes_nothing(store):
    for wish in ({"colour": "red"}, {"lines": [{"sku": "NONE", "quantity": 1}]}, {"lines": []}):
        body = {"shop": DOMAIN, "lines": [{"sku": "TEA", "quantity": 1}]} | wish
        assert store.sandbox.call("POST", "/_sandbox/shopify/orders", body).status == 400
    assert store.sandbox.control("GET", f"/shopify/orders?shop={DOMAIN}") == {"orders": []}
    assert {EAST["name"], WEST["name"]} == {place["name"] for place in store.shop["locations"]}
