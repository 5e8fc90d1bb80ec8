"""The Shopify connector's verbs over real HTTP against the sandbox: told once, adopted when found, refused in words."""

import json
import threading
import urllib.request
from datetime import UTC, datetime

import pytest

from integrations import registry
from integrations.nouns import (
    Announced,
    Money,
    ParcelStatus,
    PaymentStanding,
    RiskAdvice,
    Scan,
    ShippedLine,
    TrackingLabel,
)
from integrations.ports import Credentials, Delivery, Origins, Permanent, Storefront, Temporary
from sandbox.server import create_sandbox, make_sandbox_server

SHOP, TOKEN = "packline-tests.myshopify.com", "shpat_tests"
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
    """A store of the sandbox, as its merchant and its buyers touch it."""

    def __init__(self, origin: str, notes: list) -> None:
        self.origin = origin
        self.notes = notes
        self.storefront = self.connect()

    def connect(self, token: str = TOKEN) -> Storefront:
        credentials = Credentials(account=SHOP, live=True, secrets={"access_token": token})
        return registry.vendor("shopify").build(credentials, Origins(shopify=self.origin), self.notes.append)

    def open(self, *variants, **wishes):
        products = [{"title": "Mug", "variants": [variant]} for variant in variants]
        wish = {"domain": SHOP, "token": TOKEN, "secret": "hush", "products": products} | wishes
        return self._post("/shopify/shops", {"locations": [reno(), newark()]} | wish)

    def order(self, *lines, **wishes):
        wish = {"shop": SHOP, "ship_to": BUYER, "lines": [{"sku": sku, "quantity": units} for sku, units in lines]}
        return self._post("/shopify/orders", wish | wishes)

    def act(self, order, what, **wishes):
        return self._post(f"/shopify/orders/{order['id']}/{what}", wishes)

    def look(self, order):
        return self._get(f"/shopify/orders/{order['id']}")

    def fulfillments(self, order):
        return self.look(order)["fulfillments"]

    def fault(self, kind, operation, **more):
        self._post("/faults", {"vendor": "shopify", "kind": kind, "operation": operation} | more)

    def effects(self, operation):
        return self._get(f"/calls?vendor=shopify&operation={operation}&effect=true")["count"]

    def asked(self, operation):
        return self._get(f"/calls?vendor=shopify&operation={operation}")["count"]

    def mutate(self, text, **variables):
        """Something that Packline never asks: another app's doing, or the merchant's."""
        body = {"query": text, "variables": variables}
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": TOKEN}
        answer = self._send("POST", "/admin/api/2026-10/graphql.json", body, headers)
        assert "errors" not in answer, answer
        return answer["data"]

    def _post(self, path, body):
        return self._send("POST", f"/_sandbox{path}", body, {"Content-Type": "application/json"})

    def _get(self, path):
        return self._send("GET", f"/_sandbox{path}", None, {})

    def _send(self, method, path, body, headers):
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, sent, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)


