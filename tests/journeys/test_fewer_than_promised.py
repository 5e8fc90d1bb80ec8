"""The store counts fewer units than orders were promised: who came first gets them, and the others wait, told why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from jobs import desk, runner, steps, stock_desk
from orders import bundles
from tests.world import NEWARK, RENO, SHOP, World, variant


def open_shop(world: World, *variants: dict[str, Any], asked: str = "shipment.create") -> None:
    """A shop whose carrier answers nobody for an hour."""
    world.open_shop(locations=[RENO, NEWARK], variants=list(variants) or [variant("AXE", stock={"Reno": 4})])
    world.fault(vendor="easypost", kind="429", operation=asked, times=None, retry_after=3600)


def two_orders(world: World, sku: str = "AXE", units: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    older = world.place((sku, units))
    world.settle()
    younger = world.place((sku, units), email="bob@example.com")
    world.settle()
    return older, younger


def count_in_store(world: World, units: int, sku: str = "AXE") -> None:
    world.next_second()  # two news of the same numbers in one second are one
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": sku, "location": "Reno", "on_hand": units})
    world.gathered()


def the_carrier_sells_again(world: World) -> None:
    world.control("DELETE", "/faults")
    for _ in range(3):
        world.hurry_but_voids()
        world.gathered()


def held(world: World, *placed: dict[str, Any]) -> list[list[str]]:
    return [world.open_holds(one) for one in placed]


def told(world: World, placed: dict[str, Any]) -> list[str]:
    rows = world.rows(
        "SELECT sentence FROM timeline_entries WHERE order_id = :o AND kind = 'hold' ORDER BY id",
        o=world.order(placed).id,
    )
    return [row.sentence for row in rows]


def missing(world: World) -> list[int]:
    return [row.missing for row in world.rows("SELECT missing FROM stock_levels WHERE missing > 0 ORDER BY variant_id")]


@pytest.fixture(params=["shipment.create"])
def short(world: World, request: pytest.FixtureRequest) -> tuple[World, dict[str, Any], dict[str, Any]]:
    """Two orders of two axes each hold four, and the store counts two."""
    open_shop(world, asked=request.param)
    older, younger = two_orders(world)
    assert world.level("AXE", "Reno") == (4, 4)
    count_in_store(world, 2)
    return world, older, younger


@pytest.mark.parametrize("short", ["shipment.create", "shipment.buy"], indirect=True)
def test_only_the_younger_order_waits_and_one_label_is_bought(short: tuple[World, dict[str, Any], dict[str, Any]]):
    world, older, younger = short

    assert (held(world, older, younger), missing(world)) == ([[], ["not_found"]], [2])
    (hold,) = world.rows("SELECT reason, remedy FROM holds WHERE state = 'open'")
    assert "2 × AXE at Reno" in hold.reason
    assert "cannot send" in hold.remedy
    count_in_store(world, 2)
    world.read_catalogue()
    world.gathered()
    assert told(world, younger) == [f"On hold (not found): {hold.reason}"]

    the_carrier_sells_again(world)
    world.gathered()
    world.read_catalogue()
    world.hurry()
    world.gathered()

    assert (world.order(older).state, len(world.labels_bought())) == ("fulfilled", 1)
    assert (held(world, older, younger), world.level("AXE", "Reno")) == ([[], ["not_found"]], (2, 2))


def test_counting_them_again_lets_the_younger_go_by_itself(short: tuple[World, dict[str, Any], dict[str, Any]]):
    world, older, younger = short

    count_in_store(world, 4)
    assert (held(world, older, younger), missing(world)) == ([[], []], [])
    the_carrier_sells_again(world)

    assert [world.order(one).state for one in (older, younger)] == ["fulfilled", "fulfilled"]
    assert len(world.labels_bought()) == 2
    assert told(world, younger)[1:] == ["Hold released (not found)."]


def test_what_a_person_counts_here_lets_the_younger_go(short: tuple[World, dict[str, Any], dict[str, Any]]):
    world, older, younger = short
    (level,) = world.rows("SELECT variant_id, location_id FROM stock_levels WHERE missing > 0")

    with world.reading() as session:
        said = {"reason": "In the other box.", "reference": "", "by": "person:Ann"}
        stock_desk.count(session, world.tenant, tuple(level), 4, **said)
    world.gathered()
    the_carrier_sells_again(world)

    assert held(world, older, younger) == [[], []]
    assert len(world.labels_bought()) == 2


def test_the_younger_leaves_once_the_older_is_cancelled(short: tuple[World, dict[str, Any], dict[str, Any]]):
    world, older, younger = short
    world.next_second()

    world.control("POST", f"/shopify/orders/{older['id']}/cancel", {"reason": "CUSTOMER", "restock": True})
    world.gathered()
    the_carrier_sells_again(world)

    assert [world.order(one).state for one in (older, younger)] == ["cancelled", "fulfilled"]
    assert (held(world, younger), len(world.labels_bought()), missing(world)) == ([[]], 1, [])
    assert world.level("AXE", "Reno") == (0, 0)


def test_nobody_but_the_younger_gets_its_units_back_when_it_is_cancelled(
    short: tuple[World, dict[str, Any], dict[str, Any]],
):
    world, older, younger = short
    world.next_second()

    world.control("POST", f"/shopify/orders/{younger['id']}/cancel", {"reason": "CUSTOMER", "restock": True})
    world.gathered()
    the_carrier_sells_again(world)

    assert (world.order(older).state, held(world, older, younger), missing(world)) == ("fulfilled", [[], []], [])
    assert (len(world.labels_bought()), world.level("AXE", "Reno")) == (1, (0, 0))


def test_the_younger_leaves_from_elsewhere_once_the_place_cannot_send_it(world: World):
    open_shop(world, variant("AXE", stock={"Reno": 4, "Newark": 2}))
    older, younger = two_orders(world)
    count_in_store(world, 2)
    assert held(world, older, younger) == [[], ["not_found"]]
    (shipment,) = world.rows("SELECT id FROM shipments WHERE order_id = :o", o=world.order(younger).id)

    with world.reading() as session:
        said = {"why": "no_goods", "note": "", "by": "person:Grace", "now": datetime.now(UTC)}
        assert desk.cannot_send(session, world.tenant, shipment.id, **said) == ""
    world.gathered()
    the_carrier_sells_again(world)

    assert (held(world, older, younger), len(world.labels_bought())) == ([[], []], 2)
    assert (world.level("AXE", "Reno"), world.level("AXE", "Newark")) == ((0, 0), (0, 0))


def test_what_a_person_lets_go_stays_so_and_nobody_waits_in_its_place(
    short: tuple[World, dict[str, Any], dict[str, Any]],
):
    world, older, younger = short
    number = world.order(younger).id

    with world.reading() as session:
        said = {"by": "person:Grace", "now": datetime.now(UTC)}
        assert desk.release_hold(session, world.tenant, number, "not_found", **said)
    world.gathered()
    world.read_catalogue()
    world.gathered()
    assert held(world, older, younger) == [[], []]
    the_carrier_sells_again(world)

    assert len(world.labels_bought()) == 2


def test_several_counts_in_turn_hold_as_many_as_lack_units(world: World):
    open_shop(world, variant("AXE", stock={"Reno": 4}))
    placed = [*two_orders(world, units=1), *two_orders(world, units=1)]
    seen = {}
    for units in (3, 1, 0, 2, 4):
        count_in_store(world, units)
        seen[units] = [bool(world.open_holds(one)) for one in placed]

    assert seen == {
        3: [False, False, False, True],
        1: [False, True, True, True],
        0: [True, True, True, True],
        2: [False, False, True, True],
        4: [False, False, False, False],
    }
    the_carrier_sells_again(world)
    assert len(world.labels_bought()) == 4


def test_an_older_order_waits_where_the_younger_has_left_already(world: World):
    open_shop(world)
    older, younger = two_orders(world)
    labelled(world, younger)
    count_in_store(world, 1)

    assert (held(world, older, younger), len(world.labels_bought())) == ([["not_found"], []], 1)


def labelled(world: World, placed: dict[str, Any]) -> None:
    """The carrier sells a label for this order alone, and it leaves."""
    world.control("DELETE", "/faults")
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET due_at = now() WHERE state = 'due' AND lane = :lane"),
            {"lane": f"order/{world.order(placed).id}"},
        )
    world.settle()


def test_an_order_of_a_bundle_waits_for_the_part_that_is_not_there_and_what_the_store_is_told_holds_nobody(
    world: World,
):
    open_shop(
        world,
        variant("BAG", stock={"Reno": 9}),
        variant("AXE", stock={"Reno": 4}),
        variant("SET", tracked=False, stock={}),
    )
    sold = {row.sku: row.id for row in world.rows("SELECT sku, id FROM variants")}
    with world.reading() as session:
        bundles.put_in(session, world.tenant, sold["SET"], sold["BAG"], 1)
        bundles.put_in(session, world.tenant, sold["SET"], sold["AXE"], 2)
    older, younger = two_orders(world, "SET", 1)
    world.read_catalogue()
    world.gathered()
    assert (held(world, older, younger), missing(world)) == ([[], []], [])

    count_in_store(world, 3)

    assert held(world, older, younger) == [[], ["not_found"]]
    (hold,) = world.rows("SELECT reason FROM holds WHERE state = 'open'")
    assert "2 × AXE at Reno" in hold.reason
    assert "BAG" not in hold.reason
    the_carrier_sells_again(world)
    assert len(world.labels_bought()) == 1
    count_in_store(world, 2)
    the_carrier_sells_again(world)
    assert (len(world.labels_bought()), held(world, younger)) == (2, [[]])


def test_an_older_order_waits_where_the_younger_got_its_label_while_units_were_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    open_shop(world)
    older, younger = two_orders(world)
    passed, counted = steps.passed, []

    def counted_meanwhile(boundary: str) -> None:
        passed(boundary)
        if boundary == "called easypost shipment.buy" and not counted:
            counted.append(boundary)
            world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "AXE", "location": "Reno", "on_hand": 2})
            read_at_once(world)

    monkeypatch.setattr(steps, "passed", counted_meanwhile)
    labelled(world, younger)

    assert (counted != [], held(world, older, younger), len(world.labels_bought())) == (True, [["not_found"], []], 1)
    assert told(world, younger)[-1] == "Hold released (not found)."


def read_at_once(world: World) -> None:
    connection = world.connections["shopify"]
    with world.reading() as session:
        desk.read_catalogue(session, world.tenant, connection)
    runner.work_off(world.services, world.tenant, f"connection/{connection}")


def test_what_the_merchant_sends_in_the_store_waits_for_nobody(short: tuple[World, dict[str, Any], dict[str, Any]]):
    world, older, younger = short

    world.next_second()
    world.control("POST", f"/shopify/orders/{younger['id']}/fulfil", {})
    world.gathered()
    the_carrier_sells_again(world)

    assert (held(world, older, younger), missing(world)) == ([["not_found"], []], [2])
    assert world.labels_bought() == []
    count_in_store(world, 2)
    the_carrier_sells_again(world)
    assert (held(world, older, younger), len(world.labels_bought())) == ([[], []], 1)
