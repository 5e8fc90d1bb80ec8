"""The outside world in our own words: the values that cross every port, whoever the vendor is.

Money is integer minor units with an ISO 4217 currency, times are aware and UTC, weights are grams, sizes are
millimetres. A remote id is the vendor's own id for a thing, kept as opaque text.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Noun(BaseModel):
    """An immutable value; unknown fields are refused because we, not the vendor, fill it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Noun):
    minor: int
    currency: Currency

    def __str__(self) -> str:
        return f"{self.minor / 10 ** exponent(self.currency):.{exponent(self.currency)}f} {self.currency}"


# ISO 4217: the currencies without two decimals that storefronts sell in.
_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())


def exponent(currency: str) -> int:
    """How many decimals one unit of the currency has (ISO 4217)."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


class Address(Noun):
    """Where a parcel leaves or goes. `region` is the state or province code, `country` ISO 3166-1 alpha-2."""

    name: str = ""
    company: str = ""
    street1: str = ""
    street2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    latitude: float | None = None
    longitude: float | None = None


class AddressVerdict(Noun):
    """What a carrier network thinks of an address; `problems` are sentences for a person."""

    deliverable: bool
    problems: tuple[str, ...] = ()
    corrected: Address | None = None
    residential: bool | None = None


# ---------------------------------------------------------------------------------------- storefront


class PaymentStanding(enum.StrEnum):
    """What the storefront says of an order's money."""

    UNPAID = "unpaid"
    AUTHORISED = "authorised"
    PART_PAID = "part_paid"
    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class RiskAdvice(enum.StrEnum):
    ACCEPT = "accept"
    INVESTIGATE = "investigate"
    CANCEL = "cancel"
    NONE = "none"
    UNKNOWN = "unknown"


class OrderedLine(Noun):
    """One line of an order. `units` is what the buyer still wants (after edits and removals), `unit_price` before
    discounts, `unit_grams` 0 where the storefront does not know."""

    remote_id: str
    variant_remote_id: str = ""
    sku: str = ""
    title: str
    units: int = Field(ge=0)
    unit_price: Money
    unit_grams: int = Field(default=0, ge=0)
    needs_shipping: bool = True


class OrderSnapshot(Noun):
    """An order as the storefront knew it at `updated_at`."""

    remote_id: str
    name: str
    placed_at: AwareDatetime
    updated_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    currency: Currency
    total: Money
    standing: PaymentStanding
    lines: tuple[OrderedLine, ...]
    ship_to: Address | None = None
    email: str = ""
    phone: str = ""
    shipping_title: str = ""
    shipping_paid: Money | None = None
    tags: tuple[str, ...] = ()
    test: bool = False


class AskedLine(Noun):
    """Units of an order line that the storefront still wants fulfilled, and from which location (its own choice)."""

    line_remote_id: str
    units: int
    location_remote_id: str = ""
    ships: bool = True
    """False where the buyer collects (pick-up, local delivery): no label is wanted."""
    on_hold: str = ""
    """The storefront's reason where the work is on hold there, empty otherwise."""


class StoreOrder(Noun):
    """The storefront's present answer about one order. `asked` is empty while the storefront is still routing it."""

    snapshot: OrderSnapshot
    risk: RiskAdvice = RiskAdvice.NONE
    routed: bool
    """Whether the storefront has decided where the order is to be fulfilled (it does so some time after placing)."""
    asked: tuple[AskedLine, ...] = ()


class StoreLocation(Noun):
    remote_id: str
    name: str
    address: Address
    ships: bool


class StoreVariant(Noun):
    """A thing that is sold, with its stock by location. Grams are of one unit."""

    remote_id: str
    inventory_remote_id: str
    sku: str
    title: str
    unit_price: Money
    unit_grams: int = 0
    needs_shipping: bool = True
    tracked: bool = True
    hs_code: str = ""
    origin_country: str = ""
    levels: tuple[StoreLevel, ...] = ()


class StoreLevel(Noun):
    """Units of one variant at one location, as the storefront counts them. `on_hand` includes what is committed."""

    location_remote_id: str
    on_hand: int
    available: int


class TrackingLabel(Noun):
    """What the buyer needs to follow one shipment. All numbers belong to one carrier."""

    carrier: str
    numbers: tuple[str, ...]
    urls: tuple[str, ...] = ()


class ShippedLine(Noun):
    line_remote_id: str
    units: int = Field(gt=0)


class Announced(Noun):
    """The storefront's fulfillment that carries our tracking. `adopted` tells that it stood there already."""

    remote_id: str
    adopted: bool = False


