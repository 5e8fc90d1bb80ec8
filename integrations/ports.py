"""What Packline asks of the outside world: one Protocol a role (they stand in `roles`), and two kinds of failure.

A connector is one vendor in one role. It is built for one connection (one tenant's account), is used by one job at a
time, and lets no SDK type, field name or exception out: whatever goes wrong leaves as Temporary or Permanent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from integrations.hooked import Hooked, Renewed
from integrations.nouns import Fact
from integrations.post import LETTER_REFUSED, Mail
from integrations.roles import (
    ADDRESS_REFUSED,
    SWAP_REFUSED,
    UNITS_MOVED,
    Announcing,
    Carrier,
    Connector,
    Keys,
    Payments,
    StockKeeping,
    Storefront,
    StoreOrders,
    TakingBack,
)
from integrations.store_roles import StoreChanges

__all__ = [
    "ADDRESS_REFUSED",
    "LETTER_REFUSED",
    "SWAP_REFUSED",
    "UNITS_MOVED",
    "Announcing",
    "AppKeys",
    "CallNote",
    "Carrier",
    "Checkup",
    "Connector",
    "Credentials",
    "Delivery",
    "Door",
    "Envelope",
    "Granted",
    "Hooked",
    "Keys",
    "Lack",
    "Mail",
    "Notice",
    "Origins",
    "OutsideFailure",
    "PassedOn",
    "Payments",
    "Permanent",
    "Renewed",
    "StockKeeping",
    "StoreChanges",
    "StoreOrders",
    "Storefront",
    "TakingBack",
    "Temporary",
    "Unreadable",
    "Vendor",
]


class OutsideFailure(Exception):
    """Something outside Packline did not do what was asked. `reason` is a sentence for a person, without secrets."""

    def __init__(self, reason: str, *, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        """The vendor's own word for the failure, for logs and for grouping alike failures."""


class Temporary(OutsideFailure):
    """It may work later: it is tried again, after `retry_in_s` seconds where the vendor said so.

    `outcome_unknown` tells that the vendor may have done it all the same: ask before doing it again.
    """

    def __init__(
        self, reason: str, *, code: str = "", retry_in_s: float | None = None, outcome_unknown: bool = False
    ) -> None:
        super().__init__(reason, code=code)
        self.retry_in_s = retry_in_s
        self.outcome_unknown = outcome_unknown


class Permanent(OutsideFailure):
    """It will not work by itself: a person sees `reason` and `remedy`, which says what to do. Nothing was done."""

    def __init__(self, reason: str, *, remedy: str, code: str = "") -> None:
        super().__init__(reason, code=code)
        self.remedy = remedy


class Unreadable(Exception):
    """A genuine delivery that our model refuses. The reason names the field; the delivery is kept and parked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# ---------------------------------------------------------------------------------------- connecting


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Where each vendor answers; empty means the vendor's own address. Plain http is allowed to loopback only."""

    shopify: str = ""
    shopify_api_version: str = "2026-10"
    stripe: str = ""
    easypost: str = ""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What one connection needs to speak to its vendor. `secrets` never reach a log, `repr` hides them."""

    account: str
    """The shop's domain for a storefront; the vendor's own account id or empty elsewhere."""
    live: bool
    secrets: Mapping[str, str]
    renewed: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None
    """Answers newer secrets than those that the vendor just refused, for a repeat of the call; None where there are
    none to be had. Raises Temporary while nobody has any.
    """

    def __repr__(self) -> str:
        return f"Credentials(account={self.account!r}, live={self.live}, secrets=[{', '.join(sorted(self.secrets))}])"


@dataclass(frozen=True, kw_only=True)
class AppKeys:
    """How Packline itself is known at a vendor whose merchants install apps; empty where it is no app there."""

    client_id: str = ""
    client_secret: str = ""
    old_client_secret: str = ""
    """The secret before this one, taken as well while a new one is brought in."""

    def __repr__(self) -> str:
        return f"AppKeys(client_id={self.client_id!r})"


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What a vendor granted to the app for one account, as it is sealed and kept."""

    account: str
    secrets: Mapping[str, str]
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    """None where the secrets last."""
    renewal_expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Granted(account={self.account!r}, scopes={self.scopes!r}, expires_at={self.expires_at!r})"


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something that an account does not let us do, and what its owner can do about it."""

    kind: str
    sentence: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What a look at an account found. It changed nothing there."""

    name: str
    """What its owner calls it."""
    remote_account_id: str
    live: bool
    currency: str = ""
    """What the account counts in; empty where it counts in several."""
    scopes: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallNote:
    """One call to a vendor, as the timeline tells it. No body, no secret, nothing personal."""

    vendor: str
    verb: str
    outcome: str
    """`ok`, an HTTP status, or the kind of network failure."""
    ms: int
    key: str = ""
    """The idempotency key or reference that the call carried."""


