"""What the sandbox's store sells and where it lies is told to the last page."""

import pytest
from shopify_shop import gid, mug, newark, reno

from integrations.nouns import Money
from integrations.storefronts.shopify import scalars
from integrations.storefronts.shopify.answers import Weight


def test_locations_are_told_with_their_addresses_and_whether_they_ship(shop):
    shop.open(
        mug(), locations=[reno(phone="+17755550100"), newark(fulfills_online=False), newark(name="Old", active=False)]
    )

    told = shop.storefront.read_locations()

    assert [(place.name, place.ships) for place in told] == [("Reno", True), ("Newark", False)]
    assert (told[0].address.street1, told[0].address.region, told[0].address.phone) == (
        "1 Dock St",
        "NV",
        "+17755550100",
    )
    assert (told[0].address.name, told[0].address.country) == ("Reno", "US")


def test_every_variant_is_told_with_its_stock_by_location(shop):
    opened = shop.open(
        *(mug(f"SKU{n}", grams=n) for n in range(23)),
        mug("POT", title="Red", hs_code="691110", origin_country="PT", stock={"Reno": 3, "Newark": 4}),
        mug("CARD", requires_shipping=False, tracked=False),
    )
    shop.order(("POT", 1))

    told = {variant.sku: variant for variant in shop.storefront.read_variants()}

    assert set(told) == {f"SKU{n}" for n in range(23)} | {"POT", "CARD"}
    pot = told["POT"]
    assert (pot.title, pot.unit_price, pot.unit_grams) == ("Mug - Red", Money(minor=1250, currency="USD"), 350)
    assert (pot.hs_code, pot.origin_country, pot.tracked) == ("691110", "PT", True)
    places = {gid(place): place["name"] for place in opened["locations"]}
    assert {places[level.location_remote_id]: (level.on_hand, level.available) for level in pot.levels} == {
        "Reno": (3, 2),
        "Newark": (4, 4),
    }
    assert (told["SKU7"].title, told["SKU7"].unit_grams) == ("Mug", 7)
    assert (told["CARD"].needs_shipping, told["CARD"].tracked) == (False, False)


def test_named_variants_are_told_and_unknown_ones_passed_over(shop):
    opened = shop.open(*(mug(f"SKU{n}") for n in range(25)))
    ids = [gid(product["variants"][0]) for product in opened["products"]]

    told = list(shop.storefront.read_variants([*ids, "gid://shopify/ProductVariant/404"]))

    assert [variant.remote_id for variant in told] == ids
    assert list(shop.storefront.read_variants([])) == []


def test_a_variant_stocked_at_many_locations_is_told_with_all_of_them(shop):
    names = [f"Place {n}" for n in range(13)]
    shop.open(mug(stock=dict.fromkeys(names, 1)), locations=[newark(name=name) for name in names])

    (variant,) = shop.storefront.read_variants()

    assert len({level.location_remote_id for level in variant.levels}) == 13


@pytest.mark.parametrize(
    ("tags", "hazmat", "never_to"),
    [
        ([], False, ()),
        (["HAZMAT", "no-ship-au", "No-Ship-CH", "no-ship-au"], True, ("AU", "CH")),
        ([" hazmat "], True, ()),
        (["not hazmat", "no-ship", "no-ship-aus", "no-ship-a1", "ship-au"], False, ()),
    ],
)
def test_tags_say_where_a_product_may_not_go(shop, tags, hazmat, never_to):
    shop.open(products=[{"title": "Mug", "tags": tags, "variants": [mug("POT")]}])

    (pot,) = shop.storefront.read_variants()
    assert (pot.hazmat, pot.never_to) == (hazmat, never_to)


@pytest.mark.parametrize(
    ("value", "unit", "whole"),
    [
        (250, "GRAMS", 250),
        (0.4, "GRAMS", 1),
        (1.5, "KILOGRAMS", 1500),
        (0.0005, "KILOGRAMS", 1),
        (1, "POUNDS", 454),
        (2.2, "POUNDS", 998),
        (1, "OUNCES", 28),
        (16, "OUNCES", 454),
        (0, "POUNDS", 0),
    ],
)
def test_a_weight_is_told_to_the_nearest_gram_and_nothing_that_weighs_weighs_nothing(value, unit, whole):
    assert scalars.grams(value, unit) == whole


@pytest.mark.parametrize(("value", "unit"), [(1, "STONES"), (-1, "GRAMS"), (1e12, "KILOGRAMS")])
def test_a_weight_that_cannot_be_is_unknown_rather_than_guessed(value, unit):
    assert Weight(value=value, unit=unit).grams() == 0
    with pytest.raises(ValueError, match="weight"):
        scalars.grams(value, unit)
