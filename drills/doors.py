"""The door's processes die between commit and bell, the same delivery comes a hundred times at once, secrets change."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
from cryptography.fernet import Fernet
from pydantic import SecretStr

from drills import both_sides, losses
from drills.books import Ground
from drills.field import until
from drills.play import NotShown, Play
from drills.processes import signalled
from drills.shops import PLAIN, Shop, hook_secret

_AT_ONCE = 100
_FRESH = hook_secret("tomorrow")


def web_killed_between_commit_and_bell(play: Play) -> int:
    """A delivery that was kept by a process that died before it rang is found by the sweep, or sent again and counted.

    The processes are killed as soon as the row is seen, and the bells that may have been rung are thrown away.
    """
    play.open_shops()
    for _ in range(2 * play.size.faults):
        before = _kept(play)
        play.shop.place(*PLAIN)
        if not until(partial(_more_are_kept, play, before), within_s=60, pause_s=0.001):
            raise NotShown("no delivery arrived")
        for pid in play.ground.processes.children("web"):
            signalled(pid, signal.SIGKILL)
        with play.ground.ask_redis() as connection:
            connection.flushall()
        if not until(lambda: len(play.ground.processes.children("web")) >= 2, within_s=60):
            raise NotShown("the web server did not come back")
    play.ground.processes.kill("web")
    play.shop.place(*PLAIN)
    play.ground.start_web()
    play.fault_ended()
    return 2 * play.size.faults + 1


def same_delivery_a_hundred_times_at_once(play: Play) -> int:
    """Of a hundred equal deliveries in one moment one is kept, the others are counted, and the order is placed once."""
    play.open_shops()
    for _ in range(play.size.faults):
        placed = play.shop.place(*PLAIN, webhooks=False)
        answers = _send_at_once(play.shop, placed.remote_id)
        if answers != Counter({200: _AT_ONCE - 1, 202: 1}):
            raise NotShown(f"the door answered {dict(answers)}")
    play.fault_ended()
    return play.size.faults * _AT_ONCE


def everything_delivered_again(play: Play) -> int:
    """Everything that was ever sent, sent five more times in another order, changes nothing."""
    play.open_shops(2)
    play.ground.control("POST", "/deliveries/plan", {"duplicates": 1, "shuffle": True, "retry_delays_s": [0.5] * 200})
    play.place()
    play.settle()
    again = int(play.ground.control("POST", "/deliveries/replay", {"times": 5, "shuffle": True})["queued"])
    play.fault_ended()
    return again


def deliveries_lost_late_and_shuffled(play: Play) -> int:
    """One in twenty webhooks never comes, one in five comes late, none in order: one comparison finds what is missing.

    Each repair has its line on the order's timeline, and a second comparison finds nothing.
    """
    play.open_shops()
    told = losses.tell(_ground(play), orders=play.size.lossy_orders)
    play.fault_ended()
    play.more_orders = play.size.lossy_orders
    play.lost += [*told.differences, *told.untold, *told.found_again]
    return sum(told.lost.values())


def stock_changed_on_both_sides(play: Play) -> int:
    """Orders, cancellations and counts by hand change stock on both sides at once while webhooks are lost: after the
    comparisons every level is the same in the store and here, and nothing is oversold.
    """
    play.open_shops()
    changed = both_sides.tell(_ground(play), orders=play.size.stock_orders)
    play.fault_ended()
    play.more_orders = play.size.stock_orders
    play.lost += changed.differences
    return changed.counted_here + changed.counted_there


def _ground(play: Play) -> Ground:
    shop = play.shop

    def compare() -> None:
        shop.compare()
        play.settle()

    def hurry() -> None:
        play.ground.change("UPDATE jobs SET due_at = now() WHERE state = 'due' AND kind <> 'void_label'")

    return Ground(
        sandbox=play.ground.sandbox,
        control=play.ground.control,
        rows=play.ground.rows,
        engine=play.ground.engine,
        settle=play.settle,
        hurry=hurry,
        compare=compare,
        tenant=shop.tenant,
        domain=shop.domain,
        sku="AXE",
        stripe_key=shop.keys["stripe"],
        easypost_key=shop.keys["easypost"],
    )


def secrets_rotated_under_load(play: Play) -> int:
    """Webhook secrets and encryption keys are replaced while old and new are both in use, and nobody notices."""
    play.open_shops()
    shop, field = play.shop, play.ground
    old_keys = field.processes.settings.encryption_keys
    with play.orders_coming(play.size.orders):
        for vendor, name in (("stripe", "api_key"), ("easypost", "api_key"), ("shopify", "access_token")):
            key = {name: shop.keys[vendor]}
            shop.connect(vendor, **key, webhook_secret=_FRESH, previous_webhook_secret=hook_secret(vendor))
        shop.tell_accounts(easypost=_FRESH, stripe=_FRESH)
        fresh = SecretStr(Fernet.generate_key().decode())
        field.processes.settings = field.settings.model_copy(update={"encryption_keys": (fresh, *old_keys)})
        for name in ("worker", "web"):
            field.processes.stop(name)
        field.start_web()
        field.start_worker()
    play.fault_ended()
    play.settle()
    field.processes.settings = field.settings
    return 4


def restarted_with_a_backlog(play: Play) -> int:
    """Everything is switched off with a full backlog and on again: it is worked off, each order once."""
    play.open_shops(2)
    play.dismiss()
    share = play.size.backlog // len(play.shops)
    for shop in play.shops:
        shop.place_many(share)
    play.ground.control("POST", "/deliveries/flush", {"timeout_s": 120})
    play.ground.restart_servers()
    play.fault_ended()
    play.crew(processes=2)
    return 1


def _send_at_once(shop: Shop, remote_id: str) -> Counter[int]:
    body = json.dumps({"order_edit": {"order_id": int(remote_id.rpartition("/")[2])}}).encode()
    signature = base64.b64encode(hmac.digest(hook_secret("shopify").encode(), body, hashlib.sha256)).decode()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "orders/edited",
        "X-Shopify-Shop-Domain": shop.domain,
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Webhook-Id": f"drill-{remote_id.rpartition('/')[2]}",
        "X-Shopify-Event-Id": f"event-{remote_id.rpartition('/')[2]}",
    }
    ready = threading.Barrier(_AT_ONCE)

    def send(_: int) -> int:
        ready.wait(30)
        return client.post(f"{shop.web}/hooks/shopify", content=body, headers=headers).status_code

    limits = httpx.Limits(max_connections=_AT_ONCE)
    with httpx.Client(timeout=30, limits=limits) as client, ThreadPoolExecutor(_AT_ONCE) as senders:
        return Counter(senders.map(send, range(_AT_ONCE)))


def _more_are_kept(play: Play, before: int) -> bool:
    return _kept(play) > before


def _kept(play: Play) -> int:
    return int(play.ground.rows("SELECT count(*) AS n FROM inbox_events")[0].n)
