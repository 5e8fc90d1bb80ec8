"""What every answer tells the browser not to do: run strangers' scripts, be framed, guess types, leak addresses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from wsgiref.headers import Headers

from flask import Flask, Response, current_app, g, request

from web import surface

# Only scripts that carry this answer's nonce run, and no style stands in a page itself.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'{shopify}; style-src 'self'{shopify}; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'{shopify}; form-action 'self'; base-uri 'none'; frame-ancestors {framed_by}"
)
# Where App Bridge and the admin's components come from, which load parts of themselves from there later.
_SHOPIFY = " https://cdn.shopify.com"
_A_YEAR_S = 365 * 24 * 60 * 60
_HTTPS_ONLY = f"max-age={_A_YEAR_S}; includeSubDomains"
_FOR_MACHINES = ("/hooks/", "/metrics", "/healthz", "/readyz")


def attach(app: Flask) -> None:
    app.after_request(_protect)
    app.jinja_env.globals["nonce"] = nonce


def nonce() -> str:
    """The answer's own nonce, for script tags."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    fresh: str = g.nonce
    return fresh


def of_file(app: Flask) -> Callable[[Headers, str, str], None]:
    """What static files are told too, which no request of ours passes: for whoever serves them."""
    https = app.extensions["settings"].public_url.startswith("https:")

    def add(headers: Headers, _path: str, _url: str) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if https:
            headers["Strict-Transport-Security"] = _HTTPS_ONLY

    return add


def _protect(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.path.startswith(_FOR_MACHINES):  # vendors wait for the answer, and none of them draws it
        return response
    response.headers.setdefault("Content-Security-Policy", _policy())
    # CSRF protection over https compares the referrer, so it has to be sent within the site.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if not surface.is_embedded():  # the admin opens the page, and talks with it
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if g.get("embedded_preloads") and response.mimetype == "text/html":
        response.headers.setdefault("Link", g.embedded_preloads)
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    if request.endpoint != "static":  # buyers' names stay out of every cache
        response.headers.setdefault("Cache-Control", "no-store")
    if current_app.extensions["settings"].public_url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
    return response


def _policy() -> str:
    return _POLICY.format(
        nonce=nonce(), shopify=_SHOPIFY if surface.is_embedded() else "", framed_by=surface.frame_ancestors()
    )
