"""What webhooks say of goods, stock and places names what is to be read, and nothing else of it is taken."""

import pytest
from shopify_bodies import read, refusal

from integrations.nouns import GoodsChanged, PlaceChanged, StockChanged
from integrations.storefronts.shopify import VENDOR, stocked, topics

ITEM, PLACE = "gid://shopify/InventoryItem/5", "gid://shopify/Location/9"
PRODUCT, VARIANT = "gid://shopify/Product/3", "gid://shopify/ProductVariant/7"


@pytest.mark.parametrize("event", ["update", "connect", "disconnect"])
def test_a_level_names_its_item_and_its_place_and_its_number_is_not_told(event):
    level = {"inventory_item_id": 5, "location_id": 9, "available": 4, "updated_at": "2026-11-20T10:00:00Z"}

    assert read(f"inventory_levels/{event}", level) == StockChanged(inventory_remote_id=ITEM, location_remote_id=PLACE)
    assert "location_id" in refusal(f"inventory_levels/{event}", {"inventory_item_id": 5})


@pytest.mark.parametrize("event", ["create", "update", "delete"])
def test_an_item_names_itself(event):
    assert read(f"inventory_items/{event}", {"id": 5, "sku": "MUG"}) == GoodsChanged(remote_ids=(ITEM,))
    assert "admin_graphql_api_id" in refusal(f"inventory_items/{event}", {"sku": "MUG"})


def test_a_product_names_every_variant_once_though_the_list_ends_early():
    body = {
        "id": 3,
        "variants": [{"id": 7, "price": "odd"}],
        "variant_gids": [{"admin_graphql_api_id": VARIANT}, {"admin_graphql_api_id": VARIANT[:-1] + "8"}],
    }

    told = read("products/update", body)

    assert told == GoodsChanged(product_remote_id=PRODUCT, remote_ids=(VARIANT, VARIANT[:-1] + "8"))
    assert read("products/delete", {"id": 3}) == GoodsChanged(product_remote_id=PRODUCT)


@pytest.mark.parametrize("event", ["create", "update", "activate", "deactivate", "delete"])
def test_a_location_names_itself(event):
    assert read(f"locations/{event}", {"id": 9, "name": "Reno", "active": True}) == PlaceChanged(remote_id=PLACE)
    assert "Location" in refusal(f"locations/{event}", {"id": "gid://shopify/Order/9"})


def test_every_one_of_them_is_asked_for():
    assert set(stocked.TOPICS) <= set(VENDOR.topics)
    assert {topic for topic in stocked.TOPICS if topics.repeats(topic)} == stocked.TIMELESS
