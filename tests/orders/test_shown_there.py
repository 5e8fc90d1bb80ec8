"""Each unit that the store shows without a number is of one shipment, and what shows other things shows none."""

from integrations.nouns import ShippedLine, StoreShipment
from orders.shown_there import Claim, Gone, known, shared_out

RENO = "reno"


def gone(shipment: int, **units: int) -> Gone:
    return Gone(shipment=shipment, location_remote_id=RENO, units=units)


def shows(id: str, *, place: str = RENO, stands: bool = True, **units: int) -> StoreShipment:
    lines = tuple(ShippedLine(line_remote_id=line, units=count) for line, count in units.items())
    return StoreShipment(remote_id=id, stands=stands, location_remote_id=place, lines=lines)


def test_a_gift_card_shows_no_bag():
    assert shared_out([gone(1, bag=1)], [shows("f1", card=1), shows("f2", place="", card=1)], []) == {}


def test_each_of_two_shipments_gets_a_fulfillment_of_its_own():
    shown = [shows("f1", bag=1), shows("f2", bag=1)]

    assert shared_out([gone(1, bag=1), gone(2, bag=1)], shown, []) == {1: ["f1"], 2: ["f2"]}


def test_one_fulfillment_may_show_two_shipments_and_no_third():
    three = [gone(1, bag=1), gone(2, bag=1), gone(3, bag=1)]

    assert shared_out(three, [shows("f1", bag=2)], []) == {1: ["f1"], 2: ["f1"]}


def test_just_these_units_go_before_more_of_them():
    assert shared_out([gone(1, bag=1)], [shows("f1", bag=2), shows("f2", bag=1)], []) == {1: ["f2"]}


def test_what_was_handed_over_in_parts_is_shown_by_all_of_them_or_by_none():
    parts = [shows("f1", bag=1), shows("f2", bag=1, mug=1)]

    assert {1: {"f1", "f2"}} == {1: set(shared_out([gone(1, bag=2, mug=1)], parts, [])[1])}
    assert shared_out([gone(1, bag=3, mug=1)], parts, []) == {}


def test_what_shows_something_known_shows_only_the_rest_of_its_units():
    claims = [Claim(fulfillments=("f1",), units={"bag": 1}), Claim(fulfillments=("f2",))]
    shown = [shows("f1", bag=2), shows("f2", bag=2), shows("f3", place="newark", bag=2)]

    assert shared_out([gone(1, bag=1)], shown, claims) == {1: ["f1"]}
    assert shared_out([gone(1, bag=2)], shown, claims) == {}
    assert known(claims) == {"f1", "f2"}


def test_what_does_not_stand_any_more_shows_nothing():
    assert shared_out([gone(1, bag=1)], [shows("f1", stands=False, bag=1)], []) == {}


def test_what_a_courier_has_may_be_shown_at_any_place():
    anywhere = Gone(shipment=1, location_remote_id="", units={"bag": 1})

    assert shared_out([anywhere], [shows("f1", place="newark", bag=1)], []) == {1: ["f1"]}
    assert shared_out([gone(1, bag=1)], [shows("f1", place="newark", bag=1)], []) == {}
