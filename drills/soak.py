"""The long run: the database crashes every 5 to 40 seconds and workers die at random while orders come in."""

from __future__ import annotations

import random
import threading
import time

from drills import databases, workers
from drills.play import Play

_SHOPS = 4
_RESTART_EVERY_S = (5.0, 40.0)
# Ten minutes hold some 240 of these, besides the deaths at every boundary.
_KILL_EVERY_S = (1.0, 4.0)
_TELL_EVERY_S = 30.0


def soak(play: Play) -> int:
    """Orders come for minutes on end while the database crashes and workers die: all of them end right, once."""
    play.open_shops(_SHOPS)
    play.crew(processes=2)
    kills, restarts = [0], [0]
    over = threading.Event()
    telling = threading.Thread(target=_tell, args=(play, over, kills, restarts), daemon=True)
    crashing = threading.Thread(target=_crash, args=(play, over, restarts), daemon=True)
    telling.start()
    crashing.start()
    chance, ends_at = random.Random(4), time.monotonic() + play.size.soak_s  # nosec B311 # no cryptography
    with play.orders_coming(play.size.soak_orders, over_s=play.size.soak_s * 0.9):
        while time.monotonic() < ends_at:
            time.sleep(chance.uniform(*_KILL_EVERY_S))
            kills[0] += workers.kill_one(play, chance)
    over.set()
    crashing.join()
    play.fault_ended()
    telling.join()
    play.say(f"{kills[0]} kills, {restarts[0]} restarts; waiting for the rest …")
    return kills[0] + restarts[0]


def _crash(play: Play, over: threading.Event, restarts: list[int]) -> None:
    chance = random.Random(3)  # nosec B311 # no cryptography
    while not over.wait(chance.uniform(*_RESTART_EVERY_S)):
        databases.restart(play)
        restarts[0] += 1


def _tell(play: Play, over: threading.Event, kills: list[int], restarts: list[int]) -> None:
    began = time.monotonic()
    while not over.wait(_TELL_EVERY_S):
        states = play.ground.rows("SELECT state, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1")
        told = ", ".join(f"{row.n} {row.state}" for row in states)
        placed = sum(len(shop.placed) for shop in play.shops)
        play.say(
            f"  {time.monotonic() - began:4.0f} s: {placed} placed, {told}; {kills[0]} kills, {restarts[0]} restarts"
        )
