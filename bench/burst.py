"""Twenty times what can be kept up, for some seconds, at the real door: all of it is taken, and worked off later.

The store holds its webhooks back while the orders are placed, and then sends them as fast as it can with eight
connections, once each, hanging up after five seconds as Shopify does. In the middle of the backlog another shop places
one order.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from config import boot
from demo import stage, store
from demo.stage import Stage
from demo.story import Play
from jobs import connect
from records import database

TIMES = 20
BURST_S = 5.0
# Enough to tell a rate from noise, few enough to be over soon.
WARM_UP, SUSTAINED = 10, 40
_NAME = "burst"
_PASSWORD = "burst-burst"  # noqa: S105 - opens invented orders on this machine
OTHER_SHOP, OTHER_TOKEN, OTHER_SECRET = "other.myshopify.com", "shpat_other", "other-secret"
OTHER_CARRIER_KEY = "EZTKother"


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What was measured."""

    sustained_per_s: float
    """Orders a second that were worked off as they came."""
    orders: int
    burst_s: float
    sent: int
    """Deliveries sent in the burst, each once."""
    refused: int
    """Those that were not answered 2xx within five seconds."""
    kept: int
    """Those that stand in the inbox."""
    backlog: int
    """Orders that were not yet fulfilled when the burst was over."""
    drained_per_s: float
    """Orders a second while the backlog was worked off."""
    other_s: float
    """How long the other shop's one order took, in the middle of it."""
    left_when_other_was_done: int

    @property
    def times(self) -> float:
        return self.orders / self.burst_s / self.sustained_per_s


def measure(home: Path) -> dict[str, float]:
    with stage.set_up(home / "burst", name=_NAME, password=_PASSWORD, processes=2) as running:
        burst = run(running, look_s=20.0)
    if burst.refused or burst.kept < burst.sent:
        raise RuntimeError(f"deliveries were lost: {burst}")
    return {
        "burst.times": burst.times,
        "burst.sent_per_s": burst.sent / burst.burst_s,
        "burst.drained_per_s": burst.drained_per_s,
        "burst.other_s": burst.other_s,
    }


def run(running: Stage, *, look_s: float, sustained: int = SUSTAINED, burst_s: float = BURST_S) -> Burst:
    """One burst on a fresh stage; the drain is watched for `look_s` after the other shop's order is done, or
    for as long as it takes until one order more is.
    """
    Play(stage=running, scenarios=[]).open_store()
    _open_other(running)
    rate = _sustained(running, sustained)
    orders = max(40, round(TIMES * rate * burst_s))
    done_before = _fulfilled(running)
    running.control("POST", "/deliveries/plan", {"paused": True, "retries": False})
    _place(running, store.SHOP, orders)
    held_back = {one["delivery_id"] for one in _deliveries(running, "queued")}
    started = time.perf_counter()
    running.control("POST", "/deliveries/plan", {"paused": False, "retries": False})
    _until(lambda: not held_back & {one["delivery_id"] for one in _deliveries(running, "queued")}, within_s=120)
    took_s = time.perf_counter() - started
    refused = held_back & {one["delivery_id"] for one in _deliveries(running, "failed")}
    running.control("POST", "/deliveries/plan", {"paused": False, "retries": True})
    backlog = orders - (_fulfilled(running) - done_before)
    placed = time.perf_counter()
    _place(running, OTHER_SHOP, 1)
    _until(lambda: _fulfilled(running, shop=OTHER_SHOP) == 1, within_s=120)
    other_s, left = time.perf_counter() - placed, orders - (_fulfilled(running) - done_before)
    looked = time.perf_counter()
    time.sleep(look_s)
    _until(lambda: not left or _fulfilled(running) - done_before > orders - left, within_s=120)
    drained = left - (orders - (_fulfilled(running) - done_before))
    return Burst(
        sustained_per_s=rate,
        orders=orders,
        burst_s=took_s,
        sent=len(held_back),
        refused=len(refused),
        kept=_kept(running, held_back),
        backlog=backlog,
        drained_per_s=drained / (time.perf_counter() - looked),
        other_s=other_s,
        left_when_other_was_done=left,
    )


