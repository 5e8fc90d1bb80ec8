"""Proves what a store's own storefront asks through Shopify, which signs it: an app proxy.

https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies. Shopify's own package checks the
signature and that it is of these ninety seconds. Added here: that the shop is named as Shopify names one, and that a
signature is one before it is compared. Who is logged in there is signed along, and is none of our business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import shopify_app

from integrations.storefronts.shopify.client import SHOP_DOMAIN

_SIGNATURE = re.compile(r"[0-9a-f]{64}")


def shop_of(address: str) -> str | None:
    """The store that an address says that it comes from; nothing is proved yet."""
    named = parse_qs(urlsplit(address).query).get("shop", [])
    return named[0] if len(named) == 1 and SHOP_DOMAIN.fullmatch(named[0]) else None


def genuine(address: str, secrets: Sequence[str]) -> bool:
    """Whether Shopify signed this address just now, with one of the secrets."""
    signatures = parse_qs(urlsplit(address).query).get("signature", [])
    if len(signatures) != 1 or not _SIGNATURE.fullmatch(signatures[0]):
        return False
    asked = {"method": "GET", "url": address, "headers": {}, "body": ""}
    return any(shopify_app.ShopifyApp("proxy", secret, None).verify_app_proxy_req(asked).ok for secret in secrets)
