"""Proves who asks from inside a store's admin, by the ID token that Shopify signs for each of its staff.

https://shopify.dev/docs/apps/build/authentication-authorization/session-tokens. Shopify's own package checks the
signature, the times that are there and who the token is for. Added here: that the times are there, that issuer and
destination are one store's, and that both are written as Shopify writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import shopify_app

from integrations.ports import AppKeys
from integrations.storefronts.shopify.client import SHOP_DOMAIN

PATCH_PATH = "/auth/patch-id-token"
_USER = re.compile(r"[0-9]{1,20}")
# A real one lives a minute; one that is made out for longer than a day was not made by Shopify.
_LONGEST_LIFE_S = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as the check wants it: the address is our public one, whatever the Host header said."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One of a store's staff, proved for this request. `id_token` may be exchanged, and reaches no log."""

    shop: str
    user: str
    id_token: str = field(repr=False)
    preloads: str = ""
    """What the browser may fetch before it has read the page, as a Link header; empty for what is no document."""


@dataclass(frozen=True, kw_only=True)
class Turned:
    """What to answer instead: the package's own redirect or refusal. `why` is its word for it."""

    status: int
    headers: Mapping[str, str]
    why: str


def verify(request: Request, keys: AppKeys) -> Visitor | Turned:
    """Who asks, or what to answer to somebody unproved."""
    found = _app(keys).verify_app_home_req(_plainly(request), PATCH_PATH)
    if not found.ok:
        return Turned(status=found.response.status, headers=found.response.headers, why=found.log.code)
    visitor = _visitor(found.id_token.claims, found.id_token.token, _preloads(found.response.headers))
    if visitor is None:
        return Turned(status=401, headers=RETRY, why="odd_claims")
    return visitor


# Tells App Bridge to get a fresh ID token and to ask once more.
RETRY = {"X-Shopify-Retry-Invalid-Session-Request": "1"}


def patch_page(request: Request, keys: AppKeys) -> str:
    """The page that lets App Bridge get a fresh ID token and load again what was asked for."""
    page: str = _app(keys).app_home_patch_id_token(_plainly(request)).response.body
    return page


def patch_address(request: Request, shop: str, **noted: str) -> str:
    """Where App Bridge fetches another ID token for a document, and loads it again with what is `noted` on it."""
    where = urlsplit(request.url)
    kept = [(name, value) for name, value in parse_qsl(where.query) if name not in {"id_token", "shop", *noted}]
    again = f"{where.path}?{urlencode([('shop', shop), *kept, *noted.items()])}"
    return f"{where.scheme}://{where.netloc}{PATCH_PATH}?{urlencode({'shop': shop, 'shopify-reload': again})}"


def onward(request: Request, keys: AppKeys, path: str, shop: str) -> str:
    """Where to go on to within the frame: the path, with what Shopify gave along."""
    name = shop.removesuffix(".myshopify.com")
    address: str = _app(keys).app_home_redirect(_plainly(request), path, name).response.headers["Location"]
    return address


def is_shop(text: str) -> bool:
    return SHOP_DOMAIN.fullmatch(text) is not None


def _app(keys: AppKeys) -> Any:
    return shopify_app.ShopifyApp(keys.client_id, keys.client_secret, keys.old_client_secret or None)


def _plainly(request: Request) -> dict[str, Any]:
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), "body": ""}


def _preloads(headers: Mapping[str, str]) -> str:
    """The package names the newest Polaris; the pages load the first major version, which stays as it is."""
    return headers.get("Link", "").replace("/polaris.js>", "/polaris-1.js>")


def _visitor(claims: Mapping[str, Any], id_token: str, preloads: str) -> Visitor | None:
    shop = urlsplit(str(claims.get("dest", ""))).hostname or ""
    issuer = urlsplit(str(claims.get("iss", "")))
    user, times = str(claims.get("sub", "")), [claims.get(name) for name in ("nbf", "iat", "exp")]
    told = [time for time in times if isinstance(time, int | float)]
    proved = (
        is_shop(shop)
        and claims.get("dest") == f"https://{shop}"
        and (issuer.scheme, issuer.netloc) == ("https", shop)
        and _USER.fullmatch(user) is not None
        and len(told) == len(times)
        and told[2] - told[1] <= _LONGEST_LIFE_S
    )
    return Visitor(shop=shop, user=user, id_token=id_token, preloads=preloads) if proved else None
