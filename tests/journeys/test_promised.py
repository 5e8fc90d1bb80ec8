"""What is promised of an order: when it leaves and arrives, by whose word, and that a change of it is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text

from jobs import queue
from tests.world import World, variant

EVERY_DAY = '{"working_days": [0, 1, 2, 3, 4, 5, 6]}'


def open_shop(world: World, **stock: int) -> None:
    world.open_shop(variants=[variant("BAG", stock=stock or {"Reno": 50, "Newark": 50})])
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE locations SET sending = cast(:s AS jsonb)"), {"s": EVERY_DAY})


def not_on_a_sunday(day: date) -> date:
    return day + timedelta(days=1) if day.weekday() == 6 else day


def promises(world: World) -> list[str]:
    rows = world.rows("SELECT sentence FROM timeline_entries WHERE sentence ILIKE '%promise%' ORDER BY id")
    return [row.sentence for row in rows]


def test_before_a_label_it_is_an_estimate_and_then_the_carriers_own_days(world: World):
    open_shop(world)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 1))
    world.settle()

    today = datetime.now(UTC).date()
    (planned,) = world.rows("SELECT ship_by, arrives_on, arrival_said_by FROM shipments")
    assert planned.ship_by == datetime.combine(today, time(23, 59, 59), tzinfo=UTC)
    assert (planned.arrives_on, planned.arrival_said_by) == (not_on_a_sunday(today + timedelta(days=5)), "rule")
    order = world.order(placed)
    assert (order.ship_by, order.arrives_on) == (planned.ship_by, planned.arrives_on)

    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()

    (bought,) = world.rows("SELECT s.arrives_on, s.arrival_said_by, l.rate FROM shipments s, labels l")
    days = bought.rate["transit_days"]
    assert (bought.arrives_on, bought.arrival_said_by) == (not_on_a_sunday(today + timedelta(days=days)), "rate")
    order = world.order(placed)
    assert (order.ship_by, order.arrives_on) == (None, bought.arrives_on)
    first, second = promises(world)
    assert first.startswith("Promise: ships by ")
    assert first.endswith(" (an estimate).")
    assert second.startswith("The promise changed: arrives by ")
    assert f"as {bought.rate['carrier']} {bought.rate['service']} says" in second


def test_what_was_promised_with_the_order_is_not_moved_by_another_rule(world: World):
    open_shop(world)
    placed = world.place(("BAG", 1))
    world.settle()
    promised = world.order(placed).deliver_by
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = jsonb_set(rules, '{promise_days}', '30')"))

    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
    world.settle()

    assert promised is not None
    assert world.order(placed).deliver_by == promised


def test_a_promise_that_gets_worse_is_told_and_said_to_be_late(world: World):
    open_shop(world, Reno=1)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = jsonb_set(rules, '{promise_days}', '2')"))
        connection.execute(
            text("UPDATE locations SET sending = sending || '{\"handling_days\": 9}' WHERE name = 'Reno'")
        )
    placed = world.place(("BAG", 1))
    world.settle()

    order = world.order(placed)
    assert order.arrives_on > order.deliver_by.date()
    assert "That is later than was promised with the order" in promises(world)[0]


def test_an_order_of_which_the_rest_waits_for_stock_is_not_late_for_what_has_left(world: World):
    open_shop(world, Reno=1)
    placed = world.place(("BAG", 2))
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("shipping", ["stock"])
    assert world.order(placed).ship_by is None
