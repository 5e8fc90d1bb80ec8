"""Another address is put on an order once, and what Shopify says of it is believed over what we asked for."""

import pytest
from shopify_shop import gid, mug

from integrations.nouns import Address
from integrations.ports import Permanent

NEW = Address(
    name="Ada Byron", street1="5 Rue Morgue", city="Austin", region="TX", postcode="78701", country="US",
    phone="+15125550100",
)  # fmt: skip


def test_an_address_is_changed_once_and_the_whole_of_it(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    for _ in range(2):
        shop.storefront.change_address(gid(order), NEW)

    there = shop.storefront.read_order(gid(order)).snapshot.ship_to
    assert (there.name, there.street1, there.street2) == ("Ada Byron", "5 Rue Morgue", "")
    assert (there.city, there.region, there.postcode, there.country) == ("Austin", "TX", "78701", "US")
    assert there.phone == "+15125550100"
    assert shop.acts("orderUpdate") == 1


@pytest.mark.parametrize("name", ["Ada Byron King", "Madonna", ""])
def test_a_name_of_any_number_of_words_comes_back_as_it_was(shop, name):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    shop.storefront.change_address(gid(order), NEW.model_copy(update={"name": name, "company": "Engines"}))

    there = shop.storefront.read_order(gid(order)).snapshot.ship_to
    assert (there.name, there.company) == (name, "Engines")


def test_a_lost_answer_is_looked_up_and_the_address_not_told_twice(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    shop.fault("5xx_after", "orderUpdate")

    shop.storefront.change_address(gid(order), NEW)

    assert shop.acts("orderUpdate") == 1
    assert shop.storefront.read_order(gid(order)).snapshot.ship_to.city == "Austin"


def test_an_address_that_shopify_refuses_is_told_in_its_own_words(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    with pytest.raises(Permanent, match="missing a part"):
        shop.storefront.change_address(gid(order), NEW.model_copy(update={"street1": ""}))

    assert shop.storefront.read_order(gid(order)).snapshot.ship_to.city == "New York"
    assert shop.acts("orderUpdate") == 0
