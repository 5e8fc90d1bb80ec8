"""A network on which one whole exchange ends at a moment: connecting, and every read and write, get the time left.

A limit for each read holds nobody who drips: one byte every few seconds keeps the line for hours.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable

import httpcore


class Until(httpcore.NetworkBackend):
    """Connects for one exchange that ends `patience_s` from now, whatever limits the reads in it are given."""

    def __init__(self, patience_s: float) -> None:
        self._network = httpcore.SyncBackend()
        self._ends_at = time.monotonic() + patience_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 # the time left counts
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left_s(self._ends_at, httpcore.ConnectTimeout)
        return _Stream(self._network.connect_tcp(host, port, left, local_address, socket_options), self._ends_at)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 # the time left counts
        return self._stream.read(max_bytes, _left_s(self._ends_at, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 # the time left counts
        self._stream.write(buffer, _left_s(self._ends_at, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 # the time left counts
    ) -> httpcore.NetworkStream:
        left = _left_s(self._ends_at, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._ends_at)


def _left_s(ends_at: float, late: type[httpcore.TimeoutException]) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise late("the time for the whole exchange is over")
    return left
