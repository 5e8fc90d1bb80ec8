"""The one door for every vendor's webhooks: prove who sent it, keep it byte for byte, say thanks. Nothing else.

No vendor is called here and no body is believed; a job reads the kept row later. The vendors differ in a table.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, NoReturn

import structlog
from flask import Blueprint, Flask, Request, Response, current_app, request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from prometheus_client import Counter, Histogram
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, RequestTimeout

from config.keyring import CannotOpen, Keyring
from integrations import registry
from integrations.ports import AppKeys, Delivery, Vendor
from jobs import bell, sealed_words
from jobs.work import app_keys
from records import database, inbox
from records.tenants import Connection
from web import departed

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)
blueprint = Blueprint("hooks", __name__)

HEARD = Counter("packline_hooks_total", "Webhooks by what became of them", ["vendor", "result"])
SECONDS = Histogram("packline_hook_seconds", "How long the door took", ["vendor"])

# A rotated secret or a new connection is known everywhere within this time.
_CONNECTIONS_KEPT_S = sealed_words.DOOR_KEEPS.total_seconds()
# What stands in an address may be anything; what we give out looks like this, and PostgreSQL is asked for nothing else.
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PART_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Known:
    """A connection as the door needs it; its secrets are opened once and not for every delivery."""

    tenant: int
    id: str
    secrets: tuple[str, ...]


def attach(app: Flask) -> None:
    """Put the door before the application.

    It is an application of its own, because nothing that pages need (sessions, tokens against forgery, static files)
    may stand between a vendor and its receipt: the signature over the very bytes is what proves the sender here.
    """
    door = Flask("packline-door", static_folder=None)
    door.config["MAX_CONTENT_LENGTH"] = app.config["MAX_CONTENT_LENGTH"]
    door.session_interface = _NoSessions()
    door.register_blueprint(blueprint)
    door.register_error_handler(HTTPException, _refuse)
    app.extensions["known_connections"] = KnownConnections(
        app.extensions["engine"], app.extensions["keyring"], app_keys(app.extensions["settings"])
    )
    app.extensions["letterbox"] = inbox.Letterbox(app.extensions["engine"])
    door.extensions = app.extensions
    app.wsgi_app = _before(door, app.wsgi_app)  # type: ignore[method-assign,assignment]


def _before(door: Flask, pages: WSGIApplication) -> WSGIApplication:
    def choose(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = door if environ["PATH_INFO"].startswith("/hooks/") else pages
        return chosen(environ, start_response)

    return choose


def _refuse(refusal: HTTPException) -> Response:
    """404, 405, 413: said in the form that receipts have."""
    answer = Response(f'{{"error":"{refusal.name.lower()}"}}\n', status=refusal.code, content_type="application/json")
    for name, value in refusal.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


class _NoSessions(SessionInterface):
    """Vendors have no sessions."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002 - Flask's own words
        return _NO_SESSION

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """There is nothing to save."""


_NO_SESSION = NullSession()


@blueprint.post("/hooks/<vendor>", provide_automatic_options=False)
@blueprint.post("/hooks/<vendor>/<connection>", provide_automatic_options=False)
def receive(vendor: str, connection: str = "") -> Response:
    """Keep one delivery. 202: kept; 200: kept before, or met already; 400: not whole; 401: not proved; 404: nobody's;
    408: stopped half way; 410: of a store that has left; 413: too large; 503: later. Whatever is not 2xx leaves nothing
    behind, and an honest sender comes again.
    """
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
    if connection and not _CONNECTION_ID.fullmatch(connection):
        return "no such connection", 404
    delivery = Delivery(body=_body(), headers=_headers())
    if not connection and not delivery.headers.get(vendor.door.signature_header):
        return "not signed", 401
    known = current_app.extensions["known_connections"].find(vendor, connection or None, vendor.door.account(delivery))
    if known is None and not connection:
        return _of_nobody(vendor, delivery)
    if known is None:
        return "no such connection", 404
    if not vendor.door.genuine(delivery, known.secrets, datetime.now(UTC)):
        log.warning("delivery not genuine", vendor=vendor_name, tenant=known.tenant, connection=known.id)
        return "signature does not match", 401
    return _keep(vendor, known, delivery)


def _of_nobody(vendor: Vendor, delivery: Delivery) -> tuple[str, int]:
    """A store that has left, or that we never knew."""
    keys = app_keys(current_app.extensions["settings"]).get(vendor.name)
    answer = departed.judge(current_app.extensions["engine"], vendor, delivery, keys)
    if answer.keep_for is None:
        return answer.result, answer.status
    tenant, id = answer.keep_for
    return _keep(vendor, Known(tenant=tenant, id=id, secrets=()), delivery)


def _body() -> bytes:
    """The bytes as they came, all of them. Raises RequestEntityTooLarge, BadRequest, RequestTimeout."""
    announced, most = request.content_length, request.max_content_length or 0
    if announced is not None and announced > most:
        raise RequestEntityTooLarge
    if announced is not None:
        body = _read(announced)
        if len(body) < announced:
            raise BadRequest
        return body
    # A body in chunks tells no length: one byte beyond the limit tells that it is too long.
    body = _read(most + 1) if request.environ.get("wsgi.input_terminated") else b""
    if len(body) > most:
        raise RequestEntityTooLarge
    return body


def _read(length: int) -> bytes:
    stream: IO[bytes] = request.environ["wsgi.input"]
    found = bytearray()
    try:
        while len(found) < length and (part := stream.read(min(length - len(found), _PART_BYTES))):
            found += part
    except (OSError, ParseException) as broken:
        _give_up(broken)
    return bytes(found)


def _give_up(broken: OSError | ParseException) -> NoReturn:
    """A sender that fell silent, or one whose chunks are none: neither is a fault of ours."""
    log.info("delivery broke off", error=type(broken).__name__)
    raise RequestTimeout if isinstance(broken, TimeoutError | BlockingIOError) else BadRequest


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
# Named as WSGI names them, because walking its dictionary costs a third of what Flask's headers do.
_KEPT_HEADERS = ("CONTENT_TYPE", "HTTP_CONTENT_ENCODING", "HTTP_USER_AGENT", "HTTP_STRIPE_SIGNATURE")
_KEPT_PREFIXES = ("HTTP_X_SHOPIFY_", "HTTP_X_HMAC_", "HTTP_X_TIMESTAMP", "HTTP_X_PATH")


def _headers() -> dict[str, str]:
    return {
        # WSGI hands header bytes over as Latin-1; PostgreSQL's text has no NUL.
        name.removeprefix("HTTP_").replace("_", "-").lower(): value.replace("\x00", "")[:2_000]
        for name, value in request.environ.items()
        if name.startswith(_KEPT_PREFIXES) or name in _KEPT_HEADERS
    }


class KnownConnections:
    """Finds the connection of a delivery, and remembers it for some seconds."""

    def __init__(self, engine: Engine, keyring: Keyring, keys: Mapping[str, AppKeys]) -> None:
        self._engine = engine
        self._keyring = keyring
        self._keys = keys
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
            secrets=(
                *(secrets[name] for name in vendor.signing_secret_names if secrets.get(name)),
                *self._of_the_app(row),
            ),
        )

    def _of_the_app(self, row: Connection) -> tuple[str, ...]:
        """What signs for an account that installed us as an app: its secret now, and the one before it."""
        keys = self._keys.get(row.vendor)
        if keys is None or row.granted_by == "key":
            return ()
        return tuple(secret for secret in (keys.client_secret, keys.old_client_secret) if secret)
