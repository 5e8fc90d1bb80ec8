"""What is wished to be taken back of an order, what is known of it, and what a plan says: plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

# Where the storefront itself has had money for an order.
PAID_IN_STORE = frozenset({"paid", "part_paid", "part_refunded"})
# What the carrier can only say once it has had the parcel in its hands.
ON_THE_ROAD = frozenset(
    {"in_transit", "out_for_delivery", "available_for_pickup", "delivered", "return_to_sender", "failure"}
)
REASONS = ("buyer", "declined", "fraud", "stock", "staff", "other")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants taken back, and why. `wanted` is units by order line id; empty means everything."""

    purpose: str
    """cancel, cancel_lines, or replan: what the store does not want any more is planned anew."""
    wanted: Mapping[int, int] = field(default_factory=dict)
    reason: str = "other"
    note: str = ""
    refund: bool = True
    tell_buyer: bool = True
    origin: str = "person"
    """store (it is done there already), person, or packline."""


@dataclass(frozen=True, kw_only=True)
class LineFacts:
    """`units` is what the buyer wants by the store, `to_ship` what Packline ships of it, gone or not."""

    id: int
    remote_id: str
    title: str
    units: int
    to_ship: int
    by_hand: int = 0
    """Those of `to_ship` that no carrier brings."""


@dataclass(frozen=True, kw_only=True)
class LabelFacts:
    id: int
    state: str
    tracking_code: str = ""
    cost_minor: int = 0
    currency: str = ""
    outdated: bool = False
    """It was bought for another address or content than the order has now."""


@dataclass(frozen=True, kw_only=True)
class ParcelFacts:
    id: int
    carrier_status: str
    labels: tuple[LabelFacts, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ShipmentFacts:
    """`units` by order line id; `location` is its name, `location_remote_id` what the storefront calls it."""

    id: int
    state: str
    location: str
    location_remote_id: str
    units: Mapping[int, int]
    parcels: tuple[ParcelFacts, ...] = ()
    fulfillments: tuple[str, ...] = ()
    refused: bool = False
    """Its place could not send a line of it: it does not leave from there, whatever was told of it."""
    by_supplier: bool = False
    """A supplier sent it, so that it was never in our hands."""
    by_hand: bool = False
    """The buyer comes for it, or the shop brings it itself."""
    unasked: bool = False
    """It is by hand, and the storefront does not want all of it there any more."""
    in_doubt: bool = False
    """The storefront may show it as shipped: telling it was begun, and nobody knows how that ended."""

    @property
    def left(self) -> bool:
        """It is out of our hands. A carrier that has said nothing yet has not got it; a buyer has what people say."""
        scanned = any(parcel.carrier_status in ON_THE_ROAD for parcel in self.parcels)
        if self.state in {"handed_over", "handing_over"}:
            return True
        return self.state != "cancelled" and (scanned or self.by_supplier)

    @property
    def stands(self) -> bool:
        """It can still be taken back."""
        return self.state != "cancelled" and not self.left


@dataclass(frozen=True, kw_only=True)
class DeliveryFacts:
    """What was delivered by mail, with what the store shows of it."""

    id: int
    fulfillments: tuple[str, ...] = ()
    in_doubt: bool = False
    """The storefront may show it as delivered: telling it was begun, and nobody knows how that ended."""


@dataclass(frozen=True, kw_only=True)
class PaymentFacts:
    """A payment at a payment provider, in minor units of its currency."""

    id: int
    remote_id: str
    state: str
    currency: str
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed: bool = False

    @property
    def refundable_minor(self) -> int:
        return max(0, self.captured_minor - self.refunded_minor)

    @property
    def only_authorised(self) -> bool:
        return self.state == "authorised" and self.authorised_minor > 0 and not self.captured_minor


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All of an order that matters for taking it back."""

    order: int
    name: str
    state: str
    standing: str
    currency: str
    total_minor: int
    """What the order costs now: less with every part that is taken off it."""
    lines: tuple[LineFacts, ...]
    shipments: tuple[ShipmentFacts, ...] = ()
    deliveries: tuple[DeliveryFacts, ...] = ()
    payments: tuple[PaymentFacts, ...] = ()
    cancelled_in_store: bool = False
    under_way: bool = False
    """A reversal was begun and is not over."""
    told_the_store: bool = False
    """The reversal that is under way has had its word with the store: `to_ship` is what is left after it."""
    promised_by: tuple[str, ...] = ()
    """The suppliers who have accepted to ship units of it that they have not sent yet, by name."""
    promised_units: Mapping[int, int] = field(default_factory=dict)
    """Those units, by order line id: nobody here can stop them."""
    given_for_parts_minor: int = 0
    """What payments gave back for parts that were taken off before."""

    @property
    def store_holds_the_money(self) -> bool:
        """Nobody else has taken or reserved any."""
        return not any(one.captured_minor or one.only_authorised for one in self.payments)

    @property
    def held_in_store_minor(self) -> int:
        """What was paid in the store itself (a gift card, the store's own payments) beside payments elsewhere.

        No store says it: it is what those payments leave of the price of an order that the store calls paid.
        """
        if self.store_holds_the_money or self.standing not in PAID_IN_STORE:
            return 0
        if any(one.currency != self.currency for one in self.payments):
            return 0
        elsewhere = sum(one.authorised_minor if one.only_authorised else one.captured_minor for one in self.payments)
        return max(0, self.total_minor + self.given_for_parts_minor - elsewhere)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to be done. `amount_minor` is None where no money moves, or where the store is asked for the sum."""

    kind: str
    subject: str
    sentence: str
    remote_id: str = ""
    units: int = 0
    amount_minor: int | None = None
    currency: str = ""
    asks: bool = False
    """A person has to say yes first."""

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.kind, self.subject, self.remote_id)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be done. `keeps` says what cannot be undone and why, `costs` what it costs and what comes back."""

    steps: tuple[Step, ...]
    keeps: tuple[str, ...]
    costs: tuple[str, ...]
    whole: bool
    """Nothing of the order is left afterwards: it is cancelled. Otherwise it goes on with what stays."""
    store_units: Mapping[int, int]
    """Units by order line id that the store still has to take off the order."""

    @property
    def digest(self) -> str:
        """Changes when the plan does: what a person agreed to is what is done, or they are asked again."""
        seen = [[*step.identity, step.units, step.amount_minor, step.asks] for step in self.steps]
        return hashlib.sha256(json.dumps([seen, self.keeps, self.whole]).encode()).hexdigest()[:32]

    @property
    def takes_something(self) -> bool:
        return any(step.kind not in {"stop_work", "plan_again"} for step in self.steps)
