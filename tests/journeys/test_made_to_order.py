"""What takes days to be made leaves, and is promised, that much later; the slowest of an order decides."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import text

from orders import making
from tests.world import World, variant

GOODS = [variant("BAG", stock={"Reno": 10}), variant("RING", stock={"Reno": 10}), variant("SET", tracked=False)]


def takes(world: World, sku: str, days: int) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE variants SET making_days = :days WHERE sku = :sku"), {"days": days, "sku": sku})


def leaves(world: World, placed: dict) -> date:
    (row,) = world.rows("SELECT ship_by FROM shipments WHERE order_id = :id", id=world.order(placed).id)
    return row.ship_by.date()


def working_days_between(first: date, last: date) -> int:
    days = [first + timedelta(days=number) for number in range(1, (last - first).days + 1)]
    return sum(day.weekday() < 5 for day in days)


def test_the_slowest_line_decides_when_an_order_leaves_and_arrives(world: World):
    world.open_shop(variants=GOODS)
    takes(world, "RING", 3)
    takes(world, "BAG", 1)
    ready, slow = world.place(("SET", 1)), world.place(("BAG", 1), ("RING", 1))
    world.settle()

    assert working_days_between(leaves(world, ready), leaves(world, slow)) == 3
    assert world.order(slow).arrives_on > world.order(ready).arrives_on
    with world.reading() as session:
        lines = {row.sku: row.id for row in world.rows("SELECT id, sku FROM order_lines")}
        found = making.days_in(session, world.tenant, world.order(slow).id)
        assert found == {lines["RING"]: 3, lines["BAG"]: 1}


def test_a_bundle_takes_as_long_as_its_slowest_part(world: World):
    world.open_shop(variants=GOODS)
    takes(world, "RING", 4)
    takes(world, "SET", 2)
    with world.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO bundle_parts (tenant_id, bundle_id, part_id, units) SELECT s.tenant_id, s.id, p.id, 1 "
                 "FROM variants s JOIN variants p ON p.tenant_id = s.tenant_id AND p.sku = 'RING' WHERE s.sku = 'SET'")
        )  # fmt: skip
    ready, made = world.place(("BAG", 1)), world.place(("SET", 1))
    world.settle()

    assert working_days_between(leaves(world, ready), leaves(world, made)) == 4
    with world.reading() as session:
        (sold,) = world.rows("SELECT id FROM variants WHERE sku = 'SET'")
        assert making.days_of(session, world.tenant, sold.id) == 4
