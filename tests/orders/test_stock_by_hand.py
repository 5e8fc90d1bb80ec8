"""Stock changed by hand: each change explained, nothing taken that is promised, nothing half done."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from test_inventory import LEDGER, hold

from orders import stock_by_hand
from orders.stock_by_hand import Change, Refused, Said, Standing, Written, why_not
from tests.shop import NEWARK
from tests.test_architecture import OURS, ROOT

LEVELS = "SELECT on_hand, reserved, damaged, safety FROM stock_levels ORDER BY variant_id, location_id"
TOLD = """
SELECT cause, on_hand_change, damaged_change, safety_change, reason, reference, actor
FROM movements WHERE actor <> 'test' ORDER BY id
"""
SUMS = """
SELECT sum(on_hand_change), sum(reserved_change), sum(damaged_change), sum(safety_change) FROM movements
GROUP BY variant_id, location_id ORDER BY variant_id, location_id
"""


@pytest.fixture
def reno(shop):
    return shop.location()


def by_hand(shop, verb, *words, cause="adjusted", reference="", **more):
    said = Said(cause=cause, actor="person:Olga", reference=reference)
    with shop.transaction() as session:
        return getattr(stock_by_hand, verb)(session, shop.tenant, *words, said, **more)


def test_an_adjustment_is_written_with_its_reason_and_who_made_it(shop, reno):
    bag = shop.variant(stock={reno: 10})

    found = by_hand(shop, "adjust", (bag, reno), -3, reason="fell off the shelf", reference="RMA 7")

    assert isinstance(found, Written)
    assert (list(found.movements), found.frees) == ([(bag, reno)], False)
    assert shop.rows(LEVELS) == [(7, 0, 0, 0)]
    assert shop.rows(TOLD) == [("adjusted", -3, 0, 0, "fell off the shelf", "RMA 7", "person:Olga")]
    assert shop.rows(SUMS) == shop.rows(LEVELS)


def test_units_can_be_put_where_nothing_was_ever_counted(shop, reno):
    bag = shop.variant()

    assert by_hand(shop, "adjust", (bag, reno), 4, reason="found").frees

    assert shop.rows(LEVELS) == [(4, 0, 0, 0)]


def test_what_is_promised_stays_and_whoever_would_take_it_is_told_whose_it_is(shop, reno):
    bag = shop.variant(stock={reno: 5})
    first, _ = hold(shop, (bag, reno, 2))
    second, _ = hold(shop, (bag, reno, 1))
    before = shop.rows(TOLD)

    found = by_hand(shop, "adjust", (bag, reno), -3, reason="broken")

    assert isinstance(found, Refused)
    assert [(one.order, one.units) for one in found.promised] == [(first, 2), (second, 1)]
    assert found.reason.startswith("Of 5 on hand, 3 are promised to #1001 (2), #1002 (1). Nothing was changed")
    assert "Cancel or change those orders" in found.reason
    assert shop.rows(LEVELS) == [(5, 3, 0, 0)]
    assert shop.rows(TOLD) == before == []
    assert isinstance(by_hand(shop, "adjust", (bag, reno), -2, reason="broken"), Written)


def test_a_count_below_what_is_promised_is_refused_and_one_above_is_taken(shop, reno):
    bag = shop.variant(stock={reno: 5})
    hold(shop, (bag, reno, 3))

    assert isinstance(by_hand(shop, "count", (bag, reno), 2, cause="counted", reason=""), Refused)
    assert shop.rows(LEVELS) == [(5, 3, 0, 0)]
    assert by_hand(shop, "count", (bag, reno), 4, cause="counted", reason="", reference="count/1").frees is False
    assert shop.rows(LEVELS) == [(4, 3, 0, 0)]
    assert shop.rows(TOLD) == [("counted", -1, 0, 0, "", "count/1", "person:Olga")]


def test_a_count_of_what_is_there_writes_nothing(shop, reno):
    bag = shop.variant(stock={reno: 5})

    assert by_hand(shop, "count", (bag, reno), 5, cause="counted", reason="") == Written()
    assert shop.rows(TOLD) == []


def test_damaged_units_are_not_for_sale_and_thrown_away_they_are_gone(shop, reno):
    bag = shop.variant(stock={reno: 5})
    hold(shop, (bag, reno, 3))

    assert isinstance(
        by_hand(shop, "set_aside", (bag, reno), cause="set_aside", reason="wet", damaged=3), Refused
    )  # two of them are promised
    assert isinstance(by_hand(shop, "set_aside", (bag, reno), cause="set_aside", reason="wet", damaged=2), Written)
    assert shop.rows(LEVELS) == [(5, 3, 2, 0)]
    assert isinstance(by_hand(shop, "adjust", (bag, reno), -3, reason="thrown away", of_damaged=True), Refused)
    assert isinstance(by_hand(shop, "adjust", (bag, reno), -2, reason="thrown away", of_damaged=True), Written)
    assert shop.rows(LEVELS) == [(3, 3, 0, 0)]
    assert [row[:4] for row in shop.rows(TOLD)] == [("set_aside", 0, 2, 0), ("adjusted", -2, -2, 0)]
    assert shop.rows(SUMS) == shop.rows(LEVELS)


def test_safety_stock_is_set_to_a_number_and_less_of_it_frees_units(shop, reno):
    bag = shop.variant(stock={reno: 5})

    assert by_hand(shop, "set_aside", (bag, reno), cause="set_aside", reason="", safety=4).frees is False
    assert by_hand(shop, "set_aside", (bag, reno), cause="set_aside", reason="", safety=1).frees is True
    assert shop.rows(LEVELS) == [(5, 0, 0, 1)]
    assert [row[3] for row in shop.rows(TOLD)] == [4, -3]


def test_units_that_are_moved_leave_one_place_and_come_to_the_other_under_one_reference(shop, reno):
    newark = shop.location(NEWARK)
    bag = shop.variant(stock={reno: 5})
    hold(shop, (bag, reno, 2))

    assert isinstance(by_hand(shop, "move", bag, reno, newark, 4, cause="moved", reason="", reference="m"), Refused)
    assert by_hand(shop, "move", bag, reno, newark, 3, cause="moved", reason="sale", reference="move/1").frees
    assert shop.rows(LEVELS) == [(2, 2, 0, 0), (3, 0, 0, 0)]
    assert [(row[1], row[5]) for row in shop.rows(TOLD)] == [(-3, "move/1"), (3, "move/1")]
    assert shop.rows(LEDGER) == []


def test_two_who_move_to_and_fro_at_once_never_wait_for_each_other_in_a_ring(shop, reno):
    newark = shop.location(NEWARK)
    bag = shop.variant(stock={reno: 500, newark: 500})
    ready = Barrier(2)

    def moves(origin, to):
        ready.wait()
        for _ in range(40):
            assert isinstance(by_hand(shop, "move", bag, origin, to, 1, cause="moved", reason=""), Written)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(moves, reno, newark), pool.submit(moves, newark, reno)]:
            done.result(60)

    assert shop.rows(LEVELS) == [(500, 0, 0, 0), (500, 0, 0, 0)]
    assert shop.rows(LEDGER) == []


def test_an_adjustment_and_a_sale_at_once_never_take_the_same_units(shop, reno):
    bag = shop.variant(stock={reno: 20})
    ready = Barrier(2)

    def sells():
        ready.wait()
        for _ in range(15):
            hold(shop, (bag, reno, 1))

    def takes():
        ready.wait()
        return [by_hand(shop, "adjust", (bag, reno), -1, reason="x") for _ in range(5)]

    with ThreadPoolExecutor(2) as pool:
        sold, taken = pool.submit(sells), pool.submit(takes)
        sold.result(60)
        assert all(isinstance(one, Written) for one in taken.result(60))

    assert shop.rows(LEVELS) == [(15, 15, 0, 0)]
    assert isinstance(by_hand(shop, "adjust", (bag, reno), -1, reason="x"), Refused)
    assert shop.rows(LEDGER) == []


@pytest.mark.parametrize(
    ("now", "change", "wrong"),
    [
        (Standing(on_hand=5), {"on_hand": -5}, ""),
        (Standing(on_hand=5), {"on_hand": -6}, "gone"),
        (Standing(on_hand=5, reserved=5), {"on_hand": -1}, "promised"),
        (Standing(on_hand=5, reserved=4), {"damaged": 2}, "promised"),
        (Standing(on_hand=5, damaged=2), {"on_hand": -4}, "gone"),
        (Standing(on_hand=5, damaged=2), {"damaged": -3}, "damaged"),
        (Standing(on_hand=5, damaged=2), {"damaged": 4}, "gone"),
        (Standing(on_hand=5, reserved=4, damaged=3), {"on_hand": 1}, ""),  # not well yet, and better than before
        (Standing(on_hand=5, reserved=4, damaged=3), {"damaged": -1}, ""),
        (Standing(on_hand=5, reserved=5), {"safety": 9}, ""),
        (Standing(), {"on_hand": 1_000_000_001}, "too_many"),
    ],
)
def test_what_may_become_of_a_level(now, change, wrong):
    assert why_not(now, Change(level=(1, 1), **change)) == wrong


# Who writes stock levels and their movements, each with its reason.
WRITERS = {
    "orders/inventory.py": "for orders, and as the store counts",
    "orders/taking_counts.py": "as the store counts, with what came back from buyers",
    "orders/reserving.py": "for orders that begin to hold units",
    "orders/stock_by_hand.py": "as a person says",
    "orders/store_counts.py": "as the store counts what is damaged or kept back there",
    "orders/stock_check.py": "as the ledger says, where a level has drifted from it",
}
_WRITES = re.compile(
    r"(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(stock_levels|movements)\b|\b(insert|update|delete)\((StockLevel|Movement)\b"
    r"|(?<!class )\b(StockLevel|Movement)\(|\.(on_hand|reserved|damaged|safety)\s*[-+]?=[^=]"
)


def test_only_six_files_write_stock_levels_and_their_movements():
    found = {path for path in OURS if _WRITES.search((ROOT / path).read_text())}

    assert found == set(WRITERS)


@pytest.mark.parametrize(
    "written",
    ["UPDATE stock_levels SET", "insert(Movement)", "DELETE FROM movements", "level.on_hand = 4", "level.safety += 1",
     "StockLevel(tenant_id=1)"],
)  # fmt: skip
def test_what_a_write_looks_like_is_known(written):
    assert _WRITES.search(written)
