"""The post office: sends signed webhooks with retries, and with duplicates, disorder and losses where a test asks."""

import heapq
import random
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sandbox.postman import Postman

HeadersFor = Callable[[bytes], dict[str, str]]

CARRIERS = 8
RETRY_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0, 5.0)
# How far apart a shuffle throws deliveries that are not paused.
SHUFFLE_SPREAD_S = 0.3


@dataclass(slots=True)
class Plan:
    """How deliveries go: held back, copied, out of order, lost, late, tried again."""

    paused: bool = False
    duplicates: int = 0
    shuffle: bool = False
    drop: float = 0.0
    delay_s: tuple[float, float] = (0.0, 0.0)
    delay_share: float = 1.0
    retries: bool = True
    retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
    seed: int = 0


@dataclass(slots=True)
class Delivery:
    """One copy of one webhook on its way; `packed` is the body, compressed, for a replay needs the very bytes."""

    seq: int
    vendor: str
    target: str
    topic: str
    url: str
    delivery_id: str
    headers_for: HeadersFor
    packed: bytes
    original: bool = True
    state: str = "queued"
    attempts: int = 0
    last_status: int | None = None
    last_error: str | None = None
    made_at: float = field(default_factory=time.time)

    def described(self) -> dict[str, Any]:
        hidden = {"headers_for", "packed"}
        return {name: getattr(self, name) for name in self.__slots__ if name not in hidden}


class Deliveries:
    """Every webhook sent since the last reset, and the eight threads that carry them."""

    def __init__(self, hooks_origin: str) -> None:
        self._hooks_origin = hooks_origin
        self._changed = threading.Condition()
        self._started = False
        self._clear_state()

    def _clear_state(self) -> None:
        self.plan = Plan()
        self._random = random.Random(0)  # nosec B311 # no cryptography
        self._numbers = count(1)
        self._urls: dict[tuple[str, str], str] = {}
        self._made: list[Delivery] = []
        self._due: list[tuple[float, float, Delivery]] = []
        self._open = 0
        # Threads that come back from a delivery made before a reset must not touch what came after.
        self._era = object()

    def clear(self) -> None:
        with self._changed:
            self._clear_state()
            self._changed.notify_all()

    def register(self, vendor: str, target: str, url: str) -> None:
        """Where a target's webhooks go; a path alone is taken to be at the app's origin."""
        with self._changed:
            self._urls[vendor, target] = f"{self._hooks_origin}{url}" if url.startswith("/") else url

    def unregister(self, vendor: str, target: str) -> None:
        with self._changed:
            self._urls.pop((vendor, target), None)

    def registered(self, vendor: str, target: str) -> str | None:
        return self._urls.get((vendor, target))

    def send(
        self, vendor: str, target: str, topic: str, headers_for: HeadersFor, body: bytes, delivery_id: str
    ) -> bool:
        """Queue one webhook, in as many copies as the plan says; False where nobody registered for it.

        `headers_for` gets the raw body at each attempt, so that a signature's timestamp is fresh.
        """
        with self._changed:
            url = self._urls.get((vendor, target))
            if url is None:
                return False
            packed = zlib.compress(body, 1)
            for copy in range(1 + self.plan.duplicates):
                made = Delivery(
                    seq=next(self._numbers),
                    vendor=vendor,
                    target=target,
                    topic=topic,
                    url=url,
                    delivery_id=delivery_id,
                    headers_for=headers_for,
                    packed=packed,
                    original=copy == 0,
                )
                self._made.append(made)
                self._post(made)
        return True

    def set_plan(self, plan: Plan) -> None:
        """Follow a new plan from now on; what a pause held back leaves at once, in random order if it says shuffle."""
        with self._changed:
            released = self.plan.paused and not plan.paused
            if plan.seed != self.plan.seed:
                self._random = random.Random(plan.seed)  # nosec B311 # no cryptography
            self.plan = plan
            if released and plan.shuffle:
                self._due = [(0.0, self._random.random(), delivery) for _, _, delivery in self._due]
                heapq.heapify(self._due)
            self._changed.notify_all()

    def replay(self, times: int, *, shuffle: bool, vendor: str | None = None) -> int:
        """Send everything sent so far again, same ids and bytes; answers how many were queued."""
        with self._changed:
            originals = [made for made in self._made if made.original and vendor in {None, made.vendor}]
            again = [made for _ in range(times) for made in originals]
            if shuffle:
                self._random.shuffle(again)
            for made in again:
                copy = Delivery(
                    seq=next(self._numbers),
                    vendor=made.vendor,
                    target=made.target,
                    topic=made.topic,
                    url=self._urls.get((made.vendor, made.target), made.url),
                    delivery_id=made.delivery_id,
                    headers_for=made.headers_for,
                    packed=made.packed,
                    original=False,
                )
                self._made.append(copy)
                self._open += 1
                self._push(0.0, copy)
        return len(again)

    def flush(self, timeout_s: float) -> int:
        """Wait until nothing is on its way; answers how many still are when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0, timeout_s)
            return self._open

    def matching(self, *, state: str | None = None, vendor: str | None = None) -> list[Delivery]:
        with self._changed:
            return [made for made in self._made if state in {None, made.state} and vendor in {None, made.vendor}]

    def _post(self, made: Delivery) -> None:
        if self.plan.drop and self._random.random() < self.plan.drop:
            made.state = "dropped"
            return
        self._open += 1
        late = self.plan.delay_share >= 1 or self._random.random() < self.plan.delay_share
        delay = self._random.uniform(*self.plan.delay_s) if late else 0.0
        if self.plan.shuffle and not self.plan.paused:
            delay += self._random.uniform(0, SHUFFLE_SPREAD_S)
        self._push(delay, made)

    def _push(self, delay_s: float, made: Delivery) -> None:
        # Undelayed ones share the time 0, so that their number keeps them in the order they were sent.
        due = time.monotonic() + delay_s if delay_s else 0.0
        heapq.heappush(self._due, (due, float(made.seq), made))
        if not self._started:
            self._start()
        self._changed.notify()

    def _start(self) -> None:
        self._started = True
        for number in range(CARRIERS):
            threading.Thread(target=self._carry, name=f"postman-{number}", daemon=True).start()

    def _carry(self) -> None:
        postman = Postman()
        while True:
            with self._changed:
                made = self._next()
                era = self._era
            body = zlib.decompress(made.packed)
            made.attempts += 1
            status, error = postman.deliver(made.url, made.headers_for(body), body)
            with self._changed:
                made.last_status, made.last_error = status, error
                if era is self._era:
                    self._settle(made, delivered=status is not None and 200 <= status < 300)

    def _next(self) -> Delivery:
        while True:
            now = time.monotonic()
            if self._due and not self.plan.paused and self._due[0][0] <= now:
                return heapq.heappop(self._due)[2]
            waiting = bool(self._due) and not self.plan.paused
            self._changed.wait(self._due[0][0] - now if waiting else None)

    def _settle(self, made: Delivery, *, delivered: bool) -> None:
        delays = self.plan.retry_delays_s if self.plan.retries else ()
        if not delivered and made.attempts <= len(delays):
            self._push(delays[made.attempts - 1], made)
            return
        made.state = "delivered" if delivered else "failed"
        self._open -= 1
        if self._open == 0:
            self._changed.notify_all()
