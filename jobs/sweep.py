"""Rings again for work that nobody seems to have heard of: the guarantee behind every bell."""

from __future__ import annotations

import redis
import structlog
from prometheus_client import Gauge
from sqlalchemy import Engine

from jobs import bell, claims
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
    busy = [name for name, count in waiting.items() if count >= bell.ENOUGH_BELLS]
    with database.across_tenants(engine, why="the sweep rings for every tenant") as session:
        lanes = claims.unheard(session, patience_s=patience_s, limit=_AT_ONCE, not_in=busy)
    by_queue: dict[str, list[tuple[int, str]]] = {}
    for lane in lanes:
        by_queue.setdefault(lane.queue, []).append((lane.tenant, lane.lane))
    for name, rung in by_queue.items():
        bell.ring_now(connection, name, rung)
    if lanes:
        log.info("swept", lanes=len(lanes))
    return len(lanes)
