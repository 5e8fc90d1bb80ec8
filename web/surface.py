"""Knows on which surface a page is drawn: inside a store's admin, or on its own; and what follows from that.

Inside the admin a browser takes no cookie of ours (Safari not even a partitioned one), so a page there is asked for
with a token, its links carry the shop, and what one page has to say on the next travels in the address, signed.
https://shopify.dev/docs/apps/build/authentication-authorization/session-tokens
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Flask, current_app, g, get_flashed_messages, has_request_context, request
from flask import session as cookie
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from integrations.storefronts.shopify import app_home

ADMIN = "https://admin.shopify.com"
# What the store's admin adds to an address and what must never travel on: an ID token is a key for a minute.
NOT_OURS = frozenset({"id_token", "hmac", "timestamp", "session", "locale", "protocol", "said"})
CARRIED = frozenset({"shop", "host", "embedded"})
_HOST = re.compile(r"[A-Za-z0-9_=-]{1,200}")
_ADDRESS = re.compile(r"said=[^&]*&?")
# Long enough for a slow page, too short for a sentence to be found in the address an hour later.
_SAID_FOR_S = 120


def attach(app: Flask) -> None:
    app.session_interface = _Sessions()
    app.url_defaults(_carry_shop)
    app.after_request(_carry_notes)
    app.jinja_env.globals.update(
        is_embedded=is_embedded, notes=notes, carried_on=carried_on, has_page=has_page, shopify_key=shopify_key
    )


def is_embedded() -> bool:
    """Whether this request comes from inside a store's admin; plain until the guard has said so."""
    return has_request_context() and g.get("surface", "plain") == "embedded"


def shop_domain() -> str:
    """The store's domain: the one that the token was for, else one that could be; empty for none."""
    verified = str(g.get("embedded_shop", "") or "")
    given = verified or request.args.get("shop", "")
    return given if app_home.is_shop(given) else ""


def frame_ancestors() -> str:
    """Who may frame this answer, in a policy's words.

    https://shopify.dev/docs/apps/build/security/app-server/set-up-iframe-protection
    """
    shop = shop_domain() if is_embedded() else ""
    return f"https://{shop} {ADMIN}" if shop else "'none'"


def notes() -> list[tuple[str, str]]:
    """What there is to say before anything else, as (tone, sentence): of this request and of the one that led here."""
    flashed: Any = get_flashed_messages(with_categories=True)
    said = [(str(tone), str(sentence)) for tone, sentence in flashed]
    return [*_told_before(), *said] if is_embedded() else said


def carried_on() -> dict[str, str]:
    """What an address inside the admin has to have: an address that is asked for anew has to say where it is."""
    if not is_embedded():
        return {}
    host = request.args.get("host", "")
    told = {"embedded": "1", "shop": shop_domain(), "host": host if _HOST.fullmatch(host) else ""}
    return {name: value for name, value in told.items() if value}


def has_page(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def is_own_word(name: str) -> bool:
    """Whether a part of the query is the page's own, and not the admin's or the surface's."""
    return name not in NOT_OURS | CARRIED


def shopify_key() -> str:
    return str(current_app.extensions["settings"].shopify_client_id)


class _Sessions(SecureCookieSessionInterface):
    """Sends no cookie inside a store's admin; a page that asks for one there is told nothing by it."""

    def save_session(self, app: Flask, session: SessionMixin, response: Any) -> None:
        if not is_embedded():
            super().save_session(app, session, response)


def _carry_shop(endpoint: str, values: dict[str, Any]) -> None:
    """A link made inside the admin leads to a page that knows where it is, even where it is asked for anew."""
    if endpoint != "static":
        for name, value in carried_on().items():
            values.setdefault(name, value)


def _carry_notes(response: Response) -> Response:
    if is_embedded() and 300 <= response.status_code < 400 and cookie.get("_flashes"):
        said = _signer().dumps([list(one) for one in cookie.pop("_flashes")])
        where = urlsplit(response.headers.get("Location", ""))
        query = _ADDRESS.sub("", where.query).rstrip("&")
        told = urlencode({"said": said})
        response.headers["Location"] = urlunsplit(where._replace(query=f"{query}&{told}" if query else told))
    return response


def _told_before() -> list[tuple[str, str]]:
    """Sentences that we have signed a moment ago; nobody else can put words on our pages."""
    try:
        told = _signer().loads(request.args.get("said", ""), max_age=_SAID_FOR_S)
    except BadData:
        return []
    return [(str(tone), str(sentence)) for tone, sentence in told]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="said")
