"""What a store counts is taken over: with what it is yet to be told on top, and out of what it has no more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from integrations.nouns import GoodsChanged, PlaceChanged, StockChanged
from orders import gone_stock, outdated, store_counts
from orders.store_counts import Units
from records.intentions import Intention
from records.jobs import Job
from tests.shop import NEWARK, Shop, open_shop


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return open_shop(engine)


def by_hand(shop: Shop, level: tuple[int, int], change: int, *, job: str = "due", told: str = "") -> None:
    """Ann changed a level; `job` and `told` are the states of the job that tells the store, and of its act."""
    variant, place = level
    shop.run(
        "UPDATE stock_levels SET on_hand = on_hand + :n WHERE variant_id = :v AND location_id = :l",
        n=change,
        v=variant,
        l=place,
    )
    shop.run(
        "INSERT INTO movements (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, actor) "
        "VALUES (:t, :v, :l, 'adjusted', :n, 0, 'person:Ann')",
        t=shop.tenant,
        v=variant,
        l=place,
        n=change,
    )
    movement = shop.one("SELECT max(id) FROM movements")
    subject = f"movement/{movement}"
    with shop.transaction() as session:
        session.add(
            Job(tenant_id=shop.tenant, kind="tell_stock", lane="c", subject=subject, queue="q", rank=1, state=job)
        )
        if told:
            session.add(
                Intention(
                    tenant_id=shop.tenant,
                    key=f"tell_stock/{movement}/0/10",
                    kind="tell_stock",
                    subject=subject,
                    attempt=1,
                    request_digest="",
                    state=told,
                )
            )


# The state of the job, and of the act: what a count of seven makes of a level of ten that Ann made twelve.
ON_TOP = {
    "yet to be told": ("due", "", 9),
    "perhaps being told": ("running", "intended", 12),
    "refused, and put off": ("due", "refused", 12),
    "told": ("done", "succeeded", 7),
    "refused": ("parked", "refused", 7),
    "given up": ("cancelled", "", 7),
}


@pytest.mark.parametrize("what", ON_TOP)
def test_a_change_by_hand_is_on_top_of_a_count_for_as_long_as_it_is_to_be_told(shop: Shop, what: str):
    job, told, on_hand = ON_TOP[what]
    place = shop.location()
    level = (shop.variant(stock={place: 10}), place)
    by_hand(shop, level, 2, job=job, told=told)

    with shop.transaction() as session:
        store_counts.take_over(session, shop.tenant, {level: Units(on_hand=7)}, actor="packline")

    assert shop.one("SELECT on_hand FROM stock_levels") == on_hand
    assert shop.one("SELECT sum(on_hand_change) FROM movements") == on_hand


def test_a_count_below_nothing_is_nothing(shop: Shop):
    place = shop.location()
    level = (shop.variant(stock={place: 10}), place)
    by_hand(shop, level, -6)

    with shop.transaction() as session:
        taken = store_counts.take_over(session, shop.tenant, {level: Units(on_hand=2)}, actor="packline")

    assert taken.wanted == {level: Units()}
    assert shop.one("SELECT on_hand FROM stock_levels") == 0


def test_what_is_set_aside_is_taken_over_with_its_movement(shop: Shop):
    place = shop.location()
    level = (shop.variant(stock={place: 10}), place)

    for _ in range(2):
        with shop.transaction() as session:
            counts = {level: Units(on_hand=10, damaged=3, safety=1)}
            store_counts.take_over(session, shop.tenant, counts, actor="packline")

    assert shop.one("SELECT on_hand, damaged, safety FROM stock_levels") == (10, 3, 1)
    assert shop.rows("SELECT damaged_change, safety_change FROM movements WHERE damaged_change > 0") == [(3, 1)]


def test_a_list_without_any_location_closes_none(shop: Shop):
    shop.variant(stock={shop.location(): 10})

    with shop.transaction() as session:
        changed = gone_stock.close_places(session, shop.tenant, shop.connection, (), as_of=datetime.now(UTC))

    assert changed == 0
    assert shop.rows("SELECT ships FROM locations") == [(True,)]
    assert shop.one("SELECT on_hand FROM stock_levels") == 10


def test_what_another_store_of_the_shop_has_is_left(shop: Shop):
    other = open_shop(shop.engine, name="Other")
    kept = other.location(NEWARK)
    other.variant(stock={kept: 5})
    shop.variant(stock={shop.location(): 10})

    with shop.transaction() as session:
        gone_stock.close_places(session, shop.tenant, shop.connection, {"elsewhere"}, as_of=datetime.now(UTC))

    assert shop.rows("SELECT on_hand FROM stock_levels ORDER BY tenant_id") == [(0,), (5,)]


def test_what_is_told_twice_is_kept_once_and_what_is_told_while_it_is_read_stays(shop: Shop):
    with shop.transaction() as session:
        for fact in (
            StockChanged(inventory_remote_id="i1", location_remote_id="l1"),
            StockChanged(inventory_remote_id="i1", location_remote_id="l2"),
            PlaceChanged(remote_id="l1"),
        ):
            outdated.note(session, shop.tenant, shop.connection, fact)
    with shop.transaction() as session:
        told = outdated.some(session, shop.tenant, shop.connection, most=10)
    assert {(one.thing, one.remote_id, one.times) for one in told} == {("goods", "i1", 2), ("place", "l1", 1)}

    with shop.transaction() as session:
        outdated.note(session, shop.tenant, shop.connection, GoodsChanged(remote_ids=("i1",)))
    with shop.transaction() as session:
        outdated.was_read(session, shop.tenant, shop.connection, told)

    assert shop.rows("SELECT thing, remote_id, told FROM outdated") == [("goods", "i1", 3)]


def test_a_product_that_is_gone_names_the_variants_that_we_have_of_it(shop: Shop):
    shop.variant(remote_id="v1", product_remote_id="p1")
    shop.variant(sku="MUG", remote_id="v2", product_remote_id="p2")

    with shop.transaction() as session:
        outdated.note(session, shop.tenant, shop.connection, GoodsChanged(product_remote_id="p1"))

    assert shop.rows("SELECT remote_id FROM outdated") == [("v1",)]
