"""Faults on demand: what goes wrong, for which call, how often, and what the caller then sees."""

import random
import threading
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from flask import request

from sandbox.answers import Answer, ErrorShape


@dataclass(slots=True)
class Fault:
    """A fault that waits for its calls; `times` None means until it is cleared, `skip` lets the first ones pass."""

    vendor: str
    kind: str
    operation: str = "*"
    match: str | None = None
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    delay_s: float = 1.0
    status: int | None = None
    retry_after: float | None = None
    id: int = 0
    taken: int = 0

    def described(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Damage:
    """What one kind of fault does: whether the vendor acts, whether the caller is held, what the caller is sent.

    `reply` gets the vendor's true answer (None when it did not act); its own None means the connection is dropped.
    """

    acts: bool
    reply: Callable[[Fault, Answer | None, ErrorShape], Answer | None]
    holds_before: bool = False
    holds_after: bool = False
    # The vendor itself failed after acting, so this failure is its answer, stored under an idempotency key.
    vendors_own: bool = False


class Faults:
    """The faults now set, taken one per call in the order they were set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = count(1)
        self._random = random.Random(0)  # nosec B311 # no cryptography
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Set a fault.

        Raises:
            ValueError: the kind is unknown.
        """
        if fault.kind not in KINDS:
            raise ValueError(f"unknown fault kind {fault.kind!r}; there are {', '.join(sorted(KINDS))}")
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault

    def take(self, vendor: str, operation: str, *, kinds: Collection[str]) -> Fault | None:
        """The fault that strikes this call, used up by it; None when the call shall go well."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and _concerns(fault, vendor, operation) and self._strikes(fault):
                    return fault
        return None

    def current(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def clear(self, fault_id: int | None = None) -> None:
        with self._lock:
            self._faults = [fault for fault in self._faults if fault_id is not None and fault.id != fault_id]

    def _strikes(self, fault: Fault) -> bool:
        if fault.times is not None and fault.taken >= fault.times:
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        fault.taken += 1
        return True


def _concerns(fault: Fault, vendor: str, operation: str) -> bool:
    if fault.vendor not in {vendor, "*"} or fault.operation not in {operation, "*"}:
        return False
    return fault.match is None or fault.match in _request_text()


def _request_text() -> str:
    return request.full_path + "\n" + request.get_data(cache=True).decode("utf-8", "replace")


def _true_answer(_fault: Fault, answer: Answer | None, _errors: ErrorShape) -> Answer | None:
    return answer


def _too_many(fault: Fault, _answer: Answer | None, errors: ErrorShape) -> Answer:
    return Answer(429, errors(429), _wait_told(fault))


def _server_error(fault: Fault, answer: Answer | None, errors: ErrorShape) -> Answer:
    # Turned away at the door it is a 503; broken on the way back, a 500.
    status = fault.status or (503 if answer is None else 500)
    return Answer(status, errors(status), _wait_told(fault))


def _wait_told(fault: Fault) -> dict[str, str]:
    """The header of RFC 9110, 10.2.3, where the fault says how long to stay away."""
    return {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}


def _dropped(_fault: Fault, _answer: Answer | None, _errors: ErrorShape) -> None:
    return None


def _truncated(_fault: Fault, answer: Answer | None, _errors: ErrorShape) -> Answer:
    whole = answer.payload() if answer else b'{"object":'
    return Answer(200, whole[: max(1, len(whole) * 2 // 3)], {"Content-Type": "application/json; charset=utf-8"})


def _web_page(_fault: Fault, _answer: Answer | None, _errors: ErrorShape) -> Answer:
    page = b"<!doctype html><html><head><title>One moment</title></head><body><h1>One moment, please</h1></body></html>"
    return Answer(200, page, {"Content-Type": "text/html; charset=utf-8"})


DAMAGE: dict[str, Damage] = {
    "latency": Damage(acts=True, holds_before=True, reply=_true_answer),
    "429": Damage(acts=False, reply=_too_many),
    "5xx": Damage(acts=False, reply=_server_error),
    "5xx_after": Damage(acts=True, reply=_server_error, vendors_own=True),
    "timeout_before": Damage(acts=False, holds_before=True, reply=_dropped),
    "timeout_after": Damage(acts=True, holds_after=True, reply=_dropped),
    "cut": Damage(acts=False, reply=_dropped),
    "cut_after": Damage(acts=True, reply=_dropped),
    "broken_json": Damage(acts=True, reply=_truncated),
    "html": Damage(acts=True, reply=_web_page),
}
# `throttled` is Shopify's own (200 with an error body); its stand-in takes that kind itself and writes the body.
# `refused` and `busy` are a mail server's, which has no HTTP to go wrong in; sandbox/mailbox.py says what they do.
KINDS = frozenset(DAMAGE) | {"throttled", "refused", "busy"}
