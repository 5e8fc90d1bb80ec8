"""What a buyer picks up is told ready once, and what they have is shown once, without a tracking number."""

import json

import pytest
from shopify_shop import SHOP, gid, lines, mug, refused

from integrations.nouns import Assignment, Way
from integrations.ports import Permanent

READY = "fulfillmentOrderLineItemsPreparedForPickup"
TELL = """mutation($works: [PreparedFulfillmentOrderLineItemsInput!]!) {
  fulfillmentOrderLineItemsPreparedForPickup(input: { lineItemsByFulfillmentOrder: $works }) {
    userErrors { field message code } } }"""


@pytest.fixture
def open_shop(shop):
    shop.open(mug(), mug(sku="POT"))
    return shop


def reno_of(shop):
    return next(place.remote_id for place in shop.storefront.read_locations() if place.name == "Reno")


def pickup(shop, *wanted, method="PICK_UP"):
    return shop.order(*(wanted or (("MUG", 2),)), delivery_method=method, location="Reno")


def statuses(shop, order):
    return [work["status"] for work in shop.look(order)["fulfillment_orders"]]


def hand_over(shop, order, shipped=None, **more):
    return shop.storefront.hand_over(gid(order), reno_of(shop), shipped or lines(order), tell_buyer=True, **more)


def test_what_is_ready_is_told_once(open_shop):
    order = pickup(open_shop)

    told = [
        open_shop.storefront.tell_ready(gid(order), reno_of(open_shop), begun=begun) for begun in (False, True, True)
    ]

    assert (told, open_shop.acts(READY), statuses(open_shop, order)) == ([True, False, False], 1, ["IN_PROGRESS"])
    (line,) = open_shop.storefront.read_order(gid(order)).asked
    assert (line.way, line.ready, line.units) == (Way.COLLECTED, True, 2)


def test_a_lost_answer_is_looked_up_and_the_buyer_written_once(open_shop):
    order = pickup(open_shop)
    open_shop.fault("5xx_after", READY)

    assert open_shop.storefront.tell_ready(gid(order), reno_of(open_shop))
    assert open_shop.acts(READY) == 1


def test_nobody_is_asked_to_come_for_what_the_shop_brings(open_shop):
    order = pickup(open_shop, method="LOCAL")

    refusal = refused(lambda: open_shop.storefront.tell_ready(gid(order), reno_of(open_shop)))

    assert (refusal.code, open_shop.acts(READY), statuses(open_shop, order)) == ("not_open", 0, ["OPEN"])


def test_what_is_held_in_the_store_is_not_made_ready(open_shop):
    order = pickup(open_shop)
    open_shop.storefront.hold(gid(order), handle="h", reason="other", notes="")

    refusal = refused(lambda: open_shop.storefront.tell_ready(gid(order), reno_of(open_shop)))

    assert (refusal.code, "hold" in refusal.remedy, open_shop.acts(READY)) == ("on_hold", True, 0)


def test_work_that_is_not_to_be_picked_up_is_refused_in_the_recorded_words(open_shop, recordings):
    order = open_shop.order(("MUG", 1))
    (work,) = order["fulfillment_orders"]
    name = "2026-04__shipping-fulfillments__fulfillment-order-lifecycle.json"
    recorded = json.loads((recordings / "shopify" / name).read_text())
    (theirs, _) = recorded["workflows"]["residualSplitDeadlineMerge"]["preparedForPickup"]["response"]["payload"][
        "data"
    ][READY]["userErrors"]

    (ours,) = open_shop.by_hand(TELL, works=[{"fulfillmentOrderId": gid(work)}])[READY]["userErrors"]

    assert (ours["field"], ours["code"]) == (theirs["field"], theirs["code"])
    assert ours["message"] == theirs["message"].replace("9875856720178", str(work["id"]))


@pytest.mark.parametrize("method", ["PICK_UP", "LOCAL"])
def test_what_the_buyer_has_is_shown_once_without_tracking(open_shop, method):
    order = pickup(open_shop, method=method)

    first, again = hand_over(open_shop, order), hand_over(open_shop, order)

    (made,) = open_shop.fulfillments(order)
    assert [(one.remote_id, one.adopted) for one in (*first, *again)] == [(gid(made), False), (gid(made), True)]
    assert (made["tracking"], open_shop.acts("fulfillmentCreate")) == ([], 1)


def test_a_lost_answer_to_the_handing_over_is_adopted(open_shop):
    order = pickup(open_shop)
    open_shop.fault("5xx_after", "fulfillmentCreate")

    (found,) = hand_over(open_shop, order)

    assert (found.adopted, open_shop.acts("fulfillmentCreate")) == (True, 1)