@pytest.fixture(scope="module")
def sandbox_origin():
    server = make_sandbox_server(create_sandbox(), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def shop(sandbox_origin, notes):
    shop = Shop(sandbox_origin, notes)
    shop._post("/reset", {})
    return shop


def reno(**changes):
    return PLACE | {"name": "Reno", "city": "Sparks", "province_code": "NV", "zip": "89434"} | changes


def newark(**changes):
    return PLACE | {"name": "Newark"} | changes


def mug(sku="MUG", **changes):
    return {"sku": sku, "price": "12.50", "grams": 350, "stock": {"Reno": 100}} | changes


def lines(order, **units):
    by_sku = {line["sku"]: line for line in order["lines"]}
    wanted = units or {sku: line["quantity"] for sku, line in by_sku.items()}
    return [ShippedLine(line_remote_id=by_sku[sku]["admin_graphql_api_id"], units=n) for sku, n in wanted.items()]


def gid(thing):
    return thing["admin_graphql_api_id"]


def announce(shop, order, shipped=None, label=LABEL, tell_buyer=False):
    return shop.storefront.announce(gid(order), shipped or lines(order), label, tell_buyer=tell_buyer)


def refused(call, kind=Permanent):
    with pytest.raises(kind) as caught:
        call()
    return caught.value


# ---------------------------------------------------------------------------------------- reading


def test_an_order_is_read_whole(shop):
    shop.open(mug(), mug("POT", price="30.00", grams=1200))
    order = shop.order(("MUG", 2), ("POT", 1), email="ada@example.com", tags=["gift"], risk="INVESTIGATE")

    found = shop.storefront.read_order(gid(order))

    told = found.snapshot
    assert (told.remote_id, told.name, told.currency) == (gid(order), order["name"], "USD")
    assert (told.total, told.standing) == (Money(minor=6000, currency="USD"), PaymentStanding.PAID)
    assert (told.shipping_title, told.shipping_paid) == ("Standard", Money(minor=500, currency="USD"))
    assert (told.email, told.tags, told.cancelled_at) == ("ada@example.com", ("gift",), None)
    assert (told.ship_to.name, told.ship_to.street2, told.ship_to.region) == ("Ada Byron", "Floor 3", "NY")
    assert (told.ship_to.country, told.ship_to.postcode, told.ship_to.phone) == ("US", "10001", "+12125550100")
    assert [(line.sku, line.units, line.unit_price.minor, line.unit_grams) for line in told.lines] == [
        ("MUG", 2, 1250, 350),
        ("POT", 1, 3000, 1200),
    ]
    assert [line.remote_id for line in told.lines] == [gid(line) for line in order["lines"]]
    assert found.risk is RiskAdvice.INVESTIGATE
    assert found.routed
    (place,) = {asked.location_remote_id for asked in found.asked}
    assert place.startswith("gid://shopify/Location/")
    assert [(asked.line_remote_id, asked.units, asked.ships, asked.on_hold) for asked in found.asked] == [
        (gid(line), line["quantity"], True, "") for line in order["lines"]
    ]


def test_the_webhook_and_the_answer_tell_the_same_order(shop, sandbox_origin):
    shop.open(mug())
    order = shop.order(("MUG", 2), tags=["b", "a"], phone="+12125550111")
    shop.mutate('mutation($id: ID!) { tagsAdd(id: $id, tags: ["c"]) { userErrors { message } } }', id=gid(order))

    from sandbox import shopify_rest  # the stand-in's own webhook body, without a receiver for it

    stored, record = _record(shop, order)
    body = json.dumps(shopify_rest.order(record, stored)).encode()
    heard = registry.vendor("shopify").door.read("orders/updated", Delivery(body=body, headers={}), live=True)

    assert heard.snapshot == shop.storefront.read_order(gid(order)).snapshot


def _record(shop, order):
    import gc

    from sandbox.shopify_store import Store

    for store in gc.get_objects():
        if isinstance(store, Store) and store.order(order["id"]):
            return store.order(order["id"])
    raise AssertionError("the sandbox has no such order")


def test_an_order_that_is_not_routed_yet_says_so(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), fo_delay_s=60)

    found = shop.storefront.read_order(gid(order))

    assert (found.routed, found.asked) == (False, ())


def test_an_order_with_nothing_to_ship_needs_no_routing(shop):
    shop.open(mug("CARD", requires_shipping=False))
    order = shop.order(("CARD", 1), fo_delay_s=60)

    assert shop.storefront.read_order(gid(order)).routed


def test_a_cancelled_order_is_read_with_its_moment_and_asks_for_nothing(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.act(order, "cancel")

    found = shop.storefront.read_order(gid(order))

    assert found.snapshot.cancelled_at is not None
    assert (found.routed, found.asked) == (True, ())


def test_an_order_to_be_collected_wants_no_label(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), delivery_method="PICK_UP")

    assert [asked.ships for asked in shop.storefront.read_order(gid(order)).asked] == [False]


def test_work_on_hold_is_asked_for_with_the_storefronts_reason(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), hold_reason="INCORRECT_ADDRESS")

    assert [asked.on_hold for asked in shop.storefront.read_order(gid(order)).asked] == ["Incorrect address"]


