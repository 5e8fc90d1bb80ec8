"""What is on its way: received whole or in part, once each, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from orders import arrivals
from orders.stock_by_hand import Refused, Written

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ARRIVALS = "SELECT units, state, reference, due_on FROM arrivals ORDER BY id"
LEVELS = "SELECT on_hand FROM stock_levels"


@pytest.fixture
def expected(shop):
    bag, reno = shop.variant(), shop.location()
    with shop.transaction() as session:
        return arrivals.expect(
            session, shop.tenant, bag, reno, 10, due_on=date(2026, 12, 1), reference="PO-7", actor="person:Olga"
        )


def receive(shop, arrival, units, *, more_comes=True):
    with shop.transaction() as session:
        return arrivals.receive(
            session, shop.tenant, arrival, units, more_comes=more_comes, actor="person:Olga", now=NOW
        )


def test_what_is_expected_is_not_on_hand(shop, expected):
    assert shop.rows(ARRIVALS) == [(10, "expected", "PO-7", date(2026, 12, 1))]
    assert shop.rows(LEVELS) == []


def test_an_arrival_is_received_once(shop, expected):
    assert isinstance(receive(shop, expected, 10), Written)
    again = receive(shop, expected, 10)

    assert isinstance(again, Refused)
    assert "received already" in again.reason
    assert shop.rows(LEVELS) == [(10,)]
    assert shop.rows("SELECT cause, on_hand_change, reference FROM movements") == [
        ("received", 10, f"arrival/{expected}")
    ]
    assert shop.rows("SELECT units, state, ended_at FROM arrivals") == [(10, "received", NOW)]


def test_of_what_comes_in_parts_the_rest_stays_expected(shop, expected):
    receive(shop, expected, 4)

    assert shop.rows(LEVELS) == [(4,)]
    assert shop.rows(ARRIVALS) == [
        (4, "received", "PO-7", date(2026, 12, 1)),
        (6, "expected", "PO-7", date(2026, 12, 1)),
    ]
    receive(shop, shop.one("SELECT id FROM arrivals WHERE state = 'expected'"), 6)
    assert shop.rows(LEVELS) == [(10,)]
    assert shop.rows("SELECT sum(units) FROM arrivals WHERE state = 'received'") == [(10,)]


def test_what_does_not_come_any_more_is_cancelled_and_what_was_too_much_is_taken(shop, expected):
    receive(shop, expected, 4, more_comes=False)
    assert [row[:2] for row in shop.rows(ARRIVALS)] == [(4, "received"), (6, "cancelled")]

    with shop.transaction() as session:
        more = arrivals.expect(
            session, shop.tenant, shop.one("SELECT id FROM variants"), shop.one("SELECT id FROM locations"), 5,
            due_on=None, reference="", actor="person:Olga",
        )  # fmt: skip
    receive(shop, more, 7)
    assert shop.rows(LEVELS) == [(11,)]
    assert [row[:2] for row in shop.rows(ARRIVALS)] == [(4, "received"), (6, "cancelled"), (7, "received")]


def test_what_was_cancelled_is_not_received(shop, expected):
    with shop.transaction() as session:
        assert arrivals.cancel(session, shop.tenant, expected, now=NOW) is None
        assert arrivals.cancel(session, shop.tenant, expected, now=NOW) is not None
    assert isinstance(receive(shop, expected, 10), Refused)
    assert shop.rows(LEVELS) == []
