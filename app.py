"""Puts the web application together; gunicorn, the command line and tests all start here."""

from __future__ import annotations

import time
from typing import Any

import structlog
from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from config import boot, logs
from config.settings import Settings
from jobs import bell
from records import database
from web import errors, headers, hooks, metrics, pages

log = structlog.get_logger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, for the given settings or those of the environment. Raises SettingsError."""
    settings = boot.complete(settings)
    logs.set_up(settings)
    app = Flask("packline", root_path=str(pages.FOLDER), template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=settings.hook_body_limit_bytes,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https:"),
        WTF_CSRF_TIME_LIMIT=None,  # a page that stood open over night must still be able to press its buttons
        STARTED_AT=time.time(),
    )
    app.extensions["settings"] = settings
    app.extensions["engine"] = database.connect(
        settings.database_url, pool_size=settings.database_pool_size, role="web"
    )
    app.extensions["keyring"] = boot.keyring(settings)
    bell.set_up(settings.redis_url)
    CSRFProtect(app)
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
    return WhiteNoise(app.wsgi_app, root=str(pages.FOLDER / "static"), prefix="static/", max_age=3600)