Notice = Callable[[CallNote], None]


# ---------------------------------------------------------------------------------------- what arrives


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One webhook as it came: the raw bytes, and its headers with lower-case names."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What tells one delivery from another, read without trusting the body.

    `delivery_id` is the vendor's id of this delivery. `occasion` is empty where two equal bodies mean the same fact
    twice, and names the occasion where equal bodies may be two facts.
    """

    topic: str
    delivery_id: str
    occasion: str = ""


class Door(Protocol):
    """How one vendor's webhooks are received. All four are pure: no clock, no network, no database."""

    vendor: str
    signature_header: str

    def account(self, delivery: Delivery) -> str | None:
        """The account that the headers name, where deliveries of all accounts arrive at one address; else None."""

    def genuine(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> bool:
        """Whether one of the secrets signed these very bytes. Never raises, whatever the headers hold."""

    def envelope(self, delivery: Delivery) -> Envelope:
        """The delivery's identity. Never raises: what cannot be read becomes an empty topic and a digest as id."""

    def read(self, topic: str, delivery: Delivery, *, live: bool) -> Fact:
        """What the delivery says, in our words. Raises Unreadable. `live` is the connection's mode: a test event for
        a live connection, or the reverse, is Ignored.
        """


@dataclass(frozen=True, kw_only=True)
class PassedOn:
    """How a storefront passes on to us what a buyer's browser asks of the store itself. Both are pure."""

    account_of: Callable[[str], str | None]
    """The store that an address says that it comes from, before anything is proved."""
    genuine: Callable[[str, Sequence[str]], bool]
    """Whether the vendor signed this address just now with one of the secrets."""


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One vendor in one role: what a file under integrations/ offers as its VENDOR."""

    name: str
    role: str
    """`storefront`, `payments` or `carrier`."""
    door: Door
    build: Callable[[Credentials, Origins, Notice], Any]
    secret_names: tuple[str, ...]
    """The secrets that a connection must have; the first one's prefix tells test from live where the vendor does so."""
    optional_secret_names: tuple[str, ...] = ()
    signing_secret_names: tuple[str, ...] = ()
    """The secrets that sign deliveries: the current one first, then the previous one, and where the vendor is given a
    secret of ours, the next one.
    """
    is_live: Callable[[Mapping[str, str]], bool] = lambda _secrets: True
    topics: tuple[str, ...] = ()
    """The topics that webhooks must bring us, in the vendor's words; empty where it sends all or none."""
    parting_topics: tuple[str, ...] = ()
    """The topics that an account may still send when it has left, signed with the app's own secret."""
    renew: Callable[[Credentials, AppKeys, Origins, Notice], Granted] | None = None
    """Gets new secrets for those that run out; None where secrets last. Permanent where the merchant has to consent."""
    check: Callable[[Credentials, Origins, Notice], Checkup] | None = None
    """Looks at whose account it is and what it lets us do. Permanent where the secrets are refused."""
    sample: Callable[[str, str, str, datetime], Delivery] | None = None
    """A genuine delivery for an account, signed with a secret at a moment, that bears a mark of ours and means nothing:
    (account, secret, mark, now). Our own door is tried with it.
    """
    passed_on: PassedOn | None = None
    """None where nothing that buyers ask of their store is passed on to us."""
    keys_made_at: str = ""
    """The vendor's own page on which the account's owner makes a key for us, where keys are given by hand."""
    may_swap: Callable[[Collection[str]], bool] = lambda _scopes: False
    """Whether these scopes let a line of an order be swapped for another variant."""
    unlisted_hooks: bool = False
    """Whether it has webhooks that it does not list (an app's own configuration): seeing none proves nothing."""
