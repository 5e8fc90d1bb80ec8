"""Installs by an authorization code, for stores whose app stands outside the admin: the link, and who came back by it.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant. ShopifyAPI
checks what Shopify signed and writes the link. Its session keeps the keys on the class, for every thread at once, so
each check has a class of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from integrations.http import vendor_origin
from integrations.ports import AppKeys, Origins
from integrations.storefronts.shopify import scopes
from integrations.storefronts.shopify.client import SHOP_DOMAIN

# ShopifyAPI lets a day pass; the merchant's way there and back takes minutes.
FRESH_S = 600


def shop_of(text: str) -> str | None:
    """The shop domain that was asked for, where it is one: ShopifyAPI would make one of anything."""
    shop = text.strip().lower()
    return shop if SHOP_DOMAIN.fullmatch(shop) and _session(shop).url == shop else None


def genuine(query: Mapping[str, str], keys: AppKeys, now: datetime) -> bool:
    """Whether Shopify signed this query of late, with the app's secret or the one before it."""
    stamp = query.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    if abs(now.timestamp() - int(stamp)) > FRESH_S:
        return False
    secrets = [secret for secret in (keys.client_secret, keys.old_client_secret) if secret]
    return any(_keyed(keys.client_id, secret).validate_params(dict(query)) for secret in secrets)


def permission_url(shop: str, state: str, redirect_uri: str, keys: AppKeys, origins: Origins) -> str:
    """Where the merchant is asked for what we need. What only some stores need is not asked for: Shopify refuses the
    whole link for `read_all_orders` where it has not approved it (https://shopify.dev/docs/api/usage/access-scopes).
    """
    session = _keyed(keys.client_id, keys.client_secret)(shop, _ANY_VERSION)
    asked: str = session.create_permission_url([*scopes.REQUIRED], redirect_uri, state)
    if not origins.shopify:
        return asked
    # A stand-in has one host name for every store, so that the query has to say which.
    origin = vendor_origin(origins.shopify, default="", setting="SHOPIFY_ORIGIN", suffix="")
    return f"{asked.replace(f'https://{shop}', origin, 1)}&{urlencode({'shop': shop})}"


# The session wants to know one; no call is made through it.
_ANY_VERSION = "unstable"


def _session(shop: str) -> Any:
    return _keyed("", "")(shop, _ANY_VERSION)


@functools.lru_cache(maxsize=8)
def _keyed(client_id: str, secret: str) -> Any:
    import shopify

    return type("KeyedSession", (shopify.Session,), {"api_key": client_id, "secret": secret})
