"""Put another shipping address on an order, once: one that stands there to the letter is left alone.

https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderUpdate. It takes no idempotency key, and overwrites the
whole address.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from pydantic import Field

from integrations import nouns
from integrations.ports import ADDRESS_REFUSED, Permanent
from integrations.storefronts.shopify import answers, refusals, work
from integrations.storefronts.shopify.answers import Answer
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.scalars import Text

log = structlog.get_logger(__name__)

_REMEDY = "Correct the address in the Shopify admin, where the reason can be put right; Packline follows."


class _Place(Answer):
    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    address1: Text = ""
    address2: Text = ""
    city: Text = ""
    province_code: Text = ""
    zip: Text = ""
    country_code_v2: Text = Field(default="", alias="countryCodeV2")
    phone: Text = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.first_name, self.last_name)))


class _Where(Answer):
    shipping_address: _Place | None = None


def change(client: Client, order_id: str, address: nouns.Address) -> None:
    """Raises Permanent with the code ADDRESS_REFUSED where Shopify refuses the address, or keeps the old one."""
    before = _standing(client, order_id)
    told = _told(before, address)
    if _says(before) == told:  # to the letter: a correction may be of a space alone
        log.info("shopify.addressed_before", order=order_id)
        return

    def addressed() -> dict[str, Any] | None:
        standing = _standing(client, order_id)
        return {"order": {"shippingAddress": standing.model_dump(by_alias=True)}} if _is_at(standing, address) else None

    wish = {"id": order_id, "shippingAddress": told}
    try:
        made = once(lambda: client.tell("ChangeAddress", key=order_id, input=wish), otherwise=addressed)
    except refusals.Refused as refusal:
        raise Permanent(refusal.reason, remedy=refusal.remedy, code=ADDRESS_REFUSED) from None
    kept = answers.read(_Where, made.get("order") or {}).shipping_address
    if kept is None or (kept == before and not _is_at(kept, address)):
        # An answer without an error and with the old address was seen in Shopify's own forum.
        raise Permanent("Shopify took the new address and shows the old one.", remedy=_REMEDY, code=ADDRESS_REFUSED)
    if not _is_at(kept, address):
        # It is another one than before, as Shopify writes it: that is where the order goes.
        log.info("shopify.address_normalised", order=order_id)


def _standing(client: Client, order_id: str) -> _Place:
    order = answers.present(client.ask("ReadAddress", id=order_id), "order", remedy=work.GONE)
    return answers.read(_Where, order).shipping_address or _Place()


def _is_at(place: _Place, address: nouns.Address) -> bool:
    """Whether it is the same place and person, whatever spaces, points and cases Shopify puts in order.

    It writes phone numbers in its own way, and keeps no region where the country has none.
    """
    there = (place.name, place.company, place.address1, place.address2, place.city, place.zip, place.country_code_v2)
    here = (address.name, address.company, address.street1, address.street2, address.city, address.postcode)
    region = place.province_code and address.region
    same_place = _plain(*there, place.province_code) == _plain(*here, address.country, region)
    return same_place and _is_same_number(place.phone, address.phone)


def _is_same_number(one: str, other: str) -> bool:
    """Whether two phone numbers have the same digits; one may lack the country's, and begin with a zero for it."""
    shorter, longer = sorted((re.sub(r"\D", "", number).lstrip("0") for number in (one, other)), key=len)
    return shorter == longer or (bool(shorter) and longer.endswith(shorter))


def _plain(*parts: str) -> list[str]:
    return [re.sub(r"[\s.,;]+", "", part).casefold() for part in parts]


def _told(before: _Place, address: nouns.Address) -> dict[str, str]:
    first, last = (before.first_name, before.last_name) if before.name == address.name else _names(address.name)
    return {
        "firstName": first,
        "lastName": last,
        "company": address.company,
        "address1": address.street1,
        "address2": address.street2,
        "city": address.city,
        "provinceCode": address.region,
        "zip": address.postcode,
        "countryCode": address.country,
        "phone": address.phone,
    }


def _says(place: _Place) -> dict[str, str]:
    """The address that stands there, in the words in which it would be told."""
    return {
        "firstName": place.first_name,
        "lastName": place.last_name,
        "company": place.company,
        "address1": place.address1,
        "address2": place.address2,
        "city": place.city,
        "provinceCode": place.province_code,
        "zip": place.zip,
        "countryCode": place.country_code_v2,
        "phone": place.phone,
    }


def _names(name: str) -> tuple[str, str]:
    """Shopify has two names where an address has one: the last word is the second one."""
    first, _, last = name.strip().rpartition(" ")
    return first, last
