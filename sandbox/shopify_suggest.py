"""What Shopify would refund for some units of an order, and by which payments: suggestedRefund changes nothing."""

from decimal import Decimal
from typing import Any

from sandbox import shopify_facts as facts
from sandbox.shopify_errors import unknown_id
from sandbox.shopify_fields import Info, money
from sandbox.shopify_records import Order


def suggested_refund(order: Order, _info: Info, **args: Any) -> dict[str, Any]:
    worth = _worth(order, args)
    left = worth + (facts.shipping_price(order) if args.get("refundShipping") else Decimal(0))
    left = amount = min(left, facts.received(order) - facts.refunded(order))
    ways = []
    for payment in order.transactions:
        most = facts.refundable(payment)
        if most > 0:
            share = min(left, most)
            left -= share
            ways.append(
                {
                    "amountSet": money(share, order.currency),
                    "maximumRefundableSet": money(most, order.currency),
                    "gateway": payment.gateway,
                    "kind": "SUGGESTED_REFUND",
                    "parentTransaction": payment,
                }
            )
    return {
        "amountSet": money(amount, order.currency),
        "subtotalSet": money(worth, order.currency),
        "maximumRefundableSet": money(facts.received(order) - facts.refunded(order), order.currency),
        "suggestedTransactions": ways,
    }


def _worth(order: Order, args: dict[str, Any]) -> Decimal:
    """The price of the units; of all that are left where a full refund is asked for."""
    if args["suggestFullRefund"]:
        return facts.current_subtotal(order)
    lines = {line.gid: line for line in order.lines}
    worth = Decimal(0)
    for row in args.get("refundLineItems") or ():
        if row["lineItemId"] not in lines:
            raise unknown_id(row["lineItemId"])
        line = lines[row["lineItemId"]]
        worth += line.price * min(row["quantity"], line.current_quantity)
    return worth
