"""Opens a store as it was wished for: its places, its goods and how many lie where."""

from datetime import datetime
from itertools import count

from sandbox import shopify_places as places
from sandbox.shopify_cost import MAXIMUM
from sandbox.shopify_store import Shop, Store, whole_seconds
from sandbox.shopify_things import Address, InventoryItem, Level, Location, Product, Variant
from sandbox.shopify_wishes import LocationWish, PlaceWish, ProductWish, ShopWish, VariantWish

# What an app that packs and ships asks a merchant for; Shopify lists the reading half beside the writing one.
SCOPES = (
    "read_fulfillments", "write_fulfillments", "read_inventory", "write_inventory", "read_locations",
    "read_merchant_managed_fulfillment_orders", "write_merchant_managed_fulfillment_orders", "read_orders",
    "write_orders", "read_products", "read_returns", "write_returns", "read_third_party_fulfillment_orders",
    "write_third_party_fulfillment_orders", "read_order_edits", "write_order_edits",
)  # fmt: skip


def open_shop(store: Store, wish: ShopWish) -> Shop:
    """A new store; a second one of the same domain takes the first one's place."""
    if known := store.by_domain.get(wish.domain):
        store.grants.end(known)
    now = whole_seconds()
    shop = Shop(
        id=next(store.ids),
        domain=wish.domain,
        token=wish.token,
        secret=wish.secret or (store.grants.app.client_secret if store.grants.app else ""),
        name=wish.name,
        email=wish.email,
        currency=wish.currency,
        timezone=wish.timezone,
        scopes=list(SCOPES if wish.scopes is None else wish.scopes),
        created_at=now,
        topics=None if wish.topics is None else frozenset(wish.topics),
        approved=wish.approved,
        development=wish.development,
        bucket=(float(MAXIMUM), 0.0) if wish.throttle else None,
        job_delay_s=wish.job_delay_s,
    )
    shop.keep(shop)
    store.add(shop)
    for place in wish.locations:
        add_location(store, shop, place, now)
    for product in wish.products:
        add_product(store, shop, product, now)
    return shop


def add_location(store: Store, shop: Shop, wish: LocationWish, now: datetime) -> Location:
    made = shop.keep(_location(store.ids, wish, now))
    shop.locations.append(made)
    return made


def address(ids: "count[int]", wish: PlaceWish) -> Address:
    told = wish.model_dump(include=set(PlaceWish.model_fields))
    told["province"] = wish.province or places.province(wish.country_code, wish.province_code)
    return Address(**told, country=places.country(wish.country_code), id=next(ids))


def _location(ids: "count[int]", wish: LocationWish, now: datetime) -> Location:
    return Location(
        id=next(ids),
        name=wish.name,
        address=address(ids, wish),
        fulfills_online=wish.fulfills_online,
        active=wish.active,
        created_at=now,
    )


def add_product(store: Store, shop: Shop, wish: ProductWish, now: datetime) -> Product:
    product = shop.keep(
        Product(id=next(store.ids), title=wish.title, vendor=wish.vendor, tags=wish.tags, created_at=now)
    )
    shop.products.append(product)
    for entry in wish.variants:
        if entry.sku in shop.variants:
            raise ValueError(f"two variants have the SKU {entry.sku}")
        variant = _variant(store, product, entry, now)
        product.variants.append(shop.keep(variant))
        shop.variants[entry.sku] = variant
        shop.keep(variant.item)
        for place, units in entry.stock.items():
            level = _level(store, variant.item, location_named(shop, place), units, now)
            variant.item.levels[level.location.id] = shop.keep(level)
    return product


def location_named(shop: Shop, name: str) -> Location:
    for location in shop.locations:
        if location.name == name:
            return location
    raise ValueError(f"{shop.domain} has no location {name!r}")


def _variant(store: Store, product: Product, wish: VariantWish, now: datetime) -> Variant:
    variant = Variant(
        id=next(store.ids),
        product=product,
        sku=wish.sku,
        title=wish.title,
        price=wish.price,
        grams=wish.grams,
        requires_shipping=wish.requires_shipping,
        barcode=wish.barcode,
        created_at=now,
    )
    variant.item = InventoryItem(
        id=next(store.ids),
        variant=variant,
        tracked=wish.tracked,
        hs_code=wish.hs_code,
        origin_country=wish.origin_country,
        created_at=now,
    )
    return variant


def _level(store: Store, item: InventoryItem, location: Location, units: int, now: datetime) -> Level:
    level = Level(id=next(store.ids), item=item, location=location, created_at=now, updated_at=now)
    level.quantities["available"] = units
    return level
