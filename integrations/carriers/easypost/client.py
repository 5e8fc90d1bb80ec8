"""The way to EasyPost: two SDK clients for each key, and every call told to the timeline.

Two, because the SDK's time-out belongs to the client: EasyPost lets a purchase run for 90 seconds, and a client that
gives up earlier has bought a label without knowing; every other call is over in seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import easypost.easypost_client
import requests.adapters
import urllib3
from easypost.requestor import RequestMethod, Requestor

from integrations.carriers.easypost.failures import Heard, understood
from integrations.http import is_loopback, vendor_origin
from integrations.json_body import Model, parsed, refuse_unstorable_text
from integrations.kept import Kept
from integrations.ports import Credentials, Notice, Origins, Temporary, Unreadable
from integrations.sdk_calls import api_key, told

# (connect, each read), in seconds.
BUY_TIMEOUT_S = (5, 95)
ASK_TIMEOUT_S = (5, 20)

_clients: Kept[Any] = Kept(most=64)
_heard = threading.local()


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: our name for it, where it goes, what it says, and the reference that the timeline shows."""

    verb: str
    method: RequestMethod
    path: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    beta: bool = False
    """Whether it lies among what EasyPost offers beside its API v2, under /beta."""


def get(verb: str, path: str, fields: Mapping[str, Any] | None = None, *, reference: str = "") -> Call:
    return Call(verb=verb, method=RequestMethod.GET, path=path, fields=fields or {}, reference=reference)


def post(
    verb: str, path: str, fields: Mapping[str, Any] | None = None, *, reference: str = "", beta: bool = False
) -> Call:
    return Call(verb=verb, method=RequestMethod.POST, path=path, fields=fields or {}, reference=reference, beta=beta)


def delete(verb: str, path: str, *, reference: str) -> Call:
    return Call(verb=verb, method=RequestMethod.DELETE, path=path, reference=reference)


def patch(verb: str, path: str, fields: Mapping[str, Any], *, reference: str) -> Call:
    return Call(verb=verb, method=RequestMethod.PATCH, path=path, fields=fields, reference=reference)


class EasyPostClient:
    """One EasyPost account. `stand_in` tells that the account is answered from this machine."""

    def __init__(self, credentials: Credentials, origins: Origins, notice: Notice) -> None:
        self.origin = vendor_origin(
            origins.easypost, default="https://api.easypost.com", setting="EASYPOST_API_BASE", suffix="/v2"
        )
        self.stand_in = is_loopback(urlsplit(self.origin).hostname or "")
        self.notice = notice
        self._key = api_key(credentials, "easypost")

    def ask(self, call: Call, model: type[Model]) -> Model:
        """The answer of a call that costs nothing, as `model`."""
        return _read(model, self._called(call, ASK_TIMEOUT_S, changes=False), changes=False)

    def ask_list(self, call: Call) -> Any:
        """The answer of a list as it came. Its rows are for the caller to read: a bad one hides no other."""
        return self._called(call, ASK_TIMEOUT_S, changes=False)

    def buy(self, call: Call, model: type[Model]) -> Model:
        """The answer of a purchase, waited for longer than EasyPost itself waits; a lost one leaves it unknown."""
        return _read(model, self._called(call, BUY_TIMEOUT_S, changes=True), changes=True)

    def change(self, call: Call, model: type[Model]) -> Model:
        """The answer of any other call that moves money: a lost one leaves the outcome unknown."""
        return _read(model, self._called(call, ASK_TIMEOUT_S, changes=True), changes=True)

    def _called(self, call: Call, timeout_s: tuple[int, int], *, changes: bool) -> Any:
        client = _clients.get(
            (self.origin, self._key, timeout_s), lambda: _sdk_client(self.origin, self._key, timeout_s)
        )
        heard = _heard.now = Heard()
        return told(
            lambda: _requested(client, call),
            notice=self.notice,
            vendor="easypost",
            verb=call.verb,
            key=call.reference,
            understand=lambda wrong: understood(wrong, heard, changes=changes, now=datetime.now(UTC)),
        )


def _requested(client: Any, call: Call) -> Any:
    # Below the SDK's services: they rebuild every answer as objects of their own, which takes a millisecond and an
    # AttributeError where an id is null. Transport, authorisation, hooks and errors are the SDK's all the same.
    return Requestor(client).request(method=call.method, url=call.path, params=dict(call.fields), beta=call.beta)


def _sdk_client(origin: str, key: str, timeout_s: tuple[int, int]) -> Any:
    # Typed as a whole number, but handed to requests as it is, which takes a pair.
    make: Any = easypost.easypost_client.EasyPostClient
    client = make(key, api_base=f"{origin}/v2", timeout=timeout_s)
    # The SDK's own adapter sleeps for as long as a Retry-After says, an hour if need be, and repeats a silent GET four
    # times. Ours repeats what was never sent, and one read of a GET; the job decides when to come back.
    patience = urllib3.Retry(total=2, connect=2, read=1, status=0, other=0, respect_retry_after_header=False)
    client._requests_session.mount(origin, requests.adapters.HTTPAdapter(max_retries=patience))  # noqa: SLF001
    # EasyPost redirects nothing; a redirect would carry buyers' addresses to a place that nobody configured.
    client._requests_session.max_redirects = 0  # noqa: SLF001
    client.subscribe_to_response_hook(_hear)
    return client


def _hear(http_status: int, headers: Any, **_rest: Any) -> None:
    heard = getattr(_heard, "now", None)
    if heard is not None:
        heard.status = http_status
        heard.retry_after = headers.get("Retry-After")


def row_as(model: type[Model], row: object) -> Model:
    """One thing of an answer as `model`. Raises Unreadable."""
    refuse_unstorable_text(row)
    return parsed(model, row, called="answer")


def _read(model: type[Model], answer: object, *, changes: bool) -> Model:
    try:
        return row_as(model, answer)
    except Unreadable as unread:
        reason = f"EasyPost's answer could not be read ({unread.reason})"
        raise Temporary(reason, code="unreadable", outcome_unknown=changes) from None
