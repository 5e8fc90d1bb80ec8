"""Walks every route of the application: what each takes, where it is, and what a page offers to press."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from web.roles import SAFE_METHODS, Page, needed_for

CLIENT_ID, CLIENT_SECRET = "packline-test-app", "a-secret-of-the-test-app-which-is-long"
# What a form could say: enough for most of them to get past their first question.
FORM = {
    "reason": "because",
    "action": "hold",
    "order": "1",
    "kind": "buy_label",
    "cause": "no_rates",
    "connection": "x",
    "vendor": "easypost",
}


@dataclass(frozen=True)
class Route:
    """One way to ask one address."""

    rule: Rule
    method: str

    @property
    def endpoint(self) -> str:
        return self.rule.endpoint

    @property
    def writes(self) -> bool:
        return self.method not in SAFE_METHODS

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


def routes(app: Flask) -> list[Route]:
    """Every route of every page that the guard stands before."""
    found = [
        Route(rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if isinstance(app.blueprints.get(rule.endpoint.rpartition(".")[0]), Page) and rule.endpoint != "files.shown"
    ]
    assert len(found) > 40
    return found


def needed(app: Flask, route: Route) -> str:
    role = needed_for(app, route.endpoint, write=route.writes)
    assert role is not None, route
    return role


def address(app: Flask, rule: Rule, ids: dict[str, int], *, tenant: int | None = None) -> str:
    """The rule's address, with ids of the kind that its page is about."""
    page = rule.endpoint.partition(".")[0]
    own = {
        "order": "held",
        "choosing": "short",
        "changing": "held",
        "taking_back": "split",
        "job": "parked_job",
        "inbox": "event",
        "people": "person",
    }
    values: dict[str, Any] = {
        **ids, "id": ids.get(own.get(page, ""), 1), "tenant": tenant or ids["tenant"],
        "kind": "address", "connection": f"store-{ids['tenant']}",
    }  # fmt: skip
    if page == "setup":
        values["step"] = "labels"
    if rule.endpoint == "order.label":
        values["id"] = ids["shipped"]
    if page == "purchase_orders":
        values["id"] = ids["split"]
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, {name: values.get(name, 1) for name in rule.arguments}, method=None)


def offered(app: Flask, page: str) -> Iterator[tuple[str, str]]:
    """Every endpoint that a page's forms and links lead to, with the method that they ask by."""
    for form in re.findall(r"<form\b[^>]*>", page):
        method = "POST" if re.search(r'method="post"', form, re.IGNORECASE) else "GET"
        yield from _endpoint(app, re.search(r'action="([^"]*)"', form), method)
    for button in re.findall(r"<(?:button|input)\b[^>]*formaction=[^>]*>", page):
        yield from _endpoint(app, re.search(r'formaction="([^"]*)"', button), "POST")
    for link in re.findall(r"<a\b[^>]*>", page):
        yield from _endpoint(app, re.search(r'href="([^"]*)"', link), "GET")


def _endpoint(app: Flask, found: re.Match[str] | None, method: str) -> Iterator[tuple[str, str]]:
    path = html.unescape(found.group(1)).partition("?")[0].partition("#")[0] if found else ""
    if path.startswith("/") and not path.startswith("/static/"):
        try:
            yield app.url_map.bind("localhost").match(path, method=method)[0], method
        except HTTPException as error:
            raise AssertionError(f"the page leads nowhere: {method} {path}") from error


def bearer(tenant: int, **claims: Any) -> dict[str, str]:
    """What App Bridge sends along for somebody of a shop's staff."""
    now, shop = int(time.time()), f"https://acme-{tenant}.myshopify.com"
    told = {
        "iss": f"{shop}/admin", "dest": shop, "aud": CLIENT_ID, "sub": "42", "sid": "s", "jti": "j",
        "nbf": now - 5, "iat": now - 5, "exp": now + 55, **claims,
    }  # fmt: skip
    return {"Authorization": f"Bearer {jwt.encode(told, CLIENT_SECRET, algorithm='HS256')}"}
