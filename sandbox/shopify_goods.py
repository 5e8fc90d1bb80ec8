"""What a merchant does to goods and places in the admin: adds, changes and deletes them, and the news of it."""

from sandbox import shopify_rest_goods as rest
from sandbox import shopify_seed
from sandbox.shopify_act import Act
from sandbox.shopify_things import InventoryItem, Location, Product, Variant
from sandbox.shopify_wishes import LocationWish, ProductWish


def add_product(act: Act, wish: ProductWish) -> Product:
    product = shopify_seed.add_product(act.store, act.shop, wish, act.now)
    for variant in product.variants:
        _tell_item(act, "inventory_items/create", variant.item)
    act.tell("products/create", product.gid, lambda: rest.product(product, act.shop))
    return product


def rename_product(act: Act, product: Product, title: str) -> None:
    product.title = title
    act.tell("products/update", product.gid, lambda: rest.product(product, act.shop))


def tag_product(act: Act, product: Product, tags: list[str]) -> None:
    product.tags = tags
    act.tell("products/update", product.gid, lambda: rest.product(product, act.shop))


def delete_product(act: Act, product: Product) -> None:
    for variant in list(product.variants):
        _forget(act, variant)
    act.shop.products.remove(product)
    del act.shop.things[product.gid]
    act.tell("products/delete", product.gid, lambda: rest.gone(product))


def delete_variant(act: Act, variant: Variant) -> None:
    _forget(act, variant)
    act.tell("products/update", variant.product.gid, lambda: rest.product(variant.product, act.shop))


def count_stock(act: Act, variant: Variant, *, tracked: bool) -> None:
    """Count what is on hand of it, or no more: then it is sold without end."""
    variant.item.tracked = tracked
    _tell_item(act, "inventory_items/update", variant.item)
    act.tell("products/update", variant.product.gid, lambda: rest.product(variant.product, act.shop))


def stock_no_more(act: Act, item: InventoryItem, location: Location) -> None:
    """The item is not kept at the location any more, with all that lay there."""
    level = item.levels.pop(location.id)
    del act.shop.things[level.gid]
    act.tell("inventory_levels/disconnect", level.gid, lambda: rest.disconnected(item, location))


def add_location(act: Act, wish: LocationWish) -> Location:
    location = shopify_seed.add_location(act.store, act.shop, wish, act.now)
    act.tell("locations/create", location.gid, lambda: rest.location(location, act.shop))
    return location


def close_location(act: Act, location: Location) -> None:
    _switch(act, location, active=False)


def open_location(act: Act, location: Location) -> None:
    _switch(act, location, active=True)


def send_orders(act: Act, location: Location) -> None:
    """Fulfill online orders from there."""
    location.fulfills_online = True
    act.tell("locations/update", location.gid, lambda: rest.location(location, act.shop))


def delete_location(act: Act, location: Location) -> None:
    """Shopify deletes no location that is open (locationDelete, LOCATION_IS_ACTIVE)."""
    if location.active:
        raise ValueError(f"{location.name} is still open")
    for variant in act.shop.variants.values():
        variant.item.levels.pop(location.id, None)
    act.shop.locations.remove(location)
    del act.shop.things[location.gid]
    act.tell("locations/delete", location.gid, lambda: rest.gone(location))


def _switch(act: Act, location: Location, *, active: bool) -> None:
    location.active = active
    topic = "locations/activate" if active else "locations/deactivate"
    for named in (topic, "locations/update"):
        act.tell(named, location.gid, lambda: rest.location(location, act.shop))


def _forget(act: Act, variant: Variant) -> None:
    variant.product.variants.remove(variant)
    del act.shop.variants[variant.sku]
    for thing in (variant, variant.item, *variant.item.levels.values()):
        del act.shop.things[thing.gid]
    act.tell("inventory_items/delete", variant.item.gid, lambda: rest.gone(variant.item))


def _tell_item(act: Act, topic: str, item: InventoryItem) -> None:
    act.tell(topic, item.gid, lambda: rest.item(item, act.shop))
