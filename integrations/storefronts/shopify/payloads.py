"""What we read of Shopify's webhook bodies, which keep the shape of its old REST API.

https://shopify.dev/docs/api/webhooks. Fields may be null or absent where the app may not see buyers' data.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from integrations import nouns
from integrations.ports import Unreadable
from integrations.storefronts.shopify import answers, orders, scalars
from integrations.storefronts.shopify.scalars import Amount, Count, LineId, Moment, Name, OrderId, Text, VariantId


def _listed(value: object) -> object:
    return () if value is None else value


def _tags(value: object) -> object:
    # Webhooks send "a, b", and null for none.
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return () if value is None else value


class Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class PlacePayload(Payload):
    name: Name = ""
    first_name: Name = ""
    last_name: Name = ""
    company: Text = ""
    address1: Text = ""
    address2: Text = ""
    city: Text = ""
    province_code: Text = ""
    zip: Text = ""
    country_code: Text = ""
    phone: Text = ""
    latitude: float | None = None
    longitude: float | None = None


class LinePayload(Payload):
    admin_graphql_api_id: LineId | None = None
    id: LineId | None = None
    variant_id: VariantId | None = None
    sku: Name = ""
    name: Text = ""
    title: Text = ""
    quantity: Count
    current_quantity: Count | None = None
    """Absent in bodies of older versions; 0 for a line that was removed."""
    price: Amount
    grams: Count | None = None
    requires_shipping: bool | None = True


class ShippingLinePayload(Payload):
    title: Text = ""
    price: Amount | None = None
    discounted_price: Amount | None = None
    is_removed: bool | None = False


class OrderPayload(Payload):
    admin_graphql_api_id: OrderId | None = None
    id: OrderId | None = None
    name: Name
    created_at: Moment
    updated_at: Moment
    cancelled_at: Moment | None = None
    currency: nouns.Currency
    total_price: Amount | None = None
    current_total_price: Amount | None = None
    current_subtotal_price: Amount | None = None
    financial_status: str | None = None
    line_items: tuple[LinePayload, ...]
    shipping_address: PlacePayload | None = None
    shipping_lines: Annotated[tuple[ShippingLinePayload, ...], BeforeValidator(_listed)] = ()
    email: Name = ""
    contact_email: Name = ""
    phone: Text = ""
    tags: Annotated[tuple[str, ...], BeforeValidator(_tags)] = ()
    test: bool | None = False


class CancelledPayload(Payload):
    """The body is the whole order; a cancellation must not be missed for the sake of its other fields."""

    admin_graphql_api_id: OrderId | None = None
    id: OrderId | None = None
    cancelled_at: Moment | None = None
    cancel_reason: Text = ""


class OrderEdit(Payload):
    order_id: OrderId


class EditedPayload(Payload):
    order_edit: OrderEdit


class TransactionPayload(Payload):
    order_id: OrderId


class RiskPayload(Payload):
    """Shopify documents both ids as nullable."""

    admin_graphql_api_order_id: OrderId | None = None
    order_id: OrderId | None = None


class DeletedPayload(Payload):
    id: OrderId = Field(description="all that is left of an order that was deleted")


def snapshot(order: OrderPayload) -> nouns.OrderSnapshot:
    """The order in our words. Raises Unreadable where an id is missing or an amount cannot be read exactly."""
    email = order.email or order.contact_email
    try:
        remote_id = identity(order.admin_graphql_api_id, order.id)
        return nouns.OrderSnapshot(
            remote_id=remote_id,
            name=order.name or remote_id.rpartition("/")[2],
            placed_at=order.created_at,
            updated_at=order.updated_at,
            cancelled_at=order.cancelled_at,
            currency=order.currency,
            total=_total(order),
            goods=_goods(order),
            standing=orders.standing(order.financial_status, remote_id),
            lines=tuple(_line(f"line_items.{at}", line, order.currency) for at, line in enumerate(order.line_items)),
            ship_to=_ship_to(order, email),
            email=email,
            phone=order.phone,
            shipping_title=next((line.title for line in _kept(order)), ""),
            shipping_paid=scalars.total(_shipping_price(line, order.currency) for line in _kept(order)),
            tags=order.tags,
            test=bool(order.test),
        )
    except ValueError as failure:
        raise Unreadable(answers.first_problem(failure)) from None


def identity(gid: str | None, number: str | None, *, of: str = "body") -> str:
    """The gid that Shopify wrote, else the one made of its number: numbers lose digits in some JSON readers."""
    if gid or number:
        return gid or number or ""
    raise ValueError(f"{of}: neither id nor admin_graphql_api_id")


def _line(place: str, line: LinePayload, currency: str) -> nouns.OrderedLine:
    return nouns.OrderedLine(
        remote_id=identity(line.admin_graphql_api_id, line.id, of=place),
        variant_remote_id=line.variant_id or "",
        sku=line.sku,
        title=line.name or line.title,
        units=line.quantity if line.current_quantity is None else line.current_quantity,
        unit_price=_money(f"{place}.price", line.price, currency),
        unit_grams=line.grams or 0,
        needs_shipping=line.requires_shipping is not False,
    )


def _ship_to(order: OrderPayload, email: str) -> nouns.Address | None:
    place = order.shipping_address
    if place is None:
        return None
    return orders.known_address(
        nouns.Address(
            name=place.name or f"{place.first_name} {place.last_name}".strip(),
            company=place.company,
            street1=place.address1,
            street2=place.address2,
            city=place.city,
            region=place.province_code,
            postcode=place.zip,
            country=place.country_code,
            phone=place.phone or order.phone,
            email=email,
            latitude=place.latitude,
            longitude=place.longitude,
        )
    )


def _kept(order: OrderPayload) -> Iterable[ShippingLinePayload]:
    return (line for line in order.shipping_lines if not line.is_removed)


def _total(order: OrderPayload) -> nouns.Money:
    if order.current_total_price is None:
        return _money("total_price", order.total_price, order.currency)
    return _money("current_total_price", order.current_total_price, order.currency)


def _goods(order: OrderPayload) -> nouns.Money | None:
    """What the lines cost after discounts, before shipping, duties, taxes and tips; edits and refunds are taken off.

    https://shopify.dev/docs/api/admin-rest/latest/resources/order
    """
    if order.current_subtotal_price is None:
        return None
    return _money("current_subtotal_price", order.current_subtotal_price, order.currency)


def _shipping_price(line: ShippingLinePayload, currency: str) -> nouns.Money:
    return _money(
        "shipping_lines.price", line.price if line.discounted_price is None else line.discounted_price, currency
    )


def _money(field: str, amount: Amount | None, currency: str) -> nouns.Money:
    try:
        return scalars.money(amount, currency)
    except ValueError as failure:
        raise ValueError(f"{field}: {failure}") from None
