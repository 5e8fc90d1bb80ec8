"""Opens a drill's shop: a store with goods in three warehouses, a carrier and a payment provider, all connected."""

from __future__ import annotations

from sqlalchemy import Engine

from config.settings import Settings
from demo.store import LOCATIONS, TOPICS
from drills.shops import Control, Json, Shop, hook_secret
from drills.vouchers import VOUCHER
from jobs import connect
from records import database
from records.tenants import Rules

_MANY = 1_000_000
# Money that is only authorised is good enough to ship on, and taken when the order has left. Of what nobody has, the
# buyer is asked.
_RULES = Rules(ship_when="authorised", capture_when_shipped=True, ask_when_short=True)
# (SKU, grams, where it lies): one thing that lies in two warehouses, two that lie in one each, one that is heavy, and
# one that nobody has.
_GOODS = (
    ("BAG", 300, ("Reno", "Newark")),
    ("MUG", 320, ("Reno", "Newark")),
    ("AXE", 900, ("Reno",)),
    ("LANTERN", 800, ("Newark",)),
    ("POT", 9_000, ("Austin",)),
    ("ANVIL", 9_000, ()),
)


def open_shop(
    control: Control, engine: Engine, settings: Settings, web: str, *, number: int, rules: Rules = _RULES
) -> Shop:
    """Make the store in the sandbox, and connect it with carrier and payments; its catalogue is read by a worker."""
    shop = Shop(control=control, engine=engine, settings=settings, web=web, domain=f"drill-{number}.myshopify.com")
    control("POST", "/shopify/shops", _store(shop))
    with database.across_tenants(engine, why="a drill's tenant is added") as session:
        shop.tenant = connect.add_tenant(session, f"Drill {number}", "USD", rules)
    shop.connect("shopify", access_token=shop.keys["shopify"], webhook_secret=hook_secret("shopify"))
    shop.connect("stripe", api_key=shop.keys["stripe"], webhook_secret=hook_secret("stripe"))
    shop.connect("easypost", api_key=shop.keys["easypost"], webhook_secret=hook_secret("easypost"))
    shop.tell_accounts()
    return shop


def _store(shop: Shop) -> Json:
    variants = [
        {
            "sku": sku,
            "price": "20.00",
            "grams": grams,
            "hs_code": "420292",
            "origin_country": "US",
            "stock": dict.fromkeys(places, _MANY) or {"Reno": 0},
        }
        for sku, grams, places in _GOODS
    ]
    variants.append({"sku": VOUCHER, "price": "20.00", "grams": 0, "requires_shipping": False, "tracked": False})
    return {
        "domain": shop.domain,
        "token": shop.keys["shopify"],
        "secret": hook_secret("shopify"),
        "currency": "USD",
        "name": shop.domain,
        "webhook_url": f"{shop.web}/hooks/shopify",
        "topics": [*TOPICS, "inventory_levels/update"],
        "locations": LOCATIONS,
        "products": [{"title": "Goods", "variants": variants}],
    }
