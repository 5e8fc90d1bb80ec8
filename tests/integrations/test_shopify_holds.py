"""Our holds stand on every piece of open work once, and only they are released."""

import pytest
from shopify_shop import gid, mug, refused

from integrations.ports import Temporary


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
    assert shop.acts("fulfillmentOrderHold") == 1


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
    assert shop.acts("fulfillmentOrderReleaseHold") == 1


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
