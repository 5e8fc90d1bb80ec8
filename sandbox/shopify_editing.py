"""Editing an order through the API: changes are staged on a calculated order, and one commit applies them all.

https://shopify.dev/docs/apps/build/orders-fulfillment/order-management-apps/edit-orders. No order editing was recorded:
what is refused is documented, the sentences are ours. Each session is another calculated order; none is ever resumed.
"""

from decimal import Decimal
from typing import Any

from sandbox import shopify_checkout as checkout
from sandbox import shopify_facts as facts
from sandbox import shopify_rest
from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, refusal, unknown_id, user_error
from sandbox.shopify_fields import Resolver, fact, listed, money
from sandbox.shopify_records import EditedLine, Order, OrderEdit
from sandbox.shopify_things import Variant

SCOPE = "write_order_edits"
_NOTHING: dict[str, Any] = {"calculatedOrder": None, "calculatedLineItem": None}


def begin(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    _allowed(act, "orderEditBegin")
    order = found(act.shop, asked["id"], Order)
    if order is None:
        return {"calculatedOrder": None, "userErrors": [user_error(["id"], "The order does not exist.")]}
    if refused := _cannot_be_edited(order):
        return {"calculatedOrder": None, "userErrors": [user_error(["id"], refused)]}
    edit = act.shop.keep(OrderEdit(id=act.new_id(), order=order))
    edit.lines = [
        EditedLine(id=line.id, edit=edit, variant=line.variant, quantity=line.current_quantity, line=line)
        for line in order.lines
        if line.current_quantity
    ]
    return {"calculatedOrder": edit, "userErrors": []}


def set_quantity(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    _allowed(act, "orderEditSetQuantity")
    edit = _open(act, asked["id"])
    row = next((row for row in edit.lines if row.gid == asked["lineItemId"]), None)
    if row is None:
        return _NOTHING | {"userErrors": [user_error(["lineItemId"], "The line item does not exist.")]}
    if asked["quantity"] < 0:
        return _NOTHING | {"userErrors": [user_error(["quantity"], "Quantity can't be negative.")]}
    if asked["quantity"] < row.shipped:
        message = "Fulfilled items can't be removed."  # only unfulfilled line items can be edited
        return _NOTHING | {"userErrors": [user_error(["quantity"], message)]}
    row.quantity, row.restock = asked["quantity"], bool(asked.get("restock"))
    return {"calculatedOrder": edit, "calculatedLineItem": row, "userErrors": []}


def add_variant(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    _allowed(act, "orderEditAddVariant")
    edit, variant = _open(act, asked["id"]), found(act.shop, asked["variantId"], Variant)
    if variant is None:
        return _NOTHING | {"userErrors": [user_error(["variantId"], "The variant does not exist.")]}
    if asked["quantity"] < 1:
        return _NOTHING | {"userErrors": [user_error(["quantity"], "Quantity must be greater than 0.")]}
    if not asked.get("allowDuplicates") and any(row.variant is variant for row in edit.lines):
        message = "The variant is already on the order."
        return _NOTHING | {"userErrors": [user_error(["variantId"], message)]}
    row = EditedLine(id=act.new_id(), edit=edit, variant=variant, quantity=asked["quantity"])
    edit.lines.append(row)
    return {"calculatedOrder": edit, "calculatedLineItem": row, "userErrors": []}


def commit(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """All or nothing; what was committed once is no edit any more."""
    _allowed(act, "orderEditCommit")
    edit = _open(act, asked["id"])
    if refused := _cannot_be_edited(edit.order) or _moved_on(edit):
        return {"order": None, "successMessages": [], "userErrors": [user_error(["id"], refused)]}
    edit.open = False
    changed = _apply(act, edit)
    if any(changed.values()):
        edit.order.edited = True
        note, tells = asked.get("staffNote") or "", bool(asked.get("notifyCustomer"))
        act.tell(
            "orders/edited",
            edit.order.gid,
            lambda: shopify_rest.order_edit(edit.order, act.shop, edit.id, changed, note=note, tells=tells),
        )
        act.order_changed(edit.order)
    return {"order": edit.order, "successMessages": ["Order updated"], "userErrors": []}


def _apply(act: Act, edit: OrderEdit) -> dict[str, list[dict[str, int]]]:
    changed: dict[str, list[dict[str, int]]] = {"additions": [], "removals": []}
    for row in edit.lines:
        delta = row.quantity - (row.line.current_quantity if row.line else 0)
        line = row.line or (checkout.add_line(act, edit.order, row.variant, 0) if delta else None)
        if line is None or not delta:
            continue
        if delta > 0:
            checkout.add_units(act, line, delta)
        else:
            checkout.remove_units(act, line, -delta, restock=row.restock)
        changed["additions" if delta > 0 else "removals"].append({"id": line.id, "delta": abs(delta)})
    return changed


def _allowed(act: Act, field: str) -> None:
    if act.scopes is None or SCOPE in act.scopes:
        return
    message = f"Access denied for {field} field. Required access: `{SCOPE}` access scope."
    raise refusal("ACCESS_DENIED", message, requiredAccess=f"`{SCOPE}` access scope.")


def _open(act: Act, gid: str) -> OrderEdit:
    edit = found(act.shop, gid, OrderEdit)
    if edit is None or not edit.open:
        raise unknown_id(gid)
    return edit


def _cannot_be_edited(order: Order) -> str:
    if order.cancelled_at is not None:
        return "The order can't be edited because it is canceled."
    return "The order can't be edited because it is archived." if order.archived else ""


def _moved_on(edit: OrderEdit) -> str:
    gone = any(row.quantity < row.shipped for row in edit.lines)
    return "The order was changed while it was edited." if gone else ""


def _total(edit: OrderEdit) -> Decimal:
    return sum((row.price * row.quantity for row in edit.lines), Decimal(0)) + facts.shipping_price(edit.order)


def _outstanding(edit: OrderEdit) -> Decimal:
    return _total(edit) - (facts.received(edit.order) - facts.refunded(edit.order))


FIELDS: dict[str, dict[str, Resolver]] = {
    "CalculatedOrder": {
        "originalOrder": fact(lambda edit: edit.order),
        "lineItems": listed(lambda edit: [row for row in edit.lines if row.line]),
        "addedLineItems": listed(lambda edit: [row for row in edit.lines if not row.line]),
        "subtotalLineItemsQuantity": fact(lambda edit: sum(row.quantity for row in edit.lines)),
        "totalPriceSet": lambda edit, _info: money(_total(edit), edit.order.currency),
        "totalOutstandingSet": lambda edit, _info: money(_outstanding(edit), edit.order.currency),
    },
    "CalculatedLineItem": {
        "title": fact(lambda row: row.variant.product.title),
        "variantTitle": fact(lambda row: row.variant.choice),
        "sku": fact(lambda row: row.variant.sku),
        "editableQuantity": fact(lambda row: row.quantity - row.shipped),
        "editableQuantityBeforeChanges": fact(lambda row: row.before - row.shipped),
        "restocking": fact(lambda row: row.restock and row.quantity < row.before),
        "originalUnitPriceSet": lambda row, _info: money(row.price, row.edit.order.currency),
        "discountedUnitPriceSet": lambda row, _info: money(row.price, row.edit.order.currency),
    },
}
