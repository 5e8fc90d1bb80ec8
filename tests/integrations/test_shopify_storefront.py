"""A shipment is announced over real HTTP to the sandbox once, adopted when found, and refused in words."""

import pytest
from shopify_shop import LABEL, gid, lines, mug, refused

from integrations.nouns import Announced, TrackingLabel
from integrations.ports import Storefront, Temporary


def test_a_shipment_is_announced_with_its_tracking(shop):
    shop.open(mug())
    order = shop.order(("MUG", 3))

    (told,) = shop.announce(order, tell_buyer=True)

    (fulfillment,) = shop.fulfillments(order)
    assert told == Announced(remote_id=gid(fulfillment))
    assert fulfillment["tracking"] == [{"company": "USPS", "number": LABEL.numbers[0], "url": LABEL.urls[0]}]
    assert fulfillment["lines"] == [{"sku": "MUG", "quantity": 3}]
    assert shop.look(order)["fulfillment_status"] == "FULFILLED"
    assert [note.key for note in shop.notes if note.verb == "Announce"] == [LABEL.numbers[0]]


def test_a_repeat_finds_the_announcement_and_makes_no_second_one(shop):
    shop.open(mug())
    order = shop.order(("MUG", 3))
    (first,) = shop.announce(order)

    (second,) = shop.announce(order)

    assert second == Announced(remote_id=first.remote_id, adopted=True)
    assert shop.acts("fulfillmentCreate") == 1


@pytest.mark.parametrize("kind", ["5xx_after", "cut_after", "broken_json", "html"])
def test_a_lost_answer_is_looked_up_and_adopted(shop, kind):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault(kind, "fulfillmentCreate")

    (told,) = shop.announce(order)

    (fulfillment,) = shop.fulfillments(order)
    assert told == Announced(remote_id=gid(fulfillment), adopted=True)
    assert shop.acts("fulfillmentCreate") == 1


def test_a_call_that_was_lost_before_it_arrived_leaves_doubt_and_the_next_try_announces(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("cut", "fulfillmentCreate")

    doubt = refused(lambda: shop.announce(order), Temporary)
    assert (doubt.outcome_unknown, doubt.retry_in_s) == (True, 15.0)
    assert shop.fulfillments(order) == []

    (told,) = shop.announce(order)
    assert not told.adopted
    assert len(shop.fulfillments(order)) == 1


def test_doubt_stays_doubt_where_shopify_cannot_be_asked_either(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("cut_after", "fulfillmentCreate")
    shop.fault("5xx", "order", skip=1)

    assert refused(lambda: shop.announce(order), Temporary).outcome_unknown is True
    assert shop.announce(order)[0].adopted
    assert len(shop.fulfillments(order)) == 1


def test_throttling_is_waited_for_and_nothing_is_done(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("throttled", "fulfillmentCreate")

    throttled = refused(lambda: shop.announce(order), Temporary)

    assert (throttled.code, throttled.outcome_unknown) == ("THROTTLED", False)
    assert throttled.retry_in_s >= 1.0
    assert shop.fulfillments(order) == []


def test_an_order_that_is_not_routed_yet_is_announced_later(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), fo_delay_s=60)

    waiting = refused(lambda: shop.announce(order), Temporary)

    assert (waiting.code, waiting.retry_in_s, waiting.outcome_unknown) == ("not_routed_yet", 5.0, False)
    assert shop.acts("fulfillmentCreate") == 0


def test_exactly_our_units_are_announced_and_the_rest_stays_open(shop):
    shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 3), ("POT", 2))

    shop.announce(order, lines(order, MUG=2))
    other = TrackingLabel(carrier="UPS", numbers=("1Z001",))
    shop.announce(order, lines(order, MUG=1, POT=1), other)

    assert [fulfillment["lines"] for fulfillment in shop.fulfillments(order)] == [
        [{"sku": "MUG", "quantity": 2}],
        [{"sku": "MUG", "quantity": 1}, {"sku": "POT", "quantity": 1}],
    ]
    (work,) = shop.look(order)["fulfillment_orders"]
    assert {row["sku"]: row["remaining"] for row in work["lines"]} == {"MUG": 0, "POT": 1}


def test_units_at_two_locations_are_announced_from_each(shop):
    shop.open(mug(), mug("POT", stock={"Newark": 5}))
    order = shop.order(("MUG", 1), ("POT", 1))

    told = shop.announce(order)

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

    assert refused(lambda: shop.announce(order), Temporary).outcome_unknown is True
    assert len(shop.fulfillments(order)) == 1
    told = shop.announce(order)

    assert [one.adopted for one in told] == [True, False]
    assert len({one.remote_id for one in told}) == len(shop.fulfillments(order)) == 2


