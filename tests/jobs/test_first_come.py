"""Units that come go to whoever has waited longest, whoever looks first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import claims, intake, reserve_stock
from jobs.outcomes import Done, Snoozed
from jobs.work import Work
from orders import first_come, inventory
from records import database
from tests.orders.test_hot_stock import want
from tests.shop import NEWARK, RENO


@pytest.fixture
def reno(shop):
    return shop.location(RENO)


def look(shop, order):
    """Run the order's job once, as a worker does."""
    services = shop.services()
    claim = claims.claim_next(services.engine, shop.tenant, f"order/{order}", worker="test", lease_s=60)
    outcome = reserve_stock.run(Work(services=services, claim=claim))
    waits = outcome.wait_s if isinstance(outcome, Snoozed) else None
    with database.transaction(services.engine, shop.tenant) as session:
        claims.conclude(session, claim, state="done" if waits is None else "due", wait_s=waits, fresh=waits is not None)
    return outcome


def turn_comes(shop):
    """The seconds pass that somebody was told to wait."""
    shop.run("UPDATE jobs SET due_at = now() WHERE state = 'due'")


def land(shop, levels):
    """Units are counted in, and the orders that wait are told."""
    with shop.transaction() as session:
        inventory.count(session, shop.tenant, levels, actor="person:Ann")
        intake.fill_backorders(session, shop.tenant)


def held_by(shop):
    return dict(shop.rows("SELECT order_id, sum(units) FROM reservations WHERE state = 'held' GROUP BY order_id"))


def test_a_new_order_and_a_younger_one_wait_while_an_older_one_has_not_looked(shop, reno):
    bag = shop.variant(stock={reno: 0})
    older, younger = want(shop, 2, [(bag, 3)])
    assert [type(look(shop, order)) for order in (older, younger)] == [Done, Done]
    land(shop, {(bag, reno): 4})
    (new,) = want(shop, 1, [(bag, 1)])

    assert [type(look(shop, order)) for order in (new, younger)] == [Snoozed, Snoozed]
    assert held_by(shop) == {}
    look(shop, older)
    turn_comes(shop)
    assert [type(look(shop, order)) for order in (new, younger)] == [Snoozed, Done]
    turn_comes(shop)
    look(shop, new)

    assert held_by(shop) == {older: 3, younger: 1}
    assert shop.rows("SELECT order_id FROM holds WHERE state = 'open' ORDER BY id") == [(younger,), (new,)]


def test_a_new_order_takes_nothing_of_what_an_older_one_is_about_to_take(shop, reno):
    bag = shop.variant(stock={reno: 0})
    (older,) = want(shop, 1, [(bag, 3)])
    look(shop, older)
    land(shop, {(bag, reno): 3})
    (new,) = want(shop, 1, [(bag, 1)])

    waits = look(shop, new)

    assert (type(waits), waits.wait_s) == (Snoozed, 2.0)
    # Nobody has said yet that it is short.
    assert shop.one("SELECT count(*) FROM holds WHERE order_id = :new", new=new) == 0
    look(shop, older)
    turn_comes(shop)
    look(shop, new)
    assert held_by(shop) == {older: 3}
    assert shop.rows("SELECT reason FROM holds WHERE order_id = :new", new=new) == [("Out of stock: 1 × BAG.",)]


def test_an_order_that_looked_and_wants_more_than_there_is_stands_in_nobody_s_way(shop, reno):
    shop.run('UPDATE tenants SET rules = rules || \'{"when_short": "wait_for_all"}\'')
    bag = shop.variant(stock={reno: 0})
    (greedy,) = want(shop, 1, [(bag, 10)])
    look(shop, greedy)
    land(shop, {(bag, reno): 5})
    look(shop, greedy)
    (new,) = want(shop, 1, [(bag, 5)])

    assert isinstance(look(shop, new), Done)

    assert held_by(shop) == {new: 5}


def test_an_order_that_is_not_split_further_is_no_younger_for_that(shop, reno):
    newark = shop.location(NEWARK)
    shop.run("""UPDATE tenants SET rules = rules || '{"routing": {"most_shipments": 1}}'""")
    bag = shop.variant(stock={reno: 2, newark: 1})
    older, younger = want(shop, 2, [(bag, 3)])
    assert [type(look(shop, order)) for order in (older, younger)] == [Done, Done]
    assert held_by(shop) == {older: 2, younger: 1}
    assert shop.rows("SELECT order_id, kind FROM holds ORDER BY id") == [(older, "not_split"), (younger, "stock")]
    land(shop, {(bag, reno): 3})

    assert isinstance(look(shop, younger), Snoozed)
    look(shop, older)

    assert held_by(shop) == {older: 3, younger: 1}


