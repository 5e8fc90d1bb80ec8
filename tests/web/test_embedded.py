"""The same pages on both surfaces: alone, and inside a store's admin, where there is no cookie and nothing of the house."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import shopify_app
from admin_frame import CLIENT_ID, HOST, SECRET, Staff, id_token, serve_shopify
from flask import Flask
from person import Person
from pydantic import SecretStr
from seeds import Shop
from sqlalchemy.orm import Session
from test_browser import browser, needs_htmx, origin  # noqa: F401 - fixtures

from app import create_app
from config.settings import Settings

SURFACES = ("plain", "embedded")
PAGES = {
    "home": "",
    "orders": "orders",
    "no orders": "orders?q=nothing",
    "order": "orders/{shipped}",
    "held order": "orders/{held}",
    "cancel": "orders/{split}/cancel",
    "routing": "orders/{split}/routing",
    "relabel": "orders/{split}/parcels/{parcel}/relabel",
    "release": "orders/{held}/holds/address/release",
    "many": "orders/bulk?action=cancel&order={held}",
    "stock": "stock",
    "ledger": "stock/{variant}/{location}",
    "settings": "settings",
    "connections": "connections",
    "setting up": "setup",
    "watching": "shadow",
    "privacy": "privacy",
}


@pytest.fixture
def app(settings: Settings, engine: Any) -> Flask:
    """An installation that Shopify knows."""
    known = {"shopify_client_id": CLIENT_ID, "shopify_client_secret": SecretStr(SECRET)}
    return create_app(settings.model_copy(update=known))


@pytest.fixture
def domain(shop: Shop) -> str:
    return f"acme-{shop.tenant}.myshopify.com"


@pytest.fixture
def staff_member(app: Flask, domain: str) -> Staff:
    return Staff(app, domain)


@pytest.fixture
def somebody(request: pytest.FixtureRequest, staff_member: Staff) -> Any:
    """Somebody on the surface that the test is about."""
    return staff_member if request.param == "embedded" else request.getfixturevalue("grace")


def words_of(html: str) -> list[str]:
    """What there is to read between body's start and its end, without the tags and the pages' frames."""
    main = re.search(r'<main id="main".*?</main>', html, re.DOTALL).group(0)
    told = [
        word for tag in re.findall(r"<s-[^>]*>", main)
        for word in re.findall(r' (?:label|heading|details|accessibilityLabel)="([^"]*)"', tag)
    ]  # fmt: skip
    bare = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", main, flags=re.DOTALL)
    return [*bare.split(), *" ".join(told).split()]


@pytest.mark.parametrize("somebody", SURFACES, indirect=True)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_on_both_surfaces(
    somebody: Any, page: str, furnished: dict[str, int], shop: Shop, request: pytest.FixtureRequest
) -> None:
    answer = somebody.get(f"/ops/shops/{shop.tenant}/{PAGES[page].format(**furnished)}")
    inside = isinstance(somebody, Staff)
    assert answer.status_code == 200
    text = answer.text
    assert ("<s-app-nav>" in text) == inside
    assert ("https://cdn.shopify.com/shopifycloud/app-bridge.js" in text) == inside
    assert (f'<meta name="shopify-api-key" content="{CLIENT_ID}">' in text) == inside
    assert bool(re.search(r"<s-(section|table|banner|badge|button|select)\b", text)) == inside
    assert ("csrf_token" in text) == (not inside and "<form" in text)
    assert bool(re.search(r"<table\b", text)) <= (not inside)
    outside = set(re.findall(r'(?:src|href)="(https?://[^/"]+)', text)) - {"https://track.example.com"}
    assert outside == ({"https://cdn.shopify.com"} if inside else set())


@pytest.mark.parametrize("page", ["orders", "order", "stock", "ledger"])
def test_both_surfaces_say_the_same(
    grace: Person, staff_member: Staff, furnished: dict[str, int], shop: Shop, page: str
) -> None:
    path = f"/ops/shops/{shop.tenant}/{PAGES[page].format(**furnished)}"
    alone, inside = words_of(grace.get(path).text), words_of(staff_member.get(path).text)
    missing = set(alone) - set(inside)
    # Choices of native selects are options of the admin's; nothing else may be on one surface only.
    assert missing == set()


@pytest.mark.parametrize("page", PAGES)
def test_inside_the_admin_no_cookie_is_set_and_every_link_knows_where_it_is(
    staff_member: Staff, furnished: dict[str, int], shop: Shop, domain: str, page: str
) -> None:
    answer = staff_member.get(f"/ops/shops/{shop.tenant}/{PAGES[page].format(**furnished)}")
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    ours = re.findall(r'(?:href|action|formaction|hx-get)="(/ops/[^"]*)"', answer.text)
    assert len(ours) >= 5
    for link in ours:
        assert f"shop={domain}" in link, link
        assert f"host={HOST}" in link, link
        assert "embedded=1" in link, link
        # A file's link names its shop where nobody can change it: inside its signature.
        assert link.startswith((f"/ops/shops/{shop.tenant}/", "/ops/files/")), f"{link} leads to the house"
        assert "id_token" not in link


def test_an_id_token_in_the_address_is_never_carried_on(
    staff_member: Staff, shop: Shop, furnished: dict[str, int], domain: str
) -> None:
    token = id_token(domain)
    path = f"/ops/shops/{shop.tenant}/orders?embedded=1&shop={domain}&host={HOST}&id_token={token}&hmac=1&state=to_ship"
    answer = staff_member.client.get(path)
    assert answer.status_code == 200
    assert token not in answer.text
    assert "state=to_ship" in answer.text


def test_a_document_has_the_headers_of_shopify_s_own_package(
    staff_member: Staff, app: Flask, shop: Shop, domain: str
) -> None:
    """What it preloads is what the page loads, and who may frame it is whom the package names."""
    token = id_token(domain)
    path = f"/ops/shops/{shop.tenant}/orders?embedded=1&shop={domain}&host={HOST}&id_token={token}"
    answer = staff_member.client.get(path)
    package = shopify_app.ShopifyApp(CLIENT_ID, SECRET).verify_app_home_req(
        {"method": "GET", "url": f"https://pack.example.com{path}", "headers": {}, "body": ""}, "/auth/patch-id-token"
    )

    preloaded = re.findall(r'<([^>]+\.js)>; rel="preload"', answer.headers["Link"])
    assert len(preloaded) == 2
    assert preloaded == re.findall(r'src="(https://cdn[^"]+)"', answer.text)
    assert '<https://cdn.shopify.com>; rel="preconnect"' in answer.headers["Link"]
    framed_by = package.response.headers["Content-Security-Policy"].rstrip(";")
    assert answer.headers["Content-Security-Policy"].endswith(framed_by)
    assert token not in answer.headers["Link"]
    assert "Link" not in staff_member.get(f"/ops/shops/{shop.tenant}/orders").headers  # fetched, and no document


def test_who_may_frame_a_page_is_its_own_store_only(
    grace: Person, staff_member: Staff, shop: Shop, domain: str
) -> None:
    inside = staff_member.get(f"/ops/shops/{shop.tenant}/orders").headers
    policy = inside["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors https://{domain} https://admin.shopify.com")
    for part in (
        "script-src 'nonce-",
        "style-src 'self' https://cdn.shopify.com",
        "connect-src 'self' https://cdn.shopify.com",
    ):
        assert part in policy
    assert policy.count("https://cdn.shopify.com") == 3
    assert "unsafe" not in policy
    assert "Cross-Origin-Opener-Policy" not in inside
    assert "X-Frame-Options" not in inside
    alone = grace.get(f"/ops/shops/{shop.tenant}/orders").headers["Content-Security-Policy"]
    assert alone.endswith("frame-ancestors 'none'")
    assert "shopify" not in alone


def test_what_was_done_is_said_on_the_next_page_without_a_cookie(
    staff_member: Staff, shop: Shop, furnished: dict[str, int]
) -> None:
    path = f"/ops/shops/{shop.tenant}/orders/{furnished['held']}"
    answer = staff_member.post(f"{path}/go-on")
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    said = '<div class="banner-text">Packline looks at the order again, from where it stands.</div>'
    assert said in staff_member.follow(answer).text
    forged = answer.location.replace("said=", "said=x")
    assert "banner-text" not in staff_member.get(forged).text.partition("live")[0]


def test_nobody_else_puts_words_on_a_page(staff_member: Staff, grace: Person, shop: Shop) -> None:
    for somebody in (staff_member, grace):
        text = somebody.get(f"/ops/shops/{shop.tenant}/orders?said=You%20won").text
        assert "You won" not in text


def test_the_other_store_s_pages_are_nobody_s(staff_member: Staff, other_shop: Shop) -> None:
    assert staff_member.get(f"/ops/shops/{other_shop.tenant}/orders").status_code == 404


# ------------------------------------------------------------------------------------------- in a browser

browsing = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def in_a_browser(test: Any) -> Any:
    for mark in [*browsing, needs_htmx]:
        test = mark(test)
    return test


@pytest.fixture
def admin(browser: Any, origin: str, domain: str) -> Iterator[Any]:  # noqa: F811
    """Opens a page inside the admin; what the browser complains of fails the test."""
    opened: list[Any] = []
    complaints: list[str] = []

    def window(path: str, **how: Any) -> Any:
        context = browser.new_context(base_url=origin, **how)
        opened.append(context)
        serve_shopify(context, domain)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{path}?embedded=1&shop={domain}&host={HOST}&id_token={id_token(domain)}")
        return page

    yield window
    cookies = [cookie for context in opened for cookie in context.cookies()]
    for context in opened:
        context.close()
    # A form that comes back with what is wrong answers 422, which is a complaint of the network's.
    assert [said for said in complaints if not said.startswith("Failed to load resource")] == []
    assert cookies == []


@in_a_browser
def test_an_order_is_found_held_and_released_inside_the_admin(
    admin: Any, grace: Person, shop: Shop, session: Session
) -> None:
    order = shop.order("#1001", state="released")
    shop.line(order)
    session.commit()
    page = admin(f"/ops/shops/{shop.tenant}/")
    loads: list[str] = []
    page.on("load", lambda _page: loads.append(page.url))
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.headers.get("authorization", "")) if "/ops/" in one.url else None)

    page.click(".tile:has-text('To ship')")
    page.wait_for_selector("h1:has-text('Orders')")
    assert "id_token" not in page.url
    page.click("a:has-text('#1001')")
    page.click("summary:has-text('Hold…')")
    page.locator("s-text-field[name=reason] input").fill("The buyer called.")
    page.click("s-button:has-text('Put on hold')")
    page.wait_for_selector("text=The order is on hold")
    assert grace.row("SELECT state, reason, set_by FROM holds").state == "open"
    assert grace.row("SELECT reason FROM holds").reason == "The buyer called."
    page.click("a:has-text('Release…')")
    page.click("s-button:has-text('Release the hold'), button:has-text('Release the hold')")
    page.wait_for_selector("text=Released: Held by a person")
    assert grace.row("SELECT state, released_by FROM holds") == ("released", "person:shopify staff 42")
    page.click(".crumb a:has-text('Orders')")
    page.wait_for_selector("h1:has-text('Orders')")
    page.go_back()
    page.wait_for_selector("h1:has-text('#1001')")

    assert loads == []  # one document, and everything after it fetched with a token
    assert asked
    assert all(one.startswith("Bearer ") for one in asked)


@in_a_browser
def test_settings_are_saved_inside_the_admin_with_what_its_components_hold(
    admin: Any, grace: Person, shop: Shop
) -> None:
    page = admin(f"/ops/shops/{shop.tenant}/settings")
    assert page.locator("form[data-save-bar]").count() == 1
    page.locator("s-number-field[name=promise_days] input").fill("x")
    page.evaluate("document.querySelector('s-number-field[name=promise_days]').inside.setFormValue('x')")
    page.evaluate("document.querySelector('form[data-save-bar]').requestSubmit()")
    page.wait_for_selector("text=Nothing was saved")
    assert page.get_attribute("s-number-field[name=promise_days]", "error") == "A whole number, without a unit."
    page.locator("s-number-field[name=promise_days] input").fill("4")
    page.evaluate("document.querySelector('form[data-save-bar]').requestSubmit()")
    page.wait_for_selector("text=Saved.")
    assert grace.row("SELECT rules ->> 'promise_days' AS days FROM tenants").days == "4"
