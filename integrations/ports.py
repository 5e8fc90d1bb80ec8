"""What Packline asks of the outside world: one Protocol a role, and two kinds of failure.

A connector is one vendor in one role. It is built for one connection (one tenant's account), is used by one job at a
time, and lets no SDK type, field name or exception out: whatever goes wrong leaves as Temporary or Permanent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from integrations.nouns import (
    Address,
    AddressVerdict,
    Announced,
    BoughtLabel,
    Consignment,
    Fact,
    LabelFile,
    ParcelProgress,
    PaymentFact,
    Quote,
    Scan,
    ShippedLine,
    StoreLocation,
    StoreOrder,
    StoreVariant,
    TrackingLabel,
    VoidState,
)


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

    def __repr__(self) -> str:
        return f"Credentials(account={self.account!r}, live={self.live}, secrets=[{', '.join(sorted(self.secrets))}])"


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


# ---------------------------------------------------------------------------------------- roles


@runtime_checkable
class Storefront(Protocol):
    """Where orders are placed and where buyers look for their tracking number."""

    def read_order(self, remote_id: str) -> StoreOrder:
        """The order as it stands now. Permanent where there is no such order."""

    def read_locations(self) -> Sequence[StoreLocation]: ...

    def read_variants(self, remote_ids: Sequence[str] | None = None) -> Iterator[StoreVariant]:
        """The named variants, or all of them, with stock by location."""

    def find_order_of_work(self, work_remote_id: str) -> str | None:
        """The remote id of the order that a piece of routed work belongs to."""

    def announce(
        self, order_remote_id: str, lines: Sequence[ShippedLine], tracking: TrackingLabel, *, tell_buyer: bool
    ) -> Sequence[Announced]:
        """Tell the storefront that these units have shipped with this tracking, and adopt what already says so.

        Reads the order's open work first, so a repeat after a crash announces nothing twice. Temporary while the
        storefront has not routed the order yet. More than one answer where the storefront keeps the lines at several
        of its locations.
        """

    def replace_tracking(self, fulfillment_remote_id: str, tracking: TrackingLabel, *, tell_buyer: bool) -> None:
        """Put this whole set of numbers in place of the old one."""

    def report_scan(self, fulfillment_remote_id: str, scan: Scan) -> None:
        """Tell the storefront where the parcel is; does nothing where the storefront has this very event already."""

    def hold(self, order_remote_id: str, *, handle: str, reason: str, notes: str) -> Sequence[str]:
        """Hold all open work of an order; `handle` is our own key. Answers the remote ids of the holds."""

    def release(self, order_remote_id: str, hold_remote_ids: Sequence[str]) -> None:
        """Release our own holds and nobody else's."""

    def mark_paid(self, order_remote_id: str) -> None:
        """Record that the order was paid elsewhere; does nothing where the storefront says so already."""

    def tag(self, order_remote_id: str, tags: Sequence[str]) -> None: ...


@runtime_checkable
class Payments(Protocol):
    """Where buyers' money is."""

    def read_payment(self, remote_id: str) -> PaymentFact: ...

    def find_session(self, payment_remote_id: str) -> PaymentFact | None:
        """The payment with the order that its check-out session names, where there is a session."""

    def cancel(self, remote_id: str, *, key: str) -> PaymentFact:
        """Give back an authorisation that was not captured."""

    def refund(self, remote_id: str, *, amount_minor: int, key: str) -> PaymentFact: ...


@runtime_checkable
class Carrier(Protocol):
    """Who moves parcels."""

    def verify_address(self, address: Address) -> AddressVerdict: ...

    def quote(self, consignment: Consignment) -> Quote:
        """Rates for one parcel. Costs nothing and promises nothing; no rates is a quote with remarks, not a failure."""

    def buy(self, shipment_ref: str, rate_ref: str) -> BoughtLabel:
        """Buy the label of a quoted shipment; adopts the label where it was bought before.

        Raises Temporary with `outcome_unknown` when the answer was lost and the carrier could not be asked.
        """

    def find_label(self, shipment_ref: str) -> BoughtLabel | None:
        """The label that was bought for a quoted shipment, or None."""

    def fetch_label(self, label_url: str) -> LabelFile: ...

    def void(self, shipment_ref: str) -> VoidState:
        """Ask for the postage back; may be asked again."""

    def track(self, tracker_ref: str) -> ParcelProgress: ...


Connector = Storefront | Payments | Carrier


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
    """The secrets that sign deliveries: the current one first, then the previous one."""
    is_live: Callable[[Mapping[str, str]], bool] = lambda _secrets: True
