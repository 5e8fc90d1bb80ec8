"""An app that calls the Shopify stand-in over HTTP, and the merchant and buyers of one store."""

import copy

DOMAIN, TOKEN, SECRET = "acme.myshopify.com", "shpat_acme", "hush"
EAST = {
    "name": "East", "address1": "1 Dock St", "city": "Newark", "province_code": "NJ", "zip": "07102",
    "country_code": "US", "latitude": 40.73, "longitude": -74.17, "phone": "+19735550100",
}  # fmt: skip
WEST = {"name": "West", "address1": "500 Vista Blvd", "city": "Sparks", "province_code": "NV", "country_code": "US"}
BUYER = {
    "first_name": "Ada", "last_name": "Buyer", "address1": "388 Townsend St", "city": "San Francisco",
    "province_code": "CA", "zip": "94107", "country_code": "US", "phone": "+14155550100",
}  # fmt: skip
TEA = {"sku": "TEA", "price": "12.50", "grams": 250, "stock": {"East": 10, "West": 5}}
CUP = {"sku": "CUP", "title": "Blue", "price": "7.00", "grams": 400, "hs_code": "691110", "stock": {"West": 3}}
# Everything a story usually wants to see of an order's work.
WORK = """query Work($id: ID!) { order(id: $id) { id name updatedAt displayFinancialStatus displayFulfillmentStatus
  fulfillments(first: 10) { id status displayStatus trackingInfo(first: 10) { company number url } }
  fulfillmentOrders(first: 20) { nodes { id status supportedActions { action } assignedLocation { location { id name } }
    fulfillmentHolds { id handle reason heldByRequestingApp }
    lineItems(first: 50) { nodes { id totalQuantity remainingQuantity sku lineItem { id fulfillableQuantity } } } } } }
}"""
FULFIL = """mutation Fulfil($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) {
  fulfillment { id status displayStatus trackingInfo(first: 20) { company number url } }
  userErrors { field message } } }"""
HOLD = """mutation Hold($id: ID!, $h: FulfillmentOrderHoldInput!) { fulfillmentOrderHold(id: $id, fulfillmentHold: $h) {
  fulfillmentHold { id handle } fulfillmentOrder { id status } remainingFulfillmentOrder { id status }
  userErrors { field message code } } }"""
RELEASE = """mutation Release($id: ID!, $ids: [ID!]) { fulfillmentOrderReleaseHold(id: $id, holdIds: $ids) {
  fulfillmentOrder { id status fulfillmentHolds { id } } userErrors { field message code } } }"""


class Caller:
    """One store in the sandbox, and the app's token to it."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.shop = {}

    def open(self, *, variants=(TEA, CUP), products=None, locations=(EAST, WEST), **more):
        wish = {
            "domain": DOMAIN, "token": TOKEN, "secret": SECRET, "name": "Acme", "locations": list(locations),
            "products": products or [{"title": "Tea things", "variants": copy.deepcopy(list(variants))}],
        }  # fmt: skip
        self.shop = self.sandbox.control("POST", "/shopify/shops", wish | more)
        return self

    def place(self, *lines, **more):
        wish = {
            "shop": DOMAIN, "ship_to": BUYER, "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        }  # fmt: skip
        return self.sandbox.control("POST", "/shopify/orders", wish | more)

    def do(self, order, act, **wish):
        return self.sandbox.control("POST", f"/shopify/orders/{order['id']}/{act}", wish)

    def send(self, document, variables=None, *, version="2026-10", token=TOKEN, **more):
        """The answer as it came, with its status and headers."""
        headers = {"X-Shopify-Access-Token": token}
        question = {"query": document, "variables": variables or {}, **more}
        return self.sandbox.call("POST", f"/admin/api/{version}/graphql.json", question, headers=headers)

    def ask(self, document, variables=None, **more):
        """The answer's body; HTTP went well."""
        answered = self.send(document, variables, **more)
        assert answered.status == 200, answered.raw
        return answered.body

    def told(self, document, variables=None, **more):
        """The one root field of an answer without top-level errors."""
        body = self.ask(document, variables, **more)
        assert "errors" not in body, body
        (answer,) = body["data"].values()
        return answer

    def work(self, order):
        return self.told(WORK, {"id": order["admin_graphql_api_id"]})

    def work_orders(self, order):
        return self.work(order)["fulfillmentOrders"]["nodes"]

    def fulfil(self, work_order, lines=None, **tracking):
        group = {"fulfillmentOrderId": work_order} | ({"fulfillmentOrderLineItems": lines} if lines else {})
        return self.told(FULFIL, {"f": {"lineItemsByFulfillmentOrder": [group], "trackingInfo": tracking}})

    def hold(self, work_order, handle="", **more):
        return self.told(HOLD, {"id": work_order, "h": {"reason": "OTHER", "handle": handle} | more})

    def release(self, work_order, *holds):
        return self.told(RELEASE, {"id": work_order, "ids": list(holds) or None})

    def seen(self, order):
        """The order as the merchant sees it."""
        return self.sandbox.control("GET", f"/shopify/orders/{order['id']}")

    def stock(self, sku, location):
        levels = self.sandbox.control("GET", f"/shopify/inventory?shop={DOMAIN}")["levels"]
        return next(level for level in levels if (level["sku"], level["location"]) == (sku, location))

    def location(self, name):
        return next(one["admin_graphql_api_id"] for one in self.shop["locations"] if one["name"] == name)

    def item(self, sku):
        variants = [variant for product in self.shop["products"] for variant in product["variants"]]
        return next(one["inventory_item_gid"] for one in variants if one["sku"] == sku)
