"""How the Admin API shows an order, its lines and its money."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox import shopify_facts as facts
from sandbox.shopify_fields import Info, Resolver, fact, first, listed, money
from sandbox.shopify_pages import page
from sandbox.shopify_records import Line, Order
from sandbox.shopify_suggest import suggested_refund

# A recommendation comes from an assessment; Shopify's own gives these levels.
_RISK_LEVELS = {"ACCEPT": "LOW", "INVESTIGATE": "MEDIUM", "CANCEL": "HIGH"}


def _bag(measure: Callable[[Order], Decimal]) -> Resolver:
    return lambda order, _info: money(measure(order), order.currency)


def _line_bag(quantity: Callable[[Line], int]) -> Resolver:
    return lambda line, _info: money(line.price * quantity(line), line.order.currency)


def _risk(order: Order) -> dict[str, Any]:
    level = _RISK_LEVELS.get(order.risk)
    return {"recommendation": order.risk, "assessments": [{"riskLevel": level, "facts": []}] if level else []}


def _work(order: Order, info: Info, **args: Any) -> dict[str, Any]:
    shown = [work for work in order.work_orders if info.context.sees(work)]
    return page(shown, args.get("first"), args.get("after"), reverse=args["reverse"])


def _address(order: Order, info: Info) -> Any:
    return facts.shown_address(order, approved=info.context.shop.approved)


_ORDER: dict[str, Resolver] = {
    "test": fact(lambda _: False),
    "processedAt": fact(lambda order: order.created_at),
    "closed": fact(lambda order: order.archived or order.cancelled_at is not None),
    "closedAt": fact(lambda order: order.cancelled_at),
    "confirmed": fact(lambda _: True),
    "displayFinancialStatus": fact(facts.financial_status),
    "displayFulfillmentStatus": fact(facts.fulfillment_status),
    "fullyPaid": fact(lambda order: facts.received(order) >= facts.current_total(order)),
    "unpaid": fact(lambda order: facts.received(order) == 0 and facts.current_total(order) > 0),
    "capturable": fact(lambda order: facts.capturable(order) > 0),
    "canMarkAsPaid": fact(facts.can_be_marked_paid),
    "requiresShipping": fact(lambda order: any(line.variant.requires_shipping for line in order.lines)),
    "currencyCode": fact(lambda order: order.currency),
    "presentmentCurrencyCode": fact(lambda order: order.currency),
    "sourceName": fact(lambda _: "web"),
    "customerLocale": fact(lambda _: "en"),
    "customAttributes": fact(lambda _: []),
    "risk": fact(_risk),
    "paymentGatewayNames": fact(facts.gateways),
    "totalWeight": fact(lambda order: str(sum(line.variant.grams * line.quantity for line in order.lines))),
    "totalPriceSet": _bag(facts.original_total),
    "currentTotalPriceSet": _bag(facts.current_total),
    "subtotalPriceSet": _bag(facts.subtotal),
    "totalShippingPriceSet": _bag(facts.shipping_price),
    "totalTaxSet": _bag(lambda _: Decimal(0)),
    "totalDiscountsSet": _bag(lambda _: Decimal(0)),
    "totalOutstandingSet": _bag(facts.outstanding),
    "totalReceivedSet": _bag(facts.received),
    "totalRefundedSet": _bag(facts.refunded),
    "totalCapturableSet": _bag(facts.capturable),
    "netPaymentSet": _bag(lambda order: facts.received(order) - facts.refunded(order)),
    "shippingAddress": _address,
    "billingAddress": _address,
    "shippingLine": fact(lambda order: order.shipping),
    "shippingLines": listed(lambda order: [order.shipping] if order.shipping else []),
    "lineItems": listed(lambda order: order.lines),
    "fulfillments": first(lambda order: order.fulfillments),
    "fulfillmentOrders": _work,
    "transactions": first(lambda order: order.transactions),
    "refunds": first(lambda order: order.refunds),
    "suggestedRefund": suggested_refund,
}

_LINE: dict[str, Resolver] = {
    "name": fact(lambda line: line.variant.line_name),
    "title": fact(lambda line: line.variant.product.title),
    "variantTitle": fact(lambda line: line.variant.choice),
    "sku": fact(lambda line: line.variant.sku),
    "vendor": fact(lambda line: line.variant.product.vendor),
    "unfulfilledQuantity": fact(facts.unfulfilled_quantity),
    "fulfillableQuantity": fact(facts.fulfillable_quantity),
    "refundableQuantity": fact(lambda line: line.current_quantity),
    "requiresShipping": fact(lambda line: line.variant.requires_shipping),
    "taxable": fact(lambda _: True),
    "isGiftCard": fact(lambda _: False),
    "product": fact(lambda line: line.variant.product),
    "customAttributes": fact(lambda _: []),
    "originalUnitPriceSet": _line_bag(lambda _: 1),
    "discountedUnitPriceSet": _line_bag(lambda _: 1),
    "originalTotalSet": _line_bag(lambda line: line.quantity),
    "discountedTotalSet": _line_bag(lambda line: line.quantity),
}

_TRANSACTION: dict[str, Resolver] = {
    "kind": fact(lambda payment: payment.type),
    "paymentId": fact(lambda payment: f"c{payment.id}.1"),
    "test": fact(lambda _: False),
    "processedAt": fact(lambda payment: payment.created_at),
    "amountSet": fact(lambda payment: money(payment.amount, payment.order.currency)),
    "parentTransaction": fact(lambda payment: payment.parent),
}

_REFUND: dict[str, Resolver] = {
    "updatedAt": fact(lambda refund: refund.created_at),
    "totalRefundedSet": fact(
        lambda refund: money(sum((row.amount for row in refund.transactions), Decimal(0)), refund.order.currency)
    ),
    "refundLineItems": listed(lambda refund: refund.lines),
    "transactions": listed(lambda refund: refund.transactions),
}

_SHIPPING_LINE: dict[str, Resolver] = {
    "code": fact(lambda chosen: chosen.title),
    "source": fact(lambda _: "shopify"),
    "carrierIdentifier": fact(lambda _: None),
    "requestedFulfillmentService": fact(lambda _: None),
    "originalPriceSet": fact(lambda chosen: money(chosen.price, chosen.currency)),
    "discountedPriceSet": fact(lambda chosen: money(chosen.price, chosen.currency)),
}

FIELDS: dict[str, dict[str, Resolver]] = {
    "Order": _ORDER,
    "LineItem": _LINE,
    "OrderTransaction": _TRANSACTION,
    "Refund": _REFUND,
    "RefundLineItem": {
        "lineItem": fact(lambda row: row.line),
        "restocked": fact(lambda row: row.restock_type != "NO_RESTOCK"),
    },
    "ShippingLine": _SHIPPING_LINE,
    "MailingAddress": {
        "id": fact(lambda address: f"gid://shopify/MailingAddress/{address.id}?model_name=Address"),
        "countryCodeV2": fact(lambda address: address.country_code),
    },
    "Customer": {"displayName": fact(lambda buyer: " ".join(filter(None, (buyer.first_name, buyer.last_name))))},
}
