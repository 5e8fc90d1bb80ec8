"""Whatever is asked, by whomever, of whichever address: the answer forbids the browser what it must, and Host says
nothing that we believe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask, abort
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from person import Person, token_in
from sqlalchemy import create_engine
from test_guards import address, routes
from werkzeug.test import TestResponse

from app import create_app
from config.settings import Settings
from web.asked import local_path

# Read by machines: nobody draws them, so a policy for drawing says nothing there.
FOR_MACHINES = ("/hooks/", "/metrics", "/healthz", "/readyz")
ODD_METHODS = ("TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "PATCH", "DELETE", "PUT", "GETS")


def answers(app: Flask, person: Person, ids: dict[str, int]) -> Iterator[tuple[str, TestResponse]]:
    """What every address answers to being looked at."""
    for rule, method in routes(app):
        if method == "GET" and rule.endpoint != "static":
            path = address(app, rule, ids, ids["tenant"])
            yield path, person.get(path)


def assert_protected(path: str, answer: TestResponse) -> None:
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff", path
    assert "Server" not in headers or "Werkzeug" not in headers["Server"], path
    assert "Access-Control-Allow-Origin" not in headers, path
    if path.startswith(FOR_MACHINES):
        return
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, path
    assert "unsafe" not in policy, path
    assert "*" not in policy, path
    assert "base-uri 'none'" in policy, path
    assert re.search(r"frame-ancestors ('none'|https://[a-z0-9-]+\.myshopify\.com https://admin\.shopify\.com)", policy)
    assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, path
    assert headers["Cache-Control"] == "no-store", path
    if answer.mimetype == "text/html" and "<script" in answer.text:
        (nonce,) = re.findall(r"script-src 'nonce-([\w-]{20,})'", policy)
        assert set(re.findall(r"<script(?![^>]*type=\"application/json\")[^>]*nonce=\"([^\"]*)\"", answer.text)) == {
            nonce
        }
        assert not re.search(r"<script(?![^>]*nonce)", answer.text), path
    if answer.mimetype == "text/html":
        assert not re.search(r"<[^>]+\son(click|load|error|submit|change|input)\s*=", answer.text), path
        assert "javascript:" not in answer.text, path


def test_every_address_protects_who_looks(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    looked = 0
    for path, answer in answers(app, grace, furnished):
        assert answer.status_code < 500, path
        assert_protected(path, answer)
        looked += 1
    assert looked > 25


def test_every_address_protects_a_stranger_and_shows_nothing(
    app: Flask, stranger: Person, furnished: dict[str, int]
) -> None:
    for path, answer in answers(app, stranger, furnished):
        assert answer.status_code < 500, path
        assert_protected(path, answer)
        assert "Ada" not in answer.text, path


def test_every_error_page_protects_too(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    def gives_up(status: int) -> None:
        raise ZeroDivisionError if status == 500 else abort(status)

    token = token_in(grace.get("/ops/work"))
    for status in (400, 403, 404, 405, 410, 413, 429, 500):
        app.view_functions["work.shown"] = lambda status=status: gives_up(status)
        answer = grace.get("/ops/work")
        assert answer.status_code == status
        assert_protected(f"/ops/work {status}", answer)
    too_much = grace.client.post("/ops/sign-in", data={"csrf_token": token, "name": "x" * 3_000_000})
    assert too_much.status_code == 413
    assert_protected("413", too_much)
    app.extensions["engine"] = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    away = grace.get(f"/ops/shops/{furnished['tenant']}/orders")
    assert away.status_code == 503
    assert_protected("503", away)


@pytest.mark.parametrize("path", ["/ops/work", "/ops/sign-in", "/hooks/shopify", "/metrics", "/healthz", "/nowhere"])
def test_odd_methods_are_refused_and_nothing_is_sent_back(stranger: Person, path: str) -> None:
    for method in ODD_METHODS:
        answer = stranger.client.open(path, method=method, headers={"X-Told": "telltale"}, data=b"telltale")
        assert answer.status_code in {404, 405, 400, 303}, (method, path)
        assert answer.status_code != 303 or path == "/ops/work"
        assert b"telltale" not in answer.data
        assert "telltale" not in str(answer.headers)


def test_static_files_are_not_guessed_at(app: Flask, stranger: Person) -> None:
    answer = stranger.get("/static/css/packline.css")

    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    for odd in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/"):
        assert stranger.get(odd).status_code in {404, 308}, odd


@pytest.fixture
def https(settings: Settings, staff: dict[str, int]) -> Flask:
    return create_app(settings.model_copy(update={"public_url": "https://packline.example"}))


def test_behind_https_every_answer_says_so_and_every_cookie_stays_there(https: Flask, engine: object) -> None:
    stranger = https.test_client()
    cookies = stranger.get("/ops/sign-in", base_url="https://packline.example").headers.getlist("Set-Cookie")
    for path in ("/ops/sign-in", "/ops/work", "/nowhere", "/static/css/packline.css"):
        answer = stranger.get(path, base_url="https://packline.example")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000"), path
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-"), cookie
        for flag in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"):
            assert flag in cookie, cookie
        assert "Domain=" not in cookie


def test_a_forged_host_stands_in_no_answer(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    forged = {"Host": "mallory.example", "X-Forwarded-Host": "mallory.example", "X-Forwarded-Proto": "mallory"}
    for rule, method in routes(app):
        if method != "GET" or rule.endpoint == "static":
            continue
        path = address(app, rule, furnished, furnished["tenant"])
        for headers in (forged, forged | {"Host": "localhost"}):
            answer = grace.get(path, headers=headers)
            assert b"mallory" not in answer.data, path
            assert "mallory" not in str(answer.headers), path
    answer = grace.client.post(
        "/ops/sign-out",
        data={"csrf_token": token_in(grace.get("/ops/work"))},
        headers={"X-Forwarded-Host": "evil.example"},
    )
    assert answer.location == "/ops/sign-in"


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "http:evil.example", "javascript:x",
    "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "///evil.example", "evil.example",
    "/\x00//evil.example", "data:text/html,x", "", "?x", "#x", ".//evil.example", "/\r\nSet-Cookie: a=b",
]  # fmt: skip


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_nobody_is_sent_elsewhere_after_signing_in(stranger: Person, onward: str) -> None:
    answer = stranger.post("/ops/sign-in", at="/ops/sign-in", name="Grace", password="correct horse", next=onward)

    assert answer.status_code == 303
    assert answer.location.startswith("/ops/")
    assert "evil" not in answer.location
    assert "\r" not in answer.location


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(onward=st.text(alphabet="/\\.:@?#%&=aevil\t\n\r \u3000／＼\x00", max_size=24))
def test_a_path_of_our_own_is_one_for_every_browser(onward: str) -> None:
    """As browsers read it (WHATWG URL): tabs and newlines are dropped, a backslash is a slash."""
    led = local_path(onward, "/ops/")
    as_browsers_read = re.sub(r"[\t\n\r]", "", led).strip("\x00 ").replace("\\", "/")

    assert as_browsers_read.startswith("/")
    assert not as_browsers_read.startswith("//")