def test_an_order_of_many_lines_and_many_pieces_of_work_is_read_to_its_end(shop):
    shop.open(*(mug(f"SKU{n}") for n in range(45)))
    order = shop.order(*((f"SKU{n}", 2) for n in range(45)))
    _split_off_each(shop, order, 10)

    found = shop.storefront.read_order(gid(order))

    assert [line.sku for line in found.snapshot.lines] == [f"SKU{n}" for n in range(45)]
    asked = {}
    for line in found.asked:
        asked[line.line_remote_id] = asked.get(line.line_remote_id, 0) + line.units
    assert asked == {gid(line): 2 for line in order["lines"]}
    assert len(found.asked) == 55
    assert all(line.unit_grams == 350 for line in found.snapshot.lines)
    assert shop.asked("fulfillmentOrder") >= 1


def _split_off_each(shop, order, pieces):
    """Take one unit of the first lines into work of its own, as a merchant may."""
    (work,) = order["fulfillment_orders"]
    found = shop.mutate(
        "query($id: ID!) { fulfillmentOrder(id: $id) { lineItems(first: 50) { nodes { id } } } }", id=gid(work)
    )
    for node in found["fulfillmentOrder"]["lineItems"]["nodes"][:pieces]:
        shop.mutate(
            "mutation($s: [FulfillmentOrderSplitInput!]!) { fulfillmentOrderSplit(fulfillmentOrderSplits: $s)"
            " { userErrors { message } } }",
            s=[{"fulfillmentOrderId": gid(work), "fulfillmentOrderLineItems": [{"id": node["id"], "quantity": 1}]}],
        )


def test_an_order_that_is_not_there_is_permanent(shop):
    shop.open(mug())

    assert refused(lambda: shop.storefront.read_order("gid://shopify/Order/404")).code == "not_found"


