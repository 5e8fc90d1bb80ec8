"""Whose turn it is: no tenant keeps a queue's processes to itself while another one waits.

Bells come in the order in which they were rung, and a busy shop rings thousands. So they only wake; whose work is done
is decided here, by asking the records who else waits:

- A process that has worked for one tenant for a moment, or for one call that took longer, does a lane of each of the
  next tenants in turn before it goes on.
- A tenant whose vendors are slow leaves one process of each queue to the others: it holds all the rest at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine, text

from jobs.claims import TENANTS_WAITING, Lane
from records import database

log = structlog.get_logger(__name__)

# So long may one tenant's quick work go on before the process looks up. A look costs about half a millisecond.
TURN_S = 0.25
# So many tenants get a lane each before the one that was interrupted goes on.
OTHERS_AT_ONCE = 4
# Buying postage takes one to four seconds on a good day. A run that takes longer tells of a vendor in trouble.
SLOW_S = 5.0
# What was slow a minute ago is expected to be slow still.
SLOW_FOR_S = 60.0
# How many processes listen to a queue changes when somebody starts or stops some.
_LISTENING_KEPT_S = 10.0


@dataclass
class Turn:
    """One tenant's turn, asked after every job whether the lane may go on. `cut` says that it may not for now."""

    turns: Turns
    tenant: int
    began_at: float
    last_at: float
    cut: bool = False

    def goes_on(self) -> bool:
        now = self.turns.clock()
        self.turns.took(self.tenant, now - self.last_at)
        self.last_at = now
        self.cut = now - self.began_at >= TURN_S
        return not self.cut


@dataclass
class Turns:
    """What one process knows of whose turn it is in its queue."""

    engine: Engine
    queue: str
    listening: Callable[[], int] = lambda: 1
    """How many processes listen to the queue; asked rarely."""
    clock: Callable[[], float] = time.monotonic
    _last: int = 0
    _look_at: float = 0.0
    _slow_until: dict[int, float] = field(default_factory=dict)
    _listening: tuple[float, int] = (0.0, 0)

    def begin(self, tenant: int) -> Turn:
        now = self.clock()
        return Turn(turns=self, tenant=tenant, began_at=now, last_at=now)

    def others(self, tenant: int) -> list[Lane]:
        """Lanes of the tenants who are next, one of each, where it is time to look; none where nobody else waits.

        While others wait it is always time: then every lane of the one is followed by lanes of the others.
        """
        now = self.clock()
        if now < self._look_at:
            return []
        waiting = self._look(tenant)
        self._look_at = now if waiting else now + TURN_S
        return [lane for lane in waiting if not self.has_its_share(lane.tenant)]

    def took(self, tenant: int, seconds: float) -> None:
        """Remember how long a run of a tenant's took."""
        now = self.clock()
        if seconds >= SLOW_S:
            self._slow_until[tenant] = now + SLOW_FOR_S
        elif self._slow_until.get(tenant, now) < now:
            del self._slow_until[tenant]

    def has_its_share(self, tenant: int) -> bool:
        """Whether a slow tenant already holds as many processes as it may while there are other tenants."""
        if self._slow_until.get(tenant, 0.0) <= self.clock():
            return False
        most = max(1, self._listeners() - 1)
        try:
            with database.across_tenants(self.engine, why="a queue's processes are shared by all tenants") as session:
                held = session.execute(_HELD, {"tenant": tenant, "queue": self.queue}).one()
        except database.NO_DATABASE as error:
            log.warning("shares not known", queue=self.queue, error=type(error).__name__)
            return False
        return bool(held.others) and held.jobs >= most

    def _look(self, tenant: int) -> list[Lane]:
        values = {"queue": self.queue, "besides": tenant, "last": self._last, "limit": OTHERS_AT_ONCE}
        try:
            with database.across_tenants(self.engine, why="a queue's processes are shared by all tenants") as session:
                found = sorted(session.execute(_NEXT, values), key=lambda row: row.turn)
        except database.NO_DATABASE as error:
            log.warning("nobody else looked for", queue=self.queue, error=type(error).__name__)
            return []
        self._last = next((row.tenant_id for row in reversed(found) if row.turn), self._last)
        return [Lane(tenant=row.tenant_id, name=row.lane) for row in found]

    def _listeners(self) -> int:
        asked_at, known = self._listening
        now = self.clock()
        if not known or now - asked_at > _LISTENING_KEPT_S:
            known = max(1, self.listening())
            self._listening = (now, known)
        return known


_HELD = text("""
SELECT (SELECT count(*) FROM jobs
        WHERE tenant_id = :tenant AND queue = :queue AND state = 'running' AND lease_until >= now()) AS jobs,
       EXISTS (SELECT 1 FROM connections WHERE tenant_id <> :tenant AND ended_at IS NULL) AS others
""")

# The tenants in a circle, beginning after the one who was served last; of each the lane that waits longest and that
# nobody works in. Work whose worker is gone waits as well, and there is little of it.
_NEXT = text(f"""
WITH RECURSIVE {TENANTS_WAITING}
(SELECT circle.tenant AS tenant_id, oldest.lane, circle.turn
 FROM (SELECT tenant, row_number() OVER (ORDER BY tenant <= :last, tenant) AS turn
       FROM waiting WHERE tenant <> :besides ORDER BY tenant <= :last, tenant) circle CROSS JOIN LATERAL (
     SELECT lane FROM jobs
     WHERE queue = :queue AND tenant_id = circle.tenant AND state = 'due' AND due_at <= now()
       AND NOT EXISTS (SELECT 1 FROM jobs busy
                       WHERE busy.tenant_id = circle.tenant AND busy.lane = jobs.lane AND busy.state = 'running'
                         AND busy.lease_until >= now())
     ORDER BY due_at
     LIMIT 1) oldest
 LIMIT :limit)
UNION ALL
(SELECT tenant_id, lane, 0 FROM jobs
 WHERE queue = :queue AND state = 'running' AND lease_until < now() AND tenant_id <> :besides
 ORDER BY lease_until
 LIMIT :limit)
""")  # nosec B608 # composed of our own constants; every value is bound