# ---------------------------------------------------------------------------------------- payments


class PaymentState(enum.StrEnum):
    PENDING = "pending"
    AUTHORISED = "authorised"
    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    VOIDED = "voided"
    UNKNOWN = "unknown"


class PaymentFact(Noun):
    """What a payment provider says of one payment at `at`; amounts are totals so far, never differences."""

    remote_id: str
    state: PaymentState
    at: AwareDatetime
    amount: Money
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    order_remote_id: str = ""
    order_name: str = ""
    session_remote_id: str = ""
    """The check-out session that belongs to the payment, where the order is known by it."""
    problem: str = ""


# ---------------------------------------------------------------------------------------- carriers


class ParcelStatus(enum.StrEnum):
    UNKNOWN = "unknown"
    PRE_TRANSIT = "pre_transit"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    RETURN_TO_SENDER = "return_to_sender"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    ERROR = "error"


class Parcel(Noun):
    """One box. Sizes are outer sizes in millimetres; all three or none."""

    weight_grams: int = Field(gt=0)
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


class CustomsLine(Noun):
    """One line of a customs declaration; weight and value are of all its units together, as carriers ask for it."""

    description: str
    units: int
    total_value: Money
    total_weight_grams: int
    origin_country: str
    hs_code: str = ""
    sku: str = ""


class Customs(Noun):
    lines: tuple[CustomsLine, ...]
    signer: str


class Consignment(Noun):
    """All that a carrier must know to rate one parcel. `reference` is our own key for this attempt."""

    reference: str
    sender: Address
    recipient: Address
    parcel: Parcel
    customs: Customs | None = None
    label_format: str = "PDF"


class Rate(Noun):
    remote_id: str
    carrier: str
    service: str
    price: Money
    transit_days: int | None = None
    guaranteed: bool = False


class Quote(Noun):
    """Rates for one consignment. `shipment_ref` is what is bought; `remarks` are carriers that would not rate and why."""

    shipment_ref: str
    rates: tuple[Rate, ...]
    remarks: tuple[str, ...] = ()


class BoughtLabel(Noun):
    shipment_ref: str
    rate: Rate
    tracking_code: str
    tracking_url: str = ""
    tracker_ref: str = ""
    label_url: str
    label_format: str
    void_state: VoidState | None = None


class VoidState(enum.StrEnum):
    """How the carrier answered the wish to give a label back."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    NEVER = "never"
    """The carrier bills on scan: there is nothing to give back, and nothing is owed while the parcel stays unscanned."""
    UNKNOWN = "unknown"


class LabelFile(Noun):
    media_type: str
    content: bytes


class Scan(Noun):
    """One line of a parcel's journey."""

    at: AwareDatetime
    status: ParcelStatus
    detail: str = ""
    message: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


class ParcelProgress(Noun):
    """What the carrier knows of a parcel, oldest scan first."""

    tracker_ref: str
    tracking_code: str
    carrier: str
    status: ParcelStatus
    detail: str = ""
    at: AwareDatetime
    scans: tuple[Scan, ...] = ()
    expected_at: AwareDatetime | None = None
    signed_by: str = ""


# ---------------------------------------------------------------------------------------- what arrives


class OrderChanged(Noun):
    """The storefront says that an order is new or different; `snapshot` is absent where it only names the order."""

    remote_id: str
    snapshot: OrderSnapshot | None = None


class OrderCancelled(Noun):
    remote_id: str
    at: AwareDatetime
    reason: str = ""


class WorkRouted(Noun):
    """The storefront moved, held, released or routed the work on an order; only the work's own id is told."""

    work_remote_id: str


class PaymentChanged(Noun):
    fact: PaymentFact


class PaymentDisputed(Noun):
    """The buyer's bank wants the money back."""

    payment_remote_id: str
    dispute_remote_id: str
    reason: str
    at: AwareDatetime
    over: bool = False
    """True when the dispute is settled in the merchant's favour."""


class ParcelMoved(Noun):
    progress: ParcelProgress


class LabelVoided(Noun):
    shipment_ref: str
    tracking_code: str
    state: VoidState


class Ignored(Noun):
    """A genuine delivery that we do not act on, and why."""

    reason: str


Fact = (
    OrderChanged | OrderCancelled | WorkRouted | PaymentChanged | PaymentDisputed | ParcelMoved | LabelVoided | Ignored
)

StoreVariant.model_rebuild()
BoughtLabel.model_rebuild()


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive one is refused, because nobody can know what it meant."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    from datetime import UTC

    return moment.astimezone(UTC)
