"""Gets the tokens that Shopify grants for a store: by an ID token, by a code, by a refresh token, by a lasting one.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens, read 2026-11-22. Shopify's own package
writes the requests for ID tokens and refresh tokens. It is not left to read the answers: it waits and repeats inside a
call, takes an answer without `expires_in` for one that has ended, and cannot read a Retry-After with a decimal point.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import shopify_app
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.http import retry_after_s, vendor_origin
from integrations.ports import (
    AppKeys,
    CallNote,
    Credentials,
    Granted,
    Notice,
    Origins,
    OutsideFailure,
    Permanent,
    Temporary,
)
from integrations.storefronts.shopify import refusals, scopes, transport
from integrations.storefronts.shopify.client import VENDOR, Client, shop_domain

# What a merchant can cure by opening the app, and what only whoever runs it can: the codes of a Permanent.
CONSENT, APP_KEYS, STALE = "consent", "app_keys", "stale"
# https://shopify.dev/docs/apps/build/authentication-authorization/migrate-to-expiring-offline-access-tokens
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


class Pair(BaseModel):
    """A granted token. What is not said stays None, and is not guessed: a refresh was seen that told no end."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: str = Field(pattern=r"^[!-~]+$")
    scope: str = ""
    expires_in: int | None = Field(default=None, gt=0)
    refresh_token: str | None = Field(default=None, pattern=r"^[!-~]+$")
    refresh_token_expires_in: int | None = Field(default=None, gt=0)


def exchange(id_token: str, shop: str, keys: AppKeys, origins: Origins, notice: Notice) -> Granted:
    """An expiring pair for an ID token that was verified. Permanent with code STALE where it is no longer good."""
    claims = {"dest": f"https://{shop}"}
    token = {"exchangeable": True, "token": id_token, "claims": claims}

    def ask(app: shopify_app.ShopifyApp, line: httpx.Client) -> None:
        app.exchange_using_token_exchange("offline", id_token=token, expiring=True, http_client=line)

    return _granted("exchange_token", shop, keys, origins, notice, _by_package(ask))


def take_code(code: str, shop: str, keys: AppKeys, origins: Origins, notice: Notice) -> Granted:
    """An expiring pair for an authorization code; ShopifyAPI's own `request_token` asks for one without an end."""
    return _granted("take_code", shop, keys, origins, notice, _by_hand({"code": code, "expiring": "1"}))


def renew(credentials: Credentials, keys: AppKeys, origins: Origins, notice: Notice) -> Granted:
    """A new pair for a refresh token; where there is none, for the lasting token itself, which ends with it for good.

    Raises Permanent with code CONSENT where Shopify refuses it: only the merchant's opening the app helps then.
    """
    shop = shop_domain(credentials.account)
    refresh_token = credentials.secrets.get("refresh_token", "")
    if not refresh_token:
        return _granted("migrate_token", shop, keys, origins, notice, _by_hand(_migration(credentials)))
    # Without its ends the package renews when it is told to, and not when it sees fit.
    held = {"shop": shop.removesuffix(".myshopify.com"), "refresh_token": refresh_token, "access_mode": "offline"}

    def ask(app: shopify_app.ShopifyApp, line: httpx.Client) -> None:
        app.refresh_token_exchanged_access_token(held, http_client=line)

    return _granted("renew_token", shop, keys, origins, notice, _by_package(ask))


def is_taken(credentials: Credentials, origins: Origins, notice: Notice) -> bool:
    """Whether Shopify takes this access token, by one cheap question. Raises Temporary, and Permanent for the rest."""
    try:
        Client(credentials, origins, notice).ask("ReadAccount")
    except Permanent as refusal:
        if refusal.code in {"401", "token"}:
            return False
        raise
    return True


def _migration(credentials: Credentials) -> dict[str, str]:
    return {
        "grant_type": _EXCHANGE,
        "subject_token": credentials.secrets.get("access_token", ""),
        "subject_token_type": _OFFLINE,
        "requested_token_type": _OFFLINE,
        "expiring": "1",
    }


# ------------------------------------------------------------------------------------------- one call

_Ask = Callable[[AppKeys, "_Line"], None]


def _granted(verb: str, shop: str, keys: AppKeys, origins: Origins, notice: Notice, ask: _Ask) -> Granted:
    """Ask with the app's secret, and with the one before it: a token is bound to the secret that it was made with."""
    refusal: Permanent | None = None
    for one in _each_secret(keys):
        try:
            pair = _noted(verb, notice, lambda one=one: _asked(shop, one, origins, ask))  # type: ignore[misc]
        except Permanent as failure:
            # What the secrets disagree about is told by the one that was taken.
            refusal = failure if refusal is None or refusal.code == APP_KEYS else refusal
        else:
            return _told(shop, pair, datetime.now(UTC))
    raise refusal or _no_keys()


