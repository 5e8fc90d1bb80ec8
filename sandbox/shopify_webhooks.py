"""Sends what an act announced: signed as Shopify signs, to the app's own address and to its subscriptions."""

import base64
import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from sandbox import shopify_search as search
from sandbox.core import Core
from sandbox.deliveries import HeadersFor
from sandbox.shopify_act import CURRENT_VERSION, Act
from sandbox.shopify_records import Subscription
from sandbox.shopify_store import Shop


def send(core: Core, act: Act) -> None:
    """One webhook per topic and receiver; all of one act share an event id."""
    event_id = str(uuid.uuid4())
    for (topic, _), body in act.news.items():
        payload = body()
        if act.shop.topics is None or topic in act.shop.topics:
            _post(core, act.shop, act.shop.domain, topic, payload, event_id, CURRENT_VERSION)
        for subscription in act.shop.subscriptions.values():
            if _wanted(subscription, topic, payload):
                target = f"{act.shop.domain}/{subscription.id}"
                core.deliveries.register("shopify", target, subscription.uri)
                shown = _trimmed(payload, subscription.include_fields)
                _post(core, act.shop, target, topic, shown, event_id, subscription.api_version)


def signature(secret: str, raw: bytes) -> str:
    """X-Shopify-Hmac-Sha256 (shopify.dev/docs/apps/build/webhooks/verify-deliveries)."""
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


def _post(
    core: Core, shop: Shop, target: str, topic: str, payload: dict[str, Any], event_id: str, version: str
) -> None:
    delivery_id = str(uuid.uuid4())
    raw = _written(payload)
    headers = _headers(shop, topic, version, delivery_id, event_id)
    core.deliveries.send("shopify", target, topic, headers, raw, delivery_id)


def _headers(shop: Shop, topic: str, version: str, delivery_id: str, event_id: str) -> HeadersFor:
    triggered_at = datetime.now(UTC).isoformat().replace("+00:00", "Z")

    def signed(raw: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": shop.domain,
            "X-Shopify-API-Version": version,
            "X-Shopify-Hmac-Sha256": signature(shop.secret, raw),
            "X-Shopify-Triggered-At": triggered_at,
            "X-Shopify-Webhook-Id": delivery_id,
            "X-Shopify-Event-Id": event_id,
        }

    return signed


def _written(payload: dict[str, Any]) -> bytes:
    """Compact, and with &, < and > escaped, so that a receiver which parses and writes again finds another text."""
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    for sign in "&<>":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode()


def _wanted(subscription: Subscription, topic: str, payload: dict[str, Any]) -> bool:
    if subscription.topic != topic.replace("/", "_").upper() or not subscription.uri.startswith("http"):
        return False
    if not subscription.filter:
        return True
    # A filter on a field that the payload does not carry delivers nothing (…/webhooks/customize/filters).
    names = {term.partition(":")[0].lstrip("-") for term in subscription.filter.split() if ":" in term}
    if any(_value(payload, name) is None for name in names):
        return False
    getters: dict[str, Any] = {name: lambda body, name=name: _value(body, name) for name in names}
    return search.matches(search.parse(subscription.filter, getters), payload, getters)


def _value(payload: dict[str, Any], name: str) -> Any:
    value: Any = payload
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _trimmed(payload: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    tops = {name.partition(".")[0] for name in fields}
    return {key: value for key, value in payload.items() if key in tops} if fields else payload
