"""Ending and marking an order through the API: cancel and tags, with the refusals as recorded."""

from dataclasses import replace
from typing import Any

from sandbox import shopify_facts as facts
from sandbox import shopify_money
from sandbox import shopify_places as places
from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, user_error
from sandbox.shopify_records import Order
from sandbox.shopify_things import Address

STAFF_NOTE_LENGTH = 255


def order_cancel(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """Irreversible, and done in a job: as recorded, the answer says not yet, even where the next read says done."""
    order = found(act.shop, asked["orderId"], Order)
    if order is None:
        return _not_cancelled(user_error(["orderId"], "Order does not exist", "NOT_FOUND"))
    if refused := _cancel_refused(order, asked):
        return _not_cancelled(refused)
    method = asked.get("refundMethod") or {}
    back = asked.get("refund") or method.get("originalPaymentMethodsRefund") or method.get("storeCreditRefund")

    def perform(later: Act) -> None:
        # Asked twice it is done once; and what was shipped meanwhile stands in the way of the job, too.
        if not _cancel_refused(order, {}):
            cancel(later, order, asked["reason"], restock=asked["restock"], refund=bool(back))

    job = {"id": act.later(perform), "done": False}
    return {"job": job, "orderCancelUserErrors": [], "userErrors": []}


def order_update(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """What is named is overwritten as a whole; the same again changes nothing and is told nobody.

    https://shopify.dev/docs/api/admin-graphql/latest/input-objects/OrderInput
    """
    wish = asked["input"]
    order = found(act.shop, wish["id"], Order)
    if order is None:
        return {"order": None, "userErrors": [user_error(["id"], "Order does not exist")]}
    told = wish.get("shippingAddress")
    if told is not None and not (told.get("address1") and told.get("city")):
        lacking = "address1" if not told.get("address1") else "city"
        refused = user_error(["shippingAddress", lacking], "Shipping address is missing a part that it needs")
        return {"order": order, "userErrors": [refused]}
    before = (order.ship_to, order.tags)
    if told is not None:
        order.ship_to = _address(order.ship_to, told, act)
    if wish.get("tags") is not None:
        order.tags = sorted(set(wish["tags"]))
    if (order.ship_to, order.tags) != before:
        act.order_changed(order)
    return {"order": order, "userErrors": []}


def tags_add(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    return _tag(act, asked, lambda tags, given: sorted({*tags, *given}))


def tags_remove(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    return _tag(act, asked, lambda tags, given: [tag for tag in tags if tag not in given])


def cancel(act: Act, order: Order, reason: str, *, restock: bool, refund: bool) -> None:
    """Close what has not been shipped, put it back where asked, give the money back or let it go."""
    unshipped = [(line, facts.unfulfilled_quantity(line)) for line in order.lines]
    rows = [
        shopify_money.take_back(act, line, quantity, "CANCEL" if restock else "NO_RESTOCK", None)
        for line, quantity in unshipped
        if quantity
    ]
    for work in order.work_orders:
        work.holds = []
    order.cancelled_at, order.cancel_reason = act.now, reason
    payments = []
    for payment in list(order.transactions):
        if refund and facts.refundable(payment) > 0:
            payments.append(shopify_money.pay(act, order, "REFUND", facts.refundable(payment), parent=payment))
        elif payment.status == "PENDING" or facts.left_of(payment):
            shopify_money.pay(act, order, "VOID", payment.amount, parent=payment)
    if payments:
        shopify_money.refund(act, order, rows, payments, None)
    act.order_changed(order, "orders/cancelled")


def _address(before: Address | None, told: dict[str, Any], act: Act) -> Address:
    country, region = told.get("countryCode"), told.get("provinceCode")
    made = Address(
        first_name=told.get("firstName"), last_name=told.get("lastName"), company=told.get("company"),
        address1=told.get("address1"), address2=told.get("address2"), city=told.get("city"),
        province=places.province(country, region), province_code=region, zip=told.get("zip"),
        country=places.country(country), country_code=country, phone=told.get("phone"),
        id=before.id if before else act.new_id(),
    )  # fmt: skip
    same = before is not None and replace(before, latitude=None, longitude=None) == made
    return before if same and before is not None else made


def _not_cancelled(refused: dict[str, Any]) -> dict[str, Any]:
    return {"job": None, "orderCancelUserErrors": [refused], "userErrors": [refused]}


def _cancel_refused(order: Order, asked: dict[str, Any]) -> dict[str, Any] | None:
    if len(asked.get("staffNote") or "") > STAFF_NOTE_LENGTH:
        return user_error(["staffNote"], "Staff note is too long. Maximum length is 255 characters.", "INVALID")
    if asked.get("refund") is not None and asked.get("refundMethod") is not None:
        message = "Only one of the arguments `refund` or `refund_method` is allowed."
        return user_error(["refund"], message, "INVALID")
    if order.cancelled_at is not None:
        return user_error(["orderId"], "Cannot cancel an order that has already been canceled", "INVALID")
    if any(not made.cancelled for made in order.fulfillments):
        return user_error(["orderId"], "Cannot cancel an order that has outstanding fulfillments", "INVALID")
    return None


def _tag(act: Act, asked: dict[str, Any], combine: Any) -> dict[str, Any]:
    order = found(act.shop, asked["id"], Order)
    if order is None:
        return {"node": None, "userErrors": [user_error(["id"], "Order does not exist")]}
    tags = combine(order.tags, asked["tags"])
    if tags != order.tags:
        order.tags = tags
        act.order_changed(order)
    return {"node": order, "userErrors": []}
