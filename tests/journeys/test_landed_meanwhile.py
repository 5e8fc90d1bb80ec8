"""Units that land while an order is being looked at are seen by that order, and by nobody too late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobs import stock_desk
from orders import holds, inventory
from records.tenants import Rules
from tests.world import NEWARK, RENO, World, eventually, variant

WORKER = "worker"


class Halt:
    """Lets a thread of this name do something once, and go no further until it is told."""

    def __init__(self, name: str) -> None:
        self.name, self.reached, self.go = name, threading.Event(), threading.Event()

    def after(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def halted(*args: Any, **more: Any) -> Any:
            answered = real(*args, **more)
            if threading.current_thread().name == self.name and not self.reached.is_set():
                self.reached.set()
                assert self.go.wait(30)
            return answered

        return halted


@contextmanager
def beside(name: str, does: Callable[[], Any]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=does, name=name)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def land(world: World, sku: str, place: str, units: int) -> None:
    """Somebody finds some more on a shelf, of which the store had nothing to tell."""
    (axe,) = world.rows("SELECT id FROM variants WHERE sku = :sku", sku=sku)
    (there,) = world.rows("SELECT id FROM locations WHERE name = :name", name=place)
    with world.reading() as session:
        stock_desk.adjust(
            session, world.tenant, (axe.id, there.id), units, reason="found", reference="", by="person:Ann"
        )


def somebody_waits(world: World) -> bool:
    """Whether a transaction stands still for another one."""
    return bool(world.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))


def leaving(world: World) -> int:
    (row,) = world.rows(
        "SELECT sum(l.units)::int AS units FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id "
        "WHERE s.state <> 'cancelled'"
    )
    return int(row.units)


@pytest.mark.parametrize("place", ["Reno", "Newark"])  # nothing of it ever lay in Newark: there is no level of it
def test_what_lands_between_the_look_and_the_hold_is_the_order_s(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
):
    world.open_shop(
        rules=Rules(ask_when_short=True), locations=[RENO, NEWARK], variants=[variant("AXE", stock={"Reno": 0})]
    )
    looked = Halt(WORKER)
    monkeypatch.setattr(inventory, "available", looked.after(inventory.available))
    placed = world.place(("AXE", 1))
    world.heard()

    with beside(WORKER, world.work_off):
        assert looked.reached.wait(30)
        land(world, "AXE", place, 5)
        looked.go.set()

    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert (world.letters(), world.rows("SELECT * FROM choices")) == ([], [])
    assert world.level("AXE", place) == (4, 0)


def test_what_lands_for_a_part_of_an_order_leaves_with_it(world: World, monkeypatch: pytest.MonkeyPatch):
    world.open_shop(variants=[variant("AXE", stock={"Reno": 1})])
    looked = Halt(WORKER)
    monkeypatch.setattr(inventory, "available", looked.after(inventory.available))
    placed = world.place(("AXE", 3))
    world.heard()

    with beside(WORKER, world.work_off):
        assert looked.reached.wait(30)
        land(world, "AXE", "Reno", 2)
        looked.go.set()

    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert leaving(world) == 3
    assert len(world.labels_bought()) == 1


def test_who_brings_units_and_was_first_to_ask_who_waits_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch):
    """The order is not there yet when it is asked, and what is brought is not there yet when the order looks."""
    world.open_shop(variants=[variant("AXE", stock={"Reno": 0})])
    asked = Halt("desk")
    monkeypatch.setattr(holds, "waiting_for_stock", asked.after(holds.waiting_for_stock))
    placed = world.place(("AXE", 1))
    world.heard()

    with beside("desk", lambda: land(world, "AXE", "Reno", 5)):
        assert asked.reached.wait(30)
        with beside(WORKER, world.work_off):
            eventually(lambda: somebody_waits(world) or world.rows("SELECT 1 FROM holds"))
            asked.go.set()

    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])


def test_who_brings_units_waits_for_an_order_that_is_about_to_wait(world: World, monkeypatch: pytest.MonkeyPatch):
    """An order with a part of it there: what it takes and what is brought are the same level, and nobody is stuck."""
    world.open_shop(variants=[variant("AXE", stock={"Reno": 1})])
    held = Halt(WORKER)
    monkeypatch.setattr(inventory, "reserve", held.after(inventory.reserve))
    placed = world.place(("AXE", 2))
    world.heard()

    with beside(WORKER, world.work_off):
        assert held.reached.wait(30)
        with beside("desk", lambda: land(world, "AXE", "Reno", 5)):
            eventually(lambda: somebody_waits(world))
            held.go.set()

    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert leaving(world) == 2
