"""Keeps the leases of the jobs in this process's hands, from one thread: a slow carrier must not cost the claim."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine

from jobs import bell, claims
from jobs.claims import Claim
from records.database import NO_DATABASE

log = structlog.get_logger(__name__)

# RQ's alarm raises an exception in a run after LONGEST_RUN_S. What still runs a minute later hangs where no exception
# reaches, or has swallowed it, and will never give its job back.
STUCK_AFTER_S = bell.LONGEST_RUN_S + 60.0


class LeaseKeeper:
    """Renews every lease that it is given three times in the lease's length, until it is taken back.

    A job that is stuck is given up, so that another worker takes it over. `when_stuck` is then called, for a process
    that can end itself: while it hangs, its queue has one listener fewer.
    """

    def __init__(self, engine: Engine, lease_s: float) -> None:
        self._engine = engine
        self._lease_s = lease_s
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, int, int], tuple[Claim, float]] = {}
        self.when_stuck: Callable[[], None] = lambda: None
        self._pid = 0

    @contextmanager
    def keeping(self, claim: Claim) -> Iterator[None]:
        """Keep one claim while the block runs."""
        key = (claim.tenant, claim.id, claim.fence)
        with self._lock:
            self._kept[key] = claim, time.monotonic()
            if self._pid != os.getpid():  # a forked process has the parent's object and not its thread
                self._pid = os.getpid()
                threading.Thread(target=self._renew_for_ever, name="leases", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._kept.pop(key, None)

    def _renew_for_ever(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._lease_s / 3)
            with self._lock:
                kept = list(self._kept.items())
            for key, (claim, since) in kept:
                if self._is_stuck(claim, since) or not self._renew(claim):
                    with self._lock:
                        self._kept.pop(key, None)  # taken over: the next write finds out by its fence

    def _is_stuck(self, claim: Claim, since: float) -> bool:
        if time.monotonic() - since < STUCK_AFTER_S:
            return False
        log.error("job hangs and is given up", tenant=claim.tenant, job=claim.id, kind=claim.kind)
        self.when_stuck()
        return True

    def _renew(self, claim: Claim) -> bool:
        try:
            return claims.renew(self._engine, claim, lease_s=self._lease_s)
        except NO_DATABASE as error:
            log.warning("lease not renewed", job=claim.id, error=type(error).__name__)
            return True
