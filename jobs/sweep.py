"""Rings again for work that nobody seems to have heard of: the guarantee behind every bell."""

from __future__ import annotations

import redis
import structlog
from prometheus_client import Gauge
from sqlalchemy import Engine

from jobs import bell, claims
from jobs.claims import Lane
from jobs.queue import QUEUES
from records import database

log = structlog.get_logger(__name__)

BACKLOG = Gauge("packline_bells_waiting", "Bells that stand on a queue", ["queue"])

_AT_ONCE = 1_000


def run(engine: Engine, connection: redis.Redis, *, patience_s: float) -> int:
    """Ring for what is due and unheard; answers how many lanes were rung. Raises RedisError, with nothing lost."""
    waiting = {name: bell.queue(name, connection).count for name in QUEUES}
    for name, count in waiting.items():
        BACKLOG.labels(name).set(count)
    rung = 0
    for name, count in waiting.items():
        room = min(_AT_ONCE, bell.ENOUGH_BELLS - count)
        if room > 0:
            rung += _ring(engine, connection, name, patience_s=patience_s, room=room)
    if rung:
        log.info("swept", lanes=rung)
    return rung


def _ring(engine: Engine, connection: redis.Redis, queue: str, *, patience_s: float, room: int) -> int:
    with database.across_tenants(engine, why="the sweep rings for every tenant") as session:
        lanes = claims.unheard(session, queue, patience_s=patience_s, limit=room)
    silent = _without_bell(connection, queue, lanes) if lanes else []
    if silent:
        bell.ring_now(connection, queue, silent)
    return len(silent)


def _without_bell(connection: redis.Redis, queue: str, lanes: list[Lane]) -> list[tuple[int, str]]:
    """Those whose bell does not stand there yet: in a backlog the oldest wait longest, and are not rung for twice."""
    standing = bell.standing(connection, queue)
    return [(lane.tenant, lane.name) for lane in lanes if bell.name_of(lane.tenant, lane.name) not in standing]
