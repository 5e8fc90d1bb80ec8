"""An order's money through the API: mark as paid, capture, refund, with the refusals as recorded."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox import shopify_facts as facts
from sandbox import shopify_rest, shopify_rest_parts
from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, refusal, user_error
from sandbox.shopify_records import Line, Order, Refund, RefundLine, Transaction
from sandbox.shopify_things import Location


def order_mark_as_paid(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    order = found(act.shop, asked["input"]["id"], Order)
    if order is None:
        return {"order": None, "userErrors": [user_error(["id"], "Order does not exist")]}
    if not facts.can_be_marked_paid(order):
        return {"order": order, "userErrors": [user_error(["id"], "Order cannot be marked as paid.")]}
    settle(act, order)
    return {"order": order, "userErrors": []}


def order_capture(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["input"]
    order = found(act.shop, wish["id"], Order)
    if order is None:
        return {"transaction": None, "userErrors": [user_error(["id"], "Order does not exist")]}
    parent = found(act.shop, wish["parentTransactionId"], Transaction)
    amount = _decimal(wish["amount"])
    if refused := _capture_refused(order, parent, amount, wish):
        return {"transaction": None, "userErrors": [refused]}
    payment = pay(act, order, "CAPTURE", amount, parent=parent)
    act.order_changed(order, *(["orders/paid"] if facts.financial_status(order) == "PAID" else []))
    return {"transaction": payment, "userErrors": []}


def refund_create(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["input"]
    order = found(act.shop, wish["orderId"], Order)
    if order is None:
        return {"refund": None, "order": None, "userErrors": [user_error(["orderId"], "Order does not exist")]}
    if refused := _refund_refused(order, wish):
        return {"refund": None, "order": order, "userErrors": [refused]}
    rows = [
        take_back(act, _line(order, row["lineItemId"]), row["quantity"], row.get("restockType") or "NO_RESTOCK",
                  _place(act, row.get("locationId")))
        for row in wish.get("refundLineItems") or ()
    ]  # fmt: skip
    payments = [
        pay(act, order, "REFUND", _decimal(row["amount"]), parent=_parent(order, row["parentId"]))
        for row in wish.get("transactions") or ()
    ]
    return {"refund": refund(act, order, rows, payments, wish.get("note")), "order": order, "userErrors": []}


def settle(act: Act, order: Order) -> None:
    """Everything that is owed is paid: what was authorised is captured, the rest recorded by hand."""
    for authorization in [one for one in order.transactions if facts.left_of(one) and one.type == "AUTHORIZATION"]:
        pay(act, order, "CAPTURE", facts.left_of(authorization), parent=authorization)
    if owed := facts.outstanding(order):
        order.transactions = [one for one in order.transactions if one.status != "PENDING"]
        pay(act, order, "SALE", owed)
    act.order_changed(order, "orders/paid")


def pay(
    act: Act, order: Order, kind: str, amount: Decimal, *, parent: Transaction | None = None, status: str = "SUCCESS"
) -> Transaction:
    """Record one movement of money; its gateway is the parent's, whatever the caller says, as recorded."""
    payment = Transaction(
        id=act.new_id(),
        order=order,
        type=kind,
        status=status,
        amount=amount,
        gateway=parent.gateway if parent else "manual",
        created_at=act.now,
        parent=parent,
    )
    order.transactions.append(act.shop.keep(payment))
    act.tell("order_transactions/create", payment.gid, lambda: shopify_rest_parts.transaction(payment, act.shop))
    return payment


