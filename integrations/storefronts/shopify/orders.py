"""Read one order as it stands at Shopify now: what the buyer wants, what was paid, and the work it still asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from integrations import nouns
from integrations.storefronts.shopify import answers, scalars, work
from integrations.storefronts.shopify.answers import Answer, Bag, Page, Place, Ref
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.scalars import Count, Moment, Name, Text

log = structlog.get_logger(__name__)

STANDINGS = {
    "AUTHORIZED": nouns.PaymentStanding.AUTHORISED,
    "EXPIRED": nouns.PaymentStanding.EXPIRED,
    "PAID": nouns.PaymentStanding.PAID,
    "PARTIALLY_PAID": nouns.PaymentStanding.PART_PAID,
    "PARTIALLY_REFUNDED": nouns.PaymentStanding.PART_REFUNDED,
    "PENDING": nouns.PaymentStanding.UNPAID,
    "REFUNDED": nouns.PaymentStanding.REFUNDED,
    "UNPAID": nouns.PaymentStanding.UNPAID,
    "VOIDED": nouns.PaymentStanding.VOIDED,
}
ADVICE = {
    "ACCEPT": nouns.RiskAdvice.ACCEPT,
    "CANCEL": nouns.RiskAdvice.CANCEL,
    "INVESTIGATE": nouns.RiskAdvice.INVESTIGATE,
    "NONE": nouns.RiskAdvice.NONE,
}


class Line(Answer):
    id: str
    name: Text
    sku: Name = ""
    current_quantity: Count
    requires_shipping: bool = True
    variant: Ref | None = None
    original_unit_price_set: Bag


class ShippingLine(Answer):
    title: Text = ""
    discounted_price_set: Bag


class Risk(Answer):
    recommendation: str = "NONE"


class _Made(Answer):
    id: str
    status: str


class Order(Answer):
    id: str
    name: Name
    test: bool = False
    created_at: Moment
    updated_at: Moment
    cancelled_at: Moment | None = None
    display_financial_status: str | None = None
    currency_code: str
    tags: tuple[str, ...] = ()
    email: Name = ""
    phone: Text = ""
    risk: Risk = Risk()
    current_total_price_set: Bag
    shipping_address: Place | None = None
    shipping_lines: Page[ShippingLine] = Page[ShippingLine]()
    line_items: Page[Line]
    fulfillments: tuple[_Made, ...] = ()
    fulfillment_orders: Page[work.Work]


class _MoreLines(Answer):
    line_items: Page[Line]


class _Standing(Answer):
    display_financial_status: str | None = None
    fully_paid: bool = False


def read(client: Client, remote_id: str) -> nouns.StoreOrder:
    """The whole order, however many lines and fulfillment orders it has."""
    order = answers.read(Order, answers.present(client.ask("ReadOrder", id=remote_id), "order", remedy=work.GONE))
    lines = answers.every(order.line_items, lambda after: _more_lines(client, remote_id, after))
    works = work.complete(client, remote_id, order.fulfillment_orders)
    try:
        snapshot = _snapshot(order, lines, works)
    except ValueError as failure:
        raise answers.unreadable(failure) from None
    return nouns.StoreOrder(
        snapshot=snapshot,
        risk=advice(order.risk.recommendation, remote_id),
        routed=bool(works) or _nothing_to_route(snapshot),
        asked=work.asked(works),
        taken_back=tuple(made.id for made in order.fulfillments if made.status == "CANCELLED"),
    )


def mark_paid(client: Client, remote_id: str) -> None:
    """Record the payment, once: an order that is paid is left alone, and a lost answer is looked up."""
    if not _paid(client, remote_id):
        once(
            lambda: client.tell("MarkPaid", input={"id": remote_id}),
            otherwise=lambda: {} if _paid(client, remote_id) else None,
        )


def standing(word: str | None, remote_id: str) -> nouns.PaymentStanding:
    """Our word for Shopify's financial status, in either of its spellings; an unknown one is logged, not guessed."""
    known = STANDINGS.get((word or "").upper())
    if known is None:
        log.warning("shopify.standing_unknown", order=remote_id, status=word)
    return known or nouns.PaymentStanding.UNKNOWN


def advice(word: str, remote_id: str) -> nouns.RiskAdvice:
    known = ADVICE.get(word)
    if known is None:
        log.warning("shopify.risk_unknown", order=remote_id, recommendation=word)
    return known or nouns.RiskAdvice.UNKNOWN


def known_address(address: nouns.Address | None) -> nouns.Address | None:
    """None where Shopify sends an address with nothing in it: it does so when the app may not see buyers' data."""
    if address is None or not any((address.street1, address.city, address.postcode, address.country, address.name)):
        return None
    return address


def _more_lines(client: Client, remote_id: str, after: str) -> Page[Line]:
    order = answers.present(client.ask("ReadMoreLines", id=remote_id, after=after), "order", remedy=work.GONE)
    return answers.read(_MoreLines, order).line_items


def _snapshot(order: Order, lines: Iterable[Line], works: Iterable[work.Work]) -> nouns.OrderSnapshot:
    place = order.shipping_address
    ship_to = place.address(email=order.email, phone=order.phone) if place else None
    shipping = order.shipping_lines.nodes
    grams = work.unit_grams(works)
    return nouns.OrderSnapshot(
        remote_id=order.id,
        name=order.name,
        placed_at=order.created_at,
        updated_at=order.updated_at,
        cancelled_at=order.cancelled_at,
        currency=order.currency_code,
        total=order.current_total_price_set.shop_money.money(),
        standing=standing(order.display_financial_status, order.id),
        lines=tuple(_line(line, grams) for line in lines),
        ship_to=known_address(ship_to),
        email=order.email,
        phone=order.phone,
        shipping_title=shipping[0].title if shipping else "",
        shipping_paid=scalars.total(line.discounted_price_set.shop_money.money() for line in shipping),
        tags=order.tags,
        test=order.test,
    )


def _line(line: Line, grams: Mapping[str, int]) -> nouns.OrderedLine:
    return nouns.OrderedLine(
        remote_id=line.id,
        variant_remote_id=line.variant.id if line.variant else "",
        sku=line.sku,
        title=line.name,
        units=line.current_quantity,
        unit_price=line.original_unit_price_set.shop_money.money(),
        unit_grams=grams.get(line.id, 0),
        needs_shipping=line.requires_shipping,
    )


def _nothing_to_route(snapshot: nouns.OrderSnapshot) -> bool:
    return bool(snapshot.cancelled_at) or not any(line.units and line.needs_shipping for line in snapshot.lines)


def _paid(client: Client, remote_id: str) -> bool:
    order = answers.present(client.ask("ReadStanding", id=remote_id), "order", remedy=work.GONE)
    now = answers.read(_Standing, order)
    return now.fully_paid or now.display_financial_status == "PAID"
