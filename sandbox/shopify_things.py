"""What a Shopify store has before anyone orders: its places, its goods and how many lie where."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

# Every state but `incoming` lies on the shelf, so on_hand is their sum
# (shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps#inventory-states).
SHELF_STATES = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
QUANTITY_STATES = (*SHELF_STATES, "incoming")


@dataclass(slots=True, kw_only=True, eq=False)
class Thing:
    """Anything with an id: `id` is the number REST shows, `gid` the same number as GraphQL writes it."""

    kind: ClassVar[str]
    id: int

    @property
    def gid(self) -> str:
        return f"gid://shopify/{self.kind}/{self.id}"


@dataclass(slots=True, kw_only=True)
class Address:
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    id: int = 0

    @property
    def name(self) -> str | None:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


@dataclass(slots=True, kw_only=True, eq=False)
class Location(Thing):
    kind: ClassVar[str] = "Location"
    name: str
    address: Address
    fulfills_online: bool
    created_at: datetime
    active: bool = True


@dataclass(slots=True, kw_only=True, eq=False)
class Product(Thing):
    kind: ClassVar[str] = "Product"
    title: str
    vendor: str
    created_at: datetime
    tags: list[str] = field(default_factory=list)
    variants: list["Variant"] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Variant(Thing):
    kind: ClassVar[str] = "ProductVariant"
    product: Product
    sku: str
    title: str
    price: Decimal
    grams: int
    requires_shipping: bool
    barcode: str | None
    created_at: datetime
    item: "InventoryItem" = field(init=False)

    @property
    def choice(self) -> str | None:
        """What a buyer chose; a product without options has one variant by this name, which Shopify shows nobody."""
        return None if self.title == "Default Title" else self.title

    @property
    def line_name(self) -> str:
        return f"{self.product.title} - {self.choice}" if self.choice else self.product.title


@dataclass(slots=True, kw_only=True, eq=False)
class InventoryItem(Thing):
    kind: ClassVar[str] = "InventoryItem"
    variant: Variant
    tracked: bool
    hs_code: str | None
    origin_country: str | None
    created_at: datetime
    levels: dict[int, "Level"] = field(default_factory=dict)

    @property
    def open_levels(self) -> list["Level"]:
        """Those at locations that are open: Shopify shows no others unless it is asked for them."""
        return [level for level in self.levels.values() if level.location.active]


@dataclass(slots=True, kw_only=True, eq=False)
class Level(Thing):
    """An item's quantities at one location, by state."""

    kind: ClassVar[str] = "InventoryLevel"
    item: InventoryItem
    location: Location
    created_at: datetime
    updated_at: datetime
    quantities: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUANTITY_STATES, 0))
    changed_at: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # As recorded of a level nobody has touched: `available` has a time, the other states have none.
        self.changed_at["available"] = self.created_at

    @property
    def gid(self) -> str:
        return f"gid://shopify/InventoryLevel/{self.id}?inventory_item_id={self.item.id}"

    def quantity(self, name: str) -> int:
        return sum(self.quantities[state] for state in SHELF_STATES) if name == "on_hand" else self.quantities[name]
