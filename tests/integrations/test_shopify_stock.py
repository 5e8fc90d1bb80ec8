"""The store is told of stock that was changed by hand: once, onto the units that were seen, and in Shopify's own terms."""

import pytest
from shopify_shop import SHOP, gid, mug, refused

from integrations.nouns import StockChange, StockState
from integrations.ports import UNITS_MOVED, Keys, Temporary
from integrations.storefronts.shopify import stock

AVAILABLE, DAMAGED, SAFETY, PROMISED = StockState


def keys(name="k1"):
    return Keys(mark=name, idempotency=name)


def opened(shop, **stock_of):
    """The store with mugs; answers the ids of the item and of where it lies."""
    answered = shop.open(mug(stock=stock_of or {"Reno": 10}))
    (product,) = answered["products"]
    return product["variants"][0]["inventory_item_gid"], next(gid(one) for one in answered["locations"])


def change(item, place, *, taken_from=None, put_to=None, units=3, cause="adjusted"):
    return StockChange(
        inventory_remote_id=item,
        location_remote_id=place,
        taken_from=taken_from,
        put_to=put_to,
        units=units,
        cause=cause,
        document="gid://packline/Movement/7",
    )


def level(shop, place="Reno"):
    levels = shop.sandbox.do(f"/shopify/inventory?shop={SHOP}")["levels"]
    found = next(one for one in levels if one["location"] == place)
    return {name: found[name] for name in ("available", "damaged", "safety_stock", "reserved", "on_hand")}


def test_units_are_read_by_their_state_and_are_none_where_nothing_lies(shop):
    item, reno = opened(shop)
    shop.storefront.change_stock(change(item, reno, taken_from=AVAILABLE, put_to=DAMAGED), seen=10, keys=keys())
    newark = shop.by_hand("{ locations(first: 5) { nodes { id name } } }")["locations"]["nodes"][1]["id"]

    assert [shop.storefront.read_units(item, reno, state) for state in StockState] == [7, 3, 0, 0]
    assert shop.storefront.read_units(item, newark, AVAILABLE) == 0


def test_an_item_is_stocked_where_it_was_not_and_once(shop):
    item, reno = opened(shop)
    newark = shop.by_hand("{ locations(first: 5) { nodes { id name } } }")["locations"]["nodes"][1]["id"]
    wanted = change(item, newark, put_to=AVAILABLE)

    first, again = (shop.storefront.change_stock(wanted, seen=0, keys=keys()) for _ in range(2))

    assert first == again
    assert level(shop, "Newark")["on_hand"] == shop.storefront.read_on_hand(item, newark) == 3
    assert level(shop)["on_hand"] == shop.storefront.read_on_hand(item, reno) == 10