def test_work_leads_to_its_order_and_unknown_work_to_none(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    assert shop.storefront.find_order_of_work(gid(order["fulfillment_orders"][0])) == gid(order)
    assert shop.storefront.find_order_of_work("gid://shopify/FulfillmentOrder/404") is None


def test_a_token_that_is_no_longer_good_asks_for_reconnecting(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    wrong = refused(lambda: shop.connect("shpat_old").read_order(gid(order)))

    assert (wrong.code, "Reconnect" in wrong.remedy) == ("401", True)


# ---------------------------------------------------------------------------------------- announcing


def test_a_shipment_is_announced_with_its_tracking(shop):
    shop.open(mug())
    order = shop.order(("MUG", 3))

    (told,) = announce(shop, order, tell_buyer=True)

    (fulfillment,) = shop.fulfillments(order)
    assert told == Announced(remote_id=gid(fulfillment))
    assert fulfillment["tracking"] == [{"company": "USPS", "number": LABEL.numbers[0], "url": LABEL.urls[0]}]
    assert fulfillment["lines"] == [{"sku": "MUG", "quantity": 3}]
    assert shop.look(order)["fulfillment_status"] == "FULFILLED"
    assert [note.key for note in shop.notes if note.verb == "Announce"] == [LABEL.numbers[0]]


def test_a_repeat_finds_the_announcement_and_makes_no_second_one(shop):
    shop.open(mug())
    order = shop.order(("MUG", 3))
    (first,) = announce(shop, order)

    (second,) = announce(shop, order)

    assert second == Announced(remote_id=first.remote_id, adopted=True)
    assert shop.effects("fulfillmentCreate") == 1


@pytest.mark.parametrize("kind", ["5xx_after", "cut_after", "broken_json", "html"])
def test_a_lost_answer_is_looked_up_and_adopted(shop, kind):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault(kind, "fulfillmentCreate")

    (told,) = announce(shop, order)

    (fulfillment,) = shop.fulfillments(order)
    assert told == Announced(remote_id=gid(fulfillment), adopted=True)
    assert shop.effects("fulfillmentCreate") == 1


def test_a_call_that_was_lost_before_it_arrived_leaves_doubt_and_the_next_try_announces(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("cut", "fulfillmentCreate")

    doubt = refused(lambda: announce(shop, order), Temporary)
    assert (doubt.outcome_unknown, doubt.retry_in_s) == (True, 15.0)
    assert shop.fulfillments(order) == []

    (told,) = announce(shop, order)
    assert not told.adopted
    assert len(shop.fulfillments(order)) == 1


def test_doubt_stays_doubt_where_shopify_cannot_be_asked_either(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("cut_after", "fulfillmentCreate")
    shop.fault("5xx", "order", skip=1)

    assert refused(lambda: announce(shop, order), Temporary).outcome_unknown is True
    assert announce(shop, order)[0].adopted
    assert len(shop.fulfillments(order)) == 1


def test_throttling_is_waited_for_and_nothing_is_done(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("throttled", "fulfillmentCreate")

    throttled = refused(lambda: announce(shop, order), Temporary)

    assert (throttled.code, throttled.outcome_unknown) == ("THROTTLED", False)
    assert throttled.retry_in_s >= 1.0
    assert shop.fulfillments(order) == []


def test_an_order_that_is_not_routed_yet_is_announced_later(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), fo_delay_s=60)

    waiting = refused(lambda: announce(shop, order), Temporary)

    assert (waiting.code, waiting.retry_in_s, waiting.outcome_unknown) == ("not_routed_yet", 5.0, False)
    assert shop.effects("fulfillmentCreate") == 0


def test_exactly_our_units_are_announced_and_the_rest_stays_open(shop):
    shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 3), ("POT", 2))

    announce(shop, order, lines(order, MUG=2))
    other = TrackingLabel(carrier="UPS", numbers=("1Z001",))
    announce(shop, order, lines(order, MUG=1, POT=1), other)

    assert [fulfillment["lines"] for fulfillment in shop.fulfillments(order)] == [
        [{"sku": "MUG", "quantity": 2}],
        [{"sku": "MUG", "quantity": 1}, {"sku": "POT", "quantity": 1}],
    ]
    (work,) = shop.look(order)["fulfillment_orders"]
    assert {row["sku"]: row["remaining"] for row in work["lines"]} == {"MUG": 0, "POT": 1}


def test_units_at_two_locations_are_announced_from_each(shop):
    shop.open(mug(), mug("POT", stock={"Newark": 5}))
    order = shop.order(("MUG", 1), ("POT", 1))

    told = announce(shop, order)

    found = shop.fulfillments(order)
    assert [one.remote_id for one in told] == [gid(one) for one in found]
    assert {one["location"]: one["lines"] for one in found} == {
        "Reno": [{"sku": "MUG", "quantity": 1}],
        "Newark": [{"sku": "POT", "quantity": 1}],
    }
    assert {one["tracking"][0]["number"] for one in found} == {LABEL.numbers[0]}


def test_a_crash_between_two_locations_is_finished_by_the_next_try(shop):
    shop.open(mug(), mug("POT", stock={"Newark": 5}))
    order = shop.order(("MUG", 1), ("POT", 1))
    shop.fault("5xx", "fulfillmentCreate", skip=1)

    assert refused(lambda: announce(shop, order), Temporary).outcome_unknown is True
    assert len(shop.fulfillments(order)) == 1
    told = announce(shop, order)

    assert [one.adopted for one in told] == [True, False]
    assert len({one.remote_id for one in told}) == len(shop.fulfillments(order)) == 2


def test_units_over_several_pieces_of_work_at_one_location_are_one_fulfillment(shop):
    shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 3), ("POT", 2))
    _split_off_each(shop, order, 2)

    announce(shop, order)

    (fulfillment,) = shop.fulfillments(order)
    assert sorted((line["sku"], line["quantity"]) for line in fulfillment["lines"]) == [("MUG", 3), ("POT", 2)]


