"""Puts the web application together; gunicorn, the command line and tests all start here."""

from __future__ import annotations

import time
from typing import Any

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from config import boot, logs
from config.settings import Settings
from jobs import bell
from records import database
from web import audit_trail, errors, forgery, headers, hooks, limits, metrics, pages

log = structlog.get_logger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, for the given settings or those of the environment. Raises SettingsError."""
    settings = boot.complete(settings)
    logs.set_up(settings)
    https = settings.public_url.startswith("https:")
    app = Flask("packline", root_path=str(pages.FOLDER), template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=settings.hook_body_limit_bytes,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        # Of this prefix a browser takes none from a neighbour on the same domain: https://httpwg.org/specs/rfc6265bis
        SESSION_COOKIE_NAME="__Host-session" if https else "session",
        STARTED_AT=time.time(),
    )
    app.extensions["settings"] = settings
    app.extensions["engine"] = database.connect(
        settings.database_url, pool_size=settings.database_pool_size, role="web"
    )
    app.extensions["keyring"] = boot.keyring(settings)
    bell.set_up(settings.redis_url)
    limits.attach(app)  # the cheapest refusal first, and forgeries before anybody is looked up
    forgery.attach(app)
    audit_trail.attach(app)
    pages.attach(app)
    errors.attach(app)
    headers.attach(app)
    metrics.attach(app)
    app.wsgi_app = _with_static_files(app)  # type: ignore[method-assign]
    if settings.trusted_proxies:  # the address only: no answer depends on what a proxy says of host or scheme
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    hooks.attach(app)  # outermost: the door passes none of the above
    return app


def _with_static_files(app: Flask) -> Any:
    """Static files without a Flask request each; a file's name carries its content's digest where it matters."""
    served = WhiteNoise(app.wsgi_app, prefix="static/", max_age=3600, add_headers_function=headers.of_file(app))
    served.add_files(str(pages.FOLDER / "static"), prefix="static/")
    return served
