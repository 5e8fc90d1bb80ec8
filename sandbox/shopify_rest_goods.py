"""Webhook bodies of what a store sells and where: products, their stock items, locations, and what is left of each."""

from typing import Any

from sandbox import shopify_rest_parts as parts
from sandbox.shopify_store import Shop
from sandbox.shopify_things import InventoryItem, Location, Product, Thing, Variant

# As Shopify's bodies do: the variants of a product end here, the list of their ids does not.
MOST_VARIANTS = 100


def product(one: Product, shop: Shop) -> dict[str, Any]:
    return {
        "id": one.id,
        "admin_graphql_api_id": one.gid,
        "title": one.title,
        "vendor": one.vendor,
        "status": "active",
        "tags": ", ".join(one.tags),
        "created_at": parts.when(one.created_at, shop),
        "updated_at": parts.when(one.created_at, shop),
        "variants": [_variant(variant, shop) for variant in one.variants[:MOST_VARIANTS]],
        "variant_gids": [
            {"admin_graphql_api_id": variant.gid, "updated_at": parts.when(variant.created_at, shop)}
            for variant in one.variants
        ],
    }


def item(one: InventoryItem, shop: Shop) -> dict[str, Any]:
    return {
        "id": one.id,
        "admin_graphql_api_id": one.gid,
        "sku": one.variant.sku,
        "tracked": one.tracked,
        "requires_shipping": one.variant.requires_shipping,
        "country_code_of_origin": one.origin_country,
        "harmonized_system_code": one.hs_code,
        "created_at": parts.when(one.created_at, shop),
        "updated_at": parts.when(one.created_at, shop),
    }


def location(one: Location, shop: Shop) -> dict[str, Any]:
    return {
        "id": one.id,
        "admin_graphql_api_id": one.gid,
        "name": one.name,
        "active": one.active,
        "city": one.address.city,
        "province_code": one.address.province_code,
        "country_code": one.address.country_code,
        "zip": one.address.zip,
        "created_at": parts.when(one.created_at, shop),
        "updated_at": parts.when(one.created_at, shop),
    }


def gone(one: Thing) -> dict[str, Any]:
    return {"id": one.id}


def disconnected(one: InventoryItem, location: Location) -> dict[str, Any]:
    return {"inventory_item_id": one.id, "location_id": location.id}


def _variant(one: Variant, shop: Shop) -> dict[str, Any]:
    return {
        "id": one.id,
        "admin_graphql_api_id": one.gid,
        "product_id": one.product.id,
        "inventory_item_id": one.item.id,
        "sku": one.sku,
        "title": one.title,
        "price": parts.amount(one.price),
        "created_at": parts.when(one.created_at, shop),
        "updated_at": parts.when(one.created_at, shop),
    }
