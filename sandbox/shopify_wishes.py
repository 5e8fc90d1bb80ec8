"""What the control door may be asked for a Shopify store: typed, so that a misspelt wish is an error, not a default."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FinancialStatus = Literal["paid", "pending", "authorized"]
HoldReason = Literal[
    "AWAITING_PAYMENT", "AWAITING_RETURN_ITEMS", "HIGH_RISK_OF_FRAUD", "INCORRECT_ADDRESS", "INVENTORY_OUT_OF_STOCK",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL", "OTHER", "UNKNOWN_DELIVERY_DATE",
]  # fmt: skip


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlaceWish(Wish):
    """An address; codes are enough, the names of countries and provinces follow from them."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    phone: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class LocationWish(PlaceWish):
    name: str
    fulfills_online: bool = True
    active: bool = True


class VariantWish(Wish):
    sku: str
    title: str = "Default Title"
    price: Decimal = Decimal("10.00")
    grams: int = 200
    requires_shipping: bool = True
    tracked: bool = True
    barcode: str | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    stock: dict[str, int] = Field(default_factory=dict)


class ProductWish(Wish):
    title: str
    vendor: str = "Sandbox Goods"
    tags: list[str] = Field(default_factory=list)
    variants: list[VariantWish]


class ShopWish(Wish):
    domain: str
    # One made by hand, without an end; empty where an app gets its own.
    token: str = ""
    # What signs webhooks; empty is the app's client secret.
    secret: str = ""
    # A path is taken to be at the app's origin; None sends nothing to the app's own address.
    webhook_url: str | None = None
    topics: list[str] | None = None
    name: str = "Sandbox Store"
    email: str = "owner@example.com"
    currency: str = "USD"
    timezone: str = "America/New_York"
    scopes: list[str] | None = None
    # Without Shopify's approval nobody tells an app names and addresses of buyers.
    approved: bool = True
    development: bool = False
    # Off by default: the real limit, 100 points a second, would measure Shopify and not the app.
    throttle: bool = False
    # How long a job takes that Shopify only starts when it answers, such as cancelling an order.
    job_delay_s: float = Field(default=0.0, ge=0, le=60)
    locations: list[LocationWish] = Field(min_length=1)
    products: list[ProductWish] = Field(default_factory=list)


class LineWish(Wish):
    sku: str
    quantity: int = Field(ge=0)


class ShippingWish(Wish):
    title: str = "Standard"
    price: Decimal = Decimal("5.00")


class OrderWish(Wish):
    shop: str
    lines: list[LineWish] = Field(min_length=1)
    ship_to: PlaceWish | None = None
    email: str | None = "buyer@example.com"
    phone: str | None = None
    financial_status: FinancialStatus = "paid"
    risk: Literal["ACCEPT", "INVESTIGATE", "CANCEL", "NONE"] = "ACCEPT"
    shipping: ShippingWish | None = Field(default_factory=ShippingWish)
    # How long order routing takes, in seconds.
    fo_delay_s: float = 0.0
    location: str | None = None
    delivery_method: Literal["SHIPPING", "PICK_UP", "LOCAL"] = "SHIPPING"
    name: str | None = None
    note: str | None = None
    tags: list[str] = Field(default_factory=list)
    # A hold placed by somebody else than the app.
    hold_reason: HoldReason | None = None
    webhooks: bool = True
    count: int | None = Field(default=None, ge=1)


class CancelWish(Wish):
    reason: Literal["CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"] = "CUSTOMER"
    restock: bool = True
    refund: bool = True


class EditWish(Wish):
    ship_to: PlaceWish | None = None
    lines: list[LineWish] = Field(default_factory=list)


class TakeBackWish(Wish):
    """Units that the merchant takes back and refunds nothing for; put on the shelf of `location`, or on none."""

    lines: list[LineWish]
    location: str | None = None
    restock: Literal["return", "cancel", "no_restock"] = "return"
    note: str | None = None


class TagWish(Wish):
    add: list[str] = Field(default_factory=list)
    remove: list[str] = Field(default_factory=list)


class FulfilWish(Wish):
    """The merchant ships in Shopify's admin, past the app."""

    company: str | None = None
    number: str | None = None
    url: str | None = None


class PointWish(Wish):
    """Where somebody has a webhook subscription send to now."""

    uri: str


class LevelWish(Wish):
    shop: str
    sku: str
    location: str


class StockWish(LevelWish):
    on_hand: int
    # So many of them cannot be sold; None leaves those that are.
    damaged: int | None = None


class NewProductWish(ProductWish):
    shop: str


class TitleWish(Wish):
    title: str


class TagsWish(Wish):
    tags: list[str]


class NewLocationWish(LocationWish):
    shop: str
