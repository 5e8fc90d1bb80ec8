"""The one door for every vendor's webhooks: prove who sent it, keep it byte for byte, say thanks. Nothing else.

No vendor is called here and no body is believed; a job reads the kept row later. The vendors differ in a table.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from flask_wtf.csrf import CSRFProtect
from prometheus_client import Counter, Histogram
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import RequestEntityTooLarge

from config.keyring import CannotOpen, Keyring
from integrations import registry
from integrations.ports import Delivery, Vendor
from jobs import bell
from records import database, inbox
from records.tenants import Connection

log = structlog.get_logger(__name__)
blueprint = Blueprint("hooks", __name__)

HEARD = Counter("packline_hooks_total", "Webhooks by what became of them", ["vendor", "result"])
SECONDS = Histogram("packline_hook_seconds", "How long the door took", ["vendor"])

# A rotated secret or a new connection is known everywhere within this time.
_CONNECTIONS_KEPT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Known:
    """A connection as the door needs it; its secrets are opened once and not for every delivery."""

    tenant: int
    id: str
    secrets: tuple[str, ...]


def attach(app: Flask, csrf: CSRFProtect) -> None:
    csrf.exempt(blueprint)  # a signature over the very bytes is what proves the sender here
    app.extensions["known_connections"] = KnownConnections(app.extensions["engine"], app.extensions["keyring"])
    app.extensions["letterbox"] = inbox.Letterbox(app.extensions["engine"])
    app.register_blueprint(blueprint)


@blueprint.post("/hooks/<vendor>")
@blueprint.post("/hooks/<vendor>/<connection>")
def receive(vendor: str, connection: str = "") -> Response:
    """Keep one delivery. 2xx: kept (or kept before); 401: not proved; 404: nobody's; 413: too large; 503: later."""
    started = time.perf_counter()
    try:
        result, status = _receive(vendor, connection)
    except (inbox.NotKept, OperationalError, PoolTimeout, CannotOpen) as error:
        log.error("delivery not kept", vendor=vendor, error=type(error).__name__)  # noqa: TRY400 - the database says why
        result, status = "not kept, send it again", 503
    if status != 404:
        HEARD.labels(vendor, result).inc()
        SECONDS.labels(vendor).observe(time.perf_counter() - started)
    return Response(f'{{"result":"{result}"}}\n', status=status, content_type="application/json")


def _receive(vendor_name: str, connection: str) -> tuple[str, int]:
    try:
        vendor = registry.vendor(vendor_name)
    except registry.UnknownVendor:
        return "no such door", 404
    delivery = Delivery(body=_body(), headers=_headers())
    if not connection and not delivery.headers.get(vendor.door.signature_header):
        return "not signed", 401
    known = current_app.extensions["known_connections"].find(vendor, connection or None, vendor.door.account(delivery))
    if known is None:
        return "no such connection", 404
    if not vendor.door.genuine(delivery, known.secrets, datetime.now(UTC)):
        log.warning("delivery not genuine", vendor=vendor_name, tenant=known.tenant, connection=known.id)
        return "signature does not match", 401
    return _keep(vendor, known, delivery)


def _body() -> bytes:
    """The bytes as they came. Raises RequestEntityTooLarge."""
    body = request.get_data(cache=False)
    # A body in chunks tells no length, and Werkzeug only stops reading it at the limit: what follows would be cut off.
    if request.content_length is None and len(body) == request.max_content_length:
        stream: IO[bytes] = request.environ["wsgi.input"]
        if stream.read(1):
            raise RequestEntityTooLarge
    return body


def _keep(vendor: Vendor, known: Known, delivery: Delivery) -> tuple[str, int]:
    envelope = vendor.door.envelope(delivery)
    letterbox: inbox.Letterbox = current_app.extensions["letterbox"]
    event = letterbox.drop(
        known.tenant,
        connection=known.id,
        vendor=vendor.name,
        topic=envelope.topic,
        delivery_id=envelope.delivery_id,
        occasion=envelope.occasion,
        body=delivery.body,
        body_sha256=hashlib.sha256(delivery.body).digest(),
        headers=dict(delivery.headers),
    )
    if event is None:
        return "duplicate", 200
    bell.ring("hooks", known.tenant, f"event/{event}")
    return "kept", 202


# What is kept of a delivery's headers: what tells what it is. Cookies, proxies and addresses stay outside.
_KEPT_HEADERS = ("content-type", "content-encoding", "user-agent", "stripe-signature")
_KEPT_PREFIXES = ("x-shopify-", "x-hmac-", "x-timestamp", "x-path")


def _headers() -> dict[str, str]:
    kept = {}
    for name, value in request.headers.items():
        lower = name.lower()
        if lower in _KEPT_HEADERS or lower.startswith(_KEPT_PREFIXES):
            # WSGI hands header bytes over as Latin-1; PostgreSQL's text has no NUL.
            kept[lower] = value.replace("\x00", "")[:2_000]
    return kept


class KnownConnections:
    """Finds the connection of a delivery, and remembers it for some seconds."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring
        self._kept: dict[tuple[str, str], Known | None] = {}
        self._lock = threading.Lock()
        self._emptied_at = 0.0

    def find(self, vendor: Vendor, id: str | None, account: str | None) -> Known | None:
        key = (vendor.name, id or f"@{account}")
        now = time.monotonic()
        with self._lock:
            if now - self._emptied_at > _CONNECTIONS_KEPT_S:
                self._kept.clear()
                self._emptied_at = now
            if key in self._kept:
                return self._kept[key]
        known = self._read(vendor, id, account)
        with self._lock:
            if known is not None:  # strangers must not fill the memory
                self._kept[key] = known
        return known

    def _read(self, vendor: Vendor, id: str | None, account: str | None) -> Known | None:
        if not id and not account:
            return None
        which = Connection.id == id if id else Connection.account == account
        with database.across_tenants(self._engine, why="a delivery names its connection, not its tenant") as session:
            row = session.scalars(
                select(Connection).where(Connection.vendor == vendor.name, which, Connection.ended_at.is_(None))
            ).first()
        if row is None:
            return None
        secrets = self._keyring.open(row.sealed_secrets)
        return Known(
            tenant=row.tenant_id,
            id=row.id,
            secrets=tuple(secrets[name] for name in vendor.signing_secret_names if secrets.get(name)),
        )
