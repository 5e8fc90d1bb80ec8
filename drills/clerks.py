"""Ops press the same button twice, all of them at once, and retry what is done already."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from drills.field import until
from drills.play import NotShown, Play
from drills.shops import hook_secret
from jobs import desk
from records import database

_CLERKS = 6


def retried_by_many_hands(play: Play) -> int:
    """Parked jobs that many people retry at once, one by one and all together, are each tried again once."""
    play.open_shops()
    shop = play.shop
    shop.connect("easypost", api_key="EZTKwrong", webhook_secret=hook_secret("easypost"))
    play.place()
    waiting = "SELECT id FROM jobs WHERE state = 'parked' ORDER BY id"
    if not play.settle() or not until(lambda: len(play.ground.rows(waiting)) >= play.size.orders, within_s=30):
        raise NotShown("the orders were not parked")
    parked = [row.id for row in play.ground.rows(waiting)]
    shop.connect("easypost", api_key=shop.keys["easypost"], webhook_secret=hook_secret("easypost"))
    play.fault_ended()
    ready = threading.Barrier(_CLERKS)

    def clerk(number: int) -> int:
        ready.wait(30)
        with database.transaction(play.ground.engine, shop.tenant) as session:
            if number % 2:
                return sum(desk.retry(session, shop.tenant, job, by=f"person:{number}") for job in parked)
            return desk.retry_all(session, shop.tenant, cause=_cause(play), kind="verify_order", by=f"person:{number}")

    with ThreadPoolExecutor(_CLERKS) as clerks:
        retried = sum(clerks.map(clerk, range(_CLERKS)))
    if retried != len(parked):
        raise NotShown(f"{len(parked)} jobs were parked and {retried} retried")
    play.settle()
    with database.transaction(play.ground.engine, shop.tenant) as session:
        again = sum(desk.retry(session, shop.tenant, job, by="person:late") for job in parked)
    if again:
        raise NotShown(f"{again} jobs that were done were tried again")
    return _CLERKS * len(parked)


def _cause(play: Play) -> str:
    rows = play.ground.rows("SELECT cause FROM jobs WHERE state = 'parked' LIMIT 1")
    return rows[0].cause if rows else ""
