"""An order comes in as a signed webhook, and its tracking number ends in the store."""

from records.tenants import Rules
from tests.world import AUSTIN, BUYER, EASTERN_BUYER, NEWARK, RENO, World, variant


def test_a_paid_order_gets_one_label_and_its_number_stands_in_the_store(world: World):
    world.open_shop()

    placed = world.place(("BAG", 2))
    world.settle()

    assert world.order(placed).state == "fulfilled"
    (label,) = world.labels_bought()
    (fulfillment,) = world.fulfillments(placed)
    assert [one["number"] for one in fulfillment["tracking"]] == [label["tracking_code"]]
    assert fulfillment["tracking"][0]["company"] == "USPS"
    assert fulfillment["lines"] == [{"sku": "BAG", "quantity": 2}]
    assert world.level("BAG", "Reno") == (98, 0)
    assert world.rows("SELECT id, kind, reason FROM jobs WHERE state = 'parked'") == []


def test_the_timeline_tells_each_step_with_the_call_and_its_key(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1))
    world.settle()

    told = world.rows("SELECT actor, sentence, details FROM timeline_entries ORDER BY id")
    sentences = [line.sentence.split(":")[0] for line in told]
    assert sentences == [
        f"Order {placed['name']} was placed",
        "Checked against the store",
        "Payment is good",
        "From Reno",
        "Promise",
        told[5].sentence.split(":")[0],
        "Label bought",
        "The promise changed",
        "The storefront has the tracking",
    ]
    bought = told[6].details
    assert [(call["vendor"], call["verb"], call["outcome"]) for call in bought["calls"]] == [
        ("easypost", "shipment.buy", "ok")
    ]
    assert bought["key"] == f"label/{bought['label']}"


def test_the_nearest_location_that_has_everything_ships(world: World):
    stock = {"Reno": 5, "Newark": 5, "Austin": 5}
    world.open_shop(locations=[RENO, AUSTIN, NEWARK], variants=[variant("BAG", stock=stock)])

    west, east = world.place(("BAG", 1)), world.place(("BAG", 1), ship_to=EASTERN_BUYER)
    world.settle()

    assert {world.order(west).state, world.order(east).state} == {"fulfilled"}
    assert [world.level("BAG", name) for name in ("Reno", "Austin", "Newark")] == [(4, 0), (5, 0), (4, 0)]


def test_lines_of_two_warehouses_become_two_shipments_with_a_label_each(world: World):
    world.open_shop(variants=[variant("AXE", stock={"Reno": 3}), variant("LANTERN", stock={"Newark": 3})])

    placed = world.place(("AXE", 1), ("LANTERN", 2))
    world.settle()

    assert world.order(placed).state == "fulfilled"
    told = sorted((one["lines"][0]["sku"], one["lines"][0]["quantity"]) for one in world.fulfillments(placed))
    assert told == [("AXE", 1), ("LANTERN", 2)]
    numbers = sorted(tracking["number"] for one in world.fulfillments(placed) for tracking in one["tracking"])
    assert numbers == sorted(label["tracking_code"] for label in world.labels_bought())
    assert len(set(numbers)) == 2


def test_a_heavy_order_goes_in_two_boxes_under_one_fulfillment(world: World):
    world.open_shop(variants=[variant("POT", grams=9_000)])

    placed = world.place(("POT", 3))
    world.settle()

    (fulfillment,) = world.fulfillments(placed)
    assert len(fulfillment["tracking"]) == 2
    assert len(world.labels_bought()) == 2
    assert fulfillment["lines"] == [{"sku": "POT", "quantity": 3}]


def test_a_short_line_waits_while_the_rest_ships(world: World):
    world.open_shop(variants=[variant("BAG"), variant("STOOL", stock={"Reno": 1})])

    placed = world.place(("BAG", 1), ("STOOL", 3))
    world.settle()

    order = world.order(placed)
    assert (order.state, world.open_holds(placed)) == ("shipping", ["stock"])
    (fulfillment,) = world.fulfillments(placed)
    assert fulfillment["lines"] == [{"sku": "BAG", "quantity": 1}, {"sku": "STOOL", "quantity": 1}]
    assert world.level("STOOL", "Reno") == (0, 0)


def test_a_shop_that_ships_whole_orders_reserves_nothing_for_half_of_one(world: World):
    rules = Rules(when_short="wait_for_all")
    world.open_shop(variants=[variant("BAG"), variant("STOOL", stock={"Reno": 1})], rules=rules)

    placed = world.place(("BAG", 1), ("STOOL", 3))
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("released", ["stock"])
    assert world.labels_bought() == []
    assert [world.level(sku, "Reno") for sku in ("BAG", "STOOL")] == [(100, 0), (1, 0)]


def test_stock_that_is_counted_in_fills_the_backorder_without_a_person(world: World):
    world.open_shop(variants=[variant("STOOL", stock={"Reno": 1})])
    placed = world.place(("STOOL", 3))
    world.settle()

    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "STOOL", "location": "Reno", "on_hand": 9}
    )
    world.read_catalogue()
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert sum(one["lines"][0]["quantity"] for one in world.fulfillments(placed)) == 3
    assert len(world.labels_bought()) == 2


def test_an_order_abroad_carries_a_customs_declaration(world: World):
    world.open_shop()
    toronto = BUYER | {"city": "Toronto", "province_code": "ON", "zip": "M5V 3L9", "country_code": "CA"}

    placed = world.place(("BAG", 2), ship_to=toronto)
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1


def test_an_order_abroad_without_origin_waits_for_customs_and_buys_nothing(world: World):
    world.open_shop(variants=[variant("MYSTERY", origin_country=None)])
    toronto = BUYER | {"city": "Toronto", "province_code": "ON", "zip": "M5V 3L9", "country_code": "CA"}

    placed = world.place(("MYSTERY", 1), ship_to=toronto)
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("allocated", ["customs"])
    assert world.labels_bought() == []


def test_an_order_that_the_buyer_collects_gets_no_label(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1), delivery_method="PICK_UP")
    world.settle()

    assert world.order(placed).state == "allocated"
    assert world.labels_bought() == []
    assert world.level("BAG", "Reno") == (100, 1)


def test_an_order_is_looked_at_again_until_the_store_has_routed_it(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1), fo_delay_s=3_600)
    world.settle()
    assert world.order(placed).state == "received"
    assert world.labels_bought() == []
    world.route(placed)
    world.hurry()
    world.settle()

    assert world.order(placed).state == "fulfilled"
