"""Small makers of field resolvers: a fact, an amount, a list, a page."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify_act import Act
from sandbox.shopify_pages import page
from sandbox.shopify_things import Address

# Called with the record, GraphQL's info (whose context is the Act) and the field's arguments by Shopify's names.
Resolver = Callable[..., Any]
Info = GraphQLResolveInfo[Act]


def fact(measure: Callable[[Any], Any]) -> Resolver:
    return lambda record, _info: measure(record)


def listed(rows: Callable[[Any], list[Any]]) -> Resolver:
    """A connection."""

    def resolve(record: Any, _info: Info, **args: Any) -> dict[str, Any]:
        return page(rows(record), args.get("first"), args.get("after"), reverse=args.get("reverse", False))

    return resolve


def first(rows: Callable[[Any], list[Any]]) -> Resolver:
    """A plain list with an optional `first`."""
    return lambda record, _info, first=None: rows(record)[:first]


def money(amount: Decimal, currency: str) -> dict[str, dict[str, str]]:
    """A MoneyBag; Shopify writes its decimals without trailing zeros, but with one place at least ("12.5", "0.0")."""
    digits = f"{amount.normalize():f}"
    both = {"amount": digits if "." in digits else f"{digits}.0", "currencyCode": currency}
    return {"shopMoney": both, "presentmentMoney": both}


def weight(grams: int) -> dict[str, Any]:
    return {"value": float(grams), "unit": "GRAMS"}


def place(address: Address, *names: str) -> dict[str, Any]:
    """An address's fields by Shopify's names, as far as asked."""
    return {name: getattr(address, _ATTRIBUTES.get(name, name)) for name in names}


_ATTRIBUTES = {
    "firstName": "first_name",
    "lastName": "last_name",
    "provinceCode": "province_code",
    "countryCode": "country_code",
    "countryCodeV2": "country_code",
}
