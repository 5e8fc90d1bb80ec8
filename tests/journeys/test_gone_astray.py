"""A parcel that was taken back may leave all the same: somebody is told, with what to do, until they say it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from jobs import desk, queue, runner, steps
from orders.reversing import Wish
from tests.world import World

ANN = "person:Ann"


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    yield
    steps.listen(None)


def shipped(world: World) -> dict:
    world.open_shop()
    placed = world.place(("BAG", 3))
    world.settle()
    assert world.order(placed).state == "fulfilled"
    world.next_second()
    return placed


def begin(world: World, placed: dict, units: int | None) -> None:
    (line,) = world.rows("SELECT id FROM order_lines")
    wish = Wish(purpose="cancel") if units is None else Wish(purpose="cancel_lines", wanted={line.id: units})
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, wish, by=ANN)


def scan(world: World, status: str = "in_transit") -> str:
    """The carrier has the order's first parcel; answers its number."""
    code = world.rows("SELECT tracking_code FROM parcels ORDER BY id")[0].tracking_code
    world.control("POST", f"/easypost/trackers/{code}/move", {"status": status})
    return code


def only_listen(world: World) -> None:
    world.heard()
    while lanes := [lane for lane in world.due_lanes() if not lane.startswith("order/")]:
        for lane in lanes:
            runner.work_off(world.services, world.tenant, lane)


def verify(world: World, placed: dict) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
    world.settle()


def holds(world: World) -> list[tuple[str, str]]:
    return [
        (row.state, row.reason)
        for row in world.rows("SELECT state, reason FROM holds WHERE kind = 'taken_back' ORDER BY id")
    ]


def told(code: str) -> str:
    return f"The carrier has the parcel {code} on the road, although it was taken back here."


@pytest.mark.parametrize("units", [None, 1])
def test_the_first_scan_of_what_was_taken_back_asks_a_person_and_their_word_stands(world: World, units: int | None):
    placed = shipped(world)
    begin(world, placed, units)
    world.settle()
    assert world.order(placed).state == ("cancelled" if units is None else "fulfilled")
    assert holds(world) == []

    code = scan(world)
    world.settle()
    verify(world, placed)

    assert holds(world) == [("open", told(code))]
    sentences = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id")]
    assert sentences.count(f"On hold (taken back): {told(code)}") == 1

    with world.reading() as session:
        order = world.order(placed).id
        assert desk.release_hold(session, world.tenant, order, "taken_back", by=ANN, now=datetime.now(UTC))
    scan(world, "out_for_delivery")
    world.settle()
    verify(world, placed)
    assert holds(world) == [("released", told(code))]


def test_a_parcel_that_was_never_taken_back_holds_nothing(world: World):
    placed = shipped(world)

    scan(world)
    world.settle()
    verify(world, placed)

    assert holds(world) == []


@pytest.mark.parametrize("units", [None, 1])
def test_a_parcel_that_leaves_after_its_announcement_was_taken_back_asks_a_person(world: World, units: int | None):
    placed = shipped(world)
    begin(world, placed, units)
    dies_before(world, "put_back_stock", placed)

    code = scan(world)
    only_listen(world)
    world.settle()
    verify(world, placed)

    assert holds(world)[-1] == ("open", told(code))
    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["handed_over"]
    assert world.rows("SELECT 1 FROM reversals WHERE state = 'under_way'") == []


def dies_before(world: World, kind: str, placed: dict) -> None:
    """Let the process that takes the order back die when that step is the next."""

    def listener(_boundary: str) -> None:
        if next_step(world) == kind:
            raise Crash

    steps.listen(listener)
    with pytest.raises(Crash):
        runner.work_off(world.services, world.tenant, f"order/{world.order(placed).id}")
    steps.listen(None)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due', due_at = now() WHERE state = 'running'"))


def next_step(world: World) -> str:
    due = world.rows("SELECT kind FROM reversal_steps WHERE state = 'due' ORDER BY position LIMIT 1")
    return due[0].kind if due else ""
