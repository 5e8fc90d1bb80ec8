"""Shopify writes an address in its own way: that is not a refusal, and only the old one that stays is."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.nouns import Address
from integrations.ports import Permanent
from integrations.storefronts.shopify import addresses

OLD = {
    "firstName": "Ada", "lastName": "Byron", "company": "", "address1": "1 Old St", "address2": "", "city": "Reno",
    "provinceCode": "NV", "zip": "89501", "countryCodeV2": "US", "phone": "",
}  # fmt: skip
NEW = Address(
    name="Ada Byron", street1="5 Rue Morgue", city="Paris", region="IDF", postcode="75001", country="FR",
    phone="0142 68 53 00",
)  # fmt: skip
TAKEN = OLD | {
    "address1": "5 Rue Morgue", "city": "Paris", "provinceCode": "IDF", "zip": "75001", "countryCodeV2": "FR",
    "phone": "0142685300",
}  # fmt: skip


class Shop:
    """A store that has one order, and keeps of a new address what it likes."""

    def __init__(self, keeps: dict[str, Any]) -> None:
        self.standing, self.keeps, self.told = OLD, keeps, 0

    def ask(self, operation: str, /, **_: Any) -> dict[str, Any]:
        assert operation == "ReadAddress"
        return {"order": {"shippingAddress": self.standing}}

    def tell(self, operation: str, /, **_: Any) -> dict[str, Any]:
        assert operation == "ChangeAddress"
        self.standing, self.told = self.keeps, self.told + 1
        return {"order": {"shippingAddress": self.standing}}


EXACT = TAKEN | {"phone": NEW.phone}


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (EXACT, 1),
        (TAKEN, 2),
        (TAKEN | {"provinceCode": None}, 2),
        (TAKEN | {"phone": "+33 142 68 53 00"}, 2),
        (TAKEN | {"address1": "5, rue Morgue"}, 2),
    ],
)
def test_what_shopify_writes_otherwise_is_taken_and_is_no_refusal_the_next_time(kept: dict[str, Any], told: int):
    shop = Shop(kept)
    for _ in range(2):
        addresses.change(shop, "gid://shopify/Order/1", NEW)  # type: ignore[arg-type]

    assert (shop.standing, shop.told) == (kept, told)


@pytest.mark.parametrize(
    ("street", "phone"), [("1 23rd St", "+1 212 555 1234"), ("123rd St", "5551234"), ("123RD ST", "+1 212 555 1234")]
)
def test_a_correction_of_a_space_a_capital_or_an_area_code_is_told(street: str, phone: str):
    shop = Shop({})
    shop.standing = OLD | {"address1": "123rd St", "phone": "+1 212 555 1234"}
    shop.keeps = shop.standing | {"address1": street, "phone": phone}
    wish = Address(
        name="Ada Byron", street1=street, city="Reno", region="NV", postcode="89501", country="US", phone=phone
    )
    addresses.change(shop, "gid://shopify/Order/1", wish)  # type: ignore[arg-type]

    assert (shop.told, shop.standing["address1"], shop.standing["phone"]) == (1, street, phone)


def test_an_answer_with_the_old_address_is_a_refusal():
    shop = Shop(OLD)
    with pytest.raises(Permanent, match="shows the old one") as refusal:
        addresses.change(shop, "gid://shopify/Order/1", NEW)  # type: ignore[arg-type]

    assert refusal.value.code == "address_refused"