def _each_secret(keys: AppKeys) -> Iterator[AppKeys]:
    if not keys.client_id:
        return
    for secret in dict.fromkeys((keys.client_secret, keys.old_client_secret)):
        if secret:
            yield AppKeys(client_id=keys.client_id, client_secret=secret)


def _noted(verb: str, notice: Notice, call: Callable[[], Pair]) -> Pair:
    started, outcome = time.monotonic(), "ok"
    try:
        return call()
    except OutsideFailure as failure:
        outcome = failure.code or "failed"
        raise
    finally:
        notice(CallNote(vendor=VENDOR, verb=verb, outcome=outcome, ms=round((time.monotonic() - started) * 1000)))


def _asked(shop: str, keys: AppKeys, origins: Origins, ask: _Ask) -> Pair:
    line = _Line(vendor_origin(origins.shopify, default=f"https://{shop}", setting="SHOPIFY_ORIGIN", suffix=""))
    ask(keys, line)
    if line.pair is None:
        raise Temporary("Shopify was not asked for a token.", code="not_asked")
    return line.pair


def _by_package(ask: Callable[[shopify_app.ShopifyApp, httpx.Client], None]) -> _Ask:
    def asking(keys: AppKeys, line: _Line) -> None:
        # Without the environment's proxies and certificates: the line has its own way out.
        with httpx.Client(transport=line, trust_env=False) as client:
            ask(shopify_app.ShopifyApp(keys.client_id, keys.client_secret), client)

    return asking


def _by_hand(question: Mapping[str, str]) -> _Ask:
    def asking(keys: AppKeys, line: _Line) -> None:
        line.ask({"client_id": keys.client_id, "client_secret": keys.client_secret, **question})

    return asking


class _Line(httpx.BaseTransport):
    """Carries one question to Shopify, or to its stand-in, and reads the answer before anybody else does."""

    def __init__(self, origin: str) -> None:
        self._url = f"{origin}/admin/oauth/access_token"
        self.pair: Pair | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = self.ask(json.loads(request.read()))
        # What is null would make the package stumble, and what is not there does not.
        return httpx.Response(200, json=body.model_dump(exclude_none=True))

    def ask(self, question: Mapping[str, Any]) -> Pair:
        """Raises Temporary, Permanent."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            reply = transport.post(self._url, headers, json.dumps(question).encode())
        except transport.NoAnswer as silence:
            raise refusals.of_silence(silence.kind, arrived=silence.arrived) from None
        self.pair = _read(reply)
        return self.pair


# ------------------------------------------------------------------------------------------- what the answer means


def _read(reply: transport.Reply) -> Pair:
    body = _body(reply.body)
    if reply.status in {400, 401}:
        raise _refused(str(body.get("error", "")))
    wait = retry_after_s(reply.headers.get("retry-after"), datetime.now(UTC))
    failure = refusals.of_status(reply.status, wait, mutation=True)
    if failure:
        raise failure
    try:
        return Pair.model_validate(body)
    except ValidationError:
        # The refresh token that we hold stays good until its replacement is used, so it is asked again.
        raise Temporary("Shopify's answer holds no token.", code="broken_answer", outcome_unknown=True) from None


def _body(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refused(error: str) -> Permanent:
    if error == "invalid_client":
        return Permanent(
            "Shopify does not know Packline by its client id and secret, or the app is no longer installed.",
            remedy="Compare SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET with the Dev Dashboard; if they are right, "
            "install the app in the store again.",
            code=APP_KEYS,
        )
    if error == "invalid_subject_token":
        return Permanent("Shopify's session has ended.", remedy="Open Packline in the store's admin again.", code=STALE)
    return Permanent(
        f"Shopify no longer takes the access that it granted for this store ({error or 'no reason given'}).",
        remedy="Open Packline in the store's admin once: that grants it anew.",
        code=CONSENT,
    )


def _no_keys() -> Permanent:
    return Permanent(
        "This installation is no app at Shopify, so it cannot be granted access.",
        remedy="Set SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET, or connect the store by hand.",
        code=APP_KEYS,
    )


def _told(shop: str, pair: Pair, now: datetime) -> Granted:
    secrets: dict[Literal["access_token", "refresh_token"], str] = {"access_token": pair.access_token}
    if pair.refresh_token:
        secrets["refresh_token"] = pair.refresh_token
    return Granted(
        account=shop,
        secrets={str(name): secret for name, secret in secrets.items()},
        scopes=scopes.listed(pair.scope),
        expires_at=_after(now, pair.expires_in),
        renewal_expires_at=_after(now, pair.refresh_token_expires_in),
    )


def _after(now: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