def take_back(act: Act, line: Line, quantity: int, restock: str, place: Location | None) -> RefundLine:
    """Units leave the order: returned ones out of what was shipped, others first out of what nobody has shipped yet.
    They go back to the shelf where `restock` says so.
    """
    line.current_quantity -= quantity
    returned = min(quantity, _kept(line)) if restock == "RETURN" else 0
    left = quantity - returned
    for work in [work for work in line.order.work_orders if work.status in facts.LIVE]:
        for row in [row for row in work.lines if row.line is line]:
            taken = min(left, row.remaining)
            row.total -= taken
            row.remaining -= taken
            left -= taken
            act.shift(line.variant.item, work.location, committed=-taken)
            if restock in {"CANCEL", "RETURN"}:
                act.shift(line.variant.item, place or work.location, available=taken)
        if not any(row.remaining for row in work.lines):
            work.status, work.holds = "CLOSED", []
            act.work_changed(work)
    if restock == "RETURN":
        act.shift(line.variant.item, place or act.shop.locations[0], available=returned + left)
    made = RefundLine(id=act.new_id(), line=line, quantity=quantity, restock_type=restock, location=place)
    return act.shop.keep(made)


def refund(
    act: Act, order: Order, rows: Iterable[RefundLine], payments: Iterable[Transaction], note: str | None
) -> Refund:
    made = Refund(
        id=act.new_id(),
        order=order,
        note=note,
        created_at=act.now,
        lines=list(rows),
        transactions=list(payments),
    )
    order.refunds.append(act.shop.keep(made))
    act.tell("refunds/create", made.gid, lambda: shopify_rest.refund(made, act.shop))
    act.order_changed(order)
    return made


def _capture_refused(
    order: Order, parent: Transaction | None, amount: Decimal, wish: dict[str, Any]
) -> dict[str, Any] | None:
    if parent is None or parent.order is not order:
        return user_error(None, "Unable to find parent transaction")
    # With one currency Shopify fills it in; a wrong one it refuses in these very words.
    if wish.get("currency") not in {None, order.currency}:
        return user_error(["currency"], f"Currency Currency must match parent transaction {order.currency}")
    if amount <= 0:
        return user_error(None, "Amount must be greater than zero for capture transactions")
    if wish.get("finalCapture"):
        message = (
            "Setting final capture is not supported for this transaction's payment gateway. "
            "Please remove the parameter or set it to null, then try again."
        )
        return user_error(None, message)
    if amount > facts.left_of(parent):
        return user_error(None, f"Cannot capture more than the authorized {parent.amount:.2f} for this payment.")
    return None


def _refund_refused(order: Order, wish: dict[str, Any]) -> dict[str, Any] | None:
    for place, row in enumerate(wish.get("refundLineItems") or ()):
        line = _line_or_none(order, row["lineItemId"])
        field = ["refundLineItems", str(place)]
        if line is None:
            return user_error([*field, "lineItemId"], "Line item does not exist")
        if row["quantity"] > line.current_quantity:
            message = "Refund line items quantity cannot refund more items than were purchased"
            return user_error([*field, "quantity"], message)
    for row in wish.get("transactions") or ():
        if row["kind"] != "REFUND":
            return user_error(None, f"Kind {row['kind'].lower()} is not a valid transaction")
        if row.get("parentId") not in {payment.gid for payment in order.transactions}:
            return user_error(["transactions"], "Transactions require a parent_id associated with the order")
    total = sum((_decimal(row["amount"]) for row in wish.get("transactions") or ()), Decimal(0))
    if total > facts.received(order) - facts.refunded(order) and not wish["allowOverRefunding"]:
        # Not recorded: that it is refused is documented, the words are ours.
        return user_error(["transactions"], "Refund amount is greater than the amount left to refund")
    return None


def _kept(line: Line) -> int:
    """Units that were shipped and not yet returned."""
    back = [row for made in line.order.refunds for row in made.lines if row.line is line]
    return facts.fulfilled_quantity(line) - sum(row.quantity for row in back if row.restock_type == "RETURN")


def _line(order: Order, gid: str) -> Line:
    return next(line for line in order.lines if line.gid == gid)


def _line_or_none(order: Order, gid: str) -> Line | None:
    return next((line for line in order.lines if line.gid == gid), None)


def _parent(order: Order, gid: str) -> Transaction:
    return next(payment for payment in order.transactions if payment.gid == gid)


def _place(act: Act, gid: str | None) -> Location | None:
    return found(act.shop, gid, Location) if gid else None


def _decimal(text: Any) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation as problem:
        raise refusal("INVALID_VARIABLE", f"{text!r} is not an amount of money") from problem