def test_units_over_several_pieces_of_work_at_one_location_are_one_fulfillment(shop):
    shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 3), ("POT", 2))
    shop.split_off_each(order, 2)

    shop.announce(order)

    (fulfillment,) = shop.fulfillments(order)
    assert sorted((line["sku"], line["quantity"]) for line in fulfillment["lines"]) == [("MUG", 3), ("POT", 2)]


def test_several_numbers_go_with_their_links_by_position(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    label = TrackingLabel(carrier="fedex", numbers=("F1", "F2"), urls=("https://f.example/1", "https://f.example/2"))

    shop.announce(order, label=label)

    assert shop.fulfillments(order)[0]["tracking"] == [
        {"company": "FedEx", "number": "F1", "url": "https://f.example/1"},
        {"company": "FedEx", "number": "F2", "url": "https://f.example/2"},
    ]


def test_a_link_too_few_is_left_to_shopify_rather_than_given_to_the_wrong_number(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    shop.announce(order, label=TrackingLabel(carrier="UPS", numbers=("1Z1", "1Z2"), urls=("https://u.example/2",)))

    tracking = shop.fulfillments(order)[0]["tracking"]
    assert [one["number"] for one in tracking] == ["1Z1", "1Z2"]
    assert all(one["url"].startswith("https://www.ups.com/") for one in tracking)


def test_a_fulfillment_with_some_of_our_numbers_gets_them_all(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.announce(order, label=TrackingLabel(carrier="UPS", numbers=("1Z1",)))

    (told,) = shop.announce(order, label=TrackingLabel(carrier="UPS", numbers=("1Z1", "1Z2")))

    assert told.adopted
    (fulfillment,) = shop.fulfillments(order)
    assert [one["number"] for one in fulfillment["tracking"]] == ["1Z1", "1Z2"]


def test_what_the_merchant_marked_as_fulfilled_gets_our_tracking(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    shop.act(order, "fulfil")

    (told,) = shop.announce(order)

    (fulfillment,) = shop.fulfillments(order)
    assert told == Announced(remote_id=gid(fulfillment), adopted=True, by_others=True)
    assert fulfillment["tracking"][0]["number"] == LABEL.numbers[0]
    assert shop.acts("fulfillmentCreate") == 0


def test_what_somebody_else_shipped_with_tracking_is_not_touched(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    shop.act(order, "fulfil", company="DHL Express", number="D1")

    wrong = refused(lambda: shop.announce(order))

    assert (wrong.code, "by hand" in wrong.remedy) == ("not_open", True)
    (fulfillment,) = shop.fulfillments(order)
    assert [one["number"] for one in fulfillment["tracking"]] == ["D1"]


def test_two_fulfillments_that_could_be_ours_are_left_to_a_person(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    for _ in range(2):
        shop.announce(order, lines(order, MUG=1), TrackingLabel(carrier="", numbers=("X",)))
        made = shop.fulfillments(order)[-1]
        shop.by_hand(
            "mutation($id: ID!) { fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: {})"
            " { userErrors { message } } }",
            id=gid(made),
        )

    assert refused(lambda: shop.announce(order, lines(order, MUG=1))).code == "not_open"
    assert [one["tracking"] for one in shop.fulfillments(order)] == [[], []]


def test_a_cancelled_fulfillment_is_not_adopted(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.announce(order)
    shop.cancel_fulfillment(shop.fulfillments(order)[0])

    (told,) = shop.announce(order)

    assert not told.adopted
    assert [one["status"] for one in shop.fulfillments(order)] == ["CANCELLED", "SUCCESS"]


def test_an_order_on_hold_names_the_hold_and_what_to_do(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), hold_reason="HIGH_RISK_OF_FRAUD")

    held = refused(lambda: shop.announce(order))

    assert held.code == "on_hold"
    assert "High risk of fraud" in held.reason
    assert "Release the hold" in held.remedy
    assert shop.fulfillments(order) == []


def test_a_cancelled_order_is_not_announced(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.act(order, "cancel")

    assert refused(lambda: shop.announce(order)).code == "order_cancelled"
    assert shop.fulfillments(order) == []


def test_more_units_than_shopify_has_open_are_refused_before_anything_is_announced(shop):
    shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 1), ("POT", 1))

    wrong = refused(lambda: shop.announce(order, lines(order, MUG=1, POT=2)))

    assert wrong.code == "not_open"
    assert shop.acts("fulfillmentCreate") == 0


def test_an_announcement_needs_lines_and_a_number(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    with pytest.raises(ValueError, match="tracking number"):
        shop.announce(order, label=TrackingLabel(carrier="UPS", numbers=()))


def test_the_storefront_has_every_verb_of_the_port_and_tells_each_call(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.notes.clear()

    shop.announce(order)

    assert isinstance(shop.storefront, Storefront)
    assert [(note.vendor, note.verb, note.outcome) for note in shop.notes] == [
        ("shopify", "ReadShipments", "ok"),
        ("shopify", "Announce", "ok"),
    ]
    assert all(note.ms >= 0 for note in shop.notes)
