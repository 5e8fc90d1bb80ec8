"""What the control door shows of a store: what a person would see in Shopify's admin, in few words."""

from decimal import Decimal
from typing import Any

from sandbox import shopify_facts as facts
from sandbox.shopify_records import Fulfillment, Order, Refund, Subscription
from sandbox.shopify_schema import written
from sandbox.shopify_store import Shop
from sandbox.shopify_things import QUANTITY_STATES, Level, Location, Product, Variant


def shop(shop: Shop) -> dict[str, Any]:
    """A store with the ids of all that is in it."""
    return {
        "id": shop.id,
        "admin_graphql_api_id": shop.gid,
        "domain": shop.domain,
        "name": shop.name,
        "currency": shop.currency,
        "locations": [place(one) for one in shop.locations],
        "products": [product(one) for one in shop.products],
    }


def place(location: Location) -> dict[str, Any]:
    return {"id": location.id, "admin_graphql_api_id": location.gid, "name": location.name}


def product(one: Product) -> dict[str, Any]:
    return {
        "id": one.id,
        "admin_graphql_api_id": one.gid,
        "title": one.title,
        "variants": [_variant(variant) for variant in one.variants],
    }


def placed(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "admin_graphql_api_id": order.gid,
        "name": order.name,
        "order_number": order.number,
        "total_price": f"{facts.original_total(order):.2f}",
        "currency": order.currency,
        "lines": [
            {"id": line.id, "admin_graphql_api_id": line.gid, "sku": line.variant.sku, "quantity": line.quantity}
            for line in order.lines
        ],
        "fulfillment_orders": [
            {"id": work.id, "admin_graphql_api_id": work.gid, "location": work.location.name}
            for work in order.work_orders
        ],
        "transactions": [
            {"id": payment.id, "admin_graphql_api_id": payment.gid, "kind": payment.type, "status": payment.status}
            for payment in order.transactions
        ],
    }


def order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "admin_graphql_api_id": order.gid,
        "name": order.name,
        "updated_at": written(order.updated_at),
        "financial_status": facts.financial_status(order),
        "fulfillment_status": facts.fulfillment_status(order),
        "cancelled": order.cancelled_at is not None,
        "cancel_reason": order.cancel_reason,
        "received": f"{facts.received(order):.2f}",
        "refunded": f"{facts.refunded(order):.2f}",
        "tags": order.tags,
        "lines": [{"sku": line.variant.sku, "quantity": line.current_quantity} for line in order.lines],
        "refunds": [_refund(made) for made in order.refunds],
        "fulfillments": [_fulfillment(made) for made in order.fulfillments],
        "fulfillment_orders": [
            {"id": work.id, "status": work.status, "location": work.location.name,
             "lines": [{"sku": row.line.variant.sku, "remaining": row.remaining} for row in work.lines]}
            for work in order.work_orders
        ],
        "holds": [
            {"id": hold.gid, "reason": hold.reason, "handle": hold.handle, "ours": hold.ours, "notes": hold.notes}
            for work in order.work_orders
            for hold in work.holds
        ],
    }  # fmt: skip


def subscription(one: Subscription) -> dict[str, Any]:
    return {"id": one.id, "admin_graphql_api_id": one.gid, "topic": one.topic, "uri": one.uri, "filter": one.filter}


def level(level: Level) -> dict[str, Any]:
    return {
        "sku": level.item.variant.sku,
        "location": level.location.name,
        "inventory_item_id": level.item.id,
        "location_id": level.location.id,
        "on_hand": level.quantity("on_hand"),
        **{state: level.quantities[state] for state in QUANTITY_STATES},
    }


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        "id": variant.id,
        "admin_graphql_api_id": variant.gid,
        "sku": variant.sku,
        "inventory_item_id": variant.item.id,
        "inventory_item_gid": variant.item.gid,
    }


def _refund(made: Refund) -> dict[str, Any]:
    return {
        "admin_graphql_api_id": made.gid,
        "note": made.note,
        "amount": f"{sum((payment.amount for payment in made.transactions), Decimal(0)):.2f}",
        "lines": [
            {
                "sku": row.line.variant.sku,
                "quantity": row.quantity,
                "restock": row.restock_type,
                "location": row.location.name if row.location else None,
            }
            for row in made.lines
        ],
    }


def _fulfillment(made: Fulfillment) -> dict[str, Any]:
    return {
        "id": made.id,
        "admin_graphql_api_id": made.gid,
        "status": "CANCELLED" if made.cancelled else "SUCCESS",
        "display_status": facts.display_status(made),
        "location": made.location.name,
        "tracking": [{"company": one.company, "number": one.number, "url": one.url} for one in made.tracking],
        "lines": [{"sku": shipped.line.variant.sku, "quantity": shipped.quantity} for shipped in made.lines],
        "events": [{"status": event.status, "happened_at": written(event.happened_at)} for event in made.events],
    }
