"""Something that the buyer wanted to pick up is out of stock there: they are asked, once, and get what they choose."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import insert

from jobs import desk
from records.stock import Arrival
from tests import patient
from tests.journeys.test_chosen import ASKING, choice, choose, land, link_in, notices, story
from tests.journeys.test_goes_two_ways import goes
from tests.journeys.test_picked_up import pickup, shipments
from tests.world import World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("AXE", price="30.00", stock={"Reno": 0, "Newark": 3}),
    variant("MUG", price="8.00", stock={"Reno": 0}),
]


def test_the_buyer_is_asked_once_and_money_chosen_back_goes_back(world: World):
    world.open_shop(rules=ASKING, variants=GOODS)
    placed = pickup(world, ("AXE", 1))

    assert (world.order(placed).state, world.open_holds(placed)) == ("released", ["stock"])
    assert world.rows("SELECT state FROM choices") == [("asked",)]
    assert notices(world) == [("asked", "sent")]
    assert len(world.letters()) == 1

    choose(world, link_in(world.letters()[0]), "refund")

    assert (world.order(placed).state, shipments(world, placed)) == ("cancelled", [])
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 35.0
    assert world.level("AXE", "Newark") == (3, 0)


def test_the_buyer_waits_and_it_is_put_aside_when_it_lands(world: World):
    world.open_shop(rules=ASKING, variants=GOODS)
    placed = pickup(world, ("AXE", 1))
    choose(world, link_in(world.letters()[0]), "wait")

    land(world, "AXE", 1)

    assert shipments(world, placed) == [("collected", "planned")]
    assert (world.level("AXE", "Reno"), world.level("AXE", "Newark")) == ((1, 1), (3, 0))
    assert [row.state for row in world.rows("SELECT state FROM choices")] == ["answered"]


def test_beside_a_short_line_that_is_sent_the_one_to_pick_up_can_be_given_back_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_shop(rules=ASKING, variants=GOODS)
    goes(monkeypatch, "AXE")
    placed = world.place(("MUG", 1), ("AXE", 1), location="Reno")
    world.settle()
    asked = {row.sku: row.id for row in world.rows("SELECT id, sku FROM order_lines")}
    assert set(choice(world).short) == {str(asked["MUG"]), str(asked["AXE"])}

    with world.reading() as session:
        desk.answer_choice(
            session, world.tenant, choice(world).id, {asked["MUG"]: "wait", asked["AXE"]: "refund"},
            ship_rest=False, by="person:Olga", reason="Ada phoned",
        )  # fmt: skip
    world.settle()

    assert float(world.store_orders()[placed["name"]]["refunded"]) == 30.0
    assert "Nothing was taken off" not in story(world)
    assert world.open_holds(placed) == ["stock"]


def test_only_what_comes_to_that_place_is_promised_to_who_comes_for_it(world: World):
    world.open_shop(rules=ASKING, variants=GOODS)
    pickup(world, ("AXE", 2))
    expect(world, "AXE", "Newark", 9, date(2031, 3, 1))
    expect(world, "AXE", "Reno", 1, date(2031, 3, 5))
    link = link_in(world.letters()[0])
    assert "Expected on" not in patient.get(link).text

    expect(world, "AXE", "Reno", 1, date(2031, 3, 7))

    assert "Expected on March 7, 2031." in patient.get(link, headers={"Accept-Language": "en-US"}).text


def expect(world: World, sku: str, place: str, units: int, on: date) -> None:
    (at,) = world.rows(
        "SELECT v.id, l.id AS place FROM variants v, locations l WHERE v.sku = :sku AND l.name = :place",
        sku=sku, place=place,
    )  # fmt: skip
    with world.reading() as session:
        session.execute(insert(Arrival).values(
            tenant_id=world.tenant, variant_id=at.id, location_id=at.place, units=units, due_on=on, reference="PO-1",
            actor="person:Olga"))  # fmt: skip
        session.commit()
