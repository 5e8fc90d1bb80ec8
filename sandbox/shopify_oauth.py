"""Shopify's OAuth doors: /admin/oauth/access_token for every grant, and /admin/oauth/authorize for the merchant's yes.

Sources: shopify.dev/docs/apps/build/authentication-authorization/access-tokens (token-exchange,
authorization-code-grant, offline-access-tokens), read 2026-11-22. A store's own host name says at Shopify which store
is meant; here the query may say it.
"""

import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from flask import Blueprint, Response, redirect, request

from sandbox.core import Answer, Core
from sandbox.shopify_grants import App, Grant
from sandbox.shopify_store import Shop, Store

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 # nosec B105 # the name of a kind of token
_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


def add(routes: Blueprint, core: Core, store: Store) -> None:
    @routes.post("/admin/oauth/access_token")
    def access_token() -> Response:
        asked = _asked()
        operation = _operation(asked)
        summary = {"grant": operation, "expiring": str(asked.get("expiring", ""))}

        def perform() -> Answer:
            with store.lock:
                return _answer(store, operation, asked)

        return core.answer("shopify", operation, perform, summary=summary)

    @routes.get("/admin/oauth/authorize")
    def authorize() -> Any:
        """The merchant says yes at once, to all that is asked for and that the store's owner may give."""
        with store.lock:
            return _authorize(store)


def id_token(app: App, shop: Shop, *, user: str, lasts_s: float, secret: str = "", **claims: Any) -> str:
    """An ID token as App Bridge hands it out; `claims` overrule."""
    now = int(time.time())
    said: dict[str, Any] = {
        "iss": f"https://{shop.domain}/admin",
        "dest": f"https://{shop.domain}",
        "aud": app.client_id,
        "sub": user,
        "exp": now + int(lasts_s),
        "nbf": now,
        "iat": now,
        "jti": secrets.token_hex(8),
        "sid": secrets.token_hex(8),
    }
    kept = {name: value for name, value in (said | claims).items() if value is not None}
    return jwt.encode(kept, secret or app.client_secret, algorithm="HS256")


def signed_query(secret: str, **parameters: str) -> str:
    """A query as Shopify signs it: every parameter but `hmac`, sorted, in hex."""
    text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return urlencode({**parameters, "hmac": digest})


def _asked() -> dict[str, Any]:
    """The parameters, sent as JSON or as a form: Shopify takes both."""
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else request.form.to_dict()


def _operation(asked: dict[str, Any]) -> str:
    """What the call log and the faults call it."""
    if asked.get("grant_type") == "refresh_token":
        return "oauth.refresh"
    if asked.get("grant_type") == _EXCHANGE:
        return "oauth.migrate" if asked.get("subject_token_type") == _OFFLINE else "oauth.exchange"
    return "oauth.code"


def _answer(store: Store, operation: str, asked: dict[str, Any]) -> Answer:
    app = store.grants.app
    if app is None or asked.get("client_id") != app.client_id or asked.get("client_secret") not in app.secrets:
        return _refused(400, "invalid_client", "The client is not known, or its secret is wrong.")
    if operation == "oauth.refresh":
        grant = store.grants.renew(str(asked.get("refresh_token", "")))
        return _granted(store, grant) if grant else _refused(400, "invalid_grant", "This refresh token is not active.")
    if operation == "oauth.migrate":
        grant = store.grants.migrate(str(asked.get("subject_token", "")))
        return _granted(store, grant) if grant else _refused(400, "invalid_subject_token", "The token is not active.")
    if operation == "oauth.exchange":
        return _exchanged(store, app, asked)
    return _coded(store, asked)


def _exchanged(store: Store, app: App, asked: dict[str, Any]) -> Answer:
    shop = _shop_of(store, app, str(asked.get("subject_token", "")))
    if shop is None or asked.get("requested_token_type") != _OFFLINE or asked.get("subject_token_type") != _ID_TOKEN:
        return _refused(400, "invalid_subject_token", "The ID token is stale or is none.")
    return _issued(store, shop, asked)


def _coded(store: Store, asked: dict[str, Any]) -> Answer:
    found = store.grants.codes.pop(str(asked.get("code", "")), None)
    if found is None:
        return _refused(400, "invalid_request", "The authorization code was not found or was already used")
    return _issued(store, found[0], asked)


def _issued(store: Store, shop: Shop, asked: dict[str, Any]) -> Answer:
    if str(asked.get("expiring", "")) == "1":
        return _granted(store, store.grants.pair(shop))
    access = f"shpat_{secrets.token_hex(16)}"
    store.grants.lasting(shop, access)
    return Answer(200, {"access_token": access, "scope": ",".join(shop.scopes)})


def _granted(store: Store, grant: Grant) -> Answer:
    now = time.time()
    body = {
        "access_token": grant.access,
        "expires_in": round((grant.expires_at or now) - now),
        "refresh_token": grant.refresh,
        "refresh_token_expires_in": round(grant.refresh_expires_at - now),
        "scope": ",".join(grant.scopes),
    }
    left_out, store.grants.left_out = store.grants.left_out, set()
    return Answer(200, {name: value for name, value in body.items() if name not in left_out})


def _refused(status: int, error: str, said: str) -> Answer:
    return Answer(status, {"error": error, "error_description": said}, effect=False)


def _shop_of(store: Store, app: App, token: str) -> Shop | None:
    for secret in app.secrets:
        try:
            claims = jwt.decode(token, secret, algorithms=["HS256"], audience=app.client_id)
        except jwt.PyJWTError:
            continue
        return store.by_domain.get(urlsplit(str(claims.get("dest", ""))).hostname or "")
    return None


def _authorize(store: Store) -> Any:
    app, shop = store.grants.app, store.by_domain.get(request.args.get("shop", request.host))
    target = request.args.get("redirect_uri", "")
    if app is None or shop is None or request.args.get("client_id") != app.client_id:
        return Response("Oauth error invalid_client", status=400)
    if app.redirect_urls and target not in app.redirect_urls:
        return Response("Oauth error invalid_request: the redirect_uri is not whitelisted", status=400)
    code = secrets.token_hex(16)
    wanted = [scope for scope in request.args.get("scope", "").split(",") if scope]
    store.grants.codes[code] = (shop, tuple(wanted))
    query = signed_query(
        app.client_secret,
        code=code,
        host="YWRtaW4",
        shop=shop.domain,
        state=request.args.get("state", ""),
        timestamp=str(int(time.time())),
    )
    return redirect(f"{target}?{query}", 302)
