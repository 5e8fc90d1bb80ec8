"""What Shopify tells of goods, of their stock and of the places where they lie: only which of them is to be read.

https://shopify.dev/docs/api/webhooks. A count in a body has no version and may come late, so that none is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from integrations import nouns
from integrations.json_body import parsed
from integrations.ports import Unreadable
from integrations.storefronts.shopify import payloads
from integrations.storefronts.shopify.payloads import Payload
from integrations.storefronts.shopify.scalars import ItemId, LocationId, ProductId, VariantId

# https://help.shopify.com/manual/products/variants: no product has more variants.
_MOST_VARIANTS = 2_048


def _listed(value: object) -> object:
    return () if value is None else value


class LevelPayload(Payload):
    inventory_item_id: ItemId
    location_id: LocationId


class ItemPayload(Payload):
    admin_graphql_api_id: ItemId | None = None
    id: ItemId | None = None


class PlacePayload(Payload):
    admin_graphql_api_id: LocationId | None = None
    id: LocationId | None = None


class VariantPayload(Payload):
    admin_graphql_api_id: VariantId | None = None
    id: VariantId | None = None


Variants = Annotated[tuple[VariantPayload, ...], Field(max_length=_MOST_VARIANTS), BeforeValidator(_listed)]


class ProductPayload(Payload):
    """The list of variants ends at a hundred, that of their ids does not."""

    admin_graphql_api_id: ProductId | None = None
    id: ProductId | None = None
    variants: Variants = ()
    variant_gids: Variants = ()


def _stock_changed(body: dict[str, Any]) -> nouns.Fact:
    level = parsed(LevelPayload, body, called="body")
    return nouns.StockChanged(inventory_remote_id=level.inventory_item_id, location_remote_id=level.location_id)


def _item_changed(body: dict[str, Any]) -> nouns.Fact:
    return nouns.GoodsChanged(remote_ids=(_named(parsed(ItemPayload, body, called="body")),))


def _product_changed(body: dict[str, Any]) -> nouns.Fact:
    product = parsed(ProductPayload, body, called="body")
    variants = (_named(variant) for variant in (*product.variants, *product.variant_gids))
    return nouns.GoodsChanged(product_remote_id=_named(product), remote_ids=tuple(dict.fromkeys(variants)))


def _place_changed(body: dict[str, Any]) -> nouns.Fact:
    return nouns.PlaceChanged(remote_id=_named(parsed(PlacePayload, body, called="body")))


def _named(thing: ItemPayload | PlacePayload | VariantPayload | ProductPayload) -> str:
    try:
        return payloads.identity(thing.admin_graphql_api_id, thing.id)
    except ValueError as failure:
        raise Unreadable(str(failure)) from None


TOPICS: dict[str, Callable[[dict[str, Any]], nouns.Fact]] = {
    "inventory_levels/update": _stock_changed,
    "inventory_levels/connect": _stock_changed,
    "inventory_levels/disconnect": _stock_changed,
    "inventory_items/create": _item_changed,
    "inventory_items/update": _item_changed,
    "inventory_items/delete": _item_changed,
    "products/create": _product_changed,
    "products/update": _product_changed,
    "products/delete": _product_changed,
    "locations/create": _place_changed,
    "locations/update": _place_changed,
    "locations/activate": _place_changed,
    "locations/deactivate": _place_changed,
    "locations/delete": _place_changed,
}
# Their bodies say nothing but what is gone, and it may come back under the same id.
TIMELESS = frozenset({"inventory_levels/disconnect", "inventory_items/delete", "products/delete", "locations/delete"})
