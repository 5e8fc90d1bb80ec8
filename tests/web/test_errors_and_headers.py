"""What stands on an answer that failed, and what every answer forbids the browser."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from gunicorn.config import Config
from person import Person
from seeds import Shop
from sqlalchemy import create_engine

from app import create_app
from config.server_log import ServerLog
from config.settings import Settings


def test_a_page_lets_only_its_own_scripts_run(grace: Person, shop: Shop) -> None:
    first, second = grace.get(f"/ops/shops/{shop.tenant}/"), grace.get(f"/ops/shops/{shop.tenant}/")
    policies = [answer.headers["Content-Security-Policy"] for answer in (first, second)]
    nonces = [re.search(r"script-src 'nonce-([\w-]{20,})';", policy).group(1) for policy in policies]
    assert nonces[0] != nonces[1]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policies[0]
    assert "unsafe" not in policies[0]
    assert set(re.findall(r"<script[^>]*nonce=\"([^\"]*)\"", first.text)) == {nonces[0]}
    assert "<script>" not in first.text
    assert " style=" not in first.text
    assert re.search(r"\son\w+=", first.text) is None


def test_a_page_is_not_kept_and_not_guessed_at(grace: Person, shop: Shop) -> None:
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer.headers


def test_https_is_promised_where_the_installation_has_it(settings: Settings, staff: dict[str, int]) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://packline.example"}))
    answer = app.test_client().get("/ops/sign-in")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_machines_get_an_answer_without_a_page_around_it(stranger: Person) -> None:
    health = stranger.get("/healthz")
    assert (health.status_code, health.json) == (200, {"ok": True})
    assert "Content-Security-Policy" not in health.headers
    assert stranger.get("/readyz").json == {"ok": True}
    assert stranger.get("/metrics").content_type.startswith("text/plain")


def test_health_is_bad_while_the_database_is_away(app: Flask, stranger: Person) -> None:
    app.extensions["engine"] = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    answer = stranger.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"ok": False})
    assert stranger.get("/readyz").status_code == 503


def test_a_page_says_when_the_database_is_away(app: Flask, grace: Person, shop: Shop) -> None:
    app.extensions["engine"] = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer" in answer.text
    assert "No order is lost" in answer.text
    assert "nobody" not in answer.text


def test_a_log_names_the_endpoint_and_no_address_that_is_a_key(
    app: Flask, grace: Person, furnished: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    order = f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}"
    address = grace.get(f"{order}/labels/{furnished['label']}").location
    app.extensions["engine"] = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    for path in (address, order):
        assert grace.get(path).status_code == 503
    assert address.rpartition("/")[2] not in caplog.text
    for said in ("files.shown", "order.shown", f"'tenant': {furnished['tenant']}", f"'id': {furnished['shipped']}"):
        assert said in caplog.text


def test_an_access_line_has_no_address_that_is_a_key() -> None:
    path = "/ops/files/WyJsYWJlbCIsMV0.aB-c.dEf"
    line = ServerLog(Config()).atoms(
        SimpleNamespace(status="200 OK", sent=1, headers=[]), SimpleNamespace(headers=[]),
        {"REQUEST_METHOD": "GET", "PATH_INFO": path, "RAW_URI": path, "SERVER_PROTOCOL": "HTTP/1.1",
         "HTTP_REFERER": f"https://packline.example{path}?print=1"},
        timedelta(seconds=1),
    )  # fmt: skip
    assert (line["r"], line["U"]) == ("GET /ops/files/…", "/ops/files/…")
    assert line["f"] == "https://packline.example/ops/files/…"
    assert [one for one in line.values() if "WyJs" in str(one)] == []


def test_a_missing_page_says_what_to_do(grace: Person, shop: Shop) -> None:
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders/999")
    assert answer.status_code == 404
    for part in ("What happened", "What it means", "What to do", "Orders go on in the background"):
        assert part in answer.text


def test_a_fault_shows_a_reference_that_stands_in_the_log_and_no_insides(
    app: Flask, grace: Person, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise ValueError("the inside of Packline")

    app.view_functions["work.shown"] = broken
    answer = grace.get("/ops/work")
    assert answer.status_code == 500
    assert "inside of Packline" not in answer.text
    reference = re.search(r"<code>([0-9A-F]{8})</code>", answer.text).group(1)
    assert reference in caplog.text


def test_a_fault_at_the_door_is_json(app: Flask, stranger: Person) -> None:
    answer = stranger.client.get("/hooks/shopify")
    assert (answer.status_code, answer.json) == (405, {"error": "method not allowed"})
    assert "POST" in answer.headers["Allow"]
