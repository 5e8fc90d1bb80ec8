"""The pages in a real browser: for everybody, on every screen, with and without scripts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from furnishing import put_aside, put_with_courier
from person import PASSWORD, Person
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from seeds import Shop
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from records import users
from records.orders import Order
from web.pages import FOLDER

CHROMIUM = Path("/usr/bin/chromium")
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# The pages that between them show everything that pages are made of.
TELLING = ("home", "orders", "shipped order", "held order", "jobs")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
pytestmark = [
    pytest.mark.browser,
    # A connection of a browser that has gone is closed by the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
needs_htmx = pytest.mark.skipif(
    not (FOLDER / "static/vendor/htmx.min.js").exists(), reason="needs the front-end files (make assets)"
)


def send(page: Page, button: str) -> None:
    """Press a button that sends a form, and see what is answered: a press alone does not wait for the next page."""
    with page.expect_navigation():
        page.click(button)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; where this machine has none, the story that asks for it is skipped, and says so."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium (apt-get install chromium)")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--headless=new"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def origin(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def grace_at(browser: Browser, origin: str, staff: dict[str, int]) -> Iterator[Any]:
    """Opens a browser window of somebody who is signed in; what the browser complains of fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def window(**how: Any) -> Page:
        context = browser.new_context(base_url=origin, **how)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/ops/sign-in")
        page.fill("#name", "Grace")
        page.fill("#password", PASSWORD)
        send(page, "main button")
        return page

    yield window
    for context in opened:
        context.close()
    # A page that answers 404 or 503 is a complaint of the network's, and asked for by its story.
    assert [said for said in complaints if not said.startswith("Failed to load resource")] == []


def every_page(ids: dict[str, int]) -> dict[str, str]:
    shop = f"/ops/shops/{ids['tenant']}"
    return {
        "home": f"{shop}/",
        "orders": f"{shop}/orders",
        "no orders": f"{shop}/orders?q=nothing",
        "shipped order": f"{shop}/orders/{ids['shipped']}",
        "split order": f"{shop}/orders/{ids['split']}",
        "held order": f"{shop}/orders/{ids['held']}",
        "short order": f"{shop}/orders/{ids['short']}",
        "answer for the buyer": f"{shop}/orders/{ids['short']}/choice",
        "another address": f"{shop}/orders/{ids['held']}/address",
        "too late for another address": f"{shop}/orders/{ids['shipped']}/address",
        "cancel": f"{shop}/orders/{ids['split']}/cancel",
        "routing": f"{shop}/orders/{ids['split']}/routing",
        "try rules": f"{shop}/routing/simulate",
        "tried rules": f"{shop}/routing/simulate/tried?routing.order=cheapest",
        "rules to save": f"{shop}/settings?routing.order=cheapest",
        "cannot send": f"{shop}/orders/{ids['waiting']}/shipments/{ids['waiting_shipment']}/cannot-send",
        "planned order": f"{shop}/orders/{ids['waiting']}",
        "relabel": f"{shop}/orders/{ids['split']}/parcels/{ids['parcel']}/relabel",
        "release": f"{shop}/orders/{ids['held']}/holds/address/release",
        "jobs": f"{shop}/jobs",
        "job": f"{shop}/jobs/{ids['parked_job']}",
        "retry all": f"{shop}/jobs/retry?cause=no_rates&kind=buy_label",
        "inbox": f"{shop}/inbox",
        "event": f"{shop}/inbox/{ids['event']}",
        "many": f"{shop}/orders/bulk?action=cancel&order={ids['split']}",
        "settings": f"{shop}/settings",
        "stock": f"{shop}/stock",
        "bundles": f"{shop}/stock/bundles",
        "made to order": f"{shop}/stock/making",
        "where goods may go": f"{shop}/stock/where",
        "digital goods": f"{shop}/stock/digital",
        "to order": f"{shop}/replenish?show=all",
        "one to order": f"{shop}/replenish/{ids['variant']}/{ids['location']}",
        "ledger": f"{shop}/stock/{ids['variant']}/{ids['location']}",
        "arrivals": f"{shop}/arrivals",
        "arrival": f"{shop}/arrivals/{ids['arrival']}",
        "suppliers": f"{shop}/suppliers",
        "purchase orders": f"{shop}/purchase-orders",
        "counts": f"{shop}/stock/counts",
        "count": f"{shop}/stock/counts/{ids['count']}",
        "problems of a count": f"{shop}/stock/counts/{ids['count']}?show=problems",
        "scan": f"{shop}/stock/scan/{ids['scanned']}",
        "locations": f"{shop}/locations",
        "couriers": f"{shop}/couriers",
        "location": f"{shop}/locations/{ids['location']}",
        "payments": f"{shop}/payments",
        "vendors": f"{shop}/vendors",
        "connections": f"{shop}/connections",
        "disconnect": f"{shop}/connections/stripe-{ids['tenant']}/disconnect",
        "setting up": f"{shop}/setup",
        "warehouses": f"{shop}/setup/locations",
        "usual box": f"{shop}/setup/parcel",
        "self-test": f"{shop}/setup/self-test",
        "watching": f"{shop}/shadow",
        "going live": f"{shop}/shadow/go-live",
        "work": "/ops/work",
        "missing": f"{shop}/orders/999999",
        "privacy": f"{shop}/privacy",
        "split": f"{shop}/orders/{ids['waiting']}/shipments/{ids['waiting_shipment']}/split",
        "shops": "/ops/",
        "audit": f"{shop}/audit",
    }