CHANGES = {
    "more": ({"put_to": AVAILABLE}, 10, {"available": 13, "on_hand": 13}),
    "fewer": ({"taken_from": AVAILABLE}, 10, {"available": 7, "on_hand": 7}),
    "damaged": ({"taken_from": AVAILABLE, "put_to": DAMAGED}, 10, {"available": 7, "damaged": 3, "on_hand": 10}),
    "kept back": ({"taken_from": AVAILABLE, "put_to": SAFETY}, 10, {"available": 7, "safety_stock": 3, "on_hand": 10}),
    "promised": ({"taken_from": AVAILABLE, "put_to": PROMISED}, 10, {"available": 7, "reserved": 3, "on_hand": 10}),
    "broken on arrival": ({"put_to": DAMAGED}, 0, {"available": 10, "damaged": 3, "on_hand": 13}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_units_go_where_the_change_says(shop, what):
    ends, seen, after = CHANGES[what]
    item, reno = opened(shop)

    reference = shop.storefront.change_stock(change(item, reno, **ends), seen=seen, keys=keys())

    assert level(shop) == {"available": 10, "damaged": 0, "safety_stock": 0, "reserved": 0, "on_hand": 10} | after
    assert reference.startswith("gid://shopify/InventoryAdjustmentGroup/")


def test_units_that_were_promised_elsewhere_are_free_again(shop):
    item, reno = opened(shop)
    shop.storefront.change_stock(change(item, reno, taken_from=AVAILABLE, put_to=PROMISED), seen=10, keys=keys())

    shop.storefront.change_stock(change(item, reno, taken_from=PROMISED, put_to=AVAILABLE), seen=3, keys=keys("k2"))

    assert level(shop)["available"] == 10
    assert level(shop)["reserved"] == 0


@pytest.mark.parametrize("ends", [{"put_to": AVAILABLE}, {"taken_from": AVAILABLE, "put_to": DAMAGED}])
def test_a_change_onto_other_units_than_were_seen_is_refused_and_changes_nothing(shop, ends):
    item, reno = opened(shop)

    failure = refused(lambda: shop.storefront.change_stock(change(item, reno, **ends), seen=9, keys=keys()))

    assert failure.code == UNITS_MOVED
    assert "inventory in the Shopify admin" in failure.remedy
    assert level(shop)["on_hand"] == level(shop)["available"] == 10


def test_the_same_change_under_the_same_key_is_made_once(shop):
    item, reno = opened(shop)
    wanted = change(item, reno, put_to=AVAILABLE)

    first, again = (shop.storefront.change_stock(wanted, seen=10, keys=keys()) for _ in range(2))

    assert first == again
    assert level(shop)["available"] == 13


def test_an_answer_that_is_lost_leaves_the_outcome_unknown_and_a_repeat_adds_nothing(shop):
    item, reno = opened(shop)
    wanted = change(item, reno, put_to=AVAILABLE)
    shop.fault("cut_after", "inventoryAdjustQuantities")

    failure = refused(lambda: shop.storefront.change_stock(wanted, seen=10, keys=keys()), Temporary)
    shop.storefront.change_stock(wanted, seen=10, keys=keys())

    assert failure.outcome_unknown
    assert level(shop)["available"] == 13


def test_an_item_that_is_gone_is_refused_with_what_to_do(shop):
    _, reno = opened(shop)
    gone = "gid://shopify/InventoryItem/404"

    failure = refused(lambda: shop.storefront.change_stock(change(gone, reno, put_to=AVAILABLE), seen=3, keys=keys()))
    unread = refused(lambda: shop.storefront.read_units(gone, reno, AVAILABLE))

    assert failure.code == "INVALID_INVENTORY_ITEM"
    assert "discard this job" in failure.remedy
    assert unread.code == "not_found"


REASONS = [
    ({"put_to": AVAILABLE}, "counted", "cycle_count_available"),
    ({"taken_from": AVAILABLE}, "adjusted", "correction"),
    ({"taken_from": AVAILABLE}, "moved", "movement_created"),
    ({"put_to": AVAILABLE}, "received", "received"),
    ({"taken_from": AVAILABLE, "put_to": DAMAGED}, "set_aside", "damaged"),
    ({"taken_from": SAFETY, "put_to": AVAILABLE}, "set_aside", "safety_stock"),
    ({"taken_from": AVAILABLE, "put_to": PROMISED}, "reserved", "reservation_created"),
    ({"taken_from": PROMISED, "put_to": AVAILABLE}, "released", "reservation_deleted"),
]


@pytest.mark.parametrize(("ends", "cause", "reason"), REASONS)
def test_shopify_is_given_a_reason_that_it_takes(ends, cause, reason):
    assert stock._reason(change("i", "l", cause=cause, **ends)) == reason


def test_an_item_s_variant_is_read_by_the_item_s_own_id(shop):
    item, _ = opened(shop)

    (variant,) = shop.storefront.read_variants([item, "gid://shopify/InventoryItem/404"])

    assert (variant.inventory_remote_id, variant.sku) == (item, "MUG")
    assert variant.product_remote_id.startswith("gid://shopify/Product/")
    assert [(one.on_hand, one.damaged) for one in variant.levels] == [(10, 0)]
