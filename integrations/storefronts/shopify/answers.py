"""The shapes that Shopify's GraphQL answers share, and how an answer is read into one or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from integrations import nouns
from integrations.ports import Permanent
from integrations.storefronts.shopify import scalars
from integrations.storefronts.shopify.scalars import Name, Text

log = structlog.get_logger(__name__)

Node = TypeVar("Node")
Shape = TypeVar("Shape", bound="Answer")


class Answer(BaseModel):
    """Fields are Shopify's, in snake case; what we do not name is not looked at."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, allow_inf_nan=False
    )


class Turn(Answer):
    has_next_page: bool = False
    end_cursor: str | None = None


class Page(Answer, Generic[Node]):
    page_info: Turn = Turn()
    nodes: tuple[Node, ...] = ()

    @property
    def next_cursor(self) -> str | None:
        return self.page_info.end_cursor if self.page_info.has_next_page else None


class Ref(Answer):
    id: str


class Amount(Answer):
    amount: str | int | float
    currency_code: str

    def money(self) -> nouns.Money:
        return scalars.money(self.amount, self.currency_code)


class Bag(Answer):
    shop_money: Amount


class Weight(Answer):
    value: float
    unit: str

    def grams(self) -> int:
        """0, and a log line, where the weight is in a unit that Shopify does not document."""
        try:
            return scalars.grams(self.value, self.unit)
        except ValueError as failure:
            log.warning("shopify.weight_unknown", unit=self.unit, reason=str(failure))
            return 0


class Place(Answer):
    """An address, a buyer's or a location's."""

    name: Name = ""
    company: Text = ""
    address1: Text = ""
    address2: Text = ""
    city: Text = ""
    province_code: Text = ""
    zip: Text = ""
    country_code_v2: Text = Field(default="", alias="countryCodeV2")
    country_code: Text = ""
    phone: Text = ""
    latitude: float | None = None
    longitude: float | None = None

    def address(self, *, name: str = "", email: str = "", phone: str = "") -> nouns.Address:
        return nouns.Address(
            name=name or self.name,
            company=self.company,
            street1=self.address1,
            street2=self.address2,
            city=self.city,
            region=self.province_code,
            postcode=self.zip,
            country=self.country_code_v2 or self.country_code,
            phone=self.phone or phone,
            email=email,
            latitude=self.latitude,
            longitude=self.longitude,
        )


def read(shape: type[Shape], thing: object) -> Shape:
    """The answer in the shape that we know. Permanent where it has another: asking again would bring the same."""
    try:
        return shape.model_validate(thing)
    except ValueError as failure:
        raise unreadable(failure) from None


def unreadable(failure: ValueError) -> Permanent:
    return Permanent(
        f"Shopify's answer has a form that Packline does not know: {first_problem(failure)}.",
        remedy="Report this; until it is mended, handle the order in the Shopify admin.",
        code="answer_shape",
    )


def first_problem(failure: ValueError) -> str:
    """Which field is wrong and how, without its value: values are personal."""
    if isinstance(failure, ValidationError):
        error = failure.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in error["loc"]) or "the whole"
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    return str(failure)


def present(answered: Mapping[str, Any], field: str, *, remedy: str) -> dict[str, Any]:
    """What a question was about. Permanent where Shopify has none by that id, or keeps it from us."""
    thing = answered.get(field)
    if isinstance(thing, dict):
        return thing
    raise Permanent(f"Shopify has no such {field}, or does not show it to the app.", remedy=remedy, code="not_found")


def every(first: Page[Node], turn: Callable[[str], Page[Node]]) -> list[Node]:
    """The nodes of a page and of all that follow it."""
    nodes, page = list(first.nodes), first
    while page.next_cursor:
        following = turn(page.next_cursor)
        if following.next_cursor == page.next_cursor:
            raise unreadable(ValueError("a page that leads back to itself"))
        page = following
        nodes.extend(page.nodes)
    return nodes
