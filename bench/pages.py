"""python -m bench.pages: how soon the merchants' pages stand, hold still and answer, with 100,000 orders behind them.

Measured in headless Chromium, as "Built for Shopify" counts it: of the visits to a page, three quarters are at least
so good. Largest contentful paint and layout shift are the browser's own entries; for the interaction a filter is
opened, a row ticked or a field written in, and the browser says how long it took until that was painted.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text
from werkzeug.serving import make_server

from bench import orders_by_the_thousand
from config import boot, logs
from config.settings import Settings
from records import database, passwords
from records.users import User

ORDERS = 100_000
VISITS = 8
CHROMIUM = "/usr/bin/chromium"
# https://shopify.dev/docs/apps/launch/built-for-shopify/requirements
BUDGETS = {"lcp_ms": 2_500.0, "cls": 0.1, "inp_ms": 200.0}
_NAME, _PASSWORD = "Bench", "a password for the bench only"

_WATCH = """() => {
  window.seen = { lcp: 0, cls: 0, inp: 0 };
  new PerformanceObserver((list) => { for (const one of list.getEntries()) window.seen.lcp = one.startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.seen.cls += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries().filter((each) => each.interactionId))
      window.seen.inp = Math.max(window.seen.inp, one.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
}"""


_PAINTED = """new Promise((done) => {
  const look = () => (window.seen.lcp ? done() : setTimeout(look, 20));
  look();
})"""
_SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One page as somebody asks for it, and what they press or type there first."""

    name: str
    path: str
    touch: str


VISITED = (
    Visit(name="home", path="", touch="details > summary"),
    Visit(name="orders", path="orders", touch=".tick input"),
    Visit(name="orders, searched", path="orders?q=Ada", touch=".tick input"),
    Visit(name="orders, two filters", path="orders?warehouse={warehouse}&shipment=planned", touch=".tick input"),
    Visit(name="order", path="orders/{order}", touch="summary.btn"),
    Visit(name="stock", path="stock", touch="input[name=short]"),
    Visit(name="settings", path="settings", touch="[name=promise_days]"),
)


def measure(engine: Engine, origin: str, tenant: int, *, visits: int = VISITS) -> dict[str, dict[str, list[float]]]:
    """Every visit's numbers, by page and by what was measured."""
    ids = _ids(engine, tenant)
    found: dict[str, dict[str, list[float]]] = {}
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless=new"])
        page = browser.new_context(base_url=origin, viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script(f"({_WATCH})()")
        _sign_in(page)
        for visit in VISITED:
            path = f"/ops/shops/{tenant}/{visit.path.format(**ids)}"
            found[visit.name] = {name: [] for name in BUDGETS}
            for _ in range(visits):
                for name, value in _visit(page, path, visit.touch).items():
                    found[visit.name][name].append(value)
        browser.close()
    return found


def p75(values: list[float]) -> float:
    """Three quarters of the visits are at least so good."""
    return sorted(values)[math.ceil(len(values) * 0.75) - 1]


def over_budget(found: dict[str, dict[str, list[float]]]) -> list[str]:
    """What misses a budget, in words; empty where all is well."""
    return [
        f"{page}: {name} is {p75(values):g}, and may be {BUDGETS[name]:g}"
        for page, numbers in found.items()
        for name, values in numbers.items()
        if p75(values) > BUDGETS[name]
    ]


@contextmanager
def served(settings: Settings) -> Iterator[tuple[Engine, str]]:
    """The application on a port of its own, with somebody who may sign in; answers its engine and its address."""
    from app import create_app

    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app.extensions["engine"], f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


def let_in(engine: Engine) -> None:
    """Somebody who may sign in and look at every shop."""
    with database.across_tenants(engine, why="bench") as session:
        session.add(User(name=_NAME, password_hash=passwords.kept(_PASSWORD)))


def _sign_in(page: Page) -> None:
    page.goto("/ops/sign-in")
    page.fill("#name", _NAME)
    page.fill("#password", _PASSWORD)
    with page.expect_navigation():
        page.click("main button")


def _visit(page: Page, path: str, touch: str) -> dict[str, float]:
    page.goto(path, wait_until="load")
    page.evaluate(_PAINTED)
    page.locator(touch).first.click()
    page.keyboard.press("End")
    # An interaction is told of after the frame that showed it; two frames later nothing more comes of it.
    page.evaluate(_SETTLED)
    seen: dict[str, Any] = page.evaluate("window.seen")
    return {"lcp_ms": float(seen["lcp"]), "cls": float(seen["cls"]), "inp_ms": float(seen["inp"])}


def _ids(engine: Engine, tenant: int) -> dict[str, int]:
    with database.transaction(engine, tenant) as session:
        order = session.execute(
            text("SELECT max(id) FROM orders WHERE tenant_id = :t AND state = 'fulfilled'"), {"t": tenant}
        ).scalar_one()
        warehouse = session.execute(
            text("SELECT min(id) FROM locations WHERE tenant_id = :t"), {"t": tenant}
        ).scalar_one()
    return {"order": int(order), "warehouse": int(warehouse)}


@click.command()
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write every visit's numbers to this file.")
@click.option("--home", type=click.Path(path_type=Path), default=Path(".cache/bench-pages"), show_default=True)
@click.option("--orders", default=ORDERS, show_default=True)
def main(*, file: Path | None, home: Path, orders: int) -> None:
    """Fill a database, visit every page, and say which of them are slower than they may be."""
    from bench.__main__ import _empty

    settings = boot.complete(
        Settings(_env_file=None, packline_home=home, database_url="", redis_url="", log_level="WARNING")
    )
    logs.set_up(settings)
    _empty(settings)
    with served(settings) as (engine, origin):
        let_in(engine)
        tenant = orders_by_the_thousand.fill(engine, orders=orders)
        found = measure(engine, origin, tenant)
    table = Table("page", *(f"{name} (p75, at most {most:g})" for name, most in BUDGETS.items()))
    for name, numbers in found.items():
        table.add_row(name, *(f"{p75(numbers[one]):.3g}" for one in BUDGETS))
    Console().print(table)
    if file is not None:
        ratios = {
            f"pages.{page}.{one}": round(p75(numbers[one]) / most, 4)
            for page, numbers in found.items()
            for one, most in BUDGETS.items()
        }
        file.write_text(json.dumps({"ratios": ratios, "visits": found}, indent=2) + "\n")
    misses = over_budget(found)
    if misses:
        raise SystemExit("\n".join(misses))


if __name__ == "__main__":
    main()
