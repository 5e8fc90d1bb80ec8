"""Stories of order editing at the Shopify stand-in: staged, committed once, heard, and refused in words."""

import pytest
from shopify_caller import Caller

LEMON = {"sku": "LEMON", "title": "Lemon", "price": "12.50", "grams": 250, "stock": {"East": 4}}
TEA = {"sku": "TEA", "title": "Black", "price": "12.50", "grams": 250, "stock": {"East": 1}}
BEGIN = """mutation($id: ID!) { orderEditBegin(id: $id) { userErrors { field message } calculatedOrder { id
  totalOutstandingSet { shopMoney { amount } }
  lineItems(first: 50) { nodes { id sku quantity editableQuantity } } addedLineItems(first: 9) { nodes { id } } } } }"""
SET = """mutation($id: ID!, $line: ID!, $units: Int!, $restock: Boolean) {
  orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $units, restock: $restock) {
    calculatedLineItem { quantity restocking } userErrors { message } } }"""
ADD = """mutation($id: ID!, $variant: ID!, $units: Int!, $twice: Boolean) {
  orderEditAddVariant(id: $id, variantId: $variant, quantity: $units, allowDuplicates: $twice) {
    calculatedOrder { totalOutstandingSet { shopMoney { amount } } } userErrors { message } } }"""
COMMIT = """mutation($id: ID!) { orderEditCommit(id: $id, notifyCustomer: false, staffNote: "swapped") {
  order { edited currentTotalPriceSet { shopMoney { amount } } lineItems(first: 9) { nodes { sku currentQuantity } } }
  userErrors { message } } }"""


@pytest.fixture
def store(sandbox, receiver):
    return Caller(sandbox).open(variants=(TEA, LEMON), webhook_url=receiver.url())


def gid(thing):
    return thing["admin_graphql_api_id"]


def begun(store, order):
    return store.told(BEGIN, {"id": gid(order)})


def variant_id(store, sku):
    return next(gid(one) for product in store.shop["products"] for one in product["variants"] if one["sku"] == sku)


def shelf(store, sku):
    level = store.stock(sku, "East")
    return level["available"], level["committed"]


def test_a_line_is_lowered_and_another_added_by_one_commit_and_no_money_moves(store, sandbox, receiver):
    order = store.place(("TEA", 2))
    assert shelf(store, "TEA") == (-1, 2)
    edit = begun(store, order)["calculatedOrder"]
    line = edit["lineItems"]["nodes"][0]

    lowered = store.told(SET, {"id": edit["id"], "line": line["id"], "units": 1, "restock": True})
    added = store.told(ADD, {"id": edit["id"], "variant": variant_id(store, "LEMON"), "units": 1})
    before = store.seen(order)
    done = store.told(COMMIT, {"id": edit["id"]})

    assert lowered["calculatedLineItem"] == {"quantity": 1, "restocking": True}
    assert added["calculatedOrder"]["totalOutstandingSet"]["shopMoney"]["amount"] == "0.0"
    assert [line["quantity"] for line in before["lines"]] == [2]  # nothing counts before the commit
    assert done["order"]["lineItems"]["nodes"] == [
        {"sku": "TEA", "currentQuantity": 1}, {"sku": "LEMON", "currentQuantity": 1},
    ]  # fmt: skip
    assert (done["order"]["edited"], done["userErrors"]) == (True, [])
    assert (shelf(store, "TEA"), shelf(store, "LEMON")) == ((0, 1), (3, 1))
    work = [row for one in store.work_orders(order) for row in one["lineItems"]["nodes"]]
    assert [(row["sku"], row["remainingQuantity"]) for row in work] == [("TEA", 1), ("LEMON", 1)]
    sandbox.flush()
    (told,) = [one.body["order_edit"] for one in receiver.heard if one.headers["X-Shopify-Topic"] == "orders/edited"]
    assert (told["notify_customer"], told["staff_note"]) == (False, "swapped")
    assert [one["delta"] for kind in ("removals", "additions") for one in told["line_items"][kind]] == [1, 1]


def test_a_commit_counts_once_and_an_open_session_changes_nothing(store):
    order = store.place(("TEA", 1))
    left_open = begun(store, order)["calculatedOrder"]["id"]
    store.told(ADD, {"id": left_open, "variant": variant_id(store, "LEMON"), "units": 1})
    edit = begun(store, order)["calculatedOrder"]
    assert (edit["id"] != left_open, edit["addedLineItems"]["nodes"]) == (True, [])
    store.told(ADD, {"id": edit["id"], "variant": variant_id(store, "LEMON"), "units": 1})

    store.told(COMMIT, {"id": edit["id"]})
    again = store.ask(COMMIT, {"id": edit["id"]})

    assert again["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    assert sum(line["quantity"] for line in store.seen(order)["lines"]) == 2


@pytest.mark.parametrize(("what", "said"), [("cancel", "canceled"), ("archive", "archived")])
def test_an_order_that_is_over_is_not_edited(store, what, said):
    order = store.place(("TEA", 1))
    store.do(order, what)

    refused = begun(store, order)

    assert refused["calculatedOrder"] is None
    assert said in refused["userErrors"][0]["message"]


def test_what_was_shipped_stays_and_a_variant_comes_twice_only_where_that_is_asked_for(store):
    order = store.place(("TEA", 2))
    (work,) = store.work_orders(order)
    store.fulfil(work["id"], [{"id": work["lineItems"]["nodes"][0]["id"], "quantity": 1}], number="1")
    edit = begun(store, order)["calculatedOrder"]
    line = edit["lineItems"]["nodes"][0]
    assert (line["quantity"], line["editableQuantity"]) == (2, 1)

    assert store.told(SET, {"id": edit["id"], "line": line["id"], "units": 0, "restock": True})["userErrors"]
    assert store.told(ADD, {"id": edit["id"], "variant": variant_id(store, "TEA"), "units": 1})["userErrors"]
    twice = store.told(ADD, {"id": edit["id"], "variant": variant_id(store, "TEA"), "units": 1, "twice": True})
    assert twice["userErrors"] == []


def test_without_its_scope_nothing_is_edited(sandbox):
    store = Caller(sandbox).open(scopes=["read_orders", "write_orders"])
    order = store.place(("TEA", 1))

    answered = store.ask(BEGIN, {"id": gid(order)})

    assert answered["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "write_order_edits" in answered["errors"][0]["message"]
