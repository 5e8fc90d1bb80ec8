"""Stripe accounts: one per API key, each with its payments, its webhook endpoints and its events."""

import hashlib
import hmac
import json
import secrets
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import has_request_context, request

from sandbox.core import Core
from sandbox.keys import presented_key
from sandbox.stripe_disputes import Dispute
from sandbox.stripe_idempotency import IdempotencyKeys
from sandbox.stripe_objects import Charge, Intent, Refund
from sandbox.stripe_wire import API_VERSION, Fields, new_id, now, refused

if TYPE_CHECKING:
    from sandbox.stripe_checkout import Session

# There at start and after every reset, so that a first call needs no registration.
DEFAULT_KEY = "sk_test_sandbox"


@dataclass(slots=True)
class Endpoint:
    """A webhook endpoint; its secret is shown once, at creation."""

    url: str
    enabled_events: list[str]
    livemode: bool
    api_version: str | None = None
    description: str | None = None
    metadata: Fields = field(default_factory=dict)
    status: str = "enabled"
    secret: str = field(default_factory=lambda: f"whsec_{secrets.token_urlsafe(24)}")
    id: str = field(default_factory=lambda: new_id("we"))
    created: int = field(default_factory=now)

    def wants(self, event_type: str) -> bool:
        return self.status == "enabled" and ("*" in self.enabled_events or event_type in self.enabled_events)

    def wire(self, *, with_secret: bool = False) -> Fields:
        told: Fields = {
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": self.api_version,
            "application": None,
            "created": self.created,
            "description": self.description,
            "enabled_events": self.enabled_events,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "status": self.status,
            "url": self.url,
        }
        return {**told, "secret": self.secret} if with_secret else told

    def headers_for(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(self.secret, body, int(time.time())),
        }


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as it was told, compressed: 30 days of them are listed again on request."""

    id: str
    type: str
    created: int
    packed: bytes

    def wire(self) -> Fields:
        told: Fields = json.loads(zlib.decompress(self.packed))
        return told


@dataclass(slots=True)
class Account:
    """Everything one key can see; another account's id is "No such …"."""

    key: str
    livemode: bool
    name: str = "Sandbox Store"
    charges_enabled: bool = True
    id: str = field(default_factory=lambda: new_id("acct").replace("acct_", "acct_1"))
    created: int = field(default_factory=now)
    intents: dict[str, Intent] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    sessions: "dict[str, Session]" = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    events: dict[str, KeptEvent] = field(default_factory=dict)
    idempotency: IdempotencyKeys = field(default_factory=IdempotencyKeys)


class Accounts:
    """The accounts by key, who is asking, and the way an event leaves."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.by_key: dict[str, Account] = {}
        # What each restricted key may do; a key that is not among these may do everything.
        self.granted: dict[str, frozenset[str]] = {}
        self.reset()
        core.on_reset(self.reset)

    def reset(self) -> None:
        self.by_key = {}
        self.granted = {}
        self.open(DEFAULT_KEY, livemode=False)

    def open(self, key: str, *, livemode: bool) -> Account:
        """The account of a key, made when new."""
        with self.core.lock:
            account = self.by_key.get(key)
            if account is None:
                account = self.by_key[key] = Account(key, livemode)
            return account

    def all(self) -> list[Account]:
        """Every account once, however many keys it has."""
        return list({account.id: account for account in self.by_key.values()}.values())

    def presented(self) -> tuple[str, Account]:
        """The key that the request carries, as Bearer token or Basic user name, and its account.

        Raises:
            Refusal: no key, or an unknown one.
        """
        key = presented_key()
        if not key:
            raise refused(401, "You did not provide an API key.")
        account = self.by_key.get(key)
        if account is None:
            raise refused(401, f"Invalid API Key provided: {key[:8]}{'*' * 12}{key[-4:]}")
        return key, account

    def add_endpoint(self, account: Account, endpoint: Endpoint) -> Endpoint:
        account.endpoints[endpoint.id] = endpoint
        self.core.deliveries.register("stripe", endpoint.id, endpoint.url)
        return endpoint

    def remove_endpoint(self, account: Account, endpoint_id: str) -> None:
        del account.endpoints[endpoint_id]
        self.core.deliveries.unregister("stripe", endpoint_id)

    def tell(self, account: Account, event_type: str, told: Fields, previous_attributes: Fields | None = None) -> str:
        """Make an event, keep it, and send it to every endpoint that wants its type; answers its id."""
        endpoints = [endpoint for endpoint in account.endpoints.values() if endpoint.wants(event_type)]
        about: Fields = {"object": told}
        if previous_attributes is not None:
            about["previous_attributes"] = previous_attributes
        event = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": now(),
            "data": about,
            "livemode": account.livemode,
            "pending_webhooks": len(endpoints),
            "request": _cause(),
            "type": event_type,
        }
        self._keep(account, event)
        self._send(event, endpoints)
        return str(event["id"])

    def _keep(self, account: Account, event: Fields) -> None:
        packed = zlib.compress(json.dumps(event, separators=(",", ":")).encode(), 1)
        account.events[event["id"]] = KeptEvent(event["id"], event["type"], event["created"], packed)

    def _send(self, event: Fields, endpoints: list[Endpoint]) -> None:
        for endpoint in endpoints:
            # Stripe sends its JSON indented, so that a body parsed and written again no longer verifies.
            told = {**event, "api_version": endpoint.api_version or API_VERSION}
            body = json.dumps(told, indent=2, ensure_ascii=False).encode()
            headers_for: Callable[[bytes], dict[str, str]] = endpoint.headers_for
            self.core.deliveries.send("stripe", endpoint.id, event["type"], headers_for, body, event["id"])


def signature(secret: str, body: bytes, timestamp: int) -> str:
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def _cause() -> Fields:
    """The API call that caused an event; events from the control door have none, like a buyer's own doing."""
    if not has_request_context() or request.path.startswith("/_sandbox"):
        return {"id": None, "idempotency_key": None}
    return {"id": new_id("req")[:18], "idempotency_key": request.headers.get("Idempotency-Key")}
