"""What orders hold and a count did not find is promised to them, and comes free for nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, text

from orders import counting, inventory, stock_by_hand, stock_check
from orders.allocation import Pick
from orders.inventory import Holding
from orders.stock_by_hand import Said
from records.counts import Count
from records.orders import OrderLine
from records.shipments import Shipment
from tests.shop import open_shop

LEDGER = """
SELECT level.variant_id FROM stock_levels level LEFT JOIN (
    SELECT variant_id, location_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
    FROM movements GROUP BY variant_id, location_id) told USING (variant_id, location_id)
WHERE (level.on_hand, level.reserved) <> (coalesce(told.on_hand, 0), coalesce(told.reserved, 0))
"""
BY_ANN = "person:Ann"


@pytest.fixture
def shop(engine):
    return open_shop(engine)


@pytest.fixture
def reno(shop):
    return shop.location()


@pytest.fixture
def bag(shop, reno):
    return shop.variant(stock={reno: 5})


def hold(shop, bag, reno, units):
    """An order that holds so many bags; answers it and its shipment."""
    order = shop.order((bag, units))
    with shop.transaction() as session:
        line = session.scalars(select(OrderLine.id).where(OrderLine.order_id == order)).one()
        shipment = session.execute(
            insert(Shipment).values(tenant_id=shop.tenant, order_id=order, location_id=reno).returning(Shipment.id)
        ).scalar_one()
        pick = Pick(line=line, variant=bag, location=reno, units=units)
        inventory.reserve(session, shop.tenant, order, [Holding(pick=pick, shipment=shipment)], actor="test")
    return order, shipment


def counted(shop, bag, reno, units):
    """As the store says."""
    with shop.transaction() as session:
        inventory.count(session, shop.tenant, {(bag, reno): units}, actor="shopify")


def free(shop, bag, reno):
    with shop.transaction() as session:
        return inventory.available(session, shop.tenant, [bag], [reno])[bag, reno]


def level(shop):
    """On hand, reserved, and missing of them; the movements add up to it."""
    assert shop.rows(LEDGER) == []
    (row,) = shop.rows("SELECT on_hand, reserved, missing FROM stock_levels")
    return row


@pytest.mark.parametrize(("found", "freed"), [(0, 0), (2, 2), (4, 4), (5, 5), (7, 5)])
def test_what_an_order_lets_go_is_free_only_as_far_as_it_was_found(shop, bag, reno, found, freed):
    order, _ = hold(shop, bag, reno, 5)
    counted(shop, bag, reno, found)
    assert level(shop) == (max(found, 5), 5, max(5 - found, 0))

    with shop.transaction() as session:
        assert inventory.release(session, shop.tenant, order, actor="test") == freed

    assert level(shop) == (found, 0, 0)
    assert free(shop, bag, reno) == found


def test_of_two_orders_the_first_that_lets_go_gives_up_what_was_not_found(shop, bag, reno):
    first, _ = hold(shop, bag, reno, 3)
    second, _ = hold(shop, bag, reno, 2)
    counted(shop, bag, reno, 1)
    assert level(shop) == (5, 5, 4)

    with shop.transaction() as session:
        assert inventory.release(session, shop.tenant, first, actor="test") == 0
    assert level(shop) == (2, 2, 1)
    with shop.transaction() as session:
        assert inventory.release(session, shop.tenant, second, actor="test") == 1
    assert level(shop) == (1, 0, 0)


def test_what_leaves_all_the_same_was_there(shop, bag, reno):
    order, shipment = hold(shop, bag, reno, 3)
    other, _ = hold(shop, bag, reno, 2)
    counted(shop, bag, reno, 3)
    with shop.transaction() as session:
        assert inventory.consume(session, shop.tenant, order, shipment, actor="test") == 3

    assert level(shop) == (2, 2, 2)
    with shop.transaction() as session:
        assert inventory.release(session, shop.tenant, other, actor="test") == 0
    assert level(shop) == (0, 0, 0)


def test_what_is_put_back_is_first_for_those_who_hold_what_was_not_found(shop, bag, reno):
    order, shipment = hold(shop, bag, reno, 3)
    hold(shop, bag, reno, 2)
    with shop.transaction() as session:
        inventory.consume(session, shop.tenant, order, shipment, actor="test")
    counted(shop, bag, reno, 0)
    assert level(shop) == (2, 2, 2)

    with shop.transaction() as session:
        assert inventory.put_back(session, shop.tenant, order, shipment, actor="test") == 1

    assert (level(shop), free(shop, bag, reno)) == ((3, 2, 0), 1)


@pytest.mark.parametrize(("units", "stands", "is_free"), [(2, (5, 5, 3), 0), (5, (5, 5, 0), 0), (6, (6, 5, 0), 1)])
def test_what_comes_in_is_first_for_those_who_hold_what_was_not_found(shop, bag, reno, units, stands, is_free):
    hold(shop, bag, reno, 5)
    counted(shop, bag, reno, 0)

    with shop.transaction() as session:
        stock_by_hand.receive(session, shop.tenant, (bag, reno), units, Said(cause="received", actor=BY_ANN))

    assert (level(shop), free(shop, bag, reno)) == (stands, is_free)


def test_a_person_who_counts_them_has_found_them(shop, bag, reno):
    order, _ = hold(shop, bag, reno, 5)
    counted(shop, bag, reno, 0)

    with shop.transaction() as session:
        said = Said(cause="counted", actor=BY_ANN)
        stock_by_hand.count(session, shop.tenant, (bag, reno), 5, said, reason="They were in the other box.")
    assert level(shop) == (5, 5, 0)
    with shop.transaction() as session:
        assert inventory.release(session, shop.tenant, order, actor="test") == 5


def test_why_they_are_gone_stands_in_the_movements(shop, bag, reno):
    order, _ = hold(shop, bag, reno, 5)
    counted(shop, bag, reno, 1)
    with shop.transaction() as session:
        inventory.release(session, shop.tenant, order, actor="test")
        rows = session.execute(
            text(
                "SELECT cause, on_hand_change, reserved_change, order_id, reason FROM movements ORDER BY id DESC LIMIT 2"
            )
        ).all()
    assert sorted(rows) == [
        ("counted", -4, 0, order, "They were promised, and a count had not found them."),
        ("released", 0, -5, order, ""),
    ]


def test_who_scans_all_of_them_has_found_them_though_the_number_stays(shop, bag, reno):
    hold(shop, bag, reno, 5)
    counted(shop, bag, reno, 3)

    with shop.transaction() as session:
        count = session.get_one(Count, (shop.tenant, counting.by_scan(session, shop.tenant, reno, actor=BY_ANN)))
        for _ in range(5):
            counting.scan(session, shop.tenant, count, bag)
        counting.look_through(session, shop.tenant, count.id)
        written = counting.apply(session, shop.tenant, count.id, actor=BY_ANN, now=datetime.now(UTC))

    assert (level(shop), written.frees, list(written.movements)) == ((5, 5, 0), False, [(bag, reno)])
    (last,) = shop.rows("SELECT cause, on_hand_change, actor FROM movements ORDER BY id DESC LIMIT 1")
    assert last == ("counted", 0, BY_ANN)


def test_a_count_of_what_the_level_says_where_nothing_is_missing_is_no_movement(shop, bag, reno):
    with shop.transaction() as session:
        said = Said(cause="counted", actor=BY_ANN)
        written = stock_by_hand.count(session, shop.tenant, (bag, reno), 5, said, reason="")
    assert (written.movements, level(shop)) == ({}, (5, 0, 0))


@pytest.mark.parametrize(("found", "lacking"), [(5, 3), (4, 4)])
def test_what_a_repair_leaves_on_hand_for_orders_alone_comes_free_for_nobody(shop, bag, reno, found, lacking):
    order, _ = hold(shop, bag, reno, 5)
    counted(shop, bag, reno, found)
    shop.run("UPDATE movements SET on_hand_change = on_hand_change - 3 WHERE on_hand_change > 0")

    with shop.transaction() as session:
        assert "Count this level" in stock_check.put_right(session, shop.tenant, bag, reno, actor="packline")
    assert level(shop) == (5, 5, lacking)
    with shop.transaction() as session:
        assert inventory.release(session, shop.tenant, order, actor="test") == 5 - lacking
    assert level(shop) == (5 - lacking, 0, 0)
