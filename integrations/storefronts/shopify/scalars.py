"""Shopify's scalars read exactly: money, ids, weights, moments and text.

Everything raises ValueError on what it cannot read exactly; nothing is rounded or guessed, except a weight to its gram.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from integrations import nouns
from integrations.json_body import unstorable_in

# 64-bit ids and 32-bit counts are what the database columns behind them hold.
MAX_ID = 2**64 - 1
MAX_COUNT = 2**31 - 1
# What people search by is indexed: an index row of PostgreSQL holds some 2,700 bytes, a character takes up to four, and
# a name may be put together from two. Shopify's own columns hold 255.
LONGEST_NAME = 300
# Any other text: no title or street comes near it, and a page can still show it.
LONGEST_TEXT = 5_000
# Shopify opened in 2006. A moment outside these years is a slip of the pen, and one far ahead would make every later
# version of an order look old.
YEARS = range(2000, 2200)

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_GRAMS = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    # The international avoirdupois pound of 1959, and its sixteenth; both exact.
    "POUNDS": Decimal("453.59237"),
    "OUNCES": Decimal("28.349523125"),
}


def money(amount: object, currency: str) -> nouns.Money:
    """The amount in minor units. A fraction finer than the currency has is refused, not rounded."""
    text = "" if isinstance(amount, bool) else str(amount)
    if not _AMOUNT.fullmatch(text):
        raise ValueError("an amount that is not a plain decimal number")
    minor = Decimal(text).scaleb(nouns.exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"an amount with more decimals than {currency} has")
    return nouns.Money(minor=int(minor), currency=currency)


def total(amounts: Iterable[nouns.Money]) -> nouns.Money | None:
    """The sum of amounts in one currency; None where there are none."""
    found = list(amounts)
    if not found:
        return None
    return nouns.Money(minor=sum(one.minor for one in found), currency=found[0].currency)


def gid(kind: str, value: object) -> str:
    """Shopify's global id. Webhook bodies name the same thing by number, GraphQL by gid; ours is always the gid."""
    prefix = f"gid://shopify/{kind}/"
    digits = str(value).removeprefix(prefix) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[1-9][0-9]{0,19}", digits) or int(digits) > MAX_ID:
        raise ValueError(f"not an id of a Shopify {kind}")
    return prefix + digits


def grams(value: float, unit: str) -> int:
    """The weight of one unit to the nearest gram; never 0 for something that weighs anything. ValueError for an
    unknown unit.
    """
    if unit not in _GRAMS:
        raise ValueError(f"an unknown unit of weight: {unit}")
    exact = Decimal(str(value)) * _GRAMS[unit]
    if not 0 <= exact <= MAX_COUNT:
        raise ValueError("a weight out of range")
    whole = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return 1 if exact and not whole else whole


def _text(value: object) -> object:
    if not isinstance(value, str):
        return "" if value is None else value
    # PostgreSQL text cannot hold NUL, and no name or street has one.
    text = value.replace("\x00", "").strip()
    if unstorable_in(text):
        raise ValueError(f"holds {unstorable_in(text)}")
    return text


def _written(value: object) -> object:
    # A number would be taken for seconds or milliseconds by its size, which is a guess.
    if isinstance(value, str) and not re.match(r"[0-9]{4}-", value):
        raise ValueError("a moment that is not written as one")
    if isinstance(value, bool | int | float):
        raise ValueError("a number where a moment is written")  # noqa: TRY004 - pydantic hears a ValueError only
    return value


def _utc(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError(f"a moment outside the years {YEARS[0]} to {YEARS[-1]}")
    return nouns.utc(moment)


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true or false where a number is written")  # noqa: TRY004 - pydantic hears a ValueError only
    return value


Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), BeforeValidator(_text)]
"""Text where Shopify's null means nothing was given."""
Name = Annotated[str, StringConstraints(max_length=LONGEST_NAME), BeforeValidator(_text)]
"""Text that people search by."""
Moment = Annotated[AwareDatetime, AfterValidator(_utc), BeforeValidator(_written)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT), BeforeValidator(_number)]
Amount = Annotated[str | int | float, BeforeValidator(_number)]
"""An amount as it is written; `money` reads it."""
OrderId = Annotated[str, BeforeValidator(partial(gid, "Order"))]
LineId = Annotated[str, BeforeValidator(partial(gid, "LineItem"))]
VariantId = Annotated[str, BeforeValidator(partial(gid, "ProductVariant"))]
ItemId = Annotated[str, BeforeValidator(partial(gid, "InventoryItem"))]
ProductId = Annotated[str, BeforeValidator(partial(gid, "Product"))]
LocationId = Annotated[str, BeforeValidator(partial(gid, "Location"))]
WorkId = Annotated[str, BeforeValidator(partial(gid, "FulfillmentOrder"))]
