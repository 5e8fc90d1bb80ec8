"""How often pages may be asked for, by address and by shop: counted in Redis for all processes together.

While Redis is away each process counts for itself, so that a limit is there whatever happens. The door for webhooks is
another application (web/hooks.py) and is never limited here: a vendor's burst is work, not an attack.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from flask import Flask, current_app, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from werkzeug.exceptions import TooManyRequests

log = structlog.get_logger(__name__)
Counted = TypeVar("Counted")

# What makes the database, a vendor or a worker do much for one press of a button.
COSTLY = frozenset(
    {
        "orders.file", "bulk.act", "bulk.print_labels", "jobs.retry_all", "vendors.compare", "stock.read_again",
        "stock.file", "counts.upload", "counts.apply", "replenish.file", "replenish.again", "simulation.tried",
        "taking_back.relabel", "reshaping.rerate", "connections.add", "connections.check", "connections.replace_key",
        "setup.test", "setup.read_again", "privacy.ask", "privacy.fetch", "audit.file", "audit_house.house_file",
        "choose.shown", "choose.confirmed", "choose.answered", "change.shown", "change.confirmed", "change.changed",
        "supply.shown", "supply.printed", "supply.file", "supply.accepted", "supply.rejected", "supply.shipped",
        "supply.stopped", "supply.sheet", "purchase_orders.sheet", "supply.machine_shown", "supply.machine_accepted",
        "supply.machine_rejected", "supply.machine_shipped", "supply.machine_stopped", "couriered.slip",
        "delivered.shown", "delivered.opened", "digital.add_codes", "digital.stop", "suppliers.ships",
    }
)  # fmt: skip
# Machines ask these all the time, and have to be answered.
_COUNTED_ELSEWHERE = frozenset({"health.healthz", "health.readyz", "show", "arriving.shown"})
# A storefront asks for all its buyers from the store's few addresses, and keeps an answer for five minutes.
_STOREFRONT_PER_MINUTE = 600
# No page waits longer than this for a count; and one that had to wait asks no more for a while.
_PATIENCE_S = 0.25
_AWAY_S = 10.0


class TooOften(TooManyRequests):
    """There is nothing left of a limit for `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__()
        self.wait_s = wait_s


class Counts:
    """Counts by a name that nobody can read back: whose address or login it was stands in no Redis."""

    def __init__(self, redis_url: str, secret: str) -> None:
        self._secret = secret.encode()
        self._shared = RedisStorage(
            redis_url,
            key_prefix="packline:limits",
            wrap_exceptions=True,
            socket_timeout=_PATIENCE_S,
            socket_connect_timeout=_PATIENCE_S,
        )
        self._own = MemoryStorage()
        self._away_until = 0.0

    def take(self, limit: RateLimitItem, *of: str, exact: bool = False) -> int:
        """Take one of a limit; answers 0, or the seconds until there is another one.

        An exact limit holds over any stretch of its length; another over a clock's minutes, for a tenth of the work.
        """
        kind = MovingWindowRateLimiter if exact else FixedWindowRateLimiter
        return self._counting(kind, lambda limiter: _taken(limiter, limit, self.unreadable(*of)))

    def forget(self, limit: RateLimitItem, *of: str) -> None:
        """Give the whole of an exact limit back."""
        self._counting(MovingWindowRateLimiter, lambda limiter: limiter.clear(limit, self.unreadable(*of)))

    def unreadable(self, *of: str) -> str:
        return hmac.new(self._secret, "\0".join(of).encode(), hashlib.sha256).hexdigest()[:32]

    def _counting(self, kind: type[RateLimiter], act: Callable[[RateLimiter], Counted]) -> Counted:
        if time.monotonic() >= self._away_until:
            try:
                return act(kind(self._shared))
            except StorageError as error:
                self._away_until = time.monotonic() + _AWAY_S
                log.warning("limits are counted by process: redis is away", error=type(error.storage_error).__name__)
        return act(kind(self._own))


def attach(app: Flask) -> None:
    settings = app.extensions["settings"]
    app.extensions["counts"] = Counts(settings.redis_url, settings.secret_key.get_secret_value())
    app.before_request(_count_address)


def counts() -> Counts:
    found: Counts = current_app.extensions["counts"]
    return found


def count_person(shop: int | None) -> None:
    """Count a page for the shop that it is about; called when it is known who asks. Raises TooOften."""
    if shop is not None:
        settings = current_app.extensions["settings"]
        _count(settings.pages_per_minute_by_shop, settings.costly_pages_per_minute, "shop", str(shop))


def count_storefront(tenant: int) -> None:
    """Count a question that a store's own storefront passed on, for all of its buyers together. Raises TooOften."""
    wait_s = counts().take(RateLimitItemPerMinute(_STOREFRONT_PER_MINUTE), "storefront", str(tenant))
    if wait_s:
        raise TooOften(wait_s)


def count_stranger() -> None:
    """Count a question of which nobody knows yet whose it is. Raises TooOften."""
    settings = current_app.extensions["settings"]
    _count(settings.pages_per_minute_by_address, settings.costly_pages_per_minute, "address", request.remote_addr or "")


def _count_address() -> None:
    if request.endpoint not in _COUNTED_ELSEWHERE:
        count_stranger()


def _count(pages: int, costly: int, kind: str, of: str) -> None:
    wait_s = counts().take(RateLimitItemPerMinute(pages), kind, of)
    if not wait_s and request.endpoint in COSTLY:
        wait_s = counts().take(RateLimitItemPerMinute(costly), "costly", kind, of)
    if wait_s:
        log.warning("limited", by=kind, endpoint=request.endpoint)
        raise TooOften(wait_s)


def _taken(limiter: RateLimiter, limit: RateLimitItem, of: str) -> int:
    if limiter.hit(limit, of):
        return 0
    return max(1, math.ceil(limiter.get_window_stats(limit, of).reset_time - time.time()))
