"""Stock levels, and the ledger that explains them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from orders import inventory
from orders.allocation import Pick
from orders.inventory import Contended, Holding
from records.reversals import Reversal, ReversalStep
from records.shipments import Shipment
from tests.shop import NEWARK, open_shop

LEVELS = "SELECT on_hand, reserved FROM stock_levels ORDER BY variant_id, location_id"
LEDGER = """
SELECT level.variant_id, level.location_id FROM stock_levels level
LEFT JOIN (SELECT tenant_id, variant_id, location_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
           FROM movements GROUP BY tenant_id, variant_id, location_id) told USING (tenant_id, variant_id, location_id)
WHERE (level.on_hand, level.reserved) IS DISTINCT FROM (coalesce(told.on_hand, 0), coalesce(told.reserved, 0))
"""


@pytest.fixture
def reno(shop):
    return shop.location()


def hold(shop, *wanted, order=None):
    """Reserve (variant, location, units) for a new order; answers the order and its shipment."""
    order = order or shop.order(*((variant, units) for variant, _, units in wanted))
    line_of = dict(shop.rows("SELECT variant_id, id FROM order_lines WHERE order_id = :o", o=order))
    with shop.transaction() as session:
        shipment = session.execute(
            insert(Shipment)
            .values(tenant_id=shop.tenant, order_id=order, location_id=wanted[0][1])
            .returning(Shipment.id)
        ).scalar_one()
        holdings = [
            Holding(pick=Pick(line=line_of[variant], variant=variant, location=at, units=units), shipment=shipment)
            for variant, at, units in wanted
        ]
        inventory.reserve(session, shop.tenant, order, holdings, actor="test")
    return order, shipment


def do(shop, verb, *words, **more):
    with shop.transaction() as session:
        return getattr(inventory, verb)(session, shop.tenant, *words, actor="test", **more)


def ledger_is_true(shop):
    return shop.rows(LEDGER) == []


def test_reserved_units_are_promised_and_stay_on_the_shelf(shop, reno):
    bag = shop.variant(stock={reno: 10})

    order, shipment = hold(shop, (bag, reno, 4))

    assert shop.rows(LEVELS) == [(10, 4)]
    assert shop.rows("SELECT order_id, units, state, shipment_id FROM reservations") == [(order, 4, "held", shipment)]
    with shop.transaction() as session:
        assert inventory.available(session, shop.tenant, [bag], [reno]) == {(bag, reno): 6}
    assert ledger_is_true(shop)


@pytest.mark.parametrize(("hats", "levels"), [({}, [(3, 0)]), ({1: 9}, [(3, 0), (9, 0)])])
def test_an_order_that_cannot_have_all_holds_nothing(shop, reno, hats, levels):
    bag, hat = shop.variant("BAG", stock={reno: 3}), shop.variant("HAT", stock=hats)

    with pytest.raises(Contended):
        hold(shop, (bag, reno, 4), (hat, reno, 1))

    assert shop.rows(LEVELS) == levels
    assert shop.rows("SELECT * FROM reservations") == []
    assert shop.rows("SELECT id FROM movements WHERE cause = 'reserved'") == []


def test_one_line_too_many_for_one_level_holds_nothing(shop, reno):
    bag = shop.variant(stock={reno: 3})

    with pytest.raises(Contended):
        hold(shop, (bag, reno, 4))

    assert shop.rows(LEVELS) == [(3, 0)]


def test_a_bundle_of_one_part_alone_takes_the_part_and_says_so(shop, reno):
    sock = shop.variant("SOCK", stock={reno: 7})
    order = shop.order((sock, 2))
    ((line,),) = shop.rows("SELECT id FROM order_lines")
    with shop.transaction() as session:
        shipment = session.execute(
            insert(Shipment).values(tenant_id=shop.tenant, order_id=order, location_id=reno).returning(Shipment.id)
        ).scalar_one()
        pick = Pick(line=line, variant=None, location=reno, units=2, parts=((sock, 3),))
        inventory.reserve(session, shop.tenant, order, [Holding(pick=pick, shipment=shipment)], actor="test")

    assert shop.rows(LEVELS) == [(7, 6)]
    assert shop.rows('SELECT line_id, units, "each", part FROM reservations') == [(line, 6, 3, True)]
    told = shop.rows("SELECT reserved_change, reference, order_id, actor FROM movements WHERE cause = 'reserved'")
    assert told == [(6, "bundle", order, "test")]


def test_two_picks_of_one_level_count_together(shop, reno):
    bag = shop.variant(stock={reno: 3})
    order = shop.order((bag, 2), (bag, 2))
    lines = [row[0] for row in shop.rows("SELECT id FROM order_lines")]
    with shop.transaction() as session:
        shipment = session.execute(
            insert(Shipment).values(tenant_id=shop.tenant, order_id=order, location_id=reno).returning(Shipment.id)
        ).scalar_one()

    def picks(units):
        return [
            Holding(pick=Pick(line=line, variant=bag, location=reno, units=units), shipment=shipment) for line in lines
        ]

    with pytest.raises(Contended), shop.transaction() as session:
        inventory.reserve(session, shop.tenant, order, picks(2), actor="test")
    with shop.transaction() as session:
        inventory.reserve(session, shop.tenant, order, picks(1), actor="test")

    assert shop.rows(LEVELS) == [(3, 2)]
    assert [row[0] for row in shop.rows("SELECT units FROM reservations")] == [1, 1]
    assert ledger_is_true(shop)


def test_uncounted_picks_touch_no_level(shop, reno):
    order = shop.order((None, 2))
    with shop.transaction() as session:
        pick = Pick(line=shop.one("SELECT id FROM order_lines"), variant=None, location=reno, units=2)
        inventory.reserve(session, shop.tenant, order, [Holding(pick=pick, shipment=1)], actor="test")

    assert shop.rows("SELECT * FROM reservations") == []
    assert shop.rows("SELECT * FROM movements") == []


def test_released_units_are_free_again_and_only_once(shop, reno):
    bag = shop.variant(stock={reno: 10})
    order, _ = hold(shop, (bag, reno, 4))
    other, _ = hold(shop, (bag, reno, 3))

    assert do(shop, "release", order) == 4
    assert do(shop, "release", order) == 0

    assert shop.rows(LEVELS) == [(10, 3)]
    assert shop.rows("SELECT order_id, state FROM reservations ORDER BY id") == [(order, "released"), (other, "held")]
    assert ledger_is_true(shop)


def test_shipped_units_leave_the_shelf_and_only_once(shop, reno):
    bag, hat = shop.variant("BAG", stock={reno: 10}), shop.variant("HAT", stock={reno: 5})
    order, first = hold(shop, (bag, reno, 4), (hat, reno, 1))
    _, second = hold(shop, (bag, reno, 2), order=order)

    assert do(shop, "consume", order, first) == 5
    assert do(shop, "consume", order, first) == 0
    assert shop.rows(LEVELS) == [(6, 2), (4, 0)]

    assert do(shop, "release", order) == 2
    assert shop.rows("SELECT shipment_id, state FROM reservations ORDER BY id") == [
        (first, "consumed"), (first, "consumed"), (second, "released"),
    ]  # fmt: skip
    shipped = "SELECT variant_id, on_hand_change, reserved_change FROM movements WHERE cause = 'shipped' ORDER BY 1"
    assert shop.rows(shipped) == [(bag, -4, -4), (hat, -1, -1)]
    assert ledger_is_true(shop)


def test_units_that_did_not_leave_after_all_are_put_back_once(shop, reno):
    bag, hat = shop.variant("BAG", stock={reno: 10}), shop.variant("HAT", stock={reno: 5})
    order, first = hold(shop, (bag, reno, 4), (hat, reno, 1))
    _, second = hold(shop, (bag, reno, 2), order=order)
    assert do(shop, "put_back", order, first) == 0  # it never left
    do(shop, "consume", order, first)
    do(shop, "consume", order, second)

    assert [do(shop, "put_back", order, first) for _ in range(2)] == [5, 0]

    assert shop.rows(LEVELS) == [(8, 0), (5, 0)]
    assert shop.rows("SELECT shipment_id, state FROM reservations ORDER BY id") == [
        (first, "released"), (first, "released"), (second, "consumed"),
    ]  # fmt: skip
    back = "SELECT variant_id, on_hand_change, reserved_change FROM movements WHERE cause = 'put_back' ORDER BY 1"
    assert shop.rows(back) == [(bag, 4, 0), (hat, 1, 0)]
    assert ledger_is_true(shop)


def test_a_count_leaves_alone_what_was_put_back_since_or_is_being_put_back(shop, reno):
    bag = shop.variant(stock={reno: 10})
    order, shipment = hold(shop, (bag, reno, 4))
    do(shop, "consume", order, shipment)
    shop.run("UPDATE movements SET at = at - interval '1 hour'")
    began = datetime.now(UTC) - timedelta(seconds=1)
    reversal = shop._insert(Reversal, order_id=order, purpose="cancel", asked_by="person:Ann")
    step = shop._insert(
        ReversalStep, reversal_id=reversal, position=1, kind="put_back_stock", subject=f"shipment/{shipment}"
    )

    assert do(shop, "count", {(bag, reno): 10}, as_of=began) == 0  # the store has counted them in already
    do(shop, "put_back", order, shipment)
    shop.run("UPDATE reversal_steps SET state = 'done' WHERE id = :step", step=step)
    assert do(shop, "count", {(bag, reno): 14}, as_of=began) == 0
    assert shop.rows(LEVELS) == [(10, 0)]
    assert do(shop, "count", {(bag, reno): 9}, as_of=datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert ledger_is_true(shop)


def test_one_shipment_of_two_can_be_given_back(shop, reno):
    bag = shop.variant(stock={reno: 10})
    order, first = hold(shop, (bag, reno, 4))
    hold(shop, (bag, reno, 2), order=order)

    assert do(shop, "release_shipment", order, first) == 4

    assert shop.rows(LEVELS) == [(10, 2)]


def test_two_who_end_one_reservation_at_once_end_it_once(shop, reno):
    bag = shop.variant(stock={reno: 10})
    order, shipment = hold(shop, (bag, reno, 4))
    start = Barrier(2)

    def end(verb, *words):
        with shop.transaction() as session:
            session.execute(text("SELECT 1"))
            start.wait(10)
            return getattr(inventory, verb)(session, shop.tenant, *words, actor="test")

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(end, "release", order), pool.submit(end, "consume", order, shipment)]
        assert sorted(one.result() for one in ends) == [0, 4]

    assert shop.rows(LEVELS) in ([(10, 0)], [(6, 0)])
    assert ledger_is_true(shop)


def test_a_count_sets_what_is_on_hand_and_says_what_changed(shop, reno):
    newark = shop.location(NEWARK)
    bag, hat = shop.variant("BAG"), shop.variant("HAT")

    def count(levels):
        return do(shop, "count", levels)

    assert count({(bag, reno): 10, (bag, newark): 0, (hat, reno): 3}) == 2
    assert count({(bag, reno): 10, (hat, reno): 7}) == 1
    assert count({(bag, reno): 4}) == 1

    assert shop.rows(LEVELS) == [(4, 0), (0, 0), (7, 0)]
    assert shop.rows("SELECT cause, on_hand_change FROM movements WHERE variant_id = :v ORDER BY id", v=bag) == [
        ("counted", 10), ("counted", -6),
    ]  # fmt: skip
    assert ledger_is_true(shop)


def test_a_count_below_what_is_promised_leaves_the_promised_units(shop, reno):
    bag = shop.variant(stock={reno: 10})
    hold(shop, (bag, reno, 4))

    assert do(shop, "count", {(bag, reno): 1}) == 1

    assert shop.rows(LEVELS) == [(4, 4)]
    assert ledger_is_true(shop)


def test_two_first_counts_of_one_level_at_once_are_explained_once(shop, reno):
    bag = shop.variant()
    start = Barrier(4)

    def count(_):
        with shop.transaction() as session:
            session.execute(text("SELECT 1"))
            start.wait(10)
            return inventory.count(session, shop.tenant, {(bag, reno): 10}, actor="test")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(count, range(4))) == [0, 0, 0, 1]

    assert shop.rows(LEVELS) == [(10, 0)]
    assert ledger_is_true(shop)


def test_a_count_of_many_levels_is_explained_level_by_level(shop, reno):
    variants = [shop.variant(f"V{number}") for number in range(40)]

    assert do(shop, "count", {(variant, reno): 5 for variant in variants}) == 40
    assert do(shop, "count", {(variant, reno): 5 + number % 2 for number, variant in enumerate(variants)}) == 20

    assert ledger_is_true(shop)


@pytest.mark.parametrize("wrong", ["reserved = -1", "reserved = 11", "on_hand = -1"])
def test_the_database_itself_refuses_a_level_that_cannot_be(shop, reno, wrong):
    shop.variant(stock={reno: 10})

    with pytest.raises(IntegrityError):
        shop.run(f"UPDATE stock_levels SET {wrong}")


def test_another_tenant_s_stock_is_out_of_reach(shop, engine, reno):
    bag = shop.variant(stock={reno: 10})
    order, _ = hold(shop, (bag, reno, 4))
    stranger = open_shop(engine, name="Other")

    with stranger.transaction() as session:
        assert inventory.available(session, stranger.tenant, [bag], [reno]) == {}
        assert inventory.release(session, stranger.tenant, order, actor="test") == 0
    assert shop.rows(LEVELS) == [(10, 4)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["reserve", "release", "consume", "count"]), st.integers(0, 2), st.integers(1, 6)),
        max_size=12,
    )
)
def test_whatever_happens_the_movements_add_up_to_the_levels(shop, steps):
    place = shop.location()
    variants = [shop.variant(f"V{number}", stock={place: 6}) for number in range(3)]
    held = []
    for verb, which, units in steps:
        if verb == "reserve":
            with suppress(Contended):
                held.append(hold(shop, (variants[which], place, units)))
        elif verb == "count":
            do(shop, "count", {(variants[which], place): units})
        elif held:
            order, shipment = held.pop(which % len(held))
            do(shop, verb, order, *([shipment] if verb == "consume" else []))
        assert shop.rows("SELECT 1 FROM stock_levels WHERE reserved < 0 OR on_hand < reserved") == []
    assert ledger_is_true(shop)
