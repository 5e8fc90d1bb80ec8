"""What follows from a store's records: money still owed, what is left to ship, the statuses Shopify shows."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.shopify_records import Event, Fulfillment, Line, Order, Transaction, WorkOrder
from sandbox.shopify_things import Address

# A fulfillment order in one of these can still lead to a parcel.
LIVE = frozenset({"OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED"})
FULFILLABLE = frozenset({"OPEN", "IN_PROGRESS"})


# Null without approval for protected customer data (shopify.dev/docs/apps/launch/protected-customer-data).
_PERSONAL = ("first_name", "last_name", "company", "address1", "address2", "phone", "latitude", "longitude")


def shown_address(order: Order, *, approved: bool) -> Address | None:
    """Where the order goes, as far as the app may see it."""
    if order.ship_to is None or approved:
        return order.ship_to
    hidden: dict[str, Any] = dict.fromkeys(_PERSONAL)
    return replace(order.ship_to, **hidden)


def original_total(order: Order) -> Decimal:
    return subtotal(order) + shipping_price(order)


def current_total(order: Order) -> Decimal:
    return current_subtotal(order) + (Decimal(0) if order.cancelled_at else shipping_price(order))


def current_subtotal(order: Order) -> Decimal:
    return sum((line.price * line.current_quantity for line in order.lines), Decimal(0))


def subtotal(order: Order) -> Decimal:
    return sum((line.price * line.quantity for line in order.lines), Decimal(0))


def shipping_price(order: Order) -> Decimal:
    return order.shipping.price if order.shipping else Decimal(0)


def received(order: Order) -> Decimal:
    return _sum(order, "SALE", "CAPTURE")


def refunded(order: Order) -> Decimal:
    return _sum(order, "REFUND")


def refundable(payment: Transaction) -> Decimal:
    """What may still be given back of a payment."""
    if payment.type not in {"SALE", "CAPTURE"} or payment.status != "SUCCESS":
        return Decimal(0)
    back = (one for one in payment.order.transactions if one.parent is payment and one.type == "REFUND")
    return payment.amount - sum((one.amount for one in back if one.status == "SUCCESS"), Decimal(0))


def outstanding(order: Order) -> Decimal:
    """What the buyer still owes; an authorised amount counts as covered, as recorded."""
    return max(Decimal(0), current_total(order) - received(order) + refunded(order) - capturable(order))


def can_be_marked_paid(order: Order) -> bool:
    return order.cancelled_at is None and outstanding(order) > 0


def capturable(order: Order) -> Decimal:
    return sum((left_of(payment) for payment in order.transactions if payment.type == "AUTHORIZATION"), Decimal(0))


def left_of(authorization: Transaction) -> Decimal:
    """What may still be captured of an authorization."""
    if authorization.status != "SUCCESS":
        return Decimal(0)
    children = [payment for payment in authorization.order.transactions if payment.parent is authorization]
    if any(child.type == "VOID" for child in children):
        return Decimal(0)
    return authorization.amount - sum((child.amount for child in children if child.type == "CAPTURE"), Decimal(0))


def financial_status(order: Order) -> str:
    paid, back = received(order), refunded(order)
    if back > 0:
        return "REFUNDED" if back >= paid else "PARTIALLY_REFUNDED"
    if paid > 0 or original_total(order) == 0:
        return "PAID" if paid >= current_total(order) else "PARTIALLY_PAID"
    if capturable(order) > 0:
        return "AUTHORIZED"
    return "VOIDED" if any(payment.type == "VOID" for payment in order.transactions) else "PENDING"


def fulfilled_quantity(line: Line) -> int:
    return sum(
        shipped.quantity
        for fulfillment in line.order.fulfillments
        if not fulfillment.cancelled
        for shipped in fulfillment.lines
        if shipped.line is line
    )


def fulfillable_quantity(line: Line) -> int:
    """Units free to be shipped now; a hold takes them out, as recorded."""
    return _remaining(line, FULFILLABLE)


def unfulfilled_quantity(line: Line) -> int:
    return _remaining(line, LIVE)


def fulfillment_status(order: Order) -> str:
    open_work = [work for work in order.work_orders if work.status in LIVE and any(row.remaining for row in work.lines)]
    if any(not fulfillment.cancelled for fulfillment in order.fulfillments):
        return "PARTIALLY_FULFILLED" if open_work else "FULFILLED"
    if open_work and all(work.status == "ON_HOLD" for work in open_work):
        return "ON_HOLD"
    return "UNFULFILLED"


def supported_actions(work: WorkOrder) -> list[str]:
    """What may be done with a fulfillment order, in Shopify's order of naming."""
    if work.status == "ON_HOLD":
        return ["RELEASE_HOLD", "HOLD", "MOVE"]
    if work.status not in FULFILLABLE:
        return []
    actions = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]
    if sum(row.remaining for row in work.lines) > 1:
        actions.append("SPLIT")
    if any(other is not work and _mergeable(work, other) for other in work.order.work_orders):
        actions.append("MERGE")
    return actions


def display_status(fulfillment: Fulfillment) -> str:
    if fulfillment.cancelled:
        return "CANCELED"
    newest = latest_event(fulfillment)
    return newest.status if newest else "FULFILLED"


def latest_event(fulfillment: Fulfillment) -> Event | None:
    """The event that happened last, whenever it was reported."""
    return max(fulfillment.events, key=lambda event: (event.happened_at, event.id), default=None)


def first_time(fulfillment: Fulfillment, status: str) -> datetime | None:
    return min((event.happened_at for event in fulfillment.events if event.status == status), default=None)


def gateways(order: Order) -> list[str]:
    return list(dict.fromkeys(payment.gateway for payment in order.transactions))


def _sum(order: Order, *types: str) -> Decimal:
    done = (payment for payment in order.transactions if payment.status == "SUCCESS" and payment.type in types)
    return sum((payment.amount for payment in done), Decimal(0))


def _remaining(line: Line, statuses: frozenset[str]) -> int:
    return sum(
        row.remaining
        for work in line.order.work_orders
        if work.status in statuses
        for row in work.lines
        if row.line is line
    )


def _mergeable(work: WorkOrder, other: WorkOrder) -> bool:
    return work.status == other.status == "OPEN" and work.location is other.location and work.method == other.method
