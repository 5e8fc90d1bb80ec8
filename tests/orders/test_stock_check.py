"""The ledger and the levels: what drifted is found, explained and put right, and what is well is left alone."""

from __future__ import annotations

import pytest
from test_inventory import LEDGER, hold

from orders import inventory, stock_by_hand, stock_check
from orders.stock_by_hand import Said
from orders.stock_check import Drift, Sums, explained
from tests.shop import NEWARK, open_shop

LEVELS = "SELECT on_hand, reserved, damaged, safety FROM stock_levels ORDER BY variant_id, location_id"
REPAIRS = "SELECT on_hand_change, reserved_change, reason, actor FROM movements WHERE cause = 'repaired' ORDER BY id"


@pytest.fixture
def reno(shop):
    return shop.location()


def drifted(shop, *, many=100):
    found, after = [], 0
    with shop.transaction() as session:
        while after is not None:
            some, after = stock_check.drifted(session, shop.tenant, after=after, many=many)
            found += some
    return found


def put_right(shop, drift):
    with shop.transaction() as session:
        return stock_check.put_right(session, shop.tenant, drift.variant, drift.location, actor="packline")


def test_where_everything_is_written_by_the_book_nothing_has_drifted(shop, reno):
    bag, hat = shop.variant("BAG", stock={reno: 9}), shop.variant("HAT", stock={reno: 4, shop.location(NEWARK): 2})
    order, first = hold(shop, (bag, reno, 2), (hat, reno, 1))
    other, _ = hold(shop, (bag, reno, 3))
    with shop.transaction() as session:
        inventory.consume(session, shop.tenant, order, first, actor="test")
        inventory.release(session, shop.tenant, other, actor="test")
        inventory.put_back(session, shop.tenant, order, first, actor="test")
        stock_by_hand.set_aside(
            session, shop.tenant, (bag, reno), Said(cause="set_aside", actor="test"), reason="", damaged=1, safety=2
        )

    assert drifted(shop) == []
    assert put_right(shop, Drift(variant=bag, location=reno, words="", level=Sums(), ledger=Sums(), held=0)) == ""
    assert shop.rows(REPAIRS) == []


def test_a_level_that_was_written_past_the_ledger_is_what_the_ledger_says_again(shop, reno):
    bag = shop.variant(stock={reno: 9})
    hold(shop, (bag, reno, 2))
    shop.run("UPDATE stock_levels SET on_hand = 12, damaged = 1")

    (drift,) = drifted(shop)
    sentence = put_right(shop, drift)

    assert sentence == (
        "BAG at Reno: the level said 12 on hand, and its movements add up to 9; 1 damaged, and its movements add up to "
        "0. The level was put right by them."
    )
    assert shop.rows(LEVELS) == [(9, 2, 0, 0)]
    assert shop.rows(REPAIRS) == [(0, 0, sentence, "packline")]
    assert drifted(shop) == []
    assert shop.rows(LEDGER) == []


def test_a_level_that_missed_its_latest_movements_says_since_which(shop, reno):
    bag = shop.variant(stock={reno: 9})
    said = Said(cause="adjusted", actor="test")
    with shop.transaction() as session:
        stock_by_hand.adjust(session, shop.tenant, (bag, reno), 5, said, reason="")
        stock_by_hand.adjust(session, shop.tenant, (bag, reno), 2, said, reason="")
    movement, at = shop.one("SELECT id, at FROM movements ORDER BY id OFFSET 1 LIMIT 1")
    shop.run("UPDATE stock_levels SET on_hand = 14")

    (drift,) = drifted(shop)

    assert f"It stands where movement {movement} of {at:%Y-%m-%d} had left it." in put_right(shop, drift)
    assert shop.rows(LEVELS) == [(16, 0, 0, 0)]


def test_what_is_reserved_is_what_orders_hold(shop, reno):
    bag = shop.variant(stock={reno: 9})
    hold(shop, (bag, reno, 2))
    shop.run("UPDATE stock_levels SET reserved = 5")

    (drift,) = drifted(shop)

    assert "5 reserved, and orders hold 2" in put_right(shop, drift)
    assert shop.rows(LEVELS) == [(9, 2, 0, 0)]
    assert drifted(shop) == []


def test_a_reservation_that_vanished_is_taken_off_the_ledger_too(shop, reno):
    bag = shop.variant(stock={reno: 9})
    hold(shop, (bag, reno, 2))
    shop.run("UPDATE reservations SET state = 'released'")

    (drift,) = drifted(shop)
    sentence = put_right(shop, drift)

    assert "its movements add up to 2 reserved, and orders hold 0" in sentence
    assert shop.rows(LEVELS) == [(9, 0, 0, 0)]
    assert [row[1] for row in shop.rows(REPAIRS)] == [-2]
    assert drifted(shop) == []


def test_a_level_that_was_deleted_comes_back(shop, reno):
    shop.variant(stock={reno: 9})
    shop.run("DELETE FROM stock_levels")

    (drift,) = drifted(shop)
    put_right(shop, drift)

    assert shop.rows(LEVELS) == [(9, 0, 0, 0)]
    assert drifted(shop) == []


def test_units_that_are_promised_and_unknown_to_the_ledger_are_left_and_a_person_is_asked(shop, reno):
    bag = shop.variant(stock={reno: 9})
    hold(shop, (bag, reno, 6))
    shop.run("DELETE FROM movements")

    (drift,) = drifted(shop)
    sentence = put_right(shop, drift)

    assert "6 are promised to orders, more than the movements know of" in sentence
    assert "Count this level" in sentence
    assert shop.rows(LEVELS) == [(6, 6, 0, 0)]
    assert shop.rows(LEDGER) == []
    assert drifted(shop) == []


def test_shops_are_looked_at_apart_and_page_by_page(shop, reno):
    other = open_shop(shop.engine, name="Other")
    for one, place in ((shop, reno), (other, other.location())):
        for number in range(5):
            one.variant(f"SKU-{number}", stock={place: 3})
    shop.run("UPDATE stock_levels SET on_hand = 4")

    assert [drift.words for drift in drifted(shop, many=2)] == [f"SKU-{number} at Reno" for number in range(5)]
    for drift in drifted(shop):
        put_right(shop, drift)
    assert drifted(shop) == []
    assert len(drifted(other)) == 5


def test_what_only_is_looked_at_says_what_differs_and_nothing_was_done():
    drift = Drift(
        variant=1, location=1, words="BAG at Reno", level=Sums(on_hand=3), ledger=Sums(on_hand=4), held=0
    )  # fmt: skip

    assert explained(drift, repaired=False) == "BAG at Reno: the level says 3 on hand, and its movements add up to 4."
