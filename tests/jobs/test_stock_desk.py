"""What a person does to stock, with what has to follow from it; and the daily look at the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, text

from config.settings import Settings
from jobs import queue, stock_desk
from orders import holds
from orders.holds import Problem
from orders.stock_by_hand import Refused, Written
from tests.shop import NEWARK, Shop, open_shop
from tests.world import World, running_sandbox, running_world

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BY = "person:Olga"
ASKED = "SELECT subject FROM jobs WHERE kind = 'reserve_stock' ORDER BY id"


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return open_shop(engine)


def waits(shop: Shop, variant: int) -> int:
    order = shop.order((variant, 1))
    with shop.transaction() as session:
        problem = Problem(kind="stock", reason="short", remedy="wait")
        holds.place(session, shop.tenant, order, problem, by="packline")
    return order


def test_units_that_come_free_are_offered_to_who_waits_in_their_order(shop):
    reno, newark = shop.location(), shop.location(NEWARK)
    bag = shop.variant(stock={reno: 1})
    first, second = waits(shop, bag), waits(shop, bag)
    level, told = (bag, reno), {"by": BY, "reason": "x"}
    frees = [
        lambda s: stock_desk.adjust(s, shop.tenant, level, 3, reference="", **told),
        lambda s: stock_desk.count(s, shop.tenant, level, 9, reference="", **told),
        lambda s: stock_desk.set_aside_damaged(s, shop.tenant, level, -2, **told),
        lambda s: stock_desk.set_safety(s, shop.tenant, level, 0, **told),
        lambda s: stock_desk.move(s, shop.tenant, bag, reno, newark, 1, **told),
        lambda s: stock_desk.receive(
            s, shop.tenant, stock_desk.expect(s, shop.tenant, level, 5, due_on=date(2026, 12, 1), reference="", by=BY),
            5, more_comes=True, by=BY, now=NOW,
        ),
    ]  # fmt: skip
    takes = [
        lambda s: stock_desk.adjust(s, shop.tenant, level, -1, reference="", **told),
        lambda s: stock_desk.count(s, shop.tenant, level, 2, reference="", **told),
        lambda s: stock_desk.set_aside_damaged(s, shop.tenant, level, 2, **told),
        lambda s: stock_desk.set_safety(s, shop.tenant, level, 1, **told),
    ]

    for act in takes[2:3] + takes[3:]:
        shop.run("UPDATE stock_levels SET on_hand = 4, damaged = 0")
        with shop.transaction() as session:
            assert isinstance(act(session), Written)
        assert shop.rows(ASKED) == []
    for act in frees:
        shop.run("DELETE FROM jobs")
        shop.run("UPDATE stock_levels SET on_hand = 4, damaged = 2, safety = 1 WHERE location_id = :r", r=reno)
        with shop.transaction() as session:
            assert isinstance(act(session), Written)
        assert shop.rows(ASKED) == [(f"order/{first}",), (f"order/{second}",)], act
    shop.run("DELETE FROM jobs")
    shop.run("UPDATE stock_levels SET on_hand = 9, damaged = 0, safety = 0")
    for act in takes[:2]:
        with shop.transaction() as session:
            assert isinstance(act(session), Written)
    assert shop.rows(ASKED) == []


def test_where_packline_only_watches_what_is_on_hand_is_the_store_s_number(shop):
    reno = shop.location()
    bag = shop.variant(stock={reno: 4})
    shop.run("UPDATE tenants SET mode = 'shadow'")
    level, told = (bag, reno), {"by": BY, "reason": "x"}

    with shop.transaction() as session:
        assert isinstance(stock_desk.adjust(session, shop.tenant, level, 1, reference="", **told), Refused)
        assert isinstance(stock_desk.count(session, shop.tenant, level, 9, reference="", **told), Refused)
        assert isinstance(stock_desk.move(session, shop.tenant, bag, reno, reno, 1, **told), Refused)
        assert isinstance(stock_desk.set_safety(session, shop.tenant, level, 1, **told), Refused)
        assert isinstance(stock_desk.set_aside_damaged(session, shop.tenant, level, 1, **told), Refused)

    assert shop.rows("SELECT on_hand, damaged, safety FROM stock_levels") == [(4, 0, 0)]


def test_an_order_that_waits_ships_when_its_arrival_is_received_and_the_ledger_is_looked_at(
    settings: Settings, engine: Engine
) -> None:
    with running_sandbox() as origin, running_world(settings, engine, origin) as world:
        world.open_shop()
        _short(world)
        variant, place = world.rows(
            "SELECT variant_id, location_id FROM stock_levels WHERE variant_id = (SELECT variant_id FROM order_lines) LIMIT 1"
        )[0]
        with world.reading() as session:
            arrival = stock_desk.expect(
                session, world.tenant, (variant, place), 5, due_on=None, reference="PO-1", by=BY
            )
        with world.reading() as session:
            done = stock_desk.receive(session, world.tenant, arrival, 5, more_comes=False, by=BY, now=NOW)
        assert isinstance(done, Written)
        with world.engine.begin() as connection:
            connection.execute(text("UPDATE stock_levels SET damaged = damaged + 1"))
        with world.reading() as session:
            queue.add(session, world.tenant, "check_stock", f"shop/{world.tenant}")
        world.settle()

        assert len(world.labels_bought()) == 1
        assert world.rows("SELECT state FROM holds WHERE kind = 'stock'") == [("released",)]
        assert {row.damaged for row in world.rows("SELECT damaged FROM stock_levels")} == {0}
        assert world.rows("SELECT 1 FROM movements WHERE cause = 'repaired'")


def _short(world: World) -> None:
    """An order that waits, because nothing of what it wants is on hand."""
    with world.reading() as session:
        for level in world.rows("SELECT variant_id, location_id FROM stock_levels"):
            stock_desk.count(session, world.tenant, tuple(level), 0, reason="", reference="", by=BY)
    world.place(("BAG", 2))
    world.settle()
    assert world.labels_bought() == []
    assert world.rows("SELECT state FROM holds WHERE kind = 'stock'") == [("open",)]
