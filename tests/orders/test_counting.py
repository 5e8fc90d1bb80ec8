"""Counts: nothing is touched until somebody has looked through them, and then only what they saw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from test_inventory import LEDGER, hold

from orders import count_sheet, counting, inventory, matching_counts
from records.counts import Count
from tests.shop import NEWARK, open_shop

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LEVELS = "SELECT on_hand, reserved FROM stock_levels ORDER BY variant_id, location_id"
LINES = "SELECT place, units, seen, problem FROM count_lines ORDER BY id"


@pytest.fixture
def reno(shop):
    return shop.location()


def upload(shop, text):
    with shop.transaction() as session:
        return counting.from_sheet(
            session, shop.tenant, count_sheet.read(text.encode()), name="count.csv", actor="person:Olga"
        )


def apply(shop, count):
    with shop.transaction() as session:
        return counting.apply(session, shop.tenant, count, actor="person:Olga", now=NOW)


def scan(shop, count, *variants):
    for variant in variants:
        with shop.transaction() as session:
            counting.scan(session, shop.tenant, session.get_one(Count, (shop.tenant, count)), variant)


def test_a_sheet_sets_what_it_says_and_only_once(shop, reno):
    bag = shop.variant("BAG", stock={reno: 5})
    shop.variant("HAT", stock={reno: 7})
    count = upload(shop, "sku,location,counted,reason\nBAG,reno,3,two broken\nHAT,Reno,7,\n")
    assert shop.rows(LEVELS) == [(5, 0), (7, 0)]

    written = apply(shop, count)

    assert list(written.movements) == [(bag, reno)]
    assert shop.rows(LEVELS) == [(3, 0), (7, 0)]
    assert shop.rows("SELECT cause, on_hand_change, reason, reference, actor FROM movements WHERE actor <> 'test'") == [
        ("counted", -2, "two broken", f"count/{count}", "person:Olga")
    ]
    assert apply(shop, count) is None
    assert shop.rows(LEDGER) == []


def test_rows_that_mean_nothing_are_named_by_their_line_and_the_others_are_set(shop, reno):
    shop.variant("BAG", stock={reno: 5})
    shop.variant("TWIN")
    shop.variant("TWIN")
    shop.variant("LOOSE", tracked=False)
    shop.location(NEWARK)
    shop.location(NEWARK)
    count = upload(
        shop,
        "sku,location,counted\nBAG,Reno,3\nBAG,Reno,4\nCAP,Reno,1\nBAG,Paris,1\nTWIN,Reno,1\nLOOSE,Reno,1\nBAG,Newark,1\n"
        "BAG,Reno,x",
    )

    told = {row[0]: row[3] for row in shop.rows(LINES) if row[3]}
    assert {line: words.partition(".")[0] for line, words in told.items()} == {
        3: "Line 2 names the same SKU and location",
        4: "There is no SKU “CAP”",
        5: "There is no location “Paris”",
        6: "2 products have the SKU “TWIN”",
        7: "The store does not count “LOOSE”",
        8: "2 locations are called “Newark”",
        9: "“x” is no number of units",
    }
    assert len(apply(shop, count).movements) == 1
    assert shop.rows(LEVELS) == [(3, 0)]


def test_a_level_that_changed_since_is_named_and_left(shop, reno):
    bag, hat = shop.variant("BAG", stock={reno: 5}), shop.variant("HAT", stock={reno: 7})
    count = upload(shop, "sku,location,counted\nBAG,Reno,3\nHAT,Reno,8\n")
    with shop.transaction() as session:
        inventory.count(session, shop.tenant, {(bag, reno): 4}, actor="store")

    assert list(apply(shop, count).movements) == [(hat, reno)]

    assert shop.rows(LEVELS) == [(4, 0), (8, 0)]
    (line,) = shop.rows("SELECT problem, movement_id FROM count_lines WHERE problem <> ''")
    assert line[0].startswith("Left as it is: 5 were on hand when it was counted, and 4 are now")
    assert line[1] is None


def test_a_sheet_that_says_what_was_there_is_held_against_that(shop, reno):
    shop.variant("BAG", stock={reno: 5})
    shop.variant("HAT", stock={reno: 7})
    count = upload(shop, "sku,location,on_hand,counted\nBAG,Reno,6,3\nHAT,Reno,9,9\n")

    assert apply(shop, count).movements == {}
    assert shop.rows(LEVELS) == [(5, 0), (7, 0)]  # the second was not counted: it says what it said before
    assert [bool(row[3]) for row in shop.rows(LINES)] == [True, False]


def test_less_than_is_promised_is_left_and_says_so(shop, reno):
    bag = shop.variant("BAG", stock={reno: 5})
    hold(shop, (bag, reno, 4))
    count = upload(shop, "sku,location,counted\nBAG,Reno,3\n")

    assert apply(shop, count).movements == {}
    assert "3 were counted, and 4 are promised to orders" in shop.one("SELECT problem FROM count_lines")
    assert shop.rows(LEVELS) == [(5, 4)]


def test_a_level_that_never_was_is_begun_by_its_count(shop, reno):
    shop.variant("BAG")
    apply(shop, upload(shop, "sku,location,counted\nBAG,Reno,3\n"))

    assert shop.rows(LEVELS) == [(3, 0)]


def test_each_scan_adds_one_and_the_last_stands_first(shop, reno):
    bag, hat = shop.variant("BAG", stock={reno: 5}), shop.variant("HAT")
    with shop.transaction() as session:
        count = counting.by_scan(session, shop.tenant, reno, actor="person:Olga")
    scan(shop, count, bag, bag, hat, bag)

    assert shop.rows("SELECT variant_id, units, seen FROM count_lines ORDER BY place DESC") == [
        (bag, 3, 5),
        (hat, 1, 0),
    ]
    with shop.transaction() as session:
        assert counting.apply(session, shop.tenant, count, actor="x", now=NOW) is None  # nobody has looked through it
        assert counting.set_units(
            session, shop.tenant, count, shop.one("SELECT id FROM count_lines WHERE units = 1"), 6
        )
        assert counting.look_through(session, shop.tenant, count)
    assert len(apply(shop, count).movements) == 2
    assert shop.rows(LEVELS) == [(3, 0), (6, 0)]


def test_what_left_while_it_was_scanned_is_left_for_another_count(shop, reno):
    bag = shop.variant("BAG", stock={reno: 5})
    order, shipment = hold(shop, (bag, reno, 1))
    with shop.transaction() as session:
        count = counting.by_scan(session, shop.tenant, reno, actor="person:Olga")
    scan(shop, count, bag, bag, bag)
    with shop.transaction() as session:
        inventory.consume(session, shop.tenant, order, shipment, actor="test")
        counting.look_through(session, shop.tenant, count)

    assert apply(shop, count).movements == {}
    assert shop.rows(LEVELS) == [(4, 0)]


def test_a_code_means_one_variant_or_says_why_none(shop):
    bag = shop.variant("BAG")
    open_shop(shop.engine, name="Other").variant("THEIRS")
    with shop.transaction() as session:
        assert matching_counts.scanned(session, shop.tenant, "BAG").id == bag
        assert "There is no SKU" in matching_counts.scanned(session, shop.tenant, "THEIRS")


def test_lines_of_old_counts_go_and_what_was_left_open_is_given_up(shop, reno):
    shop.variant("BAG", stock={reno: 5})
    count = upload(shop, "sku,location,counted\nBAG,Reno,3\n")
    with shop.transaction() as session:
        assert counting.drop_old(session, shop.tenant, before=datetime.now(UTC) - timedelta(days=1)) == 0
        assert counting.drop_old(session, shop.tenant, before=datetime.now(UTC) + timedelta(days=1)) == 1

    assert shop.state("counts", count) == "discarded"
    assert shop.rows("SELECT id FROM count_lines") == []
    assert shop.rows(LEVELS) == [(5, 0)]
