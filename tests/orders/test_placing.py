"""An order, and newer versions of it, become records."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from threading import Barrier

import pytest
from sqlalchemy import text

from integrations.nouns import PaymentStanding
from orders import placing
from tests.shop import ADA, NOON, snapshot

LATER, LATEST = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)


def take(shop, version, **more):
    with shop.transaction() as session:
        return placing.take(session, shop.tenant, shop.connection, version, said_by="shopify", **more)


def lines(shop):
    return shop.rows("SELECT remote_id, units FROM order_lines ORDER BY remote_id")


def told(taken):
    return {name for name in ("is_new", "newer", "differs", "standing_changed", "contradicts") if getattr(taken, name)}


def test_a_new_order_is_recorded_with_its_lines_and_its_story(shop):
    taken = take(shop, snapshot(lines=[("l1", 2), ("l2", 1)], email="ada@example.com"))

    assert told(taken) == {"is_new", "newer", "differs", "standing_changed"}
    assert shop.rows("SELECT name, state, total_minor, standing, email FROM orders") == [
        ("#1001", "received", 2400, "paid", "ada@example.com")
    ]
    assert lines(shop) == [("l1", 2), ("l2", 1)]
    assert shop.story(taken.order) == ["Order #1001 was placed: 3 units in 2 lines, 24.00 USD, paid."]


def test_the_same_version_again_changes_nothing(shop):
    first = take(shop, snapshot())

    assert told(take(shop, snapshot())) == set()
    assert len(shop.story(first.order)) == 1


def test_a_newer_version_is_taken(shop):
    take(shop, snapshot())
    taken = take(shop, snapshot(at=LATER, lines=[("l1", 5)], total=6000))

    assert told(taken) == {"newer", "differs"}
    assert lines(shop) == [("l1", 5)]
    assert shop.story(taken.order)[1:] == ["The order changed in the store: 5 units in 1 line, 60.00 USD, paid."]


def test_an_older_version_never_overwrites_a_newer_one(shop):
    take(shop, snapshot(at=LATER, lines=[("l1", 5)], total=6000, standing=PaymentStanding.REFUNDED))
    taken = take(shop, snapshot(lines=[("l9", 1)], ship_to=ADA.model_copy(update={"city": "Elsewhere"})))

    assert told(taken) == set()
    assert lines(shop) == [("l1", 5)]
    assert shop.one("SELECT total_minor, standing, ship_to->>'city', remote_updated_at FROM orders") == (
        6000, "refunded", "San Francisco", LATER,
    )  # fmt: skip


def test_every_order_of_three_versions_ends_with_the_newest(shop):
    versions = [
        snapshot(),
        snapshot(at=LATER, lines=[("l1", 1), ("l2", 1)]),
        snapshot(at=LATEST, lines=[("l2", 4)], total=4800),
    ]

    for number, order in enumerate(permutations(versions)):
        remote_id = f"shop/Order/{number}"
        for version in order:
            take(shop, version.model_copy(update={"remote_id": remote_id}))
        kept = shop.rows(
            "SELECT line.remote_id, line.units FROM order_lines line JOIN orders o ON o.id = line.order_id "
            "WHERE o.remote_id = :id AND line.units > 0", id=remote_id,
        )  # fmt: skip
        assert kept == [("l2", 4)]
        assert shop.one("SELECT total_minor FROM orders WHERE remote_id = :id", id=remote_id) == 4800


@pytest.mark.parametrize(
    "other", [snapshot(total=2500), snapshot(lines=[("l1", 3)]), snapshot(standing=PaymentStanding.REFUNDED)]
)
def test_another_version_of_the_same_second_contradicts_and_is_not_believed(shop, other):
    take(shop, snapshot())

    assert told(take(shop, other)) == {"contradicts"}
    assert shop.one("SELECT total_minor, standing FROM orders") == (2400, "paid")
    assert lines(shop) == [("l1", 2)]


def test_what_was_cancelled_in_the_same_second_is_the_later_of_the_two(shop):
    take(shop, snapshot())
    cancelled = snapshot(lines=[("l1", 0)], total=0, standing=PaymentStanding.REFUNDED, cancelled_at=NOON)

    assert told(take(shop, cancelled)) == {"newer", "differs", "standing_changed"}
    assert told(take(shop, cancelled)) == set()
    assert told(take(shop, snapshot())) == {"contradicts"}
    assert shop.one("SELECT total_minor, standing, cancelled_at FROM orders") == (0, "refunded", NOON)
    assert lines(shop) == [("l1", 0)]


def test_the_store_s_own_answer_wins_a_tie(shop):
    take(shop, snapshot())

    assert told(take(shop, snapshot(lines=[("l1", 3)]), final=True)) == {"newer", "differs"}
    assert lines(shop) == [("l1", 3)]


def test_not_even_the_store_s_own_answer_wins_when_it_is_older(shop):
    take(shop, snapshot(at=LATER))

    assert told(take(shop, snapshot(lines=[("l1", 3)]), final=True)) == set()
    assert lines(shop) == [("l1", 2)]


def test_only_the_money_changed_is_told_as_such(shop):
    take(shop, snapshot(standing=PaymentStanding.UNPAID))

    taken = take(shop, snapshot(at=LATER))

    assert told(taken) == {"newer", "standing_changed"}
    assert shop.one("SELECT standing FROM orders") == "paid"


def test_paid_that_arrives_before_create_is_the_order(shop):
    paid = take(shop, snapshot(at=LATER))
    create = take(shop, snapshot(standing=PaymentStanding.UNPAID))

    assert (paid.is_new, create.is_new, create.newer) == (True, False, False)
    assert shop.rows("SELECT standing, state FROM orders") == [("paid", "received")]


def test_a_line_that_is_gone_stays_with_no_units(shop):
    take(shop, snapshot(lines=[("l1", 2), ("l2", 1)]))
    take(shop, snapshot(at=LATER, lines=[("l1", 2)]))

    assert lines(shop) == [("l1", 2), ("l2", 0)]


def test_an_order_may_lose_all_its_lines_and_find_one_again(shop):
    take(shop, snapshot())
    take(shop, snapshot(at=LATER, lines=[]))
    assert lines(shop) == [("l1", 0)]

    take(shop, snapshot(at=LATEST, lines=[("l1", 1)]))
    assert lines(shop) == [("l1", 1)]


def test_an_order_of_which_only_the_id_was_known_is_new_when_it_is_told(shop):
    with shop.transaction() as session:
        before = placing.placeholder(session, shop.tenant, shop.connection, "shop/Order/1").id
        assert placing.placeholder(session, shop.tenant, shop.connection, "shop/Order/1").id == before

    taken = take(shop, snapshot())

    assert taken.order == before
    assert told(taken) == {"is_new", "newer", "differs", "standing_changed"}
    assert shop.story(before) == ["Order #1001 was placed: 2 units in 1 line, 24.00 USD, paid."]


def test_a_cancellation_is_not_forgotten_when_an_older_word_arrives(shop):
    with shop.transaction() as session:
        placing.placeholder(session, shop.tenant, shop.connection, "shop/Order/1").cancelled_at = LATER

    take(shop, snapshot())

    assert shop.one("SELECT cancelled_at FROM orders") == LATER


def test_two_deliveries_of_one_new_order_at_once_make_one(shop):
    start = Barrier(4)

    def deliver(_):
        with shop.transaction() as session:
            session.execute(text("SELECT 1"))
            start.wait(10)
            return placing.take(session, shop.tenant, shop.connection, snapshot(), said_by="shopify")

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(deliver, range(4)))

    assert sorted(one.is_new for one in taken) == [False, False, False, True]
    assert len({one.order for one in taken}) == 1
    assert lines(shop) == [("l1", 2)]
    assert len(shop.story(taken[0].order)) == 1