def troubles(page: Page) -> list[str]:
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


# What may be wider than its box scrolls inside it; the page itself never scrolls sideways.
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_SMALL_TARGETS = """() => [...document.querySelectorAll(
    "button, input:not([type=hidden]), select, summary, nav a, a.btn, .tile, .needs a, label.tick-box")]
  .filter(element => element.checkVisibility() && !element.matches(".visually-hidden-focusable, .form-check-input"))
  .map(element => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""


def wrong_on(page: Page, path: str) -> list[str]:
    page.goto(path)
    # But for the sheet of the bar, which lies over what is below it while somebody chooses from it.
    page.evaluate("document.querySelectorAll('details:not(.more)').forEach(one => { one.open = true })")
    wider = page.evaluate(_OVERFLOW)
    sideways = [f"scrolls sideways by {wider} pixels"] if wider > 0 else []
    return [*troubles(page), *page.evaluate(_SMALL_TARGETS), *sideways]


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_is_for_everybody(grace_at: Any, furnished: dict[str, int], screen: dict[str, int]) -> None:
    page = grace_at(viewport=screen)
    wrong = {name: wrong_on(page, path) for name, path in every_page(furnished).items()}
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_what_waits_for_its_buyer_is_for_everybody(
    grace_at: Any, furnished: dict[str, int], shop: Shop, session: Session, screen: dict[str, int]
) -> None:
    orders = [put_aside(shop, state="planned")[0], put_aside(shop, state="ready")[0], put_aside(shop, way="brought")[0]]
    session.commit()

    page = grace_at(viewport=screen)
    assert [wrong_on(page, f"/ops/shops/{furnished['tenant']}/orders/{order}") for order in orders] == [[], [], []]


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_what_a_courier_brings_is_for_everybody(
    grace_at: Any, furnished: dict[str, int], shop: Shop, session: Session, screen: dict[str, int]
) -> None:
    orders = [put_with_courier(shop, state=state)[0] for state in ("planned", "handing_over", "handed_over")]
    session.commit()

    page = grace_at(viewport=screen)
    assert [wrong_on(page, f"/ops/shops/{furnished['tenant']}/orders/{order}") for order in orders] == [[], [], []]


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_secret_of_a_suppliers_machine_is_for_everybody(
    grace_at: Any, furnished: dict[str, int], screen: dict[str, int]
) -> None:
    page = grace_at(viewport=screen)
    assert wrong_on(page, f"/ops/shops/{furnished['tenant']}/suppliers") == []
    page.fill("form[action$='/machine'] [name=url]", "https://orders.example.com/in")
    send(page, "form[action$='/machine'] button")
    page.wait_for_load_state()
    assert page.locator("text=plsec_").count() == 1
    assert [*troubles(page), *page.evaluate(_SMALL_TARGETS)] == []
    assert page.evaluate(_OVERFLOW) <= 0


def test_pages_read_well_in_the_dark(grace_at: Any, furnished: dict[str, int]) -> None:
    page = grace_at(viewport=WIDE, color_scheme="dark")
    for name in TELLING:
        assert wrong_on(page, every_page(furnished)[name]) == [], name
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 26)"


def test_the_door_is_for_everybody(browser: Browser, origin: str, staff: dict[str, int], session: Session) -> None:
    page = browser.new_page(base_url=origin, viewport=PHONE)
    page.goto("/ops/sign-in")
    assert troubles(page) == []
    page.fill("#name", "Grace")
    page.fill("#password", "wrong")
    send(page, "main button")
    assert "Name and password do not belong together" in page.inner_text("[role=alert]")
    assert troubles(page) == []
    for name in staff:
        users.end(session, name)
    session.commit()
    page.goto("/ops/work")
    assert "packline users add NAME" in page.inner_text("main")
    assert troubles(page) == []
    page.close()


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_pages_are_whole_where_npm_never_was(
    app: Flask, grace_at: Any, furnished: dict[str, int], screen: dict[str, int]
) -> None:
    app.jinja_env.globals["is_built"] = lambda path: False
    page = grace_at(viewport=screen)
    for name in TELLING:
        assert wrong_on(page, every_page(furnished)[name]) == [], name
        assert "/vendor/" not in page.content()


def test_everything_works_without_scripts(grace_at: Any, grace: Person, furnished: dict[str, int]) -> None:
    page = grace_at(viewport=PHONE, java_script_enabled=False)
    path = f"/ops/shops/{furnished['tenant']}/orders/{furnished['split']}"
    page.goto(path)
    page.click("summary:has-text('Hold…')")
    page.fill("#field-reason", "The buyer called.")
    send(page, "button:has-text('Put on hold')")
    assert page.url.endswith(path)
    assert "The order is on hold" in page.inner_text("main")
    page.click(".banner:has-text('The buyer called.') >> text=Release…")
    send(page, "button:has-text('Release the hold')")
    assert "Released: Held by a person" in page.inner_text("main")
    assert grace.row("SELECT state, released_by FROM holds WHERE reason = 'The buyer called.'") == (
        "released",
        "person:Grace",
    )


def test_the_keyboard_reaches_the_page_first(grace_at: Any, furnished: dict[str, int]) -> None:
    page = grace_at(viewport=WIDE)
    page.goto(f"/ops/shops/{furnished['tenant']}/orders")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


@needs_htmx
def test_a_page_keeps_itself_fresh_while_somebody_looks(
    grace_at: Any, furnished: dict[str, int], shop: Shop, session: Session
) -> None:
    page = grace_at(viewport=WIDE)
    page.clock.install()
    page.goto(f"/ops/shops/{furnished['tenant']}/orders/{furnished['split']}")
    assert "Updates by itself." in page.inner_text("#live-state")
    page.click("summary:has-text('rates were considered')")
    shop.tell(session.get_one(Order, (shop.tenant, furnished["split"])), "A word from far away.")
    session.commit()
    with page.expect_response("**/live*"):
        page.clock.run_for(5_000)
    page.wait_for_selector("text=A word from far away.")
    assert page.evaluate("document.querySelector('details.rates').open")  # what was opened stays open


@needs_htmx
def test_a_page_rests_while_nobody_looks_or_somebody_says_so(grace_at: Any, furnished: dict[str, int]) -> None:
    page = grace_at(viewport=WIDE)
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live" in request.url else None)
    page.goto(f"/ops/shops/{furnished['tenant']}/orders")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.clock.run_for(30_000)
    assert asked == []
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    page.click("text=Pause")
    page.clock.run_for(30_000)
    assert asked == []
    assert "Updates are paused." in page.inner_text("#live-state")
    with page.expect_response("**/live*"):
        page.click("#live-state >> text=Go on")
    page.check(".tick input >> nth=0")
    asked.clear()
    page.clock.run_for(30_000)
    assert asked == []  # a row that somebody has ticked is not exchanged under their hands


@needs_htmx
def test_a_page_that_stood_open_goes_to_the_door_when_its_cookie_ends(grace_at: Any, furnished: dict[str, int]) -> None:
    page = grace_at(viewport=WIDE)
    page.clock.install()
    page.goto(f"/ops/shops/{furnished['tenant']}/orders")
    page.context.clear_cookies()
    page.clock.run_for(5_000)
    page.wait_for_url("**/sign-in")
    assert page.is_visible("#password")


@needs_htmx
def test_a_page_says_when_it_is_not_fresh_any_more(grace_at: Any, furnished: dict[str, int]) -> None:
    page = grace_at(viewport=WIDE)
    page.clock.install()
    page.goto(f"/ops/shops/{furnished['tenant']}/orders")
    page.route("**/live*", lambda route: route.fulfill(status=503, body="<p>away</p>"))
    page.clock.run_for(5_000)
    page.wait_for_selector("text=Not updated: the server does not answer.")
    assert page.locator(".order-name").count() == 13
    assert "away" not in page.inner_text("main")
