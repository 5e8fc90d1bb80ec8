"""What an order costs from its webhook to its tracking number: our processes' CPU, and orders a second.

The sandbox answers without delay. CPU is counted for the web, worker and clock processes and their children, before
and after a batch of orders; PostgreSQL, Redis and the sandbox are not ours.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from sqlalchemy import text

from demo import stage, store
from demo.stage import Stage
from demo.story import Play

ORDERS = 100
_NAME = "bench"
_PASSWORD = "bench-bench"  # noqa: S105 - opens invented orders on this machine
WARM_UP = 20
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(home: Path) -> dict[str, float]:
    """A run with one worker process a queue, and one with two."""
    one, cpu_ms = _run(home / "one", processes=1)
    two, _ = _run(home / "two", processes=2)
    return {
        "pipeline.cpu_ms_per_order": cpu_ms,
        "pipeline.orders_per_s.1": one,
        "pipeline.orders_per_s.2": two,
    }


def _run(home: Path, *, processes: int) -> tuple[float, float]:
    with stage.set_up(home, name=_NAME, password=_PASSWORD, processes=processes) as running:
        play = Play(stage=running, scenarios=[])
        play.open_store()
        _place(running, WARM_UP)
        _wait(running, WARM_UP)
        before, started = _cpu_s(running), time.perf_counter()
        _place(running, ORDERS)
        _wait(running, WARM_UP + ORDERS)
        seconds = time.perf_counter() - started
        play.rest()  # what follows an announced order (labels kept, echoes heard) belongs to its cost
        return ORDERS / seconds, (_cpu_s(running) - before) * 1000 / ORDERS


def _place(running: Stage, count: int) -> None:
    wish = {
        "shop": store.SHOP,
        "lines": [{"sku": "MUG", "quantity": 1}],
        "ship_to": store.WEST,
        "count": count,
        "shipping": {"title": "Standard", "price": "6.00"},
    }
    level = {"shop": store.SHOP, "sku": "MUG", "location": "Reno", "on_hand": 99_999}
    running.control("POST", "/shopify/inventory", level)
    with running.engine.begin() as connection:
        connection.execute(text("UPDATE stock_levels SET on_hand = 99999"))
    running.control("POST", "/shopify/orders", wish)


def _wait(running: Stage, count: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with running.engine.connect() as connection:
            done = connection.execute(text("SELECT count(*) FROM orders WHERE state = 'fulfilled'")).scalar_one()
        if done >= count:
            return
        time.sleep(0.05)
    raise RuntimeError(f"{done} of {count} orders are fulfilled after 300 s: see {running.logs}")


def _cpu_s(running: Stage) -> float:
    """CPU seconds of our processes and of all that they started, from /proc."""
    rows = dict(filter(None, map(_row, Path("/proc").iterdir())))
    ours = {running.processes[name] for name in ("web", "worker", "clock")}
    while born := {pid for pid, (parent, _) in rows.items() if parent in ours} - ours:
        ours |= born
    return sum(rows[pid][1] for pid in ours) / _TICKS


def _row(folder: Path) -> tuple[int, tuple[int, int]] | None:
    """A process's id, its parent's, and the clock ticks that it and its waited-for children have used."""
    if not folder.name.isdigit():
        return None
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended between the listing and the look
        return None
    return int(folder.name), (int(fields[1]), sum(int(ticks) for ticks in fields[11:15]))
