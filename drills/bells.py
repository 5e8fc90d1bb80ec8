"""Redis is emptied, stopped, restarted, frozen or answers nonsense: the bells are lost, the work is not."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import redis

from config import embedded
from drills.play import NotShown, Play
from drills.processes import signalled

# Vendors hang up after five seconds (Shopify); a door that waited for Redis would be far above this.
_DOOR_MAY_TAKE_S = 3.0


def redis_emptied(play: Play) -> int:
    """A Redis that loses everything again and again loses no order: what is due is rung again."""
    play.open_shops(2)
    with play.orders_coming(play.size.orders):
        for _ in range(play.size.faults):
            time.sleep(0.5)
            with play.ground.ask_redis() as connection:
                connection.flushall()
    play.fault_ended()
    return play.size.faults


def redis_stopped_for_a_minute(play: Play) -> int:
    """While Redis is away the door takes and keeps every delivery; when it is back, the work is done."""
    play.open_shops(2)
    play.place(play.size.orders // 2 + 1)
    embedded.stop_redis(play.ground.redis_folder)
    began = time.monotonic()
    play.place(play.size.orders)
    _door_did_not_wait(play)
    time.sleep(max(0.0, play.size.redis_away_s - (time.monotonic() - began)))
    embedded.start_redis(play.ground.redis_folder)
    play.fault_ended()
    return 1


def redis_restarted_again_and_again(play: Play) -> int:
    """A Redis that is restarted in the middle of jobs makes none of them run to a second effect."""
    play.open_shops(2)
    with play.orders_coming(play.size.orders):
        for _ in range(play.size.faults):
            time.sleep(1.0)
            embedded.stop_redis(play.ground.redis_folder)
            embedded.start_redis(play.ground.redis_folder)
    play.fault_ended()
    return play.size.faults


def redis_hangs_while_deliveries_come(play: Play) -> int:
    """A Redis that neither answers nor refuses costs the door nothing: deliveries are answered at once."""
    play.open_shops(2)
    with play.ground.ask_redis() as connection:
        pid = int(connection.info("server")["process_id"])
    signalled(pid, signal.SIGSTOP)
    try:
        play.place()
        _door_did_not_wait(play)
        time.sleep(play.size.away_s)
    finally:
        signalled(pid, signal.SIGCONT)
    play.fault_ended()
    return 1


def redis_answers_wrongly(play: Play) -> int:
    """A Redis that is full, a replica, or wants another password is as good as none, and is found again."""
    play.open_shops(2)
    troubles: tuple[tuple[Callable[[redis.Redis], object], Callable[[redis.Redis], object]], ...] = (
        (lambda r: r.config_set("maxmemory", "1"), lambda r: r.config_set("maxmemory", "0")),
        (lambda r: r.replicaof("127.0.0.1", "1"), lambda r: r.replicaof("NO", "ONE")),
        (_change_password, lambda r: r.config_set("requirepass", "")),
    )
    with play.ground.ask_redis() as pool, pool.client() as connection:
        for wrong, right in troubles:
            wrong(connection)
            play.place(play.size.orders // 2 + 1)
            time.sleep(play.size.away_s)
            right(connection)
            play.settle()
    play.fault_ended()
    return len(troubles)


def _change_password(connection: redis.Redis) -> None:
    """Everybody but this connection is thrown out and has to know the new one."""
    connection.config_set("requirepass", "another")
    connection.client_kill_filter(_type="normal", skipme=True)


def _door_did_not_wait(play: Play) -> None:
    """Raises NotShown where a delivery was not answered 2xx at its first attempt."""
    began = time.monotonic()
    queued = play.ground.control("POST", "/deliveries/flush", {"timeout_s": _DOOR_MAY_TAKE_S * 2})["queued"]
    late = [one for one in play.ground.control("GET", "/deliveries")["deliveries"] if one["attempts"] > 1]
    if queued or late or time.monotonic() - began > _DOOR_MAY_TAKE_S:
        raise NotShown(f"the door waited for Redis: {queued} deliveries on their way, {len(late)} tried again")
