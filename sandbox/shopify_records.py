"""What the Shopify stand-in remembers of orders: plain records that know each other, nothing of HTTP or GraphQL."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sandbox.shopify_things import Address, Location, Thing, Variant


@dataclass(slots=True, kw_only=True, eq=False)
class Customer(Thing):
    kind: ClassVar[str] = "Customer"
    email: str
    first_name: str | None
    last_name: str | None
    phone: str | None
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Line(Thing):
    """A line of an order; `quantity` as ordered, `current_quantity` after edits, refunds and cancellation."""

    kind: ClassVar[str] = "LineItem"
    order: "Order"
    variant: Variant
    quantity: int
    current_quantity: int
    price: Decimal


@dataclass(slots=True, kw_only=True, eq=False)
class ShippingLine(Thing):
    kind: ClassVar[str] = "ShippingLine"
    title: str
    price: Decimal
    currency: str


@dataclass(slots=True, kw_only=True, eq=False)
class Transaction(Thing):
    kind: ClassVar[str] = "OrderTransaction"
    order: "Order"
    # Shopify's words: AUTHORIZATION, CAPTURE, REFUND, SALE, VOID.
    type: str
    status: str
    amount: Decimal
    gateway: str
    created_at: datetime
    parent: "Transaction | None" = None


@dataclass(slots=True, kw_only=True, eq=False)
class RefundLine(Thing):
    kind: ClassVar[str] = "RefundLineItem"
    line: Line
    quantity: int
    restock_type: str
    location: Location | None


@dataclass(slots=True, kw_only=True, eq=False)
class Refund(Thing):
    kind: ClassVar[str] = "Refund"
    order: "Order"
    note: str | None
    created_at: datetime
    lines: list[RefundLine]
    transactions: list[Transaction]


@dataclass(slots=True, kw_only=True, eq=False)
class Hold(Thing):
    kind: ClassVar[str] = "FulfillmentHold"
    reason: str
    notes: str | None
    handle: str | None
    external_id: str | None
    # False for the merchant's and other apps' holds.
    ours: bool


@dataclass(slots=True, kw_only=True, eq=False)
class WorkLine(Thing):
    kind: ClassVar[str] = "FulfillmentOrderLineItem"
    line: Line
    total: int
    remaining: int


@dataclass(slots=True, kw_only=True, eq=False)
class WorkOrder(Thing):
    """A fulfillment order: what one location shall ship of one order. Nobody sees it before `visible_at`."""

    kind: ClassVar[str] = "FulfillmentOrder"
    order: "Order"
    location: Location
    method: str
    created_at: datetime
    updated_at: datetime
    # Seconds since the epoch: order routing takes a while after the order is placed.
    visible_at: float
    status: str = "OPEN"
    lines: list[WorkLine] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    # What a partial hold left behind; comes back when the hold is released.
    remainder: "WorkOrder | None" = None


@dataclass(slots=True, kw_only=True, eq=False)
class ShippedLine(Thing):
    kind: ClassVar[str] = "FulfillmentLineItem"
    line: Line
    quantity: int
    # Where the units came from, so that cancelling the fulfillment puts them back.
    sources: list[tuple[WorkOrder, WorkLine, int]]


@dataclass(slots=True, kw_only=True)
class Tracking:
    company: str | None
    number: str | None
    url: str | None


@dataclass(slots=True, kw_only=True, eq=False)
class Event(Thing):
    kind: ClassVar[str] = "FulfillmentEvent"
    status: str
    happened_at: datetime
    created_at: datetime
    message: str | None = None
    estimated_delivery_at: datetime | None = None
    address1: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    zip: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Fulfillment(Thing):
    kind: ClassVar[str] = "Fulfillment"
    order: "Order"
    number: int
    location: Location
    lines: list[ShippedLine]
    tracking: list[Tracking]
    created_at: datetime
    updated_at: datetime
    cancelled: bool = False
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Order(Thing):
    kind: ClassVar[str] = "Order"
    number: int
    name: str
    email: str | None
    phone: str | None
    note: str | None
    tags: list[str]
    risk: str
    currency: str
    created_at: datetime
    updated_at: datetime
    ship_to: Address | None
    customer: Customer | None
    shipping: ShippingLine | None
    lines: list[Line] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    work_orders: list[WorkOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    edited: bool = False
    # Closed by the merchant, or by itself: it is shown, and cannot be edited.
    archived: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class EditedLine(Thing):
    """A line as it would be after an edit; one that the edit adds is on no `line` of the order yet."""

    kind: ClassVar[str] = "CalculatedLineItem"
    edit: "OrderEdit"
    variant: Variant
    quantity: int
    line: Line | None = None
    restock: bool = False

    @property
    def before(self) -> int:
        return self.line.current_quantity if self.line else 0

    @property
    def price(self) -> Decimal:
        return self.line.price if self.line else self.variant.price

    @property
    def shipped(self) -> int:
        """Units in fulfillments that stand: those no edit can take off."""
        made = [one for one in self.edit.order.fulfillments if not one.cancelled]
        return sum(row.quantity for one in made for row in one.lines if row.line is self.line)


@dataclass(slots=True, kw_only=True, eq=False)
class OrderEdit(Thing):
    """An order as it would be: staged until it is committed, and kept no longer."""

    kind: ClassVar[str] = "CalculatedOrder"
    order: Order
    lines: list[EditedLine] = field(default_factory=list)
    open: bool = True


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription(Thing):
    """A shop-specific webhook subscription, made through the API; `topic` as GraphQL writes it (ORDERS_CREATE)."""

    kind: ClassVar[str] = "WebhookSubscription"
    topic: str
    uri: str
    filter: str | None
    format: str
    include_fields: list[str]
    metafield_namespaces: list[str]
    name: str | None
    api_version: str
    created_at: datetime
    updated_at: datetime
