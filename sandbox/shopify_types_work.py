"""How the Admin API shows the work on an order: fulfillment orders, holds, fulfillments and their events."""

from datetime import datetime
from typing import Any

from sandbox import shopify_facts as facts
from sandbox.shopify_errors import refusal
from sandbox.shopify_fields import Info, Resolver, fact, first, listed, place, weight
from sandbox.shopify_records import Fulfillment, Hold, WorkOrder

_HOLD_WORDS = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL": "Online store post-purchase cross-sell",
    "OTHER": "Other",
    "UNKNOWN_DELIVERY_DATE": "Unknown delivery date",
}
_LOCATION_FIELDS = ("address1", "address2", "city", "province", "zip", "countryCode", "phone")
_BUYER_FIELDS = ("firstName", "lastName", "company")


def _assigned_location(work: WorkOrder) -> dict[str, Any]:
    where = work.location
    return {"name": where.name, "location": where, **place(where.address, *_LOCATION_FIELDS)}


def _destination(work: WorkOrder) -> dict[str, Any] | None:
    buyer = work.order.ship_to
    if buyer is None or work.method not in {"SHIPPING", "LOCAL"}:
        return None
    return {
        "id": f"gid://shopify/FulfillmentOrderDestination/{buyer.id}",
        "email": work.order.email,
        **place(buyer, *_BUYER_FIELDS, *_LOCATION_FIELDS),
    }


def _delivery_method(work: WorkOrder) -> dict[str, Any]:
    chosen = work.order.shipping
    return {
        "id": f"gid://shopify/DeliveryMethod/{work.id}",
        "methodType": work.method,
        "presentedName": chosen.title if chosen else None,
        "serviceCode": chosen.title if chosen else None,
    }


def _fulfillments_of(work: WorkOrder) -> list[Fulfillment]:
    return [
        made
        for made in work.order.fulfillments
        if any(source[0] is work for shipped in made.lines for source in shipped.sources)
    ]


def _held_by_app(_hold: Hold, info: Info) -> dict[str, Any]:
    """Refused without its scope, as recorded, while the rest of the answer stands and the hold is made."""
    if "read_apps" not in info.context.shop.scopes:
        needed = "`read_apps` access scope."
        raise refusal(
            "ACCESS_DENIED",
            f"Access denied for heldByApp field. Required access: {needed}",
            documentation="https://shopify.dev/api/usage/access-scopes",
            requiredAccess=needed,
        )
    return {"id": "gid://shopify/App/1", "title": "Packing", "handle": "packing"}


def _estimate(made: Fulfillment) -> datetime | None:
    estimates = [event.estimated_delivery_at for event in made.events if event.estimated_delivery_at]
    return estimates[-1] if estimates else None


_WORK: dict[str, Resolver] = {
    "requestStatus": fact(lambda _: "UNSUBMITTED"),
    "fulfillAt": fact(lambda work: work.created_at.replace(minute=0, second=0)),
    "fulfillBy": fact(lambda _: None),
    "supportedActions": fact(lambda work: [{"action": action} for action in facts.supported_actions(work)]),
    "assignedLocation": fact(_assigned_location),
    "deliveryMethod": fact(_delivery_method),
    "destination": fact(_destination),
    "fulfillmentHolds": fact(lambda work: work.holds),
    "orderId": fact(lambda work: work.order.gid),
    "orderName": fact(lambda work: work.order.name),
    "lineItems": listed(lambda work: work.lines),
    "fulfillments": listed(_fulfillments_of),
}

_WORK_LINE: dict[str, Resolver] = {
    "totalQuantity": fact(lambda row: row.total),
    "remainingQuantity": fact(lambda row: row.remaining),
    "sku": fact(lambda row: row.line.variant.sku),
    "inventoryItemId": fact(lambda row: row.line.variant.item.gid),
    "requiresShipping": fact(lambda row: row.line.variant.requires_shipping),
    "productTitle": fact(lambda row: row.line.variant.product.title),
    "variantTitle": fact(lambda row: row.line.variant.title),
    "vendor": fact(lambda row: row.line.variant.product.vendor),
    "weight": fact(lambda row: weight(row.line.variant.grams)),
    "variant": fact(lambda row: row.line.variant),
    "lineItem": fact(lambda row: row.line),
}

_HOLD: dict[str, Resolver] = {
    "reasonNotes": fact(lambda hold: hold.notes),
    "displayReason": fact(lambda hold: _HOLD_WORDS[hold.reason]),
    "heldByRequestingApp": fact(lambda hold: hold.ours),
    "heldByApp": _held_by_app,
}

_FULFILLMENT: dict[str, Resolver] = {
    "name": fact(lambda made: f"{made.order.name}-F{made.number}"),
    "status": fact(lambda made: "CANCELLED" if made.cancelled else "SUCCESS"),
    "displayStatus": fact(facts.display_status),
    "deliveredAt": fact(lambda made: facts.first_time(made, "DELIVERED")),
    "inTransitAt": fact(lambda made: facts.first_time(made, "IN_TRANSIT")),
    "estimatedDeliveryAt": fact(_estimate),
    "totalQuantity": fact(lambda made: sum(shipped.quantity for shipped in made.lines)),
    "requiresShipping": fact(lambda made: any(shipped.line.variant.requires_shipping for shipped in made.lines)),
    "trackingInfo": first(lambda made: made.tracking),
    "events": listed(lambda made: made.events),
    "fulfillmentLineItems": listed(lambda made: made.lines),
}

FIELDS: dict[str, dict[str, Resolver]] = {
    "FulfillmentOrder": _WORK,
    "FulfillmentOrderLineItem": _WORK_LINE,
    "FulfillmentHold": _HOLD,
    "Fulfillment": _FULFILLMENT,
    "FulfillmentLineItem": {"lineItem": fact(lambda shipped: shipped.line)},
}
