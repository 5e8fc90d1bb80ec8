"""The control door to what an installed app meets: its keys, ID tokens, scopes that change, time, uninstalling.

POST /_sandbox/shopify/app                        {client_id, client_secret, old_client_secret?, redirect_urls?}
POST /_sandbox/shopify/id-tokens                  {shop, user?, lasts_s?, secret?, claims?} → {id_token, host}
POST /_sandbox/shopify/install-links              {shop, secret?, ...more parameters} → {query}, signed
POST /_sandbox/shopify/shops/<domain>/expire      {refresh_too?}: an hour passes (or ninety days)
POST /_sandbox/shopify/shops/<domain>/scopes      {scopes}: what tokens are granted from now on
POST /_sandbox/shopify/shops/<domain>/leave-out   {fields}: what the next grant's answer does not say
POST /_sandbox/shopify/shops/<domain>/uninstall   every token is refused from now on
GET  /_sandbox/shopify/shops/<domain>/tokens      {access, refresh}: those that count now, oldest first
"""

import base64
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from sandbox import shopify_oauth
from sandbox.shopify_grants import App
from sandbox.shopify_store import Shop, Store
from sandbox.shopify_wishes import Wish


class AppWish(Wish):
    client_id: str
    client_secret: str
    old_client_secret: str = ""
    redirect_urls: tuple[str, ...] = ()


class TokenWish(Wish):
    shop: str
    user: str = "42"
    # A real one lasts a minute.
    lasts_s: float = 60
    secret: str = ""
    claims: dict[str, Any] = Field(default_factory=dict)


def add(routes: Blueprint, store: Store) -> None:
    _add_app(routes, store)
    _add_time(routes, store)


def _add_app(routes: Blueprint, store: Store) -> None:
    @routes.post("/app")
    def register() -> Response:
        wish = AppWish.model_validate(_json())
        with store.lock:
            store.grants.app = App(**wish.model_dump())
        return jsonify({"client_id": wish.client_id})

    @routes.post("/id-tokens")
    def id_token() -> Response:
        wish = TokenWish.model_validate(_json())
        app, shop = _app(store), _shop(store, wish.shop)
        made = shopify_oauth.id_token(
            app, shop, user=wish.user, lasts_s=wish.lasts_s, secret=wish.secret, **wish.claims
        )
        return jsonify({"id_token": made, "host": _host(shop)})

    @routes.post("/install-links")
    def install_link() -> Response:
        wish = _json()
        secret = wish.pop("secret", "") or _app(store).client_secret
        parameters = {"timestamp": str(int(time.time())), **{name: str(value) for name, value in wish.items()}}
        return jsonify({"query": shopify_oauth.signed_query(secret, **parameters)})


def _add_time(routes: Blueprint, store: Store) -> None:
    @routes.post("/shops/<domain>/expire")
    def expire(domain: str) -> Response:
        with store.lock:
            store.grants.expire(_shop(store, domain), refresh_too=bool(_json().get("refresh_too")))
        return jsonify({"expired": domain})

    @routes.post("/shops/<domain>/scopes")
    def scopes(domain: str) -> Response:
        with store.lock:
            shop = _shop(store, domain)
            shop.scopes[:] = [str(scope) for scope in _json().get("scopes", [])]
        return jsonify({"scopes": shop.scopes})

    @routes.post("/shops/<domain>/leave-out")
    def leave_out(domain: str) -> Response:
        with store.lock:
            _shop(store, domain)
            store.grants.left_out = set(_json().get("fields", []))
        return jsonify({"left_out": sorted(store.grants.left_out)})

    @routes.post("/shops/<domain>/uninstall")
    def uninstall(domain: str) -> Response:
        with store.lock:
            store.grants.end(_shop(store, domain))
        return jsonify({"uninstalled": domain})

    @routes.get("/shops/<domain>/tokens")
    def tokens(domain: str) -> Response:
        with store.lock:
            shop = _shop(store, domain)
            access = [one.access for one in store.grants.by_access.values() if one.shop is shop]
            refresh = [one.refresh for one in store.grants.by_refresh.values() if one.shop is shop]
        return jsonify({"access": access, "refresh": refresh})


def _app(store: Store) -> App:
    if store.grants.app is None:
        raise ValueError("no app: POST /_sandbox/shopify/app first")
    return store.grants.app


def _shop(store: Store, domain: str) -> Shop:
    if domain not in store.by_domain:
        raise ValueError(f"no shop {domain!r}")
    return store.by_domain[domain]


def _host(shop: Shop) -> str:
    """The `host` parameter of an embedded app: where its frame stands, in base64 without padding."""
    at = f"admin.shopify.com/store/{shop.domain.removesuffix('.myshopify.com')}"
    return base64.b64encode(at.encode()).decode().rstrip("=")


def _json() -> dict[str, Any]:
    wish = request.get_json(silent=True)
    return wish if isinstance(wish, dict) else {}
