"""Rings for the workers: puts a lane's name on its Redis queue, soon, without ever making anybody wait.

Ringing is best effort. A small thread of this process collects the bells and rings them in batches over a connection
of its own, with no retries and half-second timeouts; what it cannot ring is dropped, counted and logged, because the
row is the job and the sweep rings it again.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field

import redis
import structlog
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger(__name__)

RUNG = Counter("packline_bells_rung_total", "Bells put on Redis", ["queue"])
LOST = Counter("packline_bells_lost_total", "Bells that Redis did not take; the sweep rings them again", ["queue"])

# RQ gives a job 180 s by default and kills it by a signal in the middle of whatever it does. Every call that a stage
# makes has a timeout of its own, the longest being 95 s for buying postage, so this only ends what is truly stuck.
LONGEST_RUN_S = 900
_BATCH = 500
# One bell alone costs its process as much as ten that are rung together, so it waits this long for company.
_GATHER_S = 0.02
# While this many bells stand on a queue, its workers have enough to do. More would only fill Redis in a burst; the
# sweep rings for what is left when the queue gets shorter.
ENOUGH_BELLS = 2_000
# One lane may ring often; what has waited this long in memory while Redis is away is not worth keeping.
_KEEP = 10_000


def connect(url: str, *, patient: bool = False) -> redis.Redis:
    """A Redis client: impatient for ringing, patient for a worker's own loop, which has nothing else to do."""
    if patient:
        return redis.Redis.from_url(url, socket_connect_timeout=5, health_check_interval=30)
    return redis.Redis.from_url(
        url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0), retry_on_timeout=False
    )


def queue(name: str, connection: redis.Redis) -> Queue:
    """A queue as everybody here must open it: with the JSON serializer, because pickle runs whatever it reads."""
    return Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=LONGEST_RUN_S)


@dataclass
class _Ringer:
    url: str
    pid: int = field(default_factory=os.getpid)
    waiting: deque[tuple[str, int, str]] = field(default_factory=lambda: deque(maxlen=_KEEP))
    wake: threading.Condition = field(default_factory=threading.Condition)
    busy: bool = False
    thread: threading.Thread | None = None

    def add(self, bell: tuple[str, int, str]) -> None:
        with self.wake:
            if len(self.waiting) == _KEEP:
                LOST.labels(self.waiting[0][0]).inc()
            self.waiting.append(bell)
            if self.thread is None:
                self.thread = threading.Thread(target=self.ring_for_ever, name="bell", daemon=True)
                self.thread.start()
            self.wake.notify()

    def ring_for_ever(self) -> None:
        connection = connect(self.url)
        while True:
            with self.wake:
                self.busy = False
                self.wake.notify_all()
                while not self.waiting:
                    self.wake.wait()
                self.busy = True
            time.sleep(_GATHER_S)
            batch = [self.waiting.popleft() for _ in range(min(_BATCH, len(self.waiting)))]
            _ring_batch(connection, batch)

    def flush(self, timeout_s: float) -> bool:
        with self.wake:
            return self.wake.wait_for(lambda: not self.waiting and not self.busy, timeout_s)


_ringer: _Ringer | None = None
_url = ""


def set_up(redis_url: str) -> None:
    """Say which Redis to ring. A process that never says so rings nowhere, and the sweep does."""
    global _url, _ringer
    _url, _ringer = redis_url, None


def ring(queue_name: str, tenant: int, lane: str) -> None:
    """Ring for one lane. Returns at once and never raises."""
    global _ringer  # noqa: PLW0603
    if not _url:
        return
    if _ringer is None or _ringer.pid != os.getpid():  # a forked process has the parent's object and not its thread
        _ringer = _Ringer(_url)
        atexit.register(flush)
    _ringer.add((queue_name, tenant, lane))


def flush(timeout_s: float = 1.0) -> bool:
    """Wait until what was asked for is rung; answers whether it was."""
    return _ringer is None or _ringer.pid != os.getpid() or _ringer.flush(timeout_s)


def name_of(tenant: int, lane: str) -> str:
    """A lane as it is called in the ids of its bells, of which RQ takes letters, digits, `_` and `-` only."""
    return f"{tenant}_{_NOT_IN_IDS.sub('-', lane)}"


_NOT_IN_IDS = re.compile("[^A-Za-z0-9_-]")


def standing(connection: redis.Redis, queue_name: str) -> frozenset[str]:
    """The names of the lanes whose bells stand on a queue. Raises RedisError."""
    return frozenset(id.rpartition("_")[0] for id in queue(queue_name, connection).job_ids)


def ring_now(connection: redis.Redis, queue_name: str, lanes: list[tuple[int, str]]) -> None:
    """Ring a batch over a given connection: the sweep's way. Raises RedisError."""
    opened = queue(queue_name, connection)
    opened.enqueue_many(
        [
            Queue.prepare_data(
                "jobs.runner.run_lane",
                args=(tenant, lane),
                timeout=LONGEST_RUN_S,
                # Two bells of one lane must not share an id: RQ would forget both when the first is answered.
                job_id=f"{name_of(tenant, lane)}_{secrets.token_hex(4)}",
                # The row tells how it ended; RQ need not keep it.
                result_ttl=0,
                failure_ttl=3600,
                # RQ writes the call with its arguments here, and logs it, unless it is told something else.
                description="run",
            )
            for tenant, lane in lanes
        ]
    )
    RUNG.labels(queue_name).inc(len(lanes))


def _ring_batch(connection: redis.Redis, batch: list[tuple[str, int, str]]) -> None:
    by_queue: dict[str, list[tuple[int, str]]] = {}
    for name, tenant, lane in dict.fromkeys(batch):
        by_queue.setdefault(name, []).append((tenant, lane))
    for name, lanes in by_queue.items():
        try:
            if queue(name, connection).count < ENOUGH_BELLS:
                ring_now(connection, name, lanes)
        except Exception as error:  # noqa: BLE001 - best effort, and the only thread that rings must live
            LOST.labels(name).inc(len(lanes))
            log.warning("bell not rung", queue=name, lanes=len(lanes), error=type(error).__name__)
