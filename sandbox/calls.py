"""Remembers every call a stand-in answered, so that a test can ask how many labels were bought."""

import threading
import time
from dataclasses import dataclass
from sys import intern
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the vendor saw it; `status` is what the caller was sent, 0 when the connection was dropped."""

    seq: int
    vendor: str
    operation: str
    method: str
    path: str
    status: int
    at: float
    fault: str | None
    effect: bool
    key: str | None
    summary: dict[str, Any] | None

    def described(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class CallLog:
    """Every call since the last reset, oldest first.

    Nothing is thrown away, since tests count; an entry holds no body, so 10,000 orders stay under 100 MB.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def record(
        self,
        vendor: str,
        operation: str,
        *,
        method: str,
        path: str,
        status: int,
        effect: bool,
        fault: str | None = None,
        key: str | None = None,
        summary: dict[str, Any] | None = None,
    ) -> Call:
        with self._lock:
            call = Call(
                seq=len(self._calls) + 1,
                vendor=intern(vendor),
                operation=intern(operation),
                method=intern(method),
                path=path,
                status=status,
                at=time.time(),
                fault=fault,
                effect=effect,
                key=key,
                summary=summary,
            )
            self._calls.append(call)
        return call

    def matching(
        self, *, vendor: str | None = None, operation: str | None = None, effect: bool | None = None
    ) -> list[Call]:
        with self._lock:
            calls = list(self._calls)
        return [
            call
            for call in calls
            if (vendor is None or call.vendor == vendor)
            and (operation is None or call.operation == operation)
            and (effect is None or call.effect == effect)
        ]

    def clear(self) -> None:
        with self._lock:
            self._calls = []
