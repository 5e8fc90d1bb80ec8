"""A closed-loop HTTP load generator: ready-made requests over kept-open connections, from one thread."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class Measured:
    """Answered requests, the seconds they took together, and each one's milliseconds, sorted."""

    statuses: dict[int, int]
    seconds: float
    ms: list[float]

    @property
    def per_s(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        return self.ms[min(len(self.ms) - 1, int(len(self.ms) * percent / 100))]


def drive(port: int, requests: Iterable[bytes], *, connections: int) -> Measured:
    """Send every request, at most one at a time on each connection; answers how that went."""
    waiting = iter(requests)
    selector = selectors.DefaultSelector()
    measured = Measured(statuses={}, seconds=0.0, ms=[])
    started = time.perf_counter()
    for _ in range(connections):
        _send_next(selector, socket.create_connection(("127.0.0.1", port)), waiting)
    while selector.get_map():
        for key, _ in selector.select(30):
            _receive(selector, key, waiting, measured)
    measured.seconds = time.perf_counter() - started
    measured.ms.sort()
    return measured


def _send_next(selector: selectors.BaseSelector, connection: socket.socket, waiting: Iterable[bytes]) -> None:
    request = next(iter(waiting), None)
    if request is None:
        connection.close()
        return
    connection.sendall(request)
    selector.register(connection, selectors.EVENT_READ, (time.perf_counter(), bytearray()))


def _receive(
    selector: selectors.BaseSelector, key: selectors.SelectorKey, waiting: Iterable[bytes], measured: Measured
) -> None:
    sent_at, received = key.data
    connection: socket.socket = key.fileobj  # type: ignore[assignment]
    part = connection.recv(65536)
    received += part
    if part and not _whole(received):
        return
    selector.unregister(connection)
    if not part:
        raise ConnectionError(f"the server hung up: {bytes(received[:200])!r}")
    status = int(received[9:12])
    measured.statuses[status] = measured.statuses.get(status, 0) + 1
    measured.ms.append((time.perf_counter() - sent_at) * 1000)
    _send_next(selector, connection, waiting)


def _whole(received: bytearray) -> bool:
    head, found, body = bytes(received).partition(b"\r\n\r\n")
    if not found:
        return False
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(body) >= int(length.partition(b":")[2])