def test_several_numbers_go_with_their_links_by_position(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    label = TrackingLabel(carrier="fedex", numbers=("F1", "F2"), urls=("https://f.example/1", "https://f.example/2"))

    announce(shop, order, label=label)

    assert shop.fulfillments(order)[0]["tracking"] == [
        {"company": "FedEx", "number": "F1", "url": "https://f.example/1"},
        {"company": "FedEx", "number": "F2", "url": "https://f.example/2"},
    ]


def test_a_link_too_few_is_left_to_shopify_rather_than_given_to_the_wrong_number(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    announce(shop, order, label=TrackingLabel(carrier="UPS", numbers=("1Z1", "1Z2"), urls=("https://u.example/2",)))

    tracking = shop.fulfillments(order)[0]["tracking"]
    assert [one["number"] for one in tracking] == ["1Z1", "1Z2"]
    assert all(one["url"].startswith("https://www.ups.com/") for one in tracking)


def test_a_fulfillment_with_some_of_our_numbers_gets_them_all(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    announce(shop, order, label=TrackingLabel(carrier="UPS", numbers=("1Z1",)))

    (told,) = announce(shop, order, label=TrackingLabel(carrier="UPS", numbers=("1Z1", "1Z2")))

    assert told.adopted
    (fulfillment,) = shop.fulfillments(order)
    assert [one["number"] for one in fulfillment["tracking"]] == ["1Z1", "1Z2"]


def test_what_the_merchant_marked_as_fulfilled_gets_our_tracking(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    shop.act(order, "fulfil")

    (told,) = announce(shop, order)

    (fulfillment,) = shop.fulfillments(order)
    assert told == Announced(remote_id=gid(fulfillment), adopted=True)
    assert fulfillment["tracking"][0]["number"] == LABEL.numbers[0]
    assert shop.effects("fulfillmentCreate") == 0


def test_what_somebody_else_shipped_with_tracking_is_not_touched(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    shop.act(order, "fulfil", company="DHL Express", number="D1")

    wrong = refused(lambda: announce(shop, order))

    assert (wrong.code, "by hand" in wrong.remedy) == ("not_open", True)
    (fulfillment,) = shop.fulfillments(order)
    assert [one["number"] for one in fulfillment["tracking"]] == ["D1"]


def test_two_fulfillments_that_could_be_ours_are_left_to_a_person(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    for _ in range(2):
        announce(shop, order, lines(order, MUG=1), TrackingLabel(carrier="", numbers=("X",)))
        made = shop.fulfillments(order)[-1]
        shop.mutate(
            "mutation($id: ID!) { fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: {})"
            " { userErrors { message } } }",
            id=gid(made),
        )

    assert refused(lambda: announce(shop, order, lines(order, MUG=1))).code == "not_open"
    assert [one["tracking"] for one in shop.fulfillments(order)] == [[], []]


def test_a_cancelled_fulfillment_is_not_adopted(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    announce(shop, order)
    _cancel_fulfillment(shop, shop.fulfillments(order)[0])

    (told,) = announce(shop, order)

    assert not told.adopted
    assert [one["status"] for one in shop.fulfillments(order)] == ["CANCELLED", "SUCCESS"]


def _cancel_fulfillment(shop, fulfillment):
    text = "mutation($id: ID!) { fulfillmentCancel(id: $id) { userErrors { message } } }"
    shop.mutate(text, id=gid(fulfillment))


def test_an_order_on_hold_names_the_hold_and_what_to_do(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), hold_reason="HIGH_RISK_OF_FRAUD")

    held = refused(lambda: announce(shop, order))

    assert (held.code, "High risk of fraud" in held.reason, "Release the hold" in held.remedy) == (
        "on_hold",
        True,
        True,
    )
    assert shop.fulfillments(order) == []


def test_a_cancelled_order_is_not_announced(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.act(order, "cancel")

    assert refused(lambda: announce(shop, order)).code == "order_cancelled"
    assert shop.fulfillments(order) == []


def test_more_units_than_shopify_has_open_are_refused_before_anything_is_announced(shop):
    shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 1), ("POT", 1))

    wrong = refused(lambda: announce(shop, order, lines(order, MUG=1, POT=2)))

    assert wrong.code == "not_open"
    assert shop.effects("fulfillmentCreate") == 0


def test_an_announcement_needs_lines_and_a_number(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    with pytest.raises(ValueError, match="tracking number"):
        announce(shop, order, label=TrackingLabel(carrier="UPS", numbers=()))


# ---------------------------------------------------------------------------------------- tracking and scans


def test_tracking_is_replaced_as_a_whole_and_only_where_it_differs(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = announce(shop, order)
    new = TrackingLabel(carrier="UPS", numbers=("1Z1", "1Z2"))

    for _ in range(2):
        shop.storefront.replace_tracking(told.remote_id, new, tell_buyer=True)

    tracking = shop.fulfillments(order)[0]["tracking"]
    assert [(one["company"], one["number"]) for one in tracking] == [("UPS", "1Z1"), ("UPS", "1Z2")]
    assert shop.effects("fulfillmentTrackingInfoUpdate") == 1


def test_a_replacement_whose_answer_was_lost_is_looked_up(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = announce(shop, order)
    shop.fault("cut_after", "fulfillmentTrackingInfoUpdate")

    shop.storefront.replace_tracking(told.remote_id, TrackingLabel(carrier="UPS", numbers=("1Z1",)), tell_buyer=True)

    assert shop.effects("fulfillmentTrackingInfoUpdate") == 1


def test_a_cancelled_fulfillment_takes_no_tracking_and_no_scans(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = announce(shop, order)
    _cancel_fulfillment(shop, shop.fulfillments(order)[0])

    wrong = refused(lambda: shop.storefront.replace_tracking(told.remote_id, LABEL, tell_buyer=False))
    shop.storefront.report_scan(told.remote_id, scan(ParcelStatus.DELIVERED))

    assert wrong.code == "fulfillment_ended"
    assert shop.effects("fulfillmentEventCreate") == 0


def test_an_unknown_fulfillment_is_permanent(shop):
    shop.open(mug())

    assert refused(lambda: shop.storefront.report_scan("gid://shopify/Fulfillment/404", scan())).code == "not_found"


def scan(status=ParcelStatus.IN_TRANSIT, at=datetime(2026, 11, 20, 10, 30, 15, 250_000, tzinfo=UTC), **more):
    return Scan(
        at=at, status=status, message="Arrived", city="Reno", region="NV", postcode="89501", country="US", **more
    )


def test_a_scan_is_reported_once_however_often_it_is_told(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = announce(shop, order)

    for _ in range(3):
        shop.storefront.report_scan(told.remote_id, scan())
    shop.storefront.report_scan(told.remote_id, scan(ParcelStatus.OUT_FOR_DELIVERY))
    shop.storefront.report_scan(told.remote_id, scan(at=datetime(2026, 11, 20, 11, tzinfo=UTC)))

    assert shop.fulfillments(order)[0]["events"] == [
        {"status": "IN_TRANSIT", "happened_at": "2026-11-20T10:30:15Z"},
        {"status": "OUT_FOR_DELIVERY", "happened_at": "2026-11-20T10:30:15Z"},
        {"status": "IN_TRANSIT", "happened_at": "2026-11-20T11:00:00Z"},
    ]


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (ParcelStatus.PRE_TRANSIT, "LABEL_PURCHASED"),
        (ParcelStatus.OUT_FOR_DELIVERY, "OUT_FOR_DELIVERY"),
        (ParcelStatus.DELIVERED, "DELIVERED"),
        (ParcelStatus.AVAILABLE_FOR_PICKUP, "READY_FOR_PICKUP"),
        (ParcelStatus.FAILURE, "FAILURE"),
        (ParcelStatus.RETURN_TO_SENDER, "FAILURE"),
        (ParcelStatus.UNKNOWN, None),
        (ParcelStatus.CANCELLED, None),
        (ParcelStatus.ERROR, None),
    ],
)
def test_a_parcels_status_is_told_in_shopifys_word_where_it_has_one(shop, status, event):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = announce(shop, order)

    shop.storefront.report_scan(told.remote_id, scan(status))

    assert [one["status"] for one in shop.fulfillments(order)[0]["events"]] == [event] * (event is not None)


def test_a_scan_whose_answer_was_lost_is_not_told_twice(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = announce(shop, order)
    shop.fault("5xx_after", "fulfillmentEventCreate")

    shop.storefront.report_scan(told.remote_id, scan())

    assert len(shop.fulfillments(order)[0]["events"]) == 1


# ---------------------------------------------------------------------------------------- holds


def hold(shop, order, handle="packline/1", reason="address"):
    return shop.storefront.hold(gid(order), handle=handle, reason=reason, notes="The carrier does not know the street.")


def test_all_open_work_is_held_under_our_handle(shop):
    shop.open(mug(), mug("POT", stock={"Newark": 5}))
    order = shop.order(("MUG", 1), ("POT", 1))

    held = hold(shop, order)

    found = shop.look(order)["holds"]
    assert [(one["reason"], one["handle"], one["ours"]) for one in found] == [
        ("INCORRECT_ADDRESS", "packline/1", True)
    ] * 2
    assert sorted(one["id"] for one in found) == sorted(held)


def test_a_hold_that_stands_is_adopted(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    assert hold(shop, order) == hold(shop, order)
    assert shop.effects("fulfillmentOrderHold") == 1


@pytest.mark.parametrize("kind", ["cut_after", "broken_json"])
def test_a_hold_whose_answer_was_lost_is_found(shop, kind):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault(kind, "fulfillmentOrderHold")

    assert hold(shop, order) == [one["id"] for one in shop.look(order)["holds"]]
    assert len(shop.look(order)["holds"]) == 1


def test_our_hold_goes_beside_another_ones(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), hold_reason="OTHER")

    (ours,) = hold(shop, order, reason="something of our own")

    assert [(one["id"] == ours, one["ours"]) for one in shop.look(order)["holds"]] == [(False, False), (True, True)]
    assert shop.look(order)["holds"][1]["reason"] == "OTHER"


def test_a_handle_too_long_for_shopify_is_still_our_own(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    assert hold(shop, order, handle="x" * 65) == hold(shop, order, handle="x" * 65)
    assert hold(shop, order, handle="x" * 66) != hold(shop, order, handle="x" * 65)
    assert all(len(one["handle"]) <= 64 for one in shop.look(order)["holds"])


def test_work_that_is_not_routed_yet_is_held_later(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), fo_delay_s=60)

    assert refused(lambda: hold(shop, order), Temporary).code == "not_routed_yet"


def test_only_our_own_holds_are_released_and_a_released_one_is_no_error(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), hold_reason="AWAITING_PAYMENT")
    theirs = shop.look(order)["holds"][0]["id"]
    ours = hold(shop, order)
    others = hold(shop, order, handle="packline/2")

    for _ in range(2):
        shop.storefront.release(gid(order), [*ours, theirs, "gid://shopify/FulfillmentHold/404"])

    assert [one["id"] for one in shop.look(order)["holds"]] == [theirs, *others]
    assert shop.effects("fulfillmentOrderReleaseHold") == 1


def test_releasing_nothing_asks_nothing(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), hold_reason="OTHER")

    shop.storefront.release(gid(order), [])

    assert len(shop.look(order)["holds"]) == 1
    assert shop.asked("fulfillmentOrderReleaseHold") == 0


def test_a_release_whose_answer_was_lost_is_looked_up(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    ours = hold(shop, order)
    shop.fault("cut_after", "fulfillmentOrderReleaseHold")

    shop.storefront.release(gid(order), ours)

    assert shop.look(order)["holds"] == []


# ---------------------------------------------------------------------------------------- payment and tags


def test_an_order_paid_elsewhere_is_marked_once(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), financial_status="pending")

    for _ in range(2):
        shop.storefront.mark_paid(gid(order))

    assert shop.look(order)["financial_status"] == "PAID"
    assert shop.effects("orderMarkAsPaid") == 1


def test_a_payment_whose_answer_was_lost_is_not_recorded_twice(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), financial_status="pending")
    shop.fault("5xx_after", "orderMarkAsPaid")

    shop.storefront.mark_paid(gid(order))

    assert shop.effects("orderMarkAsPaid") == 1


def test_an_order_that_shopify_will_not_mark_is_permanent_with_its_sentence(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), financial_status="pending")
    shop.act(order, "cancel", refund=False)

    wrong = refused(lambda: shop.storefront.mark_paid(gid(order)))

    assert "Order cannot be marked as paid." in wrong.reason
    assert wrong.remedy


def test_tags_are_added_to_those_that_stand_there(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), tags=["gift"])

    shop.storefront.tag(gid(order), ["packline", "shipped"])
    shop.storefront.tag(gid(order), ["packline"])
    shop.storefront.tag(gid(order), [])

    assert shop.look(order)["tags"] == ["gift", "packline", "shipped"]


# ---------------------------------------------------------------------------------------- catalogue


def test_locations_are_told_with_their_addresses_and_whether_they_ship(shop):
    shop.open(
        mug(), locations=[reno(phone="+17755550100"), newark(fulfills_online=False), newark(name="Old", active=False)]
    )

    told = shop.storefront.read_locations()

    assert [(place.name, place.ships) for place in told] == [("Reno", True), ("Newark", False)]
    assert (told[0].address.street1, told[0].address.region, told[0].address.phone) == (
        "1 Dock St",
        "NV",
        "+17755550100",
    )
    assert (told[0].address.name, told[0].address.country) == ("Reno", "US")


def test_every_variant_is_told_with_its_stock_by_location(shop):
    opened = shop.open(
        *(mug(f"SKU{n}", grams=n) for n in range(23)),
        mug("POT", title="Red", hs_code="691110", origin_country="PT", stock={"Reno": 3, "Newark": 4}, tracked=False),
        mug("CARD", requires_shipping=False),
    )
    shop.order(("POT", 1))

    told = {variant.sku: variant for variant in shop.storefront.read_variants()}

    assert set(told) == {f"SKU{n}" for n in range(23)} | {"POT", "CARD"}
    pot = told["POT"]
    assert (pot.title, pot.unit_price, pot.unit_grams) == ("Mug - Red", Money(minor=1250, currency="USD"), 350)
    assert (pot.hs_code, pot.origin_country, pot.tracked) == ("691110", "PT", False)
    places = {gid(place): place["name"] for place in opened["locations"]}
    assert {places[level.location_remote_id]: (level.on_hand, level.available) for level in pot.levels} == {
        "Reno": (3, 2),
        "Newark": (4, 4),
    }
    assert (told["SKU7"].title, told["SKU7"].unit_grams, told["CARD"].needs_shipping) == ("Mug", 7, False)


def test_named_variants_are_told_and_unknown_ones_passed_over(shop):
    opened = shop.open(*(mug(f"SKU{n}") for n in range(25)))
    ids = [gid(product["variants"][0]) for product in opened["products"]]

    told = list(shop.storefront.read_variants([*ids, "gid://shopify/ProductVariant/404"]))

    assert [variant.remote_id for variant in told] == ids
    assert list(shop.storefront.read_variants([])) == []


def test_a_variant_stocked_at_many_locations_is_told_with_all_of_them(shop):
    names = [f"Place {n}" for n in range(13)]
    shop.open(mug(stock=dict.fromkeys(names, 1)), locations=[newark(name=name) for name in names])

    (variant,) = shop.storefront.read_variants()

    assert len({level.location_remote_id for level in variant.levels}) == 13


# ---------------------------------------------------------------------------------------- the whole


def test_the_storefront_has_every_verb_of_the_port_and_tells_each_call(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.notes.clear()

    announce(shop, order)

    assert isinstance(shop.storefront, Storefront)
    assert [(note.vendor, note.verb, note.outcome) for note in shop.notes] == [
        ("shopify", "ReadShipments", "ok"),
        ("shopify", "Announce", "ok"),
    ]
    assert all(note.ms >= 0 for note in shop.notes)
