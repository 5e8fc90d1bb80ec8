"""The day that a buyer is told counts what comes, and lies, where it may be sent to them from."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, text

from orders import refusing, restocking
from records.stock import Arrival
from records.tenants import Rules
from tests.world import NEWARK, RENO, World, variant

TODAY = date(2031, 1, 1)
SOON, LATER = TODAY + timedelta(days=9), TODAY + timedelta(days=20)


@pytest.fixture
def waiting(world: World) -> int:
    """A line that nobody has. Answers its order."""
    goods = [variant("AXE", stock={"Reno": 0, "Newark": 0})]
    world.open_shop(rules=Rules(ask_when_short=True), locations=[RENO, NEWARK], variants=goods)
    placed = world.place(("AXE", 1))
    world.settle()
    return world.order(placed).id


def comes(world: World, place: str, on: date) -> None:
    (axe,) = world.rows("SELECT id FROM variants WHERE sku = 'AXE'")
    with world.reading() as session:
        session.execute(
            insert(Arrival).values(
                tenant_id=world.tenant, variant_id=axe.id, location_id=place_of(world, place), units=5, due_on=on,
                reference="PO-1", actor="person:Olga",
            )
        )  # fmt: skip
        session.commit()


def place_of(world: World, name: str) -> int:
    return world.rows("SELECT id FROM locations WHERE name = :name", name=name)[0].id


def told(world: World, order: int) -> date | None:
    (line,) = world.rows("SELECT id FROM order_lines")
    with world.reading() as session:
        return restocking.days(session, world.tenant, order, {line.id: 1}, today=TODAY).get(line.id)


def changed(world: World, statement: str) -> None:
    with world.engine.begin() as connection:
        connection.execute(text(statement))


def refuses(world: World, order: int, why: str) -> None:
    """Reno says no to the order's line."""
    (line,) = world.rows("SELECT id FROM order_lines")
    (shipment,) = world.rows(
        "INSERT INTO shipments (tenant_id, order_id, location_id, state) VALUES (:tenant, :order, :place, 'cancelled')"
        " RETURNING id",
        tenant=world.tenant, order=order, place=place_of(world, "Reno"),
    )  # fmt: skip
    with world.reading() as session:
        refusing.write(
            session, world.tenant, order=order, shipment=shipment.id, location=place_of(world, "Reno"),
            lines=[line.id], why=why, note="", by="person:Grace",
        )  # fmt: skip
        session.commit()


@pytest.mark.parametrize(
    "barring",
    [
        """UPDATE locations SET sending = sending || '{"only_to": ["CA"]}' WHERE name = 'Reno'""",
        """UPDATE locations SET sending = sending || '{"never_to": ["US"]}' WHERE name = 'Reno'""",
        """UPDATE variants SET bans = '{"hazmat": true}'; UPDATE locations SET sending = sending ||
           CASE name WHEN 'Reno' THEN '{"sends_hazmat": false}'::jsonb ELSE '{"sends_hazmat": true}'::jsonb END""",
    ],
    ids=["it sends to another country only", "it sends nothing to this one", "it may not send hazardous goods"],
)
def test_what_comes_where_it_may_not_leave_is_no_date(world: World, waiting: int, barring: str):
    comes(world, "Reno", SOON)
    assert told(world, waiting) == SOON

    changed(world, barring)

    assert told(world, waiting) is None
    comes(world, "Newark", LATER)
    assert told(world, waiting) == LATER


@pytest.mark.parametrize(("why", "expected"), [("closed", None), ("no_goods", SOON)])
def test_a_place_that_said_no_counts_again_where_it_only_lacked_the_goods(
    world: World, waiting: int, why: str, expected: date | None
):
    comes(world, "Reno", SOON)
    refuses(world, waiting, why)

    assert told(world, waiting) == expected


def test_what_lies_where_it_may_not_leave_does_not_bring_the_day_nearer(world: World, waiting: int):
    """Of three that are wanted, two lie in Reno, which may not send them: one that comes to Newark is not enough."""
    changed(world, "UPDATE order_lines SET units = 3, to_ship = 3")
    changed(
        world, "UPDATE stock_levels SET on_hand = 2 WHERE location_id = (SELECT id FROM locations WHERE name = 'Reno')"
    )
    changed(world, """UPDATE locations SET sending = sending || '{"only_to": ["CA"]}' WHERE name = 'Reno'""")
    changed(world, "UPDATE arrivals SET units = 1")
    comes(world, "Newark", SOON)
    changed(world, "UPDATE arrivals SET units = 1")

    assert told(world, waiting) is None
    comes(world, "Newark", LATER)
    assert told(world, waiting) == LATER
