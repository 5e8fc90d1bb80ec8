"""An announcement and an order are taken back once, and what has shipped stands in the way."""

import pytest
from scripted_vendor import Answer
from shopify_shop import gid, mug, refused

from integrations.ports import Temporary
from integrations.storefronts.shopify import taking_back

LOST = ["cut_after", "broken_json", "5xx_after"]


def cancel(shop, order, **changes):
    wish = {"reason": "buyer", "restock": True, "refund": True, "tell_buyer": False, "note": "The buyer asked."}
    return shop.storefront.cancel_order(gid(order), **(wish | changes))


def stock(shop, sku="MUG", place="Reno"):
    levels = shop.sandbox.do("/shopify/inventory?shop=packline-tests.myshopify.com")["levels"]
    return next((one["available"], one["committed"]) for one in levels if (one["sku"], one["location"]) == (sku, place))


def test_units_of_a_cancelled_announcement_are_open_work_again(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    (told,) = shop.announce(order)

    for _ in range(2):
        shop.storefront.cancel_shipped(told.remote_id)

    assert [one["status"] for one in shop.fulfillments(order)] == ["CANCELLED"]
    asked = shop.storefront.read_order(gid(order)).asked
    assert [(one.line_remote_id, one.units) for one in asked] == [(gid(order["lines"][0]), 2)]
    assert stock(shop) == (98, 2)
    assert shop.asked("fulfillmentCancel") == 1


@pytest.mark.parametrize("kind", LOST)
def test_a_cancelled_announcement_whose_answer_was_lost_is_looked_up(shop, kind):
    shop.open(mug())
    (told,) = shop.announce(shop.order(("MUG", 1)))
    shop.fault(kind, "fulfillmentCancel")

    shop.storefront.cancel_shipped(told.remote_id)

    assert shop.acts("fulfillmentCancel") == 1
    assert shop.asked("fulfillmentCancel") == 1


def test_a_cancellation_that_never_arrived_is_tried_again_later(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)
    shop.fault("5xx", "fulfillmentCancel")

    assert refused(lambda: shop.storefront.cancel_shipped(told.remote_id), Temporary).outcome_unknown
    assert [one["status"] for one in shop.fulfillments(order)] == ["SUCCESS"]
    shop.storefront.cancel_shipped(told.remote_id)

    assert [one["status"] for one in shop.fulfillments(order)] == ["CANCELLED"]


def test_a_fulfillment_that_shopify_does_not_have_is_not_called_cancelled(shop):
    shop.open(mug())

    wrong = refused(lambda: shop.storefront.cancel_shipped("gid://shopify/Fulfillment/404"))

    assert wrong.code == "not_found"
    assert shop.asked("fulfillmentCancel") == 0


def test_a_whole_order_is_cancelled_with_its_stock_and_its_money(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))

    assert cancel(shop, order) is True

    seen = shop.look(order)
    assert (seen["cancelled"], seen["cancel_reason"], seen["refunded"]) == (True, "CUSTOMER", "30.00")
    assert stock(shop) == (100, 0)


def test_money_and_stock_stay_where_they_are_if_nobody_asks_for_them(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))

    assert cancel(shop, order, refund=False, restock=False) is True

    assert shop.look(order)["refunded"] == "0.00"
    assert stock(shop) == (98, 0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("buyer", "CUSTOMER"),
        ("declined", "DECLINED"),
        ("fraud", "FRAUD"),
        ("stock", "INVENTORY"),
        ("staff", "STAFF"),
        ("other", "OTHER"),
    ],
)
def test_every_reason_of_ours_is_one_of_shopifys(shop, ours, theirs):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    cancel(shop, order, reason=ours)

    assert shop.look(order)["cancel_reason"] == theirs


def test_a_reason_that_is_none_of_ours_is_not_guessed(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    with pytest.raises(ValueError, match="bored"):
        cancel(shop, order, reason="bored")
    assert shop.look(order)["cancelled"] is False


def test_a_note_too_long_for_shopify_is_cut(shop):
    shop.open(mug())

    assert cancel(shop, shop.order(("MUG", 1)), note="x" * 256) is True


def test_an_order_that_is_cancelled_already_is_left_alone(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.act(order, "cancel", refund=False)

    assert cancel(shop, order) is True

    assert shop.asked("orderCancel") == 0
    assert shop.look(order)["refunded"] == "0.00"


@pytest.mark.parametrize("kind", LOST)
def test_a_cancelled_order_whose_answer_was_lost_gives_its_money_back_once(shop, kind):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault(kind, "orderCancel")

    assert cancel(shop, order) is True

    assert (shop.acts("orderCancel"), shop.look(order)["refunded"]) == (1, "17.50")


def test_an_order_that_shopify_is_still_cancelling_is_not_cancelled_yet(shop):
    shop.open(mug(), job_delay_s=60)
    order = shop.order(("MUG", 1))

    assert cancel(shop, order) is False
    assert shop.look(order)["cancelled"] is False


def test_asking_again_while_shopify_is_at_it_gives_the_money_back_once(shop):
    shop.open(mug(), job_delay_s=0.5)
    order = shop.order(("MUG", 1))
    shop.fault("cut_after", "orderCancel")

    lost = refused(lambda: cancel(shop, order), Temporary)
    assert lost.outcome_unknown
    while not cancel(shop, order):
        pass

    assert (shop.look(order)["cancelled"], shop.look(order)["refunded"]) == (True, "17.50")


def test_an_order_of_which_something_has_shipped_says_what_to_do_first(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)

    wrong = refused(lambda: cancel(shop, order))

    assert (wrong.code, "one fulfillment stands" in wrong.reason) == ("shipped", True)
    assert "void its label and cancel the fulfillment" in wrong.remedy
    assert shop.asked("orderCancel") == 0
    shop.storefront.cancel_shipped(told.remote_id)
    assert cancel(shop, order) is True


def test_a_refusal_is_judged_by_what_stands_there_and_not_by_its_sentence(shopify, scripted):
    def ending(*statuses, cancelled=None):
        shipped = [{"id": str(number), "status": status} for number, status in enumerate(statuses)]
        return Answer({"data": {"order": {"cancelledAt": cancelled, "fulfillments": shipped}}})

    no = [{"field": ["orderId"], "message": "Not now.", "code": "INVALID"}]
    refusal = Answer({"data": {"orderCancel": {"job": None, "orderCancelUserErrors": no}}})
    wish = {"reason": "buyer", "restock": True, "refund": True, "tell_buyer": False, "note": ""}

    def ask():
        return taking_back.cancel_order(shopify, "gid://shopify/Order/1", **wish)

    scripted.script = [ending(), refusal, ending("SUCCESS"), ending("SUCCESS")]
    assert refused(ask).code == "shipped"
    scripted.script = [
        ending(),
        refusal,
        ending(cancelled="2026-11-21T10:00:00Z"),
        ending(cancelled="2026-11-21T10:00:00Z"),
    ]
    assert ask() is True
    scripted.script = [ending(), refusal, ending(), ending()]
    assert (refused(ask).code, scripted.script) == ("INVALID", [])


def test_every_fulfillment_of_an_order_is_read_whoever_made_it(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    (told,) = shop.announce(order)
    shop.storefront.cancel_shipped(told.remote_id)
    shop.act(order, "fulfil", company="DHL Express", number="D1")

    ours, theirs = shop.storefront.read_shipped(gid(order))

    assert (ours.remote_id, ours.stands, ours.carrier) == (told.remote_id, False, "USPS")
    assert (theirs.stands, theirs.carrier, theirs.numbers) == (True, "DHL Express", ("D1",))
