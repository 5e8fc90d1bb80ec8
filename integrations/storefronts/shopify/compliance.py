"""What Shopify tells of a store that leaves, of buyers who want to be shown or forgotten, and of changed permissions.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance, read 2026-11-22. The three compliance topics come
to an app by its own configuration only. Every body names its shop, because the headers around it are not signed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from integrations import nouns
from integrations.json_body import parsed
from integrations.ports import Unreadable
from integrations.storefronts.shopify import scalars, scopes
from integrations.storefronts.shopify.payloads import Payload
from integrations.storefronts.shopify.scalars import Moment, Name, OrderId

# A buyer with more orders than this is no buyer; Shopify's own list pages hold 250.
_MOST_ORDERS = 10_000
_MOST_SCOPES = 500


def _number(kind: str, value: object) -> str:
    """The bare number of an id, whichever way it is written; empty for none."""
    return "" if value is None else scalars.gid(kind, value).rpartition("/")[2]


def _listed(value: object) -> object:
    return () if value is None else value


ShopNumber = Annotated[str, BeforeValidator(partial(_number, "Shop"))]
CustomerNumber = Annotated[str, BeforeValidator(partial(_number, "Customer"))]
DemandNumber = Annotated[str, BeforeValidator(partial(_number, "DataRequest"))]
Orders = Annotated[tuple[OrderId, ...], Field(max_length=_MOST_ORDERS), BeforeValidator(_listed)]


class CustomerPayload(Payload):
    id: CustomerNumber = ""
    email: Name = ""
    phone: Name = ""


class DemandPayload(Payload):
    id: DemandNumber


class OfAShop(Payload):
    shop_id: ShopNumber = ""
    shop_domain: Name = ""


class DataRequestPayload(OfAShop):
    customer: CustomerPayload
    orders_requested: Orders = ()
    data_request: DemandPayload


class CustomerRedactPayload(OfAShop):
    customer: CustomerPayload
    orders_to_redact: Orders = ()


class UninstalledPayload(Payload):
    """The body is the Shop itself; its domain is null in Shopify's own sample, its `domain` is any address it has."""

    id: ShopNumber = ""
    myshopify_domain: Name = ""


class ScopesPayload(Payload):
    """https://shopify.dev/changelog/add-shopid-to-appscopesupdate-webhook-payload: no `shop_id` before 2025-07."""

    shop_id: ShopNumber = ""
    current: Annotated[tuple[str, ...], Field(max_length=_MOST_SCOPES)]
    updated_at: Moment


def buyer_asks(body: dict[str, Any]) -> nouns.BuyerDataWanted:
    demand = parsed(DataRequestPayload, body, called="body")
    return nouns.BuyerDataWanted(
        shop=_shop(demand.shop_id, demand.shop_domain),
        remote_id=demand.data_request.id,
        buyer=_buyer(demand.customer, demand.orders_requested),
    )


def buyer_to_forget(body: dict[str, Any]) -> nouns.BuyerToForget:
    demand = parsed(CustomerRedactPayload, body, called="body")
    return nouns.BuyerToForget(
        shop=_shop(demand.shop_id, demand.shop_domain), buyer=_buyer(demand.customer, demand.orders_to_redact)
    )


def shop_to_forget(body: dict[str, Any]) -> nouns.ShopToForget:
    named = parsed(OfAShop, body, called="body")
    return nouns.ShopToForget(shop=_shop(named.shop_id, named.shop_domain))


def uninstalled(body: dict[str, Any]) -> nouns.AppUninstalled:
    shop = parsed(UninstalledPayload, body, called="body")
    return nouns.AppUninstalled(shop=_shop(shop.id, shop.myshopify_domain))


def scopes_changed(body: dict[str, Any]) -> nouns.ScopesChanged:
    told = parsed(ScopesPayload, body, called="body")
    lacking = tuple(f"{scope} is not granted. {scopes.REQUIRED[scope]}" for scope in scopes.missing(told.current))
    return nouns.ScopesChanged(
        shop=_shop(told.shop_id, ""), scopes=tuple(sorted(set(told.current))), lacking=lacking, at=told.updated_at
    )


def _shop(number: str, domain: str) -> nouns.NamedShop:
    """Raises Unreadable where the body names no shop at all: then nothing ties it to any."""
    if not number and not domain:
        raise Unreadable("body: neither the shop's id nor its domain")
    return nouns.NamedShop(remote_account_id=number, account=domain.lower())


def _buyer(customer: CustomerPayload, orders: tuple[str, ...]) -> nouns.NamedBuyer:
    return nouns.NamedBuyer(remote_id=customer.id, email=customer.email, phone=customer.phone, orders=orders)


# What comes to an app by its configuration alone; the Admin API takes no subscription to it.
COMPLIANCE: dict[str, Callable[[dict[str, Any]], nouns.Fact]] = {
    "customers/data_request": buyer_asks,
    "customers/redact": buyer_to_forget,
    "shop/redact": shop_to_forget,
}
OF_THE_APP: dict[str, Callable[[dict[str, Any]], nouns.Fact]] = {
    "app/uninstalled": uninstalled,
    "app/scopes_update": scopes_changed,
}
# What a store that has left may still send.
PARTING = (*COMPLIANCE, "app/uninstalled")
# Their bodies carry no time: a second uninstalling, after the app came back, has the very body of the first.
TIMELESS = frozenset({"customers/redact", "shop/redact", "app/uninstalled"})
