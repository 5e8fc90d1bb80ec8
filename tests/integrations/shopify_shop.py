"""A store of the sandbox as its merchant, its buyers and the connector touch it, and one piece of work in words."""

import json
import urllib.request

import pytest

from integrations import registry
from integrations.nouns import ShippedLine, TrackingLabel
from integrations.ports import Credentials, Origins, Permanent, Storefront

SHOP, TOKEN, SECRET = "packline-tests.myshopify.com", "shpat_tests", "hush-tests"
LABEL = TrackingLabel(carrier="USPS", numbers=("9400100000000000000001",), urls=("https://track.example/1",))
BUYER = {
    "first_name": "Ada",
    "last_name": "Byron",
    "address1": "20 W 34th St",
    "address2": "Floor 3",
    "city": "New York",
    "province_code": "NY",
    "zip": "10001",
    "country_code": "US",
    "phone": "+12125550100",
}
PLACE = {"address1": "1 Dock St", "city": "Newark", "province_code": "NJ", "zip": "07102", "country_code": "US"}


class Shop:
    def __init__(self, sandbox, notes) -> None:
        self.sandbox = sandbox
        self.notes = notes
        self.storefront = self.connect()

    def connect(self, token: str = TOKEN) -> Storefront:
        credentials = Credentials(account=SHOP, live=True, secrets={"access_token": token})
        return registry.vendor("shopify").build(credentials, Origins(shopify=self.sandbox.origin), self.notes.append)

    def open(self, *variants, **wishes):
        products = [{"title": "Mug", "variants": [variant]} for variant in variants]
        wish = {"domain": SHOP, "token": TOKEN, "secret": SECRET, "products": products, "locations": [reno(), newark()]}
        return self.sandbox.do("/shopify/shops", wish | wishes)

    def order(self, *lines, **wishes):
        wish = {"shop": SHOP, "ship_to": BUYER, "lines": [{"sku": sku, "quantity": units} for sku, units in lines]}
        return self.sandbox.do("/shopify/orders", wish | wishes)

    def act(self, order, what, **wishes):
        return self.sandbox.do(f"/shopify/orders/{order['id']}/{what}", wishes)

    def look(self, order):
        return self.sandbox.do(f"/shopify/orders/{order['id']}")

    def fulfillments(self, order):
        return self.look(order)["fulfillments"]

    def fault(self, kind, operation, **more):
        self.sandbox.fault("shopify", kind, operation, **more)

    def acts(self, operation):
        return self.sandbox.acts(operation)

    def asked(self, operation):
        return len(self.sandbox.calls(operation))

    def by_hand(self, text, **variables):
        """Something that Packline never asks: another app's doing, or the merchant's."""
        body = json.dumps({"query": text, "variables": variables}).encode()
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": TOKEN}
        url = f"{self.sandbox.origin}/admin/api/2026-10/graphql.json"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:  # noqa: S310
            found = json.load(answer)
        assert "errors" not in found, found
        return found["data"]

    def cancel_fulfillment(self, fulfillment):
        text = "mutation($id: ID!) { fulfillmentCancel(id: $id) { userErrors { message } } }"
        self.by_hand(text, id=gid(fulfillment))

    def split_off_each(self, order, pieces):
        """Take one unit of the first lines into work of its own, as a merchant may."""
        (work,) = order["fulfillment_orders"]
        text = "query($id: ID!) { fulfillmentOrder(id: $id) { lineItems(first: 50) { nodes { id } } } }"
        nodes = self.by_hand(text, id=gid(work))["fulfillmentOrder"]["lineItems"]["nodes"]
        for node in nodes[:pieces]:
            self.by_hand(
                "mutation($s: [FulfillmentOrderSplitInput!]!) { fulfillmentOrderSplit(fulfillmentOrderSplits: $s)"
                " { userErrors { message } } }",
                s=[{"fulfillmentOrderId": gid(work), "fulfillmentOrderLineItems": [{"id": node["id"], "quantity": 1}]}],
            )

    def announce(self, order, shipped=None, label=LABEL, *, tell_buyer=False):
        return self.storefront.announce(gid(order), shipped or lines(order), label, tell_buyer=tell_buyer)


def reno(**changes):
    return PLACE | {"name": "Reno", "city": "Sparks", "province_code": "NV", "zip": "89434"} | changes


def newark(**changes):
    return PLACE | {"name": "Newark"} | changes


def mug(sku="MUG", **changes):
    return {"sku": sku, "price": "12.50", "grams": 350, "stock": {"Reno": 100}} | changes


def lines(order, **units):
    by_sku = {line["sku"]: line for line in order["lines"]}
    wanted = units or {sku: line["quantity"] for sku, line in by_sku.items()}
    return [ShippedLine(line_remote_id=gid(by_sku[sku]), units=count) for sku, count in wanted.items()]


def gid(thing):
    return thing["admin_graphql_api_id"]


def refused(call, kind=Permanent):
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def piece(number=1, status="OPEN", left=2, location="A", actions=("CREATE_FULFILLMENT",), line="L1", **more):
    """A fulfillment order in Shopify's words."""
    return {
        "id": f"FO{number}",
        "status": status,
        "fulfillAt": None,
        "supportedActions": [{"action": action} for action in actions],
        "assignedLocation": {"name": f"Place {location}", "location": {"id": location}},
        "deliveryMethod": {"methodType": "SHIPPING"},
        "fulfillmentHolds": [],
        "lineItems": {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [{"id": f"FL{number}", "remainingQuantity": left, "lineItem": {"id": line}}],
        },
    } | more
