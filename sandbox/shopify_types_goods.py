"""How the Admin API shows the store, its places, its goods and its webhook subscriptions."""

from typing import Any

from sandbox import shopify_changes
from sandbox.shopify_fields import Info, Resolver, fact, listed, place, weight
from sandbox.shopify_places import formatted
from sandbox.shopify_records import Subscription
from sandbox.shopify_things import InventoryItem, Level, Location, Product, Variant

_ADDRESS_FIELDS = (
    "address1", "address2", "city", "province", "provinceCode", "zip", "country", "countryCode", "phone",
    "latitude", "longitude",
)  # fmt: skip


def _quantities(level: Level, _info: Info, names: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"gid://shopify/InventoryQuantity/{level.id}?inventory_item_id={level.item.id}&name={name}",
            "name": name,
            "quantity": level.quantity(name),
            "updatedAt": level.changed_at.get(name),
        }
        for name in names
        if name == "on_hand" or name in level.quantities
    ]


def _level_there(item: InventoryItem, info: Info, **args: Any) -> Level | None:
    location = info.context.shop.things.get(args["locationId"])
    return item.levels.get(location.id) if isinstance(location, Location) and location.active else None


def _available(variant: Variant) -> int:
    return sum(level.quantities["available"] for level in variant.item.levels.values())


def _total(product: Product) -> int:
    return sum(_available(variant) for variant in product.variants)


def _endpoint(subscription: Subscription) -> dict[str, str]:
    return {"__typename": "WebhookHttpEndpoint", "callbackUrl": subscription.uri}


def api_version(handle: str) -> dict[str, Any]:
    return {"handle": handle, "displayName": handle, "supported": True}


_PRODUCT: dict[str, Resolver] = {
    "handle": fact(lambda product: "-".join(product.title.lower().split())),
    "status": fact(lambda _: "ACTIVE"),
    "productType": fact(lambda _: ""),
    "tags": fact(lambda product: product.tags),
    "tracksInventory": fact(lambda product: any(variant.item.tracked for variant in product.variants)),
    "totalInventory": fact(_total),
    "updatedAt": fact(lambda product: product.created_at),
    "variants": listed(lambda product: product.variants),
}

_VARIANT: dict[str, Resolver] = {
    "displayName": fact(lambda variant: f"{variant.product.title} - {variant.title}"),
    "price": fact(lambda variant: f"{variant.price:.2f}"),
    "taxable": fact(lambda _: True),
    "position": fact(lambda variant: variant.product.variants.index(variant) + 1),
    "inventoryPolicy": fact(lambda _: "DENY"),
    "inventoryQuantity": fact(_available),
    "availableForSale": fact(lambda variant: not variant.item.tracked or _available(variant) > 0),
    "updatedAt": fact(lambda variant: variant.created_at),
    "inventoryItem": fact(lambda variant: variant.item),
}

_ITEM: dict[str, Resolver] = {
    "sku": fact(lambda item: item.variant.sku),
    "requiresShipping": fact(lambda item: item.variant.requires_shipping),
    "countryCodeOfOrigin": fact(lambda item: item.origin_country),
    "provinceCodeOfOrigin": fact(lambda _: None),
    "harmonizedSystemCode": fact(lambda item: item.hs_code),
    "measurement": fact(
        lambda item: {
            "id": f"gid://shopify/InventoryItemMeasurement/{item.id}",
            "weight": weight(item.variant.grams),
        }
    ),
    "updatedAt": fact(lambda item: item.created_at),
    "variants": listed(lambda item: [item.variant]),
    "inventoryLevel": _level_there,
    "inventoryLevels": listed(lambda item: item.open_levels),
}

_LOCATION: dict[str, Resolver] = {
    "isActive": fact(lambda location: location.active),
    "fulfillsOnlineOrders": fact(lambda location: location.fulfills_online),
    "shipsInventory": fact(lambda location: location.fulfills_online),
    "isFulfillmentService": fact(lambda _: False),
    "hasActiveInventory": fact(lambda location: location.active),
    "updatedAt": fact(lambda location: location.created_at),
    "inventoryLevels": shopify_changes.levels,
    "address": fact(
        lambda location: {**place(location.address, *_ADDRESS_FIELDS), "formatted": formatted(location.address)}
    ),
}

FIELDS: dict[str, dict[str, Resolver]] = {
    "Shop": {
        "myshopifyDomain": fact(lambda shop: shop.domain),
        "currencyCode": fact(lambda shop: shop.currency),
        "ianaTimezone": fact(lambda shop: shop.timezone),
        "weightUnit": fact(lambda _: "GRAMS"),
        "plan": fact(lambda shop: {"partnerDevelopment": shop.development}),
    },
    "Location": _LOCATION,
    "Product": _PRODUCT,
    "ProductVariant": _VARIANT,
    "InventoryItem": _ITEM,
    "InventoryLevel": {"isActive": fact(lambda _: True), "quantities": _quantities},
    "WebhookSubscription": {
        "endpoint": fact(_endpoint),
        "apiVersion": fact(lambda subscription: api_version(subscription.api_version)),
    },
}
