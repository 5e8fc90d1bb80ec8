"""The demo's store: three warehouses, a dozen things to buy, and buyers in five countries."""

from __future__ import annotations

from typing import Any

SHOP = "packline-demo.myshopify.com"
TOKEN = "shpat_demo"  # noqa: S105 # nosec B105 # opens nothing but the sandbox
HOOK_SECRET = "demo-shopify-secret"  # noqa: S105 # nosec B105 # opens nothing but the sandbox
STRIPE_KEY, STRIPE_HOOK_SECRET = "sk_test_demo", "whsec_demo"
EASYPOST_KEY, EASYPOST_HOOK_SECRET = "EZTKdemo", "demo-easypost-secret"

Json = dict[str, Any]

# What the store is asked to tell: everything that can change what has to be done, and nothing that cannot.
TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/edited",
    "orders/risk_assessment_changed",
    "fulfillment_orders/placed_on_hold",
    "fulfillment_orders/hold_released",
    "fulfillment_orders/moved",
    "fulfillment_orders/split",
)


def _location(name: str, street: str, city: str, region: str, postcode: str, latitude: float, longitude: float) -> Json:
    return {
        "name": name,
        "address1": street,
        "city": city,
        "province_code": region,
        "zip": postcode,
        "country_code": "US",
        "phone": "5555550100",
        "latitude": latitude,
        "longitude": longitude,
    }


LOCATIONS = [
    _location("Reno", "500 Vista Blvd", "Sparks", "NV", "89434", 39.53, -119.75),
    _location("Newark", "1 Dock St", "Newark", "NJ", "07102", 40.73, -74.17),
    _location("Austin", "9 Depot Rd", "Austin", "TX", "78701", 30.27, -97.74),
]

EVERYWHERE = {"Reno": 60, "Newark": 60, "Austin": 60}


def _product(title: str, sku: str, price: str, grams: int, stock: dict[str, int], **more: Any) -> Json:
    variant = {
        "sku": sku,
        "price": price,
        "grams": grams,
        "stock": stock,
        "hs_code": "420292",
        "origin_country": "US",
        "requires_shipping": True,
        "tracked": True,
    }
    return {"title": title, "variants": [variant | more]}


PRODUCTS = [
    _product("Field bag", "BAG", "48.00", 650, EVERYWHERE),
    _product("Enamel mug", "MUG", "14.00", 320, EVERYWHERE),
    _product("Wool blanket", "BLANKET", "89.00", 1_900, EVERYWHERE),
    _product("Axe", "AXE", "72.00", 1_400, {"Reno": 40}),
    _product("Lantern", "LANTERN", "39.00", 800, {"Newark": 40}),
    _product("Cast-iron pot", "POT", "120.00", 9_000, {"Austin": 30}),
    _product("Sold-out knife", "KNIFE", "55.00", 200, {"Reno": 0, "Newark": 0}),
    _product("Last stools", "STOOL", "64.00", 3_000, {"Reno": 1, "Newark": 0}),
    _product("Mystery box", "MYSTERY", "25.00", 700, EVERYWHERE, origin_country=None, hs_code=None),
    _product("Gift card", "GIFT", "50.00", 0, {}, requires_shipping=False, tracked=False),
]


def _buyer(first: str, last: str, street: str, city: str, region: str, postcode: str, country: str = "US") -> Json:
    return {
        "first_name": first,
        "last_name": last,
        "address1": street,
        "city": city,
        "province_code": region,
        "zip": postcode,
        "country_code": country,
        "phone": "4155550100",
    }


WEST = _buyer("Ada", "Castillo", "388 Townsend St", "San Francisco", "CA", "94107")
EAST = _buyer("Ben", "Okafor", "20 W 34th St", "New York", "NY", "10001")
SOUTH = _buyer("Chloe", "Nguyen", "1100 Congress Ave", "Austin", "TX", "78701")
CANADA = _buyer("Dora", "Tremblay", "290 Bremner Blvd", "Toronto", "ON", "M5V 3L9", "CA")
BRITAIN = _buyer("Emeka", "Walsh", "1 Curzon St", "London", "", "W1J 5HD", "GB")
GERMANY = _buyer("Frieda", "Sommer", "Invalidenstr. 116", "Berlin", "", "10115", "DE")
NOWHERE = _buyer("Gus", "Lost", "1 UNDELIVERABLE Way", "San Francisco", "CA", "94107")
BUYERS = (WEST, EAST, SOUTH)
