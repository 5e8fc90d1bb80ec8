"""What every answer tells the browser not to do: run strangers' scripts, be framed, guess types, leak addresses."""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, request

# Only scripts that carry this answer's nonce run, and no style stands in a page itself.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_A_YEAR_S = 365 * 24 * 60 * 60
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


def _protect(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.path.startswith(_FOR_MACHINES):  # vendors wait for the answer, and none of them draws it
        return response
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce()))
    # CSRF protection over https compares the referrer, so it has to be sent within the site.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    if request.endpoint != "static":  # buyers' names stay out of every cache
        response.headers.setdefault("Cache-Control", "no-store")
    if current_app.extensions["settings"].public_url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_A_YEAR_S}; includeSubDomains")
    return response
