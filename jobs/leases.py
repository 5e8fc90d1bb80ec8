"""Keeps the leases of the jobs in this process's hands, from one thread: a slow carrier must not cost the claim."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs import claims
from jobs.claims import Claim

log = structlog.get_logger(__name__)


class LeaseKeeper:
    """Renews every lease that it is given three times in the lease's length, until it is taken back."""

    def __init__(self, engine: Engine, lease_s: float) -> None:
        self._engine = engine
        self._lease_s = lease_s
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, int, int], Claim] = {}
        self._pid = 0

    @contextmanager
    def keeping(self, claim: Claim) -> Iterator[None]:
        """Keep one claim while the block runs."""
        key = (claim.tenant, claim.id, claim.fence)
        with self._lock:
            self._kept[key] = claim
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
            for key, claim in kept:
                if not self._renew(claim):
                    with self._lock:
                        self._kept.pop(key, None)  # taken over: the next write finds out by its fence

    def _renew(self, claim: Claim) -> bool:
        try:
            return claims.renew(self._engine, claim, lease_s=self._lease_s)
        except (DBAPIError, PoolTimeout) as error:
            log.warning("lease not renewed", job=claim.id, error=type(error).__name__)
            return True
