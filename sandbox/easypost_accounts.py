"""EasyPost accounts: one per API key, each with its own objects, its webhooks and its events."""

import hashlib
import hmac
import json
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.core import Core
from sandbox.easypost_rates import CARRIERS
from sandbox.easypost_wire import Fields, new_id, refused, stamp, stamp_with_milliseconds
from sandbox.keys import presented_key

if TYPE_CHECKING:
    from sandbox.easypost_shipments import Shipment
    from sandbox.easypost_trackers import Tracker

# There at start and after every reset, so that a first call needs no registration.
DEFAULT_KEY = "EZTK_sandbox"


@dataclass(slots=True)
class Hook:
    """One webhook endpoint; the secret never leaves it."""

    id: str
    mode: str
    url: str
    secret: str | None
    created_at: str
    disabled_at: str | None = None
    custom_headers: list[Fields] = field(default_factory=list)

    def wire(self) -> Fields:
        return {
            "id": self.id,
            "object": "Webhook",
            "mode": self.mode,
            "url": self.url,
            "created_at": self.created_at,
            "disabled_at": self.disabled_at,
            "custom_headers": self.custom_headers,
        }

    def headers_for(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "EasyPost/2.0.0"}
        headers.update({str(header["name"]): str(header["value"]) for header in self.custom_headers})
        if self.secret:
            headers["X-Hmac-Signature"] = signature(self.secret, body)
        return headers


@dataclass(frozen=True, slots=True)
class Event:
    """What is remembered of an event; its result left with the delivery."""

    id: str
    created_at: str
    description: str
    user_id: str
    mode: str
    previous_attributes: Fields

    def wire(self) -> Fields:
        return {
            "description": self.description,
            "id": self.id,
            "user_id": self.user_id,
            "status": "pending",
            "created_at": self.created_at,
            "mode": self.mode,
            "object": "Event",
        }

    def whole(self, urls: list[str], result: Fields | list[Fields] | None = None) -> Fields:
        """As delivered (with its result), or as GET /events/:id gives it (without)."""
        told = {
            "description": self.description,
            "mode": self.mode,
            "previous_attributes": self.previous_attributes,
            "created_at": self.created_at,
            "pending_urls": urls,
            "completed_urls": [],
            "updated_at": self.created_at,
            "id": self.id,
            "user_id": self.user_id,
            "status": "pending",
            "object": "Event",
        }
        return told if result is None else {**told, "result": result}


@dataclass(slots=True)
class Account:
    """Everything one key can see; every lookup of another account's id is a 404."""

    key: str
    mode: str
    user_id: str
    carriers: dict[str, str]
    addresses: dict[str, Fields] = field(default_factory=dict)
    parcels: dict[str, Fields] = field(default_factory=dict)
    customs_items: dict[str, Fields] = field(default_factory=dict)
    customs_infos: dict[str, Fields] = field(default_factory=dict)
    shipments: "dict[str, Shipment]" = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    trackers: "dict[str, Tracker]" = field(default_factory=dict)
    refunds: dict[str, Fields] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)


class Accounts:
    """The accounts by key, the words to settle a caller's identity, and the way an event leaves."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.by_key: dict[str, Account] = {}
        # How long a carrier takes to sell a label; the time in which a second buy meets PURCHASE.IN_PROGRESS.
        self.purchase_s = 0.0
        self.reset()
        core.on_reset(self.reset)

    def reset(self) -> None:
        self.by_key = {}
        self.purchase_s = 0.0
        self.open(DEFAULT_KEY, "test")

    def open(self, key: str, mode: str) -> Account:
        """The account of a key, made when new."""
        with self.core.lock:
            account = self.by_key.get(key)
            if account is None:
                carriers = {carrier: _account_id(key, carrier) for carrier in CARRIERS}
                account = self.by_key[key] = Account(key, mode, new_id("user"), carriers)
            return account

    def all(self) -> list[Account]:
        """Every account once, however many keys it has."""
        return list({account.user_id: account for account in self.by_key.values()}.values())

    def caller(self) -> Account:
        """The account whose key the request carries, as Basic user name or Bearer token.

        Raises:
            Refusal: no key or an unknown one. No recording shows this body; its shape is every other error's.
        """
        account = self.by_key.get(presented_key() or "")
        if account is None:
            raise refused(401, "UNAUTHORIZED", "Authentication is required and has failed.")
        return account

    def add_hook(self, account: Account, url: str, secret: str | None, custom_headers: list[Fields]) -> Hook:
        hook = Hook(new_id("hook"), account.mode, url, secret, stamp(), custom_headers=custom_headers)
        account.hooks[hook.id] = hook
        self.core.deliveries.register("easypost", hook.id, url)
        return hook

    def hook_to(self, account: Account, url: str, secret: str | None) -> Hook:
        """The account's hook to this URL, with this secret; made when there is none, so that asking twice is safe."""
        known = next((hook for hook in account.hooks.values() if hook.url == url), None)
        if known is None:
            return self.add_hook(account, url, secret, [])
        known.secret = secret
        return known

    def remove_hook(self, account: Account, hook_id: str) -> None:
        del account.hooks[hook_id]
        self.core.deliveries.unregister("easypost", hook_id)

    def tell(
        self,
        account: Account,
        description: str,
        result: Fields | list[Fields],
        previous_attributes: Fields | None = None,
    ) -> Event:
        """Make an event and send it, the same bytes to every hook that is not disabled."""
        event = Event(
            new_id("evt"),
            stamp_with_milliseconds(),
            description,
            account.user_id,
            account.mode,
            previous_attributes or {},
        )
        account.events[event.id] = event
        hooks = [hook for hook in account.hooks.values() if hook.disabled_at is None]
        if hooks:
            body = json.dumps(event.whole([hook.url for hook in hooks], result), separators=(",", ":")).encode()
            for hook in hooks:
                self.core.deliveries.send("easypost", hook.id, description, hook.headers_for, body, event.id)
        return event


def signature(secret: str, body: bytes) -> str:
    """X-Hmac-Signature, version 1: over the raw bytes, the secret NFKD-normalised (as the official SDKs verify it)."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"


def _account_id(key: str, carrier: str) -> str:
    return f"ca_{hashlib.sha256(f'{key}|{carrier}'.encode()).hexdigest()[:32]}"
