"""Carries one webhook over HTTP: one POST, no redirect followed, five seconds in all."""

import http.client
import socket
import time
from urllib.parse import urlsplit

# Shopify gives a webhook five seconds from connect to answer (shopify.dev/docs/apps/build/webhooks).
TOTAL_S = 5.0


class Postman:
    """One thread's way out; keeps a connection open per origin, as the vendors' senders do."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def deliver(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int | None, str | None]:
        """(status, None), or (None, why no answer came)."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
        deadline = time.monotonic() + TOTAL_S
        reused = (parts.scheme, parts.netloc) in self._open
        try:
            return self._post((parts.scheme, parts.netloc), path, headers, body, deadline), None
        except (http.client.RemoteDisconnected, ConnectionError) as failure:
            # The receiver closed an idle connection between two deliveries: that is not a failed attempt.
            if not reused:
                return None, _named(failure)
        except (OSError, http.client.HTTPException) as failure:
            return None, _named(failure)
        try:
            return self._post((parts.scheme, parts.netloc), path, headers, body, deadline), None
        except (OSError, http.client.HTTPException) as failure:
            return None, _named(failure)

    def _post(self, origin: tuple[str, str], path: str, headers: dict[str, str], body: bytes, deadline: float) -> int:
        connection = self._open.pop(origin, None) or _connected(origin)
        try:
            _limit(connection, deadline)
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            _limit(connection, deadline)
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._open[origin] = connection
        return answer.status


def _connected(origin: tuple[str, str]) -> http.client.HTTPConnection:
    scheme, netloc = origin
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(netloc, timeout=TOTAL_S)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _limit(connection: http.client.HTTPConnection, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer within five seconds")
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _named(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"
