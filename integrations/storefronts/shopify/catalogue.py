"""What a shop sells, how much of it is where, and the places that goods leave from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import structlog

from integrations import nouns
from integrations.storefronts.shopify import answers, scalars
from integrations.storefronts.shopify.answers import Answer, Page, Place, Ref, Weight
from integrations.storefronts.shopify.client import Client
from integrations.storefronts.shopify.scalars import Name, Text

log = structlog.get_logger(__name__)

# With ten levels each, twenty variants keep a question below 1000 points however Shopify counts.
VARIANTS_A_QUESTION = 20
# What Shopify calls the one variant of a product that has no choices.
_NO_CHOICE = "Default Title"
# Tags by which a merchant says where a product may not be sent: `hazmat`, and `no-ship-AU` for each country.
_HAZMAT, _NO_SHIP = "hazmat", re.compile(r"no-ship-([a-z]{2})")
_ITEM = "gid://shopify/InventoryItem/"


class Location(Answer):
    id: str
    name: Text
    is_active: bool = True
    fulfills_online_orders: bool = False
    is_fulfillment_service: bool = False
    address: Place = Place()


class Quantity(Answer):
    name: str
    quantity: int


class Level(Answer):
    location: Ref
    quantities: tuple[Quantity, ...] = ()

    def units(self, name: str) -> int:
        """Units in one of Shopify's states; 0 where it did not name the state."""
        return next((one.quantity for one in self.quantities if one.name == name), 0)

    def told(self) -> nouns.StoreLevel:
        """What is still being looked at cannot be sold, and what is reserved is kept from being sold."""
        return nouns.StoreLevel(
            location_remote_id=self.location.id,
            on_hand=self.units("on_hand"),
            available=self.units("available"),
            damaged=max(0, self.units("damaged") + self.units("quality_control")),
            safety=max(0, self.units("safety_stock") + self.units("reserved")),
        )


class Measurement(Answer):
    weight: Weight | None = None


class Item(Answer):
    id: str
    tracked: bool = True
    requires_shipping: bool = True
    harmonized_system_code: Text = ""
    country_code_of_origin: Text = ""
    measurement: Measurement | None = None
    inventory_levels: Page[Level] = Page[Level]()


class Product(Answer):
    id: str = ""
    title: Text = ""
    tags: tuple[Text, ...] = ()


class Variant(Answer):
    id: str
    sku: Name = ""
    title: Text = ""
    price: str | int | float
    product: Product = Product()
    inventory_item: Item


class _Shop(Answer):
    currency_code: str


class _Variants(Answer):
    shop: _Shop
    product_variants: Page[Variant]


class _OfItem(Answer):
    variants: Page[Ref]


class _NamedVariants(Answer):
    shop: _Shop
    nodes: tuple[Variant | None, ...]


class _NamedItems(Answer):
    nodes: tuple[_OfItem | None, ...]


class _Levels(Answer):
    inventory_levels: Page[Level]


class _Locations(Answer):
    locations: Page[Location]


def locations(client: Client) -> list[nouns.StoreLocation]:
    """The active locations. Those of another fulfillment service hold stock too, but it is not ours to ship."""
    everywhere = answers.every(_locations(client, None), lambda after: _locations(client, after))
    return [
        nouns.StoreLocation(
            remote_id=one.id,
            name=one.name,
            address=one.address.address(name=one.name),
            ships=one.fulfills_online_orders and not one.is_fulfillment_service,
        )
        for one in everywhere
        if one.is_active
    ]


def variants(client: Client, remote_ids: Sequence[str] | None) -> Iterator[nouns.StoreVariant]:
    """Those that there are of the variants named by their own id or their item's, or all of them, a page at a time."""
    for currency, variant in _all_variants(client) if remote_ids is None else _named_variants(client, remote_ids):
        levels = answers.every(
            variant.inventory_item.inventory_levels,
            lambda after, item=variant.inventory_item.id: _more_levels(client, item, after),  # type: ignore[misc]
        )
        yield _told(variant, levels, currency)


def _locations(client: Client, after: str | None) -> Page[Location]:
    return answers.read(_Locations, client.ask("ReadLocations", after=after)).locations


def _all_variants(client: Client) -> Iterator[tuple[str, Variant]]:
    after: str | None = None
    while True:
        found = answers.read(_Variants, client.ask("ReadVariants", after=after))
        yield from ((found.shop.currency_code, variant) for variant in found.product_variants.nodes)
        if found.product_variants.next_cursor in {None, after}:
            return
        after = found.product_variants.next_cursor


def _named_variants(client: Client, remote_ids: Sequence[str]) -> Iterator[tuple[str, Variant]]:
    items = [one for one in remote_ids if one.startswith(_ITEM)]
    named = [one for one in remote_ids if not one.startswith(_ITEM)]
    for ids in _portions([*named, *_variants_of(client, items)]):
        found = answers.read(_NamedVariants, client.ask("ReadNamedVariants", ids=ids))
        if None in found.nodes:
            log.info("shopify.variants_gone", asked=len(ids), gone=found.nodes.count(None))
        yield from ((found.shop.currency_code, variant) for variant in found.nodes if variant)


def _variants_of(client: Client, items: Sequence[str]) -> Iterator[str]:
    """The ids of the variants whose stock these items are, without those that are gone."""
    for ids in _portions(items):
        found = answers.read(_NamedItems, client.ask("ReadVariantsOfItems", ids=ids))
        yield from (variant.id for item in found.nodes if item for variant in item.variants.nodes)


def _portions(ids: Sequence[str]) -> Iterator[list[str]]:
    return (list(ids[start : start + VARIANTS_A_QUESTION]) for start in range(0, len(ids), VARIANTS_A_QUESTION))


def _more_levels(client: Client, item_id: str, after: str) -> Page[Level]:
    answer = client.ask("ReadMoreLevels", id=item_id, after=after)
    item = answers.present(answer, "inventoryItem", remedy="Read the catalogue again: the item was deleted meanwhile.")
    return answers.read(_Levels, item).inventory_levels


def _told(variant: Variant, levels: Sequence[Level], currency: str) -> nouns.StoreVariant:
    item = variant.inventory_item
    weight = item.measurement.weight if item.measurement else None
    try:
        price = scalars.money(variant.price, currency)
    except ValueError as failure:
        raise answers.unreadable(failure) from None
    return nouns.StoreVariant(
        remote_id=variant.id,
        inventory_remote_id=item.id,
        product_remote_id=variant.product.id,
        sku=variant.sku,
        title=_title(variant),
        unit_price=price,
        unit_grams=weight.grams() if weight else 0,
        needs_shipping=item.requires_shipping,
        tracked=item.tracked,
        hs_code=item.harmonized_system_code,
        origin_country=item.country_code_of_origin,
        hazmat=_HAZMAT in _tags(variant),
        never_to=tuple(sorted({found[1].upper() for tag in _tags(variant) if (found := _NO_SHIP.fullmatch(tag))})),
        levels=tuple(level.told() for level in levels),
    )


def _tags(variant: Variant) -> list[str]:
    """Shopify keeps the case in which a tag was first written, and finds it by any."""
    return [tag.strip().lower() for tag in variant.product.tags]


def _title(variant: Variant) -> str:
    return " - ".join(part for part in (variant.product.title, variant.title) if part and part != _NO_CHOICE)
