"""Webhook bodies: Shopify's REST resources, as its webhooks still carry them."""

from typing import Any

from sandbox import shopify_facts as facts
from sandbox import shopify_rest_parts as parts
from sandbox.shopify_records import Event, Fulfillment, Order, Refund, WorkOrder
from sandbox.shopify_store import Shop
from sandbox.shopify_things import Level

_FULFILLMENT_STATUS = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}


def order(placed: Order, shop: Shop) -> dict[str, Any]:
    """The order resource (shopify.dev/docs/api/admin-rest/latest/resources/order)."""
    current = facts.current_total(placed)
    return {
        **_order_head(placed, shop),
        "current_subtotal_price": parts.amount(facts.current_subtotal(placed)),
        "current_total_discounts": "0.00",
        "current_total_price": parts.amount(current),
        "current_total_price_set": parts.money_set(current, placed.currency),
        "current_total_tax": "0.00",
        "subtotal_price": parts.amount(facts.subtotal(placed)),
        "total_discounts": "0.00",
        "total_line_items_price": parts.amount(facts.subtotal(placed)),
        "total_outstanding": parts.amount(facts.outstanding(placed)),
        "total_price": parts.amount(facts.original_total(placed)),
        "total_price_set": parts.money_set(facts.original_total(placed), placed.currency),
        "total_shipping_price_set": parts.money_set(facts.shipping_price(placed), placed.currency),
        "total_tax": "0.00",
        "total_weight": sum(line.variant.grams * line.quantity for line in placed.lines),
        "taxes_included": False,
        "customer": parts.customer(placed.customer, shop) if placed.customer else None,
        "billing_address": parts.address(facts.shown_address(placed, approved=shop.approved)),
        "shipping_address": parts.address(facts.shown_address(placed, approved=shop.approved)),
        "line_items": [parts.line(line, placed.currency) for line in placed.lines],
        "shipping_lines": parts.shipping_lines(placed),
        "fulfillments": [fulfillment(made, shop) for made in placed.fulfillments],
        "refunds": [refund(made, shop) for made in placed.refunds],
        "tax_lines": [],
        "discount_codes": [],
        "note_attributes": [],
    }


def fulfillment(made: Fulfillment, shop: Shop) -> dict[str, Any]:
    newest = facts.latest_event(made)
    return {
        "id": made.id,
        "admin_graphql_api_id": made.gid,
        "order_id": made.order.id,
        "name": f"{made.order.name}.{made.number}",
        "status": "cancelled" if made.cancelled else "success",
        "shipment_status": newest.status.lower() if newest else None,
        "service": "manual",
        "location_id": made.location.id,
        "created_at": parts.when(made.created_at, shop),
        "updated_at": parts.when(made.updated_at, shop),
        "tracking_company": made.tracking[0].company if made.tracking else None,
        "tracking_number": made.tracking[0].number if made.tracking else None,
        "tracking_numbers": [entry.number for entry in made.tracking if entry.number],
        "tracking_url": made.tracking[0].url if made.tracking else None,
        "tracking_urls": [entry.url for entry in made.tracking if entry.url],
        "line_items": [
            {**parts.line(shipped.line, made.order.currency), "quantity": shipped.quantity} for shipped in made.lines
        ],
        "email": made.order.email,
        "destination": parts.address(made.order.ship_to),
        "origin_address": None,
        "receipt": {},
    }


def fulfillment_event(event: Event, made: Fulfillment, shop: Shop) -> dict[str, Any]:
    return {
        "id": event.id,
        "admin_graphql_api_id": event.gid,
        "fulfillment_id": made.id,
        "order_id": made.order.id,
        "shop_id": shop.id,
        "status": event.status.lower(),
        "message": event.message,
        "happened_at": parts.when(event.happened_at, shop),
        "estimated_delivery_at": parts.when(event.estimated_delivery_at, shop),
        "created_at": parts.when(event.created_at, shop),
        "updated_at": parts.when(event.created_at, shop),
        **{name: getattr(event, name) for name in ("address1", "city", "province", "country", "zip")},
        "latitude": event.latitude,
        "longitude": event.longitude,
    }


def refund(made: Refund, shop: Shop) -> dict[str, Any]:
    return {
        "id": made.id,
        "admin_graphql_api_id": made.gid,
        "order_id": made.order.id,
        "note": made.note,
        "created_at": parts.when(made.created_at, shop),
        "processed_at": parts.when(made.created_at, shop),
        "restock": any(row.restock_type != "NO_RESTOCK" for row in made.lines),
        "refund_line_items": [
            {
                "id": row.id,
                "line_item_id": row.line.id,
                "quantity": row.quantity,
                "restock_type": row.restock_type.lower(),
                "location_id": row.location.id if row.location else None,
                "line_item": parts.line(row.line, made.order.currency),
            }
            for row in made.lines
        ],
        "transactions": [parts.transaction(payment, shop) for payment in made.transactions],
    }


def work_order(work: WorkOrder) -> dict[str, Any]:
    """Fulfillment-order webhooks carry little: ids and a status, to be read again."""
    return {"id": work.gid, "status": work.status.lower()}


def level(changed: Level, shop: Shop) -> dict[str, Any]:
    return {
        "inventory_item_id": changed.item.id,
        "location_id": changed.location.id,
        "available": changed.quantities["available"],
        "updated_at": parts.when(changed.updated_at, shop),
        "admin_graphql_api_id": changed.gid,
    }


def order_edit(
    order: Order,
    shop: Shop,
    edit_id: int,
    changed: dict[str, list[dict[str, int]]],
    *,
    note: str = "",
    tells: bool = False,
) -> dict[str, Any]:
    """The body of orders/edited: what was added and removed, not the order."""
    return {
        "order_edit": {
            "id": edit_id,
            "app_id": None,
            "created_at": parts.when(order.updated_at, shop),
            "notify_customer": tells,
            "order_id": order.id,
            "staff_note": note,
            "user_id": None,
            "shipping_lines": {"additions": [], "removals": []},
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "line_items": changed,
            "committed_at": parts.when(order.updated_at, shop),
        }
    }


def _order_head(order: Order, shop: Shop) -> dict[str, Any]:
    ended = order.cancelled_at
    return {
        "id": order.id,
        "admin_graphql_api_id": order.gid,
        "app_id": 580111,
        "name": order.name,
        "number": order.number - 1000,
        "order_number": order.number,
        "token": f"{order.id:032x}",
        "confirmation_number": f"C{order.number:08X}",
        "confirmed": True,
        "test": False,
        "created_at": parts.when(order.created_at, shop),
        "processed_at": parts.when(order.created_at, shop),
        "updated_at": parts.when(order.updated_at, shop),
        "cancelled_at": parts.when(ended, shop),
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "closed_at": parts.when(ended, shop),
        "currency": order.currency,
        "presentment_currency": order.currency,
        "financial_status": facts.financial_status(order).lower(),
        "fulfillment_status": _FULFILLMENT_STATUS.get(facts.fulfillment_status(order)),
        "gateway": (facts.gateways(order) or [""])[0],
        "payment_gateway_names": facts.gateways(order),
        "email": order.email or "",
        "contact_email": order.email,
        "phone": order.phone,
        "note": order.note,
        "tags": ", ".join(order.tags),
        "source_name": "web",
        "customer_locale": "en",
        "buyer_accepts_marketing": False,
    }
