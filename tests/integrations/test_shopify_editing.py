"""Units of a line are swapped for another variant once, without money, and what Shopify refuses says so."""

import pytest
from shopify_shop import gid, mug, newark, refused, reno

from integrations.nouns import Swap
from integrations.storefronts.shopify import scopes

BLUE = mug("BLUE", title="Blue")
RED = mug("RED", title="Red")
DEAR = mug("DEAR", title="Gold", price="80.00")
NOTE = "Swapped by the buyer, because it is out of stock."


def opened(shop, *lines, **wishes):
    """A shop with one product in three colours, and an order."""
    products = [{"title": "Mug", "variants": [BLUE, RED, DEAR]}]
    answer = shop.sandbox.do(
        "/shopify/shops",
        {"domain": "packline-tests.myshopify.com", "token": "shpat_tests", "secret": "hush-tests",
         "products": products, "locations": [reno(), newark()]} | wishes,
    )  # fmt: skip
    by_sku = {one["sku"]: gid(one) for product in answer["products"] for one in product["variants"]}
    return by_sku, shop.order(*(lines or (("BLUE", 2),)))


def wish(order, variant, *, units=1, **before):
    line = order["lines"][0]
    return Swap(
        line_remote_id=gid(line), line_units=before.get("line", line["quantity"]),
        variant_remote_id=variant, variant_units=before.get("other", 0), units=units,
    )  # fmt: skip


def lines_of(shop, order):
    return sorted((one["sku"], one["quantity"]) for one in shop.look(order)["lines"])


@pytest.mark.parametrize(("units", "left"), [(1, [("BLUE", 1), ("RED", 1)]), (2, [("BLUE", 0), ("RED", 2)])])
def test_units_are_swapped_once_and_no_money_moves(shop, units, left):
    variants, order = opened(shop)

    for _ in range(2):
        shop.storefront.swap(gid(order), wish(order, variants["RED"], units=units), note=NOTE)

    assert lines_of(shop, order) == left
    assert shop.acts("orderEditCommit") == 1
    there = shop.storefront.read_order(gid(order)).snapshot
    assert (there.total.minor, there.standing) == (3000, "paid")  # two mugs and the shipping


def test_a_variant_that_the_order_has_already_gets_a_line_of_its_own(shop):
    variants, order = opened(shop, ("BLUE", 1), ("RED", 1))

    shop.storefront.swap(gid(order), wish(order, variants["RED"], other=1), note=NOTE)

    assert lines_of(shop, order) == [("BLUE", 0), ("RED", 1), ("RED", 1)]


def test_a_lost_answer_to_the_commit_is_looked_up_and_nothing_edited_twice(shop):
    variants, order = opened(shop)
    shop.fault("5xx_after", "orderEditCommit")

    shop.storefront.swap(gid(order), wish(order, variants["RED"]), note=NOTE)

    assert (shop.acts("orderEditCommit"), lines_of(shop, order)) == (1, [("BLUE", 1), ("RED", 1)])


def test_another_price_is_seen_before_it_counts(shop):
    variants, order = opened(shop)

    refusal = refused(lambda: shop.storefront.swap(gid(order), wish(order, variants["DEAR"]), note=NOTE))

    assert (refusal.code, "left to pay" in refusal.reason) == ("swap_refused", True)
    assert (shop.asked("orderEditCommit"), lines_of(shop, order)) == (0, [("BLUE", 2)])


@pytest.mark.parametrize(("what", "said"), [("cancel", "canceled"), ("archive", "archived")])
def test_an_order_that_cannot_be_edited_says_so(shop, what, said):
    variants, order = opened(shop)
    shop.act(order, what)
    before = 0 if what == "cancel" else 2

    refusal = refused(lambda: shop.storefront.swap(gid(order), wish(order, variants["RED"], line=before), note=NOTE))

    assert (refusal.code, said in refusal.reason) == ("swap_refused", True)
    assert shop.acts("orderEditCommit") == 0


def test_an_order_that_somebody_changed_meanwhile_is_left_alone(shop):
    variants, order = opened(shop)
    shop.act(order, "edit", lines=[{"sku": "BLUE", "quantity": 3}])

    refusal = refused(lambda: shop.storefront.swap(gid(order), wish(order, variants["RED"]), note=NOTE))

    assert (refusal.code, "meanwhile" not in refusal.reason) == ("swap_refused", True)
    assert (shop.asked("orderEditBegin"), lines_of(shop, order)) == (0, [("BLUE", 3)])


def test_units_that_were_shipped_stay(shop):
    variants, order = opened(shop, ("BLUE", 1))
    shop.act(order, "fulfil", number="1")

    assert refused(
        lambda: shop.storefront.swap(gid(order), wish(order, variants["RED"]), note=NOTE)
    ).code == "swap_refused"  # fmt: skip
    assert lines_of(shop, order) == [("BLUE", 1)]


def test_without_the_scope_a_person_reads_which_one_to_grant(shop):
    variants, order = opened(shop, scopes=list(scopes.REQUIRED))

    refusal = refused(lambda: shop.storefront.swap(gid(order), wish(order, variants["RED"]), note=NOTE))

    assert (refusal.code, "write_order_edits" in refusal.remedy) == ("swap_refused", True)
    assert lines_of(shop, order) == [("BLUE", 2)]


def test_who_may_edit_may_swap():
    assert [scopes.may_swap(["write_order_edits"]), scopes.may_swap(scopes.REQUIRED), scopes.may_swap([])] == [
        True, False, False,
    ]  # fmt: skip
