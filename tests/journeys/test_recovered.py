"""Real processes are killed, starved and restarted in the middle of the work; every order ends right, and once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from config import embedded
from demo.stage import environment
from tests.world import World, eventually, variant

pytestmark = pytest.mark.drill

STAGES = ("take_event", "verify_order", "check_payment", "reserve_stock", "buy_label", "push_tracking")


@contextmanager
def crew(world: World, **more: str) -> Iterator[list[subprocess.Popen]]:
    """A worker and a clock, as production runs them."""
    surroundings = (
        os.environ | environment(world.settings) | {"JOB_LEASE_SECONDS": "2", "BELL_PATIENCE_SECONDS": "1"} | more
    )
    crew = [
        subprocess.Popen([sys.executable, "-m", "cli", *words], env=surroundings, start_new_session=True)
        for words in (("worker", "--processes", "1"), ("clock",))
    ]
    try:
        yield crew
    finally:
        for process in crew:
            process.send_signal(signal.SIGTERM)
        for process in crew:
            process.wait(60)


def hold_up(world: World, stage: str) -> None:
    """Make the stage's vendor slow, so that the worker is in the middle of it for a while."""
    operation = {
        "take_event": None,
        "verify_order": ("shopify", "order"),
        "buy_label": ("easypost", "shipment.buy"),
        "push_tracking": ("shopify", "fulfillmentCreate"),
    }.get(stage)
    if operation is not None:
        world.fault(vendor=operation[0], operation=operation[1], kind="latency", delay_s=0.4, times=None)


def running_worker(world: World, stage: str) -> int | None:
    """The process that has a job of this stage in its hands at this moment."""
    rows = world.rows("SELECT worker FROM jobs WHERE state = 'running' AND kind = :kind LIMIT 1", kind=stage)
    return int(rows[0].worker.rpartition("-")[2]) if rows else None


def kill_in_the_middle(world: World, stage: str, times: int) -> int:
    killed = 0
    deadline = time.monotonic() + 20
    while killed < times and time.monotonic() < deadline:
        pid = running_worker(world, stage)
        if pid is None:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
        eventually(lambda pid=pid: running_worker(world, stage) != pid)
    return killed


def all_ended_once(world: World, placed: list[dict]) -> None:
    """Every order is fulfilled, with one label a parcel and one fulfillment a shipment, here and at the vendors."""

    def states() -> bool:
        try:
            rows = world.rows("SELECT state, count(*) AS n FROM orders GROUP BY state")
        except OperationalError:
            return False
        return {row.state: row.n for row in rows} == {"fulfilled": len(placed)}

    eventually(states, within_s=90)
    assert len(world.labels_bought()) == len(placed)
    assert len(world.calls(vendor="easypost", operation="shipment.buy", effect="true")) == len(placed)
    store = world.store_orders()
    assert [len(store[order["name"]]["fulfillments"]) for order in placed] == [1] * len(placed)
    numbers = {label["tracking_code"] for label in world.labels_bought()}
    told = {one["tracking"][0]["number"] for order in placed for one in store[order["name"]]["fulfillments"]}
    assert told == numbers
    (level,) = world.rows(
        "SELECT on_hand, reserved FROM stock_levels JOIN locations l ON l.id = location_id WHERE l.name = 'Reno'"
    )
    assert (level.on_hand, level.reserved) == (1_000 - len(placed), 0)
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []


@pytest.fixture
def shop(world: World) -> World:
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1_000})])
    return world


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_killed_in_the_middle_of_a_stage_loses_and_doubles_nothing(shop: World, stage: str):
    hold_up(shop, stage)

    placed = [shop.place(("BAG", 1)) for _ in range(6)]
    with crew(shop):
        killed = kill_in_the_middle(shop, stage, times=2)
        shop.control("DELETE", "/faults")
        all_ended_once(shop, placed)

    assert killed == 2


def test_redis_emptied_and_stopped_midway_costs_only_time(shop: World):
    with crew(shop):
        placed = [shop.place(("BAG", 1)) for _ in range(5)]
        with redis.Redis.from_url(shop.settings.redis_url) as connection:
            connection.flushall()
        placed += [shop.place(("BAG", 1)) for _ in range(5)]
        folder = embedded.reachable(shop.settings.packline_home) / "redis"
        embedded.stop_redis(folder)
        placed += [shop.place(("BAG", 1)) for _ in range(5)]
        shop.heard()
        assert embedded.start_redis(folder) == shop.settings.redis_url
        all_ended_once(shop, placed)


def test_postgresql_restarted_midway_costs_only_time(shop: World):
    with crew(shop):
        placed = [shop.place(("BAG", 1)) for _ in range(6)]
        folder = embedded.reachable(shop.settings.packline_home) / "postgresql"
        eventually(lambda: shop.rows("SELECT 1 FROM orders WHERE state <> 'received'"))
        embedded.pg_ctl(folder, "restart", "-m", "immediate", "-w")
        shop.engine.dispose()
        placed += [shop.place(("BAG", 1)) for _ in range(6)]
        all_ended_once(shop, placed)


def test_connections_that_are_cut_are_opened_again(shop: World):
    with crew(shop):
        placed = [shop.place(("BAG", 1)) for _ in range(8)]
        for _ in range(3):
            with shop.engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'packline-w%'"
                    )
                )
        all_ended_once(shop, placed)
