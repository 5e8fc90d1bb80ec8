"""What changed since a moment is told once, oldest first, however many pages it fills."""

from datetime import UTC, datetime, timedelta

import pytest
from scripted_vendor import Answer
from shopify_shop import SHOP, gid, mug, refused

from integrations.nouns import PaymentStanding
from integrations.storefronts.shopify import changes

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def place(opened, name):
    return next(one["admin_graphql_api_id"] for one in opened["locations"] if one["name"] == name)


def test_changed_orders_come_with_what_was_changed(shop):
    shop.open(mug())
    paid, cancelled = shop.order(("MUG", 1)), shop.order(("MUG", 1), financial_status="pending")
    shop.act(cancelled, "cancel")

    found = {one.remote_id: one for one in shop.storefront.changed_orders(LONG_AGO)}

    assert set(found) == {gid(paid), gid(cancelled)}
    assert (found[gid(paid)].standing, found[gid(paid)].cancelled_at) == (PaymentStanding.PAID, None)
    assert found[gid(cancelled)].cancelled_at == found[gid(cancelled)].updated_at


def test_what_did_not_change_since_is_left_out_and_that_very_second_is_not(shop):
    shop.open(mug())
    shop.order(("MUG", 1))
    (order,) = shop.storefront.changed_orders(LONG_AGO)
    (work,) = shop.storefront.changed_work(LONG_AGO)

    assert list(shop.storefront.changed_orders(order.updated_at)) == [order]
    assert list(shop.storefront.changed_orders(order.updated_at + SECOND)) == []
    assert list(shop.storefront.changed_work(work.updated_at)) == [work]
    assert list(shop.storefront.changed_work(work.updated_at + SECOND)) == []


def test_every_page_of_orders_and_of_work_is_read_oldest_first(shop):
    shop.open(mug(stock={"Reno": 1000}))
    placed = shop.order(("MUG", 1), count=205, webhooks=False)["orders"]

    orders, works = (list(ask(LONG_AGO)) for ask in (shop.storefront.changed_orders, shop.storefront.changed_work))

    assert {one.remote_id for one in orders} == {one.order_remote_id for one in works} == {gid(one) for one in placed}
    assert len(orders) == len(works) == 205
    for found in (orders, works):
        assert [one.updated_at for one in found] == sorted(one.updated_at for one in found)


def test_work_that_was_held_or_closed_meanwhile_has_changed_too(shop):
    shop.open(mug())
    held, shipped = shop.order(("MUG", 1)), shop.order(("MUG", 1))
    shop.storefront.hold(gid(held), handle="h", reason="address", notes="")
    shop.announce(shipped)

    found = {one.order_remote_id: one.work_remote_id for one in shop.storefront.changed_work(LONG_AGO)}

    assert found == {gid(one): gid(one["fulfillment_orders"][0]) for one in (held, shipped)}


def test_work_that_shopify_routes_later_is_new_then(shop):
    shop.open(mug())
    placed = shop.order(("MUG", 1), fo_delay_s=3_600)
    (order,) = shop.storefront.changed_orders(LONG_AGO)

    assert list(shop.storefront.changed_work(LONG_AGO)) == []
    while datetime.now(UTC).replace(microsecond=0) == order.updated_at:
        pass  # the store's clock counts whole seconds
    shop.act(placed, "route")

    found = list(shop.storefront.changed_work(LONG_AGO))
    assert found[0].updated_at > order.updated_at


def test_stock_is_read_at_the_locations_asked_for(shop):
    opened = shop.open(mug(), mug("POT", stock={"Reno": 3, "Newark": 5}))
    shop.order(("POT", 4))
    reno, newark = place(opened, "Reno"), place(opened, "Newark")
    items = {one["sku"]: one["inventory_item_gid"] for product in opened["products"] for one in product["variants"]}

    found = list(shop.storefront.changed_stock(LONG_AGO, [newark, newark]))
    both = list(shop.storefront.changed_stock(LONG_AGO, [reno, newark]))

    assert [(one.inventory_remote_id, one.location_remote_id, one.on_hand, one.available) for one in found] == [
        (items["POT"], newark, 5, 1)
    ]
    assert len(both) == 3
    assert [one.updated_at for one in both] == sorted(one.updated_at for one in both)
    assert list(shop.storefront.changed_stock(both[-1].updated_at + SECOND, [reno, newark])) == []


def test_stock_counted_again_has_changed(shop):
    opened = shop.open(mug())
    (before,) = shop.storefront.changed_stock(LONG_AGO, [place(opened, "Reno")])
    shop.sandbox.do("/shopify/inventory", {"shop": SHOP, "sku": "MUG", "location": "Reno", "on_hand": 7})

    (after,) = shop.storefront.changed_stock(before.updated_at, [place(opened, "Reno")])

    assert (before.on_hand, after.on_hand, after.available) == (100, 7, 7)


def test_a_location_that_is_gone_has_no_stock(shop):
    shop.open(mug())

    assert list(shop.storefront.changed_stock(LONG_AGO, ["gid://shopify/Location/404"])) == []


def test_a_moment_is_asked_for_in_utc_and_without_a_fraction():
    eastern = datetime.fromisoformat("2026-11-21T05:00:00.750-05:00")

    assert changes.changed(eastern) == "updated_at:>='2026-11-21T10:00:00Z'"
    with pytest.raises(ValueError, match="without a zone"):
        changes.changed(eastern.replace(tzinfo=None))


def page(*ids, cursor=None):
    nodes = [{"id": one, "updatedAt": "2026-11-21T10:00:00Z", "displayFinancialStatus": "PAID"} for one in ids]
    info = {"hasNextPage": bool(cursor), "endCursor": cursor}
    return Answer({"data": {"orders": {"pageInfo": info, "nodes": nodes}}})


def test_what_changes_while_it_is_read_is_told_once(shopify, scripted):
    scripted.script = [page("A", "B", cursor="1"), page("C", "A")]

    assert [one.remote_id for one in changes.of_orders(shopify, LONG_AGO)] == ["A", "B", "C"]
    assert [asked.json()["variables"]["after"] for asked in scripted.asked] == [None, "1"]


def test_a_page_that_leads_back_to_itself_does_not_go_on_for_ever(shopify, scripted):
    scripted.script = [page("A", cursor="1"), page("B", cursor="1")]

    assert refused(lambda: list(changes.of_orders(shopify, LONG_AGO))).code == "answer_shape"
