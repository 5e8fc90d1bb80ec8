"""Files inside a store's admin: each is fetched with a token and kept by a script, for the frame itself can show none."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_frame import Staff
from flask import Flask
from furnishing import put_with_courier
from person import Person
from seeds import PDF, Shop
from sqlalchemy.orm import Session
from test_embedded import admin, app, browser, domain, in_a_browser, origin, staff_member
from test_privacy import export
from walking import address, offered, routes

from config.settings import Settings

__all__ = ["admin", "app", "browser", "domain", "origin", "staff_member"]

# Every address that answers with a file and not with a page.
FILES = frozenset(
    {
        "order.label", "files.shown", "orders.file", "bulk.print_labels", "privacy.fetch", "audit.file",
        "audit_house.house_file", "stock.file", "replenish.file", "purchase_orders.sheet",
        "couriered.slip",
    }
)  # fmt: skip


def unmarked(app: Flask, page: str) -> Iterator[str]:
    """What leads to a file and would be shown in the page's place inside the admin."""
    for link in re.findall(r"<a\b[^>]*>", page):
        marked = " data-download=" in link and ' hx-boost="false"' in link
        if not marked and leads_to_a_file(app, link):
            yield link
    for form, inside in re.findall(r"(<form\b[^>]*>)(.*?)</form>", page, re.DOTALL):
        for button in re.findall(r"<(?:button|s-button)\b[^>]*>", inside):
            sends = button.replace("formaction=", "action=") if " formaction=" in button else form
            if " data-download=" not in button and leads_to_a_file(app, f"{sends}</form>"):
                yield button


def leads_to_a_file(app: Flask, tag: str) -> bool:
    as_form = re.sub(r"^<button\b", "<form method=post", tag).replace("method=post", 'method="post"')
    return any(endpoint in FILES for endpoint, _ in offered(app, as_form))


@pytest.fixture
def pages(
    app: Flask,
    grace: Person,
    staff_member: Staff,
    shop: Shop,
    session: Session,
    settings: Settings,
    furnished: dict[str, int],
    staff: dict[str, int],
) -> list[tuple[str, str]]:
    """Every page that an admin may look at, on both surfaces, in a shop that has something of everything."""
    export(shop, session, settings)
    couriered, _ = put_with_courier(shop)
    session.commit()
    ids = furnished | {"person": staff["Ann"], "held": furnished["shipped"]}
    looks = [route.rule for route in routes(app) if not route.writes and route.endpoint not in FILES]
    paths = [address(app, rule, ids) for rule in looks]
    paths.append(f"/ops/shops/{shop.tenant}/orders/{furnished['split']}")  # a supplier ships a part of it
    paths.append(f"/ops/shops/{shop.tenant}/orders/{couriered}")
    found = []
    for path in paths:
        asked: list[Any] = [grace, staff_member] if "/shops/" in path else [grace]
        answers = [somebody.get(path) for somebody in asked]
        found += [(path, one.text) for one in answers if one.mimetype == "text/html" and one.status_code == 200]
    return found


def test_whatever_leads_to_a_file_says_so(app: Flask, pages: list[tuple[str, str]]) -> None:
    wrong = {path: found for path, text in pages if (found := list(unmarked(app, text)))}
    assert wrong == {}
    assert {endpoint for _, text in pages for endpoint, _ in offered(app, text)} & FILES == FILES


def test_no_other_module_answers_with_a_file(app: Flask) -> None:
    """A new one has to stand in the list above, so that what leads to it is looked at."""
    known = {app.view_functions[name].__module__ for name in FILES} | {"web.pages.supply"}  # it is in nobody's admin
    telling = {
        view.__module__ for view in app.view_functions.values()
        if "Content-Disposition" in Path(sys.modules[view.__module__].__file__ or "").read_text()
    }  # fmt: skip
    # A supplier's own page stands in no admin's frame.
    assert telling - {"web.pages.supply"} <= known


@in_a_browser
def test_a_label_is_kept_as_a_file_inside_the_admin(admin: Any, shop: Shop, furnished: dict[str, int]) -> None:
    page = admin(f"/ops/shops/{shop.tenant}/orders/{furnished['shipped']}")
    with page.expect_download() as kept:
        page.locator("a:has-text('Label')").first.click()
    assert kept.value.suggested_filename == f"1001-label-{furnished['label']}.pdf"
    assert Path(kept.value.path()).read_bytes() == PDF
    assert page.inner_text("h1") == "#1001"  # the page stands as it was


@in_a_browser
@pytest.mark.parametrize(("button", "ending", "told"), [("JSON", "json", '"email"'), ("Text", "txt", "email: ")])
def test_an_export_is_kept_as_a_file_inside_the_admin(
    admin: Any,
    shop: Shop,
    session: Session,
    settings: Settings,
    button: str,
    ending: str,
    told: str,
) -> None:
    row = export(shop, session, settings)
    page = admin(f"/ops/shops/{shop.tenant}/privacy")
    with page.expect_download() as kept:
        page.click(f"button:has-text('{button} of demand')")
    assert kept.value.suggested_filename == f"buyer-{row.id}.{ending}"
    assert told in Path(kept.value.path()).read_text()
    assert page.inner_text("h1") == "Privacy"


@in_a_browser
def test_the_labels_of_ticked_orders_are_kept_as_a_file_inside_the_admin(
    admin: Any,
    shop: Shop,
    furnished: dict[str, int],
) -> None:
    page = admin(f"/ops/shops/{shop.tenant}/orders")
    page.check(f"input[name=order][value='{furnished['shipped']}']")
    with page.expect_download() as kept:
        page.click("button:has-text('Labels (ZIP)')")
    assert kept.value.suggested_filename.endswith(".zip")
