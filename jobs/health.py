"""Tells how the work is doing: what stands on each queue, who listens to it, and what has waited longest.

The bells and the listeners are Redis's to tell, and it may be away; the work itself stands in PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis
from rq import Worker
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs import bell
from jobs.queue import QUEUES


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A living worker process. `heard_at` is its last sign of life."""

    name: str
    queues: tuple[str, ...]
    state: str
    since: datetime | None
    heard_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What Redis knows. `answers` is False, and all else empty, where it does not answer."""

    answers: bool
    bells: dict[str, int]
    """Bells that stand on each queue and were not heard yet."""
    listeners: tuple[Listener, ...]

    @property
    def unheard(self) -> tuple[str, ...]:
        """The queues that nobody listens to."""
        heard = {queue for listener in self.listeners for queue in listener.queues}
        return tuple(queue for queue in QUEUES if queue not in heard) if self.answers else ()


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """The waiting work of one queue: due by now, waiting for a later time, in hand, and needing a person."""

    queue: str
    due: int
    later: int
    running: int
    parked: int
    oldest_due_at: datetime | None


_SILENT = Report(answers=False, bells={}, listeners=())


def report(redis_url: str) -> Report:
    """Ask Redis, for half a second at most."""
    connection = bell.connect(redis_url)
    try:
        workers = Worker.all(connection=connection, serializer=JSONSerializer)
        return Report(
            answers=True,
            bells={name: bell.queue(name, connection).count for name in QUEUES},
            listeners=tuple(sorted((_listener(worker) for worker in workers), key=lambda one: (one.queues, one.name))),
        )
    except redis.RedisError:
        return _SILENT
    finally:
        connection.close()


def listening(connection: redis.Redis, queue: str) -> int:
    """How many processes listen to a queue, on all machines. Raises RedisError."""
    return Worker.count(queue=bell.queue(queue, connection))


def backlog(session: Session) -> list[Backlog]:
    """Every queue's waiting work, over all tenants; one line for each declared queue."""
    found = {row.queue: Backlog(**row._mapping) for row in session.execute(_BACKLOG)}  # noqa: SLF001 - its public name
    empty = {name: Backlog(queue=name, due=0, later=0, running=0, parked=0, oldest_due_at=None) for name in QUEUES}
    return list((empty | found).values())


# Three partial indexes hold exactly the rows that this counts; what is done is never read.
_BACKLOG = text("""
SELECT queue,
       count(*) FILTER (WHERE state = 'due' AND due_at <= now()) AS due,
       count(*) FILTER (WHERE state = 'due' AND due_at > now()) AS later,
       count(*) FILTER (WHERE state = 'running') AS running,
       count(*) FILTER (WHERE state = 'parked') AS parked,
       min(due_at) FILTER (WHERE state = 'due' AND due_at <= now()) AS oldest_due_at
FROM (SELECT queue, state, due_at FROM jobs WHERE state = 'due'
      UNION ALL SELECT queue, state, due_at FROM jobs WHERE state = 'running'
      UNION ALL SELECT queue, state, due_at FROM jobs WHERE state = 'parked') waiting
GROUP BY queue
""")


def _listener(worker: BaseWorker) -> Listener:
    return Listener(
        name=worker.name,
        queues=tuple(worker.queue_names()),
        state=str(worker.get_state()),
        since=worker.birth_date,
        heard_at=worker.last_heartbeat,
    )
