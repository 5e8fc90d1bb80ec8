"""How Shopify's webhooks are received: whose they are, whether they are genuine, and what they say.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries, read 2026-11-21. Only the body is signed: topic, shop
and ids come from headers that anyone may write around a genuine body, so they are checked and bounded, not trusted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import datetime

from integrations import nouns
from integrations.json_body import read_object
from integrations.ports import Delivery, Envelope
from integrations.storefronts.shopify import topics
from integrations.storefronts.shopify.client import SHOP_DOMAIN, VENDOR

# What the columns behind an envelope hold.
LONGEST_NAME = 255
_PLAIN = re.compile(rf"[!-~]{{1,{LONGEST_NAME}}}")


class ShopifyDoor:
    vendor = VENDOR
    signature_header = "x-shopify-hmac-sha256"

    def account(self, delivery: Delivery) -> str | None:
        shop = delivery.headers.get("x-shopify-shop-domain", "").strip().lower()
        return shop if SHOP_DOMAIN.fullmatch(shop) else None

    def genuine(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> bool:  # noqa: ARG002
        """Shopify signs no time, so `now` decides nothing: a replay is caught by its id."""
        # Bytes, because comparing text that is not ASCII raises; surrogates are how a server hands over odd bytes.
        given = delivery.headers.get(self.signature_header, "").strip().encode("utf-8", "surrogatepass")
        # Every secret is tried, found or not. An empty one would let anybody sign.
        matches = [hmac.compare_digest(given, _signature(secret, delivery.body)) for secret in secrets if secret]
        return any(matches)

    def envelope(self, delivery: Delivery) -> Envelope:
        topic = _plain(delivery.headers.get("x-shopify-topic", "").lower())
        given = _plain(delivery.headers.get("x-shopify-webhook-id", ""))
        return Envelope(
            topic=topic,
            delivery_id=given or hashlib.sha256(topic.encode() + b"\n" + delivery.body).hexdigest(),
            occasion=_occasion(delivery) if topics.repeats(topic) else "",
        )

    def read(self, topic: str, delivery: Delivery, *, live: bool) -> nouns.Fact:
        if live and delivery.headers.get("x-shopify-test", "").strip().lower() == "true":
            return nouns.Ignored(reason="a sample that was triggered by hand, for a live store")
        if topics.reader_of(topic) is None:
            return topics.read(topic, {})
        return topics.read(topic, read_object(delivery.body))


def sample(account: str, secret: str, mark: str, now: datetime) -> Delivery:
    """A delivery of a topic that Shopify does not have."""
    body = json.dumps({"mark": mark, "at": now.isoformat()}).encode()
    signature = _signature(secret, body).decode("ascii")
    headers = {"x-shopify-topic": "packline/self_test", "x-shopify-webhook-id": mark, "x-shopify-shop-domain": account}
    return Delivery(body=body, headers=headers | {ShopifyDoor.signature_header: signature})


def _signature(secret: str, body: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode("utf-8", "surrogatepass"), body, "sha256"))


def _plain(header: str) -> str:
    stripped = header.strip()
    return stripped if _PLAIN.fullmatch(stripped) else ""


def _occasion(delivery: Delivery) -> str:
    # The event id is shared by all deliveries of one action of the merchant; the time differs with each.
    event = _plain(delivery.headers.get("x-shopify-event-id", ""))
    return event or _plain(delivery.headers.get("x-shopify-triggered-at", ""))
