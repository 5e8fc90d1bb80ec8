"""Webhook bodies as Shopify writes them, and what our door makes of them."""

import json

import pytest

from integrations.ports import Delivery, Unreadable
from integrations.storefronts.shopify import VENDOR


def line(**changes):
    return {
        "id": 41,
        "admin_graphql_api_id": "gid://shopify/LineItem/41",
        "variant_id": 51,
        "sku": "MUG-BLUE",
        "name": "Mug - Blue",
        "title": "Mug",
        "quantity": 3,
        "current_quantity": 2,
        "price": "12.50",
        "grams": 350,
        "requires_shipping": True,
        "properties": [{"name": "engraving", "value": "for Ada"}],
    } | changes


def order(**changes):
    """An order as webhooks tell it: the fields we read among others that we do not."""
    return {
        "id": 31,
        "admin_graphql_api_id": "gid://shopify/Order/31",
        "name": "#1001",
        "created_at": "2026-11-20T09:30:00-05:00",
        "updated_at": "2026-11-20T09:31:02-05:00",
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": "USD",
        "total_price": "37.00",
        "current_total_price": "32.00",
        "current_subtotal_price": "27.00",
        "financial_status": "paid",
        "line_items": [line()],
        "shipping_address": {
            "first_name": "Ada",
            "last_name": "Byron",
            "name": "Ada Byron",
            "company": None,
            "address1": "12 St James's Square",
            "address2": None,
            "city": "New York",
            "province": "New York",
            "province_code": "NY",
            "zip": "10001",
            "country": "United States",
            "country_code": "US",
            "phone": None,
            "latitude": 40.7,
        },
        "shipping_lines": [
            {"title": "Ground", "price": "7.00", "discounted_price": "5.00", "is_removed": False},
            {"title": "Air", "price": "20.00", "discounted_price": "20.00", "is_removed": True},
        ],
        "email": "ada@example.com",
        "contact_email": "other@example.com",
        "phone": "+12125550100",
        "tags": "wholesale, gift ",
        "test": False,
        "tax_lines": [],
    } | changes


def read(topic, body, live=True):
    return VENDOR.door.read(topic, Delivery(body=json.dumps(body).encode(), headers={}), live=live)


def snapshot(**changes):
    return read("orders/updated", order(**changes)).snapshot


def refusal(topic, body):
    with pytest.raises(Unreadable) as caught:
        read(topic, body)
    return caught.value.reason
