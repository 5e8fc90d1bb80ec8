"""An order is read from the sandbox as it stands there, its payment is recorded once and its tags are added."""

from datetime import UTC, datetime

from scripted_vendor import Answer
from shopify_shop import SECRET, SHOP, gid, mug, refused

from integrations import registry
from integrations.nouns import Money, PaymentStanding, RiskAdvice
from integrations.ports import Delivery


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


def test_the_webhook_and_the_answer_tell_the_same_order(shop, scripted):
    shop.open(mug(), webhook_url=f"{scripted.origin}/hooks/shopify")
    scripted.script += [Answer(b"") for _ in range(9)]
    order = shop.order(("MUG", 2), tags=["b", "a"], phone="+12125550111")
    shop.act(order, "tag", add=["c"])
    shop.sandbox.do("/deliveries/flush", {"timeout_s": 10})
    door = registry.vendor("shopify").door

    heard = [Delivery(body=asked.body, headers=asked.headers) for asked in scripted.asked]
    assert all(door.genuine(delivery, [SECRET, "older"], datetime.now(UTC)) for delivery in heard)
    assert {door.account(delivery) for delivery in heard} == {SHOP}
    updated = [one for one in heard if door.envelope(one).topic == "orders/updated"]
    fact = door.read("orders/updated", updated[-1], live=True)

    told = shop.storefront.read_order(gid(order)).snapshot
    # The weight is the one thing that Shopify's two ways do not both tell before work is routed.
    # What the goods cost after discounts, the webhook alone tells.
    assert fact.snapshot.goods == Money(minor=2 * told.lines[0].unit_price.minor, currency="USD")
    assert fact.snapshot.model_copy(update={"goods": None}) == told
    assert told.tags == ("a", "b", "c")


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
    shop.split_off_each(order, 10)

    found = shop.storefront.read_order(gid(order))

    assert [line.sku for line in found.snapshot.lines] == [f"SKU{n}" for n in range(45)]
    asked = {}
    for line in found.asked:
        asked[line.line_remote_id] = asked.get(line.line_remote_id, 0) + line.units
    assert asked == {gid(line): 2 for line in order["lines"]}
    assert len(found.asked) == 55
    assert all(line.unit_grams == 350 for line in found.snapshot.lines)
    assert shop.asked("fulfillmentOrder") >= 1


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


def test_an_order_paid_elsewhere_is_marked_once(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), financial_status="pending")

    for _ in range(2):
        shop.storefront.mark_paid(gid(order))

    assert shop.look(order)["financial_status"] == "PAID"
    assert shop.acts("orderMarkAsPaid") == 1


def test_a_payment_whose_answer_was_lost_is_not_recorded_twice(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), financial_status="pending")
    shop.fault("5xx_after", "orderMarkAsPaid")

    shop.storefront.mark_paid(gid(order))

    assert shop.acts("orderMarkAsPaid") == 1


def test_tags_are_added_to_those_that_stand_there(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), tags=["gift"])

    shop.storefront.tag(gid(order), ["packline", "shipped"])
    shop.storefront.tag(gid(order), ["packline"])
    shop.storefront.tag(gid(order), [])

    assert shop.look(order)["tags"] == ["gift", "packline", "shipped"]
