"""A store's admin as far as a page notices it: ID tokens, App Bridge around `fetch`, and the components' bare bones."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import jwt
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Route
from werkzeug.test import TestResponse

CLIENT_ID, SECRET = "an-app-s-key", "an-app-s-secret-of-good-length-1"
HOST = "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvYWNtZQ"


def id_token(shop: str, *, user: str = "42") -> str:
    now = int(time.time())
    claims = {
        "iss": f"https://{shop}/admin", "dest": f"https://{shop}", "aud": CLIENT_ID, "sub": user, "exp": now + 60,
        "nbf": now - 5, "iat": now, "jti": secrets.token_hex(8), "sid": secrets.token_hex(8),
    }  # fmt: skip
    return jwt.encode(claims, SECRET, algorithm="HS256")


class Staff:
    """One of a store's staff at a browser that runs App Bridge: every request carries a fresh ID token, no cookie."""

    def __init__(self, app: Flask, shop: str) -> None:
        self.shop = shop
        self.client: FlaskClient = app.test_client(use_cookies=False)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(self.address(path), headers=self._headers(), **more)

    def post(self, path: str, **fields: Any) -> TestResponse:
        return self.client.post(self.address(path), data=fields, headers=self._headers())

    def follow(self, answer: TestResponse) -> TestResponse:
        return self.client.get(answer.location, headers=self._headers())

    def address(self, path: str) -> str:
        joint = "&" if "?" in path else "?"
        return path if "embedded=1" in path else f"{path}{joint}embedded=1&shop={self.shop}&host={HOST}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {id_token(self.shop)}"}


# What App Bridge does that our pages lean on: a token for every fetch to our own origin, and its own navigation.
# https://shopify.dev/docs/api/app-home/v1.0/apis/authentication-and-data/resource-fetching-api
_APP_BRIDGE = """
const ours = window.fetch;
window.shopify = { idToken: () => Promise.resolve(TOKEN) };
window.fetch = (asked, how = {}) => {
  const headers = new Headers(how.headers || {});
  if (new URL(asked, location.href).origin === location.origin) headers.set("Authorization", "Bearer " + TOKEN);
  return ours(asked, { ...how, headers });
};
"""
# The components with a part in a form, as bare as can be: a field that belongs to its form, a button that sends it.
_POLARIS = """
const field = (type) => class extends HTMLElement {
  static formAssociated = true;
  constructor() { super(); this.inside = this.attachInternals(); }
  connectedCallback() { setTimeout(() => this.build()); } // once its options are there, too
  build() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    const input = document.createElement(type === "select" ? "select" : "input");
    if (type === "select") for (const one of this.querySelectorAll("s-option")) {
      input.append(new Option(one.textContent, one.getAttribute("value"), one.hasAttribute("selected"), one.hasAttribute("selected")));
    } else input.type = type;
    input.style.maxWidth = "100%";
    input.setAttribute("aria-label", this.getAttribute("label") || "");
    if (type === "checkbox") input.checked = this.hasAttribute("checked");
    else if (type !== "select") input.value = this.getAttribute("value") || "";
    const say = () => this.inside.setFormValue(
      type === "checkbox" ? (input.checked ? this.getAttribute("value") || "on" : null) : input.value);
    input.addEventListener("input", say);
    say();
    const label = document.createElement("div");
    label.textContent = this.getAttribute("label") || "";
    const error = document.createElement("div");
    error.textContent = this.getAttribute("error") || "";
    root.append(label, input, error);
  }
};
for (const [name, type] of Object.entries({ "s-text-field": "text", "s-number-field": "text", "s-select": "select",
  "s-checkbox": "checkbox", "s-search-field": "search", "s-password-field": "password" })) customElements.define(name, field(type));
customElements.define("s-button", class extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "button");
    this.tabIndex = 0;
    this.addEventListener("click", () => { if (this.getAttribute("type") === "submit") this.closest("form")?.requestSubmit(); });
  }
});
"""


def serve_shopify(context: BrowserContext, shop: str) -> list[str]:
    """Answer what a page asks cdn.shopify.com for; tells which files that was. Nothing else outside is answered."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[-1]
        asked.append(name)
        token = f"const TOKEN = {json.dumps(id_token(shop))};\n"
        known = {"app-bridge.js": token + _APP_BRIDGE, "polaris-1.js": _POLARIS}
        script = f"(() => {{ {known[name]} }})();"
        route.fulfill(body=script, content_type="text/javascript")

    context.route("https://cdn.shopify.com/**", answer)
    return asked
