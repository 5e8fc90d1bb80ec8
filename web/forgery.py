"""Keeps other sites from pressing our buttons: every write that a cookie speaks for carries a token of its page.

A write with a Bearer token on a guarded page needs none, because no other site can make a browser send one; it is then
judged by that alone (web/session.py), whatever cookie comes with it. So exactly one of the two is always on.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from flask import Flask, abort, current_app, request
from flask_wtf.csrf import CSRFProtect

from web import session
from web.roles import SAFE_METHODS

log = structlog.get_logger(__name__)

# No cookie speaks for these: whoever knows the signed address may write, and another site does not know it. A browser
# that tells no referrer tells no origin either (Fetch, 3.2), so that nothing could be compared.
_BY_ITS_ADDRESS = frozenset(
    {
        *("choose.answered", "delivered.opened", "change.confirmed", "change.changed"),
        *("supply.accepted", "supply.rejected", "supply.shipped", "supply.stopped"),
        *("supply.machine_accepted", "supply.machine_rejected", "supply.machine_shipped", "supply.machine_stopped"),
    }
)


def attach(app: Flask) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # it is asked below, where it is known what speaks for a request
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a page that stood open over night must be able to press its buttons
    CSRFProtect(app)
    app.before_request(_refuse_forgeries)


def comes_from_elsewhere(fetch_site: str | None, origin: str | None, homes: frozenset[str]) -> bool:
    """Whether the browser says that another site's page sent this. One that says nothing has only its token.

    `fetch_site` is Sec-Fetch-Site; `homes` are our own hosts, with ports. A page of ours that says `none` was opened
    by its person. https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """
    if fetch_site:
        return fetch_site not in {"same-origin", "none"}
    return origin is not None and urlsplit(origin).netloc not in homes


def _refuse_forgeries() -> None:
    if request.method in SAFE_METHODS or not request.endpoint:
        return
    if request.endpoint in _BY_ITS_ADDRESS:
        return
    if session.bears() and session.is_guarded(request.blueprint or ""):
        return
    homes = frozenset({request.host, urlsplit(current_app.extensions["settings"].public_url).netloc})
    if comes_from_elsewhere(request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), homes):
        log.warning("write from another site refused", endpoint=request.endpoint)
        abort(400)
    current_app.extensions["csrf"].protect()
