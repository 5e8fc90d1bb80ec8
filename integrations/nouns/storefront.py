"""A store's orders, what it sells and where, and what it is told of shipments."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from integrations.nouns.base import Address, Currency, Money, Noun


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
    discounts, `unit_grams` 0 where the storefront does not know.
    """

    remote_id: str
    variant_remote_id: str = ""
    sku: str = ""
    title: str
    units: int = Field(ge=0)
    unit_price: Money
    unit_grams: int = Field(default=0, ge=0)
    needs_shipping: bool = True


def _each_once(lines: Sequence[OrderedLine]) -> Sequence[OrderedLine]:
    if len({line.remote_id for line in lines}) != len(lines):
        raise ValueError("one line is named twice, and nobody can tell which of the two holds")
    return lines


class OrderSnapshot(Noun):
    """An order as the storefront knew it at `updated_at`."""

    remote_id: str
    name: str
    placed_at: AwareDatetime
    updated_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    currency: Currency
    total: Money
    goods: Money | None = None
    """The price of the lines after all discounts, without shipping and taxes that come on top; None where not told."""
    standing: PaymentStanding
    lines: Annotated[tuple[OrderedLine, ...], AfterValidator(_each_once)]
    ship_to: Address | None = None
    email: str = ""
    phone: str = ""
    shipping_title: str = ""
    shipping_paid: Money | None = None
    tags: tuple[str, ...] = ()
    test: bool = False


class Way(enum.StrEnum):
    """How a buyer gets units."""

    CARRIED = "carried"
    """In a parcel, with a label."""
    COLLECTED = "collected"
    """The buyer picks them up at a location."""
    BROUGHT = "brought"
    """The shop delivers them itself."""
    NOT_OURS = "not_ours"
    """In no way that is any work of ours: sold over the counter, at a carrier's own point, or nothing to hand over."""


class AskedLine(Noun):
    """Units of an order line that the storefront still wants fulfilled, and from which location (its own choice)."""

    line_remote_id: str
    units: int
    location_remote_id: str = ""
    way: Way = Way.CARRIED
    ready: bool = False
    """The storefront has written the buyer that they can come for it."""
    on_hold: str = ""
    """The storefront's reason where the work is on hold there, empty otherwise."""

    @property
    def ships(self) -> bool:
        """Whether a label is wanted."""
        return self.way is Way.CARRIED


class StoreOrder(Noun):
    """The storefront's present answer about one order. `asked` is empty while the storefront is still routing it."""

    snapshot: OrderSnapshot
    risk: RiskAdvice = RiskAdvice.NONE
    routed: bool
    """Whether the storefront has decided where the order is to be fulfilled (it does so some time after placing)."""
    asked: tuple[AskedLine, ...] = ()
    taken_back: tuple[str, ...] = ()
    """The storefront's ids of the fulfillments that were cancelled: what they covered is asked for again."""


class StoreLocation(Noun):
    remote_id: str
    name: str
    address: Address
    ships: bool


class StoreVariant(Noun):
    """A thing that is sold, with its stock at every location where it lies. Grams are of one unit."""

    remote_id: str
    inventory_remote_id: str
    product_remote_id: str = ""
    sku: str
    title: str
    unit_price: Money
    unit_grams: int = 0
    needs_shipping: bool = True
    tracked: bool = True
    hs_code: str = ""
    origin_country: str = ""
    hazmat: bool = False
    """Marked as hazardous there."""
    never_to: tuple[str, ...] = ()
    """Countries (ISO 3166-1 alpha-2) that it is marked there not to be sent to."""
    levels: tuple[StoreLevel, ...] = ()


class StoreLevel(Noun):
    """Units of one variant at one location, as the storefront counts them. `on_hand` includes what is committed,
    `damaged` all that cannot be sold, `safety` all that is kept from being sold.
    """

    location_remote_id: str
    on_hand: int
    available: int
    damaged: int = 0
    safety: int = 0


class StockState(enum.StrEnum):
    """What units on a storefront's shelf are for. What is committed to its own orders is its own to change."""

    AVAILABLE = "available"
    DAMAGED = "damaged"
    SAFETY = "safety"
    PROMISED = "promised"
    """Kept for an order that the storefront does not have."""


class StockChange(Noun):
    """Units of one thing at one location that go from one state to another. From None they are new there, to None
    they are gone. `cause` is a movement's, `document` what the storefront shows as the reason.
    """

    inventory_remote_id: str
    location_remote_id: str
    taken_from: StockState | None = None
    put_to: StockState | None = None
    units: int = Field(gt=0)
    cause: str
    document: str

    @property
    def watched(self) -> StockState:
        """The state whose units are looked at first, and must not have changed by the time of the change."""
        state = self.taken_from or self.put_to
        if state is None:
            raise ValueError("a change of stock from nowhere to nowhere")
        return state


class TrackingLabel(Noun):
    """What the buyer needs to follow one shipment. All numbers belong to one carrier."""

    carrier: str
    numbers: tuple[str, ...]
    urls: tuple[str, ...] = ()


class Swap(Noun):
    """Units of a line that another variant takes the place of, and what the order had of both before."""

    line_remote_id: str
    line_units: int
    variant_remote_id: str
    variant_units: int
    units: int = Field(gt=0)


class ShippedLine(Noun):
    line_remote_id: str
    units: int = Field(gt=0)


class Assignment(Noun):
    """Units that leave from one of the storefront's locations."""

    location_remote_id: str
    lines: tuple[ShippedLine, ...]


class Assigned(Noun):
    """What came of an assignment: units that were moved now, and why others were not."""

    moved_units: int = 0
    refusals: tuple[str, ...] = ()


class Announced(Noun):
    """The storefront's fulfillment that carries our tracking. `adopted` tells that it stood there already."""

    remote_id: str
    adopted: bool = False
    by_others: bool = False
    """Somebody else made it, without a number: the storefront has counted its units off already."""


class StoreShipment(Noun):
    """A fulfillment as the storefront has it now. `stands` is False where it was cancelled or failed."""

    remote_id: str
    stands: bool
    carrier: str = ""
    numbers: tuple[str, ...] = ()
    location_remote_id: str = ""
    """Where it left, where the storefront says so."""
    made_at: AwareDatetime | None = None
    lines: tuple[ShippedLine, ...] = ()
    """Its units, where they were asked for."""


class TakenBackLine(Noun):
    """Units of an order line that the buyer does not get. `restock_at` is the location they lie at; empty where they
    do not go back on a shelf.
    """

    line_remote_id: str
    units: int = Field(gt=0)
    restock_at: str = ""
    left: bool = False
    """They had been fulfilled already: a return, not a removal."""


class StoreRefund(Noun):
    """What the storefront gave, or would give, back for units or a whole order."""

    remote_id: str = ""
    amount: Money


StoreVariant.model_rebuild()
