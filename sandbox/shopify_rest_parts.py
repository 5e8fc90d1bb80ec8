"""The pieces of Shopify's REST resources: lines, addresses, money and times in REST's spelling."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import shopify_facts as facts
from sandbox.shopify_records import Customer, Line, Order, Transaction
from sandbox.shopify_store import Shop
from sandbox.shopify_things import Address


def line(row: Line, currency: str) -> dict[str, Any]:
    variant, shipped = row.variant, facts.fulfilled_quantity(row)
    partly = "partial" if shipped else None
    return {
        "id": row.id,
        "admin_graphql_api_id": row.gid,
        "variant_id": variant.id,
        "product_id": variant.product.id,
        "product_exists": True,
        "sku": variant.sku,
        "title": variant.product.title,
        "variant_title": variant.choice,
        "name": variant.line_name,
        "vendor": variant.product.vendor,
        "quantity": row.quantity,
        "current_quantity": row.current_quantity,
        "fulfillable_quantity": facts.fulfillable_quantity(row),
        "fulfillment_status": "fulfilled" if shipped and shipped >= row.current_quantity else partly,
        "fulfillment_service": "manual",
        "price": amount(row.price),
        "price_set": money_set(row.price, currency),
        "total_discount": "0.00",
        "grams": variant.grams,
        "requires_shipping": variant.requires_shipping,
        "taxable": True,
        "gift_card": False,
        "variant_inventory_management": "shopify" if variant.item.tracked else None,
        "properties": [],
        "tax_lines": [],
        "duties": [],
        "discount_allocations": [],
    }


def shipping_lines(order: Order) -> list[dict[str, Any]]:
    if not order.shipping:
        return []
    chosen = order.shipping
    return [
        {
            "id": chosen.id,
            "title": chosen.title,
            "code": chosen.title,
            "source": "shopify",
            "carrier_identifier": None,
            "requested_fulfillment_service_id": None,
            "phone": None,
            "price": amount(chosen.price),
            "price_set": money_set(chosen.price, order.currency),
            "discounted_price": amount(chosen.price),
            "is_removed": False,
            "tax_lines": [],
            "discount_allocations": [],
        }
    ]


def customer(buyer: Customer, shop: Shop) -> dict[str, Any]:
    return {
        "id": buyer.id,
        "admin_graphql_api_id": buyer.gid,
        "email": buyer.email,
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "phone": buyer.phone,
        "state": "disabled",
        "verified_email": True,
        "tax_exempt": False,
        "currency": shop.currency,
        "tags": "",
        "note": None,
        "created_at": when(buyer.created_at, shop),
        "updated_at": when(buyer.created_at, shop),
    }


def address(place: Address | None) -> dict[str, Any] | None:
    if place is None:
        return None
    names = ("first_name", "last_name", "company", "address1", "address2", "city", "province", "province_code", "zip")
    return {
        **{name: getattr(place, name) for name in names},
        "country": place.country,
        "country_code": place.country_code,
        "phone": place.phone,
        "name": place.name,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }


def amount(money: Decimal) -> str:
    return f"{money:.2f}"


def money_set(money: Decimal, currency: str) -> dict[str, dict[str, str]]:
    both = {"amount": amount(money), "currency_code": currency}
    return {"shop_money": both, "presentment_money": dict(both)}


def transaction(payment: Transaction, shop: Shop) -> dict[str, Any]:
    return {
        "id": payment.id,
        "admin_graphql_api_id": payment.gid,
        "order_id": payment.order.id,
        "kind": payment.type.lower(),
        "status": payment.status.lower(),
        "gateway": payment.gateway,
        "amount": amount(payment.amount),
        "currency": payment.order.currency,
        "parent_id": payment.parent.id if payment.parent else None,
        "created_at": when(payment.created_at, shop),
        "processed_at": when(payment.created_at, shop),
        "test": False,
    }


def when(moment: datetime | None, shop: Shop) -> str | None:
    """REST times are in the store's own zone, with its offset."""
    return moment.astimezone(ZoneInfo(shop.timezone)).isoformat() if moment else None
