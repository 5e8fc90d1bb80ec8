"""How many webhooks are accepted and committed a second, against a bare Flask view on the same server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from bench.load import Measured, drive
from config import boot
from config.settings import Settings
from jobs import connect
from records import database

SHOP, SECRET = "bench.myshopify.com", "bench-secret"
CONNECTIONS = 16
REQUESTS = 4_000
ROUNDS = 3


def measure(settings: Settings) -> dict[str, float]:
    """Rounds of both, one after the other, and the medians of each."""
    engine = database.connect(settings.owner_url, pool_size=2, role="bench")
    _prepare(settings)
    rates: dict[str, list[float]] = {"bare": [], "packline": []}
    p99: list[float] = []
    with database.across_tenants(engine, why="bench") as session:
        tenant = connect.add_tenant(session, "Bench", "USD")
    with database.transaction(engine, tenant) as session:
        connect.connect(
            session,
            tenant,
            vendor="shopify",
            account=SHOP,
            secrets={"access_token": "none", "webhook_secret": SECRET},
            live=False,
            keyring=boot.keyring(settings),
        )
    with (
        _served("bench.bare:app", settings) as bare,
        _served("app:create_app()", settings) as packline,
    ):
        for round_number in range(ROUNDS + 1):
            for name, port, path in (("bare", bare, "/hooks"), ("packline", packline, "/hooks/shopify")):
                measured = drive(port, _requests(port, path, f"{name}-{round_number}"), connections=CONNECTIONS)
                if set(measured.statuses) != {202}:
                    raise RuntimeError(f"{name} answered {measured.statuses}")
                if round_number:  # the first round warms both up
                    rates[name].append(measured.per_s)
                    p99 += _p99(name, measured)
    kept = _kept(engine, tenant)
    if kept != REQUESTS * (ROUNDS + 1):
        raise RuntimeError(f"{kept} deliveries are kept, {REQUESTS * (ROUNDS + 1)} were accepted")
    engine.dispose()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "ingest.ratio": middle["packline"] / middle["bare"],
        "ingest.per_s": middle["packline"],
        "ingest.bare_per_s": middle["bare"],
        "ingest.p99_ms": statistics.median(p99),
    }


def _p99(name: str, measured: Measured) -> list[float]:
    return [measured.percentile_ms(99)] if name == "packline" else []


def _kept(engine: Any, tenant: int) -> int:
    with engine.connect() as connection:
        return int(
            connection.exec_driver_sql(
                "SELECT count(*) FROM inbox_events JOIN jobs ON jobs.subject = 'event/' || inbox_events.id "
                f"AND jobs.tenant_id = inbox_events.tenant_id WHERE inbox_events.tenant_id = {int(tenant)}"
            ).scalar_one()
        )


def _prepare(settings: Settings) -> None:
    with psycopg.connect(settings.owner_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_bare")
        connection.execute(
            "CREATE TABLE bench_bare (id bigserial PRIMARY KEY, delivery_id text UNIQUE, topic text, body bytea)"
        )
        # A schema that was emptied by dropping it lets nobody in who is not named.
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        connection.execute("GRANT INSERT ON bench_bare TO PUBLIC")
        connection.execute("GRANT USAGE ON SEQUENCE bench_bare_id_seq TO PUBLIC")


def _requests(port: int, path: str, run: str) -> list[bytes]:
    """Ready-made signed deliveries of 8 KiB, each with an id and a body of its own."""
    return [_request(port, path, f"{run}-{number}") for number in range(REQUESTS)]


def _request(port: int, path: str, id: str) -> bytes:
    body = json.dumps({"id": id, "note": "x" * 8_100, "updated_at": "2026-11-21T10:00:00Z"}).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Shopify-Topic: orders/updated\r\nX-Shopify-Shop-Domain: {SHOP}\r\n"
        f"X-Shopify-Webhook-Id: {id}\r\nX-Shopify-Event-Id: e-{id}\r\nX-Shopify-Hmac-Sha256: {signature}\r\n"
        "X-Shopify-Api-Version: 2026-10\r\nX-Shopify-Triggered-At: 2026-11-21T10:00:00.000000000Z\r\n"
        "User-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def _served(target: str, settings: Settings) -> Iterator[int]:
    """A program behind gunicorn with Packline's own server settings, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "python:config.server", "--bind", f"127.0.0.1:{port}", target],
        env=os.environ | environment(settings),
    )
    try:
        _wait(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def environment(settings: Settings) -> dict[str, str]:
    """What a child process needs to share this run's servers and keys."""
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
        "LOG_LEVEL": "WARNING",
        "SHOPIFY_ORIGIN": settings.shopify_origin,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "EASYPOST_API_BASE": settings.easypost_api_base,
    }


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing answers on port {port}")
