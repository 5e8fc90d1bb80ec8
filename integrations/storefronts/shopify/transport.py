"""Carry one POST to Shopify and its answer back, over connections that every job of this process shares."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from integrations.kept import Kept

# A healthy connection opens in well under a second; five allow for one lost SYN and its repeat.
CONNECT_TIMEOUT_S = 5.0
# Shopify ends a GraphQL request of its own accord before this, so that a silence of 30 s is a lost answer.
READ_TIMEOUT_S = 30.0
# A peer that sends a byte now and then never trips the read timeout; the job's lease must not wait for it.
WHOLE_ANSWER_TIMEOUT_S = 60.0
# The largest page that our documents ask for is some 200 KiB; more than 10 MiB is not an answer to them.
MAX_ANSWER_BYTES = 10 * 1024 * 1024
# One job speaks to one shop at a time; a process runs few jobs at once. Idle connections outlive the pause between two.
POOL = httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=30.0)

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_pools: Kept[httpx.Client] = Kept(most=1)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Exception):
    """Nothing usable came back. `arrived` tells that the request may have reached Shopify all the same."""

    def __init__(self, kind: str, *, arrived: bool) -> None:
        super().__init__(kind)
        self.kind = kind
        self.arrived = arrived


def post(url: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """The answer, whatever its status. Raises NoAnswer."""
    try:
        with _pools.get("shopify", _opened).stream("POST", url, headers=dict(headers), content=body) as response:
            return Reply(response.status_code, response.headers, _bounded(response))
    except _NEVER_SENT as failure:
        raise NoAnswer(_kind(failure), arrived=False) from None
    except httpx.HTTPError as failure:
        # Not chained: httpx's exceptions carry the request, and with it the token.
        raise NoAnswer(_kind(failure), arrived=True) from None


def _opened() -> httpx.Client:
    return httpx.Client(
        timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        limits=POOL,
        # A redirect would carry the token to an address that nobody configured.
        follow_redirects=False,
        # A proxy of the environment is for Shopify, never for a stand-in on this machine.
        mounts={"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None},
    )


def _bounded(response: httpx.Response) -> bytes:
    deadline = time.monotonic() + WHOLE_ANSWER_TIMEOUT_S
    found = bytearray()
    for part in response.iter_bytes():
        found += part
        if len(found) > MAX_ANSWER_BYTES:
            raise NoAnswer("answer_too_large", arrived=True)
        if time.monotonic() > deadline:
            raise NoAnswer("answer_too_slow", arrived=True)
    return bytes(found)


def _kind(failure: httpx.HTTPError) -> str:
    if isinstance(failure, httpx.TimeoutException):
        return "connect_timeout" if isinstance(failure, httpx.ConnectTimeout) else "timeout"
    if isinstance(failure, httpx.ConnectError):
        return "unreachable"
    return "connection_lost" if isinstance(failure, httpx.TransportError) else "unreadable_answer"
