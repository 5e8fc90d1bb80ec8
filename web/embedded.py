"""The pages inside a store's admin: whether a request comes from there, who asks, and which shop is theirs.

No cookie counts there. A document is asked for with an ID token in its address, or is sent to the page that gets one;
everything else carries the token as its Authorization, and a write nothing but that. A token lives a minute and may be
used again within it: it proves who asks, and buys nothing by itself.
"""

from __future__ import annotations

from urllib.parse import quote

import structlog
from flask import abort, current_app, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from integrations.ports import AppKeys
from integrations.storefronts.shopify import app_home
from integrations.storefronts.shopify.app_home import Turned, Visitor
from jobs import installing
from jobs.work import app_keys

log = structlog.get_logger(__name__)

VENDOR = "shopify"
_SAFE = frozenset({"GET", "HEAD"})
# Of a browser that says what it fetches for: a page that somebody will look at. One that says nothing may be either.
_DOCUMENTS = frozenset({"document", "iframe", "frame", ""})


def asks() -> bool:
    """Whether this request comes from inside a store's admin, as far as it says so itself; nothing is proved yet."""
    if _bears():
        return True
    if not keys().client_id:
        return False
    inside = request.args.get("embedded") == "1" or bool(request.args.keys() & {"id_token", "host"})
    return inside or (request.headers.get("Sec-Fetch-Dest") == "iframe" and not _has_cookie())


def guard() -> Response | None:
    """Let one of a store's staff in to their own shop, and answer what is fitting to everybody else."""
    visitor = proved()
    if isinstance(visitor, Response):
        return visitor
    row = installing.find(current_app.extensions["engine"], VENDOR, visitor.shop)
    if row is None:
        return _not_installed()
    g.embedded_tenant = row.tenant_id
    g.signed_in_as = f"{VENDOR} staff {visitor.user}"
    if (request.view_args or {}).get("tenant", row.tenant_id) != row.tenant_id:
        abort(404)
    return None


def proved() -> Visitor | Response:
    """Who asks, by the ID token; or the answer to somebody whom nothing proves."""
    g.surface = "embedded"
    if not keys().client_id:
        return _nobody()
    if request.method not in _SAFE and not _bears():
        return _once_more()
    visitor = app_home.verify(asked(), keys())
    if isinstance(visitor, Turned):
        log.info("not proved", why=visitor.why, endpoint=request.endpoint)
        return _turned(visitor)
    g.embedded_shop, g.embedded_preloads = visitor.shop, visitor.preloads
    return visitor


def asked() -> app_home.Request:
    """The request at our public address: what the Host header says is anybody's to say."""
    home = current_app.extensions["settings"].public_url.rstrip("/")
    query = request.query_string.decode("ascii", "replace")
    return app_home.Request(
        method=request.method,
        url=f"{home}{quote(request.path)}{'?' if query else ''}{query}",
        headers=dict(request.headers),
    )


def keys() -> AppKeys:
    """How Shopify knows this installation; empty where it is no app there."""
    known: AppKeys = app_keys(current_app.extensions["settings"]).get(VENDOR, AppKeys())
    return known


def _bears() -> bool:
    return request.headers.get("Authorization", "")[:7].lower() == "bearer "


def _has_cookie() -> bool:
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def _turned(visitor: Turned) -> Response:
    """A document is sent for a fresh token, where it is known for which store; a fetch is asked to come again."""
    if not _is_document():
        return _once_more()
    if app_home.is_shop(request.args.get("shop", "")) and "Location" in visitor.headers:
        return redirect(visitor.headers["Location"], 302)
    return _nobody()


def _is_document() -> bool:
    fetched_for = request.headers.get("Sec-Fetch-Dest", "")
    return not _bears() and "HX-Request" not in request.headers and fetched_for in _DOCUMENTS


def _once_more() -> Response:
    return make_response("Unauthorized", 401, {**app_home.RETRY, "Content-Type": "text/plain; charset=utf-8"})


def _nobody() -> Response:
    g.surface = "plain"  # nothing says whose admin this could stand in
    return make_response(render_template("install.html", said=NOT_PROVED), 401)


def _not_installed() -> Response:
    """A store that Packline does not know, or no longer: opening the app makes it known."""
    if not _is_document() or request.method not in _SAFE:
        abort(404)
    return redirect(app_home.onward(asked(), keys(), "/app", g.embedded_shop), 302)


NOT_PROVED = {
    "title": "Open Packline in the store's admin",
    "happened": "This address belongs to the app inside the Shopify admin, and nothing says which store you are from.",
    "means": "Nothing was shown and nothing was changed.",
    "do": "In the Shopify admin, choose Apps, then Packline. Whoever runs Packline signs in on its own pages.",
}
