"""More orders than a place sends in a day: the rest leaves on the next days, and nobody is told it were out of stock."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from records.orders import open_holds
from tests.world import NEWARK, RENO, World, variant


def works_every_day(world: World, place: str, **more: object) -> None:
    """About noon is where it stands, so that its day does not end while this runs."""
    behind = datetime.now(UTC).hour - 12
    sending = {"working_days": [*range(7)], "time_zone": f"Etc/GMT{behind:+d}", **more}
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE locations SET sending = sending || cast(%s AS jsonb) WHERE name = %s", (json.dumps(sending), place)
        )


def leaving(world: World) -> list[tuple[str, int]]:
    """Of each shipment, from where it leaves, and how many days after the first."""
    rows = world.rows(
        "SELECT l.name, (s.ship_by AT TIME ZONE 'UTC')::date - min((s.ship_by AT TIME ZONE 'UTC')::date) OVER () AS days"
        " FROM shipments s JOIN locations l ON l.tenant_id = s.tenant_id AND l.id = s.location_id ORDER BY s.id"
    )
    return [(row.name, row.days) for row in rows]


def held(world: World, order: str) -> list[str]:
    with world.reading() as session:
        return [hold.kind for hold in open_holds(session, world.tenant, world.order(order).id)]


def test_orders_beyond_what_the_only_place_sends_in_a_day_leave_on_the_next_days(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 9})])
    works_every_day(world, "Reno", shipments_a_day=1)

    placed = []
    for _ in range(3):
        placed.append(world.place(("BAG", 1)))
        world.settle()

    assert leaving(world) == [("Reno", 0), ("Reno", 1), ("Reno", 2)]
    assert [world.order(one).state for one in placed] == ["fulfilled"] * 3
    assert [held(world, one) for one in placed] == [[], [], []]
    assert world.rows("SELECT 1 FROM choices") == []  # no buyer was asked whether to wait
    assert world.level("BAG", "Reno") == (6, 0)


def test_what_another_place_has_leaves_from_there_on_the_same_day(world: World):
    world.open_shop(
        variants=[variant("BAG", stock={"Reno": 9, "Newark": 9}), variant("MUG", stock={"Reno": 9})],
        locations=[RENO, NEWARK],
    )
    works_every_day(world, "Reno", shipments_a_day=1)
    works_every_day(world, "Newark")

    for sku in ("BAG", "BAG", "MUG"):  # the buyer is near Reno
        world.place((sku, 1))
        world.settle()

    assert leaving(world) == [("Reno", 0), ("Newark", 0), ("Reno", 1)]
    assert world.rows("SELECT 1 FROM choices") == []