def test_a_lost_answer_about_a_part_is_adopted_though_the_rest_is_open(open_shop):
    order = pickup(open_shop)
    open_shop.fault("5xx_after", "fulfillmentCreate")

    (found,) = hand_over(open_shop, order, lines(order, MUG=1))

    (made,) = open_shop.fulfillments(order)
    assert (found.remote_id, found.adopted, open_shop.acts("fulfillmentCreate")) == (gid(made), True, 1)


def test_a_part_that_may_have_been_told_is_told_again_only_where_nobody_shows_it(open_shop):
    order = pickup(open_shop, ("MUG", 3))
    one = lines(order, MUG=1)
    (first,) = hand_over(open_shop, order, one)

    (again,) = hand_over(open_shop, order, one, begun=True)
    (other,) = hand_over(open_shop, order, one, begun=True, known=[first.remote_id])

    assert (again.remote_id, again.adopted, other.adopted) == (first.remote_id, True, False)
    assert open_shop.acts("fulfillmentCreate") == 2


def test_what_was_picked_up_in_part_is_made_ready_where_nobody_told_it(open_shop):
    order = pickup(open_shop)
    hand_over(open_shop, order, lines(order, MUG=1))
    assert statuses(open_shop, order) == ["IN_PROGRESS"]

    assert open_shop.storefront.tell_ready(gid(order), reno_of(open_shop))
    assert open_shop.acts(READY) == 1


def test_what_is_handed_over_is_shown_with_its_units(open_shop):
    order = pickup(open_shop, ("MUG", 2), ("POT", 1))
    hand_over(open_shop, order, lines(order, MUG=1))

    (shown,) = open_shop.storefront.read_handed_over(gid(order))

    assert (shown.lines, shown.location_remote_id) == (tuple(lines(order, MUG=1)), reno_of(open_shop))


def test_what_the_merchant_handed_over_is_adopted(open_shop):
    order = pickup(open_shop)
    open_shop.act(order, "fulfil")

    (found,) = hand_over(open_shop, order)

    assert (found.adopted, open_shop.acts("fulfillmentCreate")) == (True, 0)


def test_a_part_that_is_gone_there_is_left_to_a_person(open_shop):
    order = pickup(open_shop)
    hand_over(open_shop, order, lines(order, MUG=1))

    refusal = refused(lambda: hand_over(open_shop, order, lines(order, MUG=2)))

    assert (type(refusal), refusal.code, len(open_shop.fulfillments(order))) == (Permanent, "not_open", 1)


def test_a_parcel_takes_no_unit_that_a_buyer_comes_for(open_shop):
    order = pickup(open_shop)

    refusal = refused(lambda: open_shop.announce(order))

    assert (refusal.code, open_shop.fulfillments(order), statuses(open_shop, order)) == ("not_open", [], ["OPEN"])


def test_what_a_buyer_comes_for_is_moved_to_no_other_location(open_shop):
    order = pickup(open_shop)
    newark = next(place.remote_id for place in open_shop.storefront.read_locations() if place.name == "Newark")
    open_shop.sandbox.do("/shopify/inventory", {"shop": SHOP, "sku": "MUG", "location": "Newark", "on_hand": 5})

    done = open_shop.storefront.assign(gid(order), [Assignment(location_remote_id=newark, lines=tuple(lines(order)))])

    assert (done.moved_units, open_shop.acts("fulfillmentOrderMove")) == (0, 0)


def test_what_a_courier_brings_from_two_locations_of_the_store_is_adopted_once_the_merchant_marked_it(open_shop):
    order = open_shop.order(("MUG", 1), ("POT", 1))
    places = {place.name: place.remote_id for place in open_shop.storefront.read_locations()}
    held_at = open_shop.look(order)["fulfillment_orders"][0]["location"]
    other = next(id for name, id in places.items() if held_at not in {name, id, int(id.rpartition("/")[2])})
    for name in places:
        stock = {"shop": SHOP, "sku": "POT", "location": name, "on_hand": 5}
        open_shop.sandbox.do("/shopify/inventory", stock)
    moved = Assignment(location_remote_id=other, lines=tuple(lines(order, POT=1)))
    assert open_shop.storefront.assign(gid(order), [moved]).moved_units == 1

    refusal = refused(lambda: hand_over(open_shop, order, courier="Bob's Bikes"))
    assert (type(refusal), refusal.code, open_shop.fulfillments(order)) == (Permanent, "not_open", [])
    assert "keeps what Bob's Bikes brings at several locations" in refusal.reason
    assert "without a tracking number; then retry" in refusal.remedy

    open_shop.act(order, "fulfil")
    found = hand_over(open_shop, order, courier="Bob's Bikes")
    assert (all(one.adopted for one in found), open_shop.acts("fulfillmentCreate")) == (True, 0)
