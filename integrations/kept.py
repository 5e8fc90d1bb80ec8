"""Clients are kept from one job to the next, so that connections to a vendor stay open, and never cross a fork."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Client = TypeVar("Client")


class Kept(Generic[Client]):
    """At most `most` clients, the least recently used leaving first; a forked child starts with none.

    A client that left may still be in use; it is dropped, not closed, and its sockets close with its last user.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.forget()

    def get(self, key: Hashable, build: Callable[[], Client]) -> Client:
        """The client under `key`, built now where there is none."""
        if self._process != os.getpid():
            # Two processes on one TLS connection garble it; the lock may have been held when the fork happened.
            self.forget()
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                client = self._clients[key] = build()
            self._clients.move_to_end(key)
            while len(self._clients) > self._most:
                self._clients.popitem(last=False)
            return client

    def forget(self) -> None:
        """Let go of every client; what is asked for next is built anew."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._clients: OrderedDict[Hashable, Client] = OrderedDict()
