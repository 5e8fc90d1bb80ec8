"""One call through a vendor's SDK: timed, told to the timeline, and its failure put into our words.

Both SDKs that we use (Stripe's and EasyPost's) send through `requests`; what that means for a lost call stands here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests
import urllib3

from integrations.ports import CallNote, Credentials, Notice, OutsideFailure, Permanent

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Trouble:
    """A failed call: what the job is told, and the word for the timeline (an HTTP status or the kind of failure)."""

    failure: OutsideFailure
    outcome: str


def told(
    call: Callable[[], Answer],
    *,
    notice: Notice,
    vendor: str,
    verb: str,
    key: str = "",
    understand: Callable[[Exception], Trouble],
) -> Answer:
    """What `call` answers. Raises its OutsideFailure, or what `understand` makes of any other exception."""
    began = time.perf_counter()
    outcome = "ok"
    try:
        return call()
    except OutsideFailure as failure:
        outcome = failure.code or type(failure).__name__.lower()
        raise
    except Exception as wrong:  # noqa: BLE001  # an SDK that trips over an answer raises AttributeError, or anything
        trouble = understand(wrong)
        outcome = trouble.outcome
        # Not chained: the SDKs' exceptions carry whole bodies, and with them names and addresses, into every log.
        raise trouble.failure from None
    finally:
        ms = round((time.perf_counter() - began) * 1000)
        notice(CallNote(vendor=vendor, verb=verb, outcome=outcome, ms=ms, key=key))


def api_key(credentials: Credentials, vendor: str) -> str:
    """The connection's key. Raises Permanent where it has none, or one that no HTTP header can carry."""
    key = credentials.secrets.get("api_key", "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise Permanent(
            f"the {vendor} connection has no usable API key",
            code="api_key",
            remedy=f"Give the key with: packline connect {vendor}",
        )
    return key


def network_word(wrong: Exception) -> str:
    """The kind of failure, for a call that no answer came to: `unreachable`, `timeout` or `connection`."""
    if never_sent(wrong):
        return "unreachable"
    return "timeout" if _has(wrong, requests.Timeout, TimeoutError) else "connection"


def never_sent(wrong: Exception) -> bool:
    """Whether the last attempt failed before anything reached the vendor: no connection was made, so nothing was done.

    Says nothing of earlier attempts: only for calls that the SDK does not repeat after having sent them.
    """
    # urllib3 derives refused connections and unknown hosts from ConnectTimeoutError (NewConnectionError).
    return _has(wrong, requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError)


def _has(wrong: Exception, *kinds: type[Exception]) -> bool:
    seen: list[BaseException] = []
    waiting: list[object] = [wrong]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return any(isinstance(cause, kinds) for cause in seen)