def _sustained(running: Stage, count: int) -> float:
    _place(running, store.SHOP, WARM_UP)
    _until(lambda: _fulfilled(running) == WARM_UP, within_s=120)
    started = time.perf_counter()
    _place(running, store.SHOP, count)
    _until(lambda: _fulfilled(running) == WARM_UP + count, within_s=300)
    return count / (time.perf_counter() - started)


def _place(running: Stage, shop: str, count: int) -> None:
    wish = {
        "shop": shop,
        "lines": [{"sku": "MUG", "quantity": 1}],
        "ship_to": store.WEST,
        "count": count,
        "shipping": {"title": "Standard", "price": "6.00"},
    }
    running.control("POST", "/shopify/inventory", {"shop": shop, "sku": "MUG", "location": "Reno", "on_hand": 99_999})
    with running.engine.begin() as connection:
        connection.execute(text("UPDATE stock_levels SET on_hand = 99999"))
    running.control("POST", "/shopify/orders", wish)


def _open_other(running: Stage) -> None:
    """A second shop with its own carrier account; nothing is common to the two but our own processes."""
    running.control(
        "POST",
        "/shopify/shops",
        {
            "domain": OTHER_SHOP,
            "token": OTHER_TOKEN,
            "secret": OTHER_SECRET,
            "currency": "USD",
            "name": "Other",
            "webhook_url": f"{running.web}/hooks/shopify",
            "topics": list(store.TOPICS),
            "locations": store.LOCATIONS,
            "products": store.PRODUCTS,
        },
    )
    with database.across_tenants(running.engine, why="bench") as session:
        tenant = connect.add_tenant(session, "Other", "USD")
    secrets = {"access_token": OTHER_TOKEN, "webhook_secret": OTHER_SECRET}
    _connect(running, tenant, "shopify", OTHER_SHOP, secrets)
    carrier = _connect(running, tenant, "easypost", "", {"api_key": OTHER_CARRIER_KEY, "webhook_secret": OTHER_SECRET})
    running.control(
        "POST",
        "/easypost/accounts",
        {"key": OTHER_CARRIER_KEY, "mode": "test", "webhook_secret": OTHER_SECRET, "webhook_url": carrier},
    )
    read = text("SELECT count(*) FROM variants WHERE tenant_id = :tenant")

    def is_read() -> bool:
        with running.engine.connect() as connection:
            return bool(connection.execute(read, {"tenant": tenant}).scalar_one())

    _until(is_read, within_s=60)


def _connect(running: Stage, tenant: int, vendor: str, account: str, secrets: dict[str, str]) -> str:
    with database.transaction(running.engine, tenant) as session:
        connection = connect.connect(
            session,
            tenant,
            vendor=vendor,
            account=account,
            secrets=secrets,
            live=False,
            keyring=boot.keyring(running.settings),
        )
        return connect.hook_address(connection, running.web)


def _fulfilled(running: Stage, *, shop: str = store.SHOP) -> int:
    with running.engine.connect() as connection:
        return int(connection.execute(_FULFILLED, {"shop": shop}).scalar_one())


_FULFILLED = text("""
SELECT count(*) FROM orders JOIN connections ON connections.id = orders.connection_id
WHERE orders.state = 'fulfilled' AND connections.account = :shop
""")


def _kept(running: Stage, deliveries: set[str]) -> int:
    """How many of these deliveries stand in the inbox."""
    with running.engine.connect() as connection:
        return int(connection.execute(_KEPT, {"ids": list(deliveries)}).scalar_one())


_KEPT = text("SELECT count(*) FROM inbox_events WHERE delivery_id = ANY(:ids)")


def _deliveries(running: Stage, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = running.control("GET", f"/deliveries?vendor=shopify&state={state}")["deliveries"]
    return found


def _until(so: Any, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s")
        time.sleep(0.1)