def test_the_parts_of_a_bundle_are_wanted_too(shop, reno):
    bag, mug = shop.variant("BAG", stock={reno: 0}), shop.variant("MUG", stock={reno: 9})
    picnic = shop.variant("PICNIC", tracked=False)
    shop.run(
        "INSERT INTO bundle_parts (tenant_id, bundle_id, part_id, units) VALUES (:t, :b, :bag, 2), (:t, :b, :mug, 1)",
        t=shop.tenant, b=picnic, bag=bag, mug=mug,
    )  # fmt: skip
    (older,) = want(shop, 1, [(picnic, 2)])
    shop.run("UPDATE order_lines SET variant_remote_id = (SELECT remote_id FROM variants WHERE id = :b)", b=picnic)
    look(shop, older)
    land(shop, {(bag, reno): 4})
    (new,) = want(shop, 1, [(bag, 1)])

    assert isinstance(look(shop, new), Snoozed)

    look(shop, older)
    assert shop.one("SELECT reserved FROM stock_levels WHERE variant_id = :bag", bag=bag) == 4


@given(
    wanted=st.dictionaries(st.integers(1, 3), st.integers(1, 20)),
    free=st.dictionaries(st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(-3, 20)),
)
def test_what_is_spoken_for_is_there_and_is_wanted(wanted, free):
    taken = first_come.spread(wanted, free)

    assert all(0 < units <= free[level] for level, units in taken.items())
    for variant, units in wanted.items():
        there = sum(max(0, many) for (what, _), many in free.items() if what == variant)
        assert sum(many for (what, _), many in taken.items() if what == variant) == min(units, there)
    assert {variant for variant, _ in taken} <= set(wanted)


def to_be_picked_up(shop, orders, place):
    part = f'{{"parts": [{{"way": "collected", "location": {place}, "units": 1}}]}}'
    shop.run(
        "UPDATE order_lines SET by_hand = cast(:part AS jsonb) WHERE order_id = ANY(:orders)", part=part, orders=orders
    )


def test_what_lands_where_a_buyer_comes_for_it_is_theirs_however_much_lies_elsewhere(shop, reno):
    newark = shop.location(NEWARK)
    bag = shop.variant(stock={reno: 0, newark: 50})
    orders = older, younger = want(shop, 2, [(bag, 1)])
    to_be_picked_up(shop, orders, reno)
    for order in orders:
        look(shop, order)
    land(shop, {(bag, reno): 1})

    assert isinstance(look(shop, younger), Snoozed)
    assert held_by(shop) == {}
    look(shop, older)

    assert shop.rows("SELECT order_id, location_id FROM reservations") == [(older, reno)]


def test_nobody_waits_for_units_that_an_older_order_cannot_have_where_they_lie(shop, reno):
    newark = shop.location(NEWARK)
    bag = shop.variant(stock={reno: 0, newark: 0})
    (older,) = want(shop, 1, [(bag, 1)])
    to_be_picked_up(shop, [older], reno)
    look(shop, older)
    land(shop, {(bag, newark): 1})
    (new,) = want(shop, 1, [(bag, 1)])

    assert isinstance(look(shop, new), Done)

    assert held_by(shop) == {new: 1}


RENO_S, NEWARK_S = (1, 1), (1, 2)


@pytest.mark.parametrize(
    ("wanted", "free", "there", "taken"),
    [
        ({1: 1}, {RENO_S: 1, NEWARK_S: 50}, {RENO_S: 1}, {RENO_S: 1}),
        ({1: 3}, {RENO_S: 1, NEWARK_S: 50}, {RENO_S: 2}, {RENO_S: 1, NEWARK_S: 1}),
        ({1: 2}, {NEWARK_S: 5}, {RENO_S: 2}, {}),
        ({1: 4}, {RENO_S: 9, NEWARK_S: 1}, {RENO_S: 2}, {RENO_S: 4}),
    ],
)
def test_what_is_picked_up_is_taken_where_it_is_and_the_rest_from_the_fullest_shelf(wanted, free, there, taken):
    assert first_come.spread(wanted, free, there) == taken
