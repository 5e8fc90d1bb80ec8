"""What a store tells of itself and of its buyers, signed with the app's own secret, as a test sends it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from itertools import count
from typing import Any

from sqlalchemy import text

from tests import patient
from tests.world import HOOK_SECRET, SHOP, World

NUMBER = 954889
CUSTOMER = {"id": 7_206_871_965_882, "email": "ada@example.com", "phone": "4155550100"}
_ids = count(1)


def deliver(
    world: World, topic: str, body: Any, *, shop: str = SHOP, secret: str = HOOK_SECRET, id: str = ""
) -> tuple[int, str]:
    """Answers the status and what became of it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode()
    headers = {
        "X-Shopify-Hmac-Sha256": signature, "X-Shopify-Shop-Domain": shop, "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": id or f"farewell-{next(_ids)}", "X-Shopify-Event-Id": f"event-{next(_ids)}",
        "Content-Type": "application/json",
    }  # fmt: skip
    answered = patient.post(f"{world.origin}/hooks/shopify", content=raw, headers=headers, timeout=30)
    return answered.status_code, answered.json()["result"]


def uninstalled(number: int = NUMBER, domain: str | None = None) -> dict[str, Any]:
    """The body is the Shop itself; in Shopify's own sample its domain is null."""
    return {"id": number, "name": "Acme", "email": "owner@acme.example", "myshopify_domain": domain, "domain": None}


def redact_shop(number: int = NUMBER, domain: str = SHOP) -> dict[str, Any]:
    return {"shop_id": number, "shop_domain": domain}


def redact_buyer(*orders: dict[str, Any], customer: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return redact_shop(**more) | {
        "customer": CUSTOMER if customer is None else customer,
        "orders_to_redact": [order["id"] for order in orders],
    }


def data_request(*orders: dict[str, Any], id: int = 9999, **more: Any) -> dict[str, Any]:
    return redact_shop(**more) | {
        "customer": CUSTOMER,
        "orders_requested": [order["id"] for order in orders],
        "data_request": {"id": id},
    }


def know_its_number(world: World, number: int | str = NUMBER) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE connections SET remote_account_id = :n WHERE vendor = 'shopify'"), {"n": str(number)}
        )


def leave(world: World) -> None:
    """The merchant takes Packline away: from now on the store refuses its token."""
    world.control("POST", f"/shopify/shops/{SHOP}/uninstall")


def found_in(left: str, *words: str) -> list[str]:
    """Those of the words that stand there; short ones by themselves, for five digits are part of many a time."""
    return [word for word in words if re.search(rf"\b{word}\b" if len(word) < 6 else re.escape(word), left)]


def dump(world: World) -> str:
    """Every row of every table, bytes as the text that they are."""
    tables = world.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    lines = []
    for table in tables:
        for row in world.rows(f"SELECT * FROM {table.tablename}"):
            lines += [
                bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview)
                else json.dumps(value, default=str, ensure_ascii=False) for value in row
            ]  # fmt: skip
    return "\n".join(lines)
