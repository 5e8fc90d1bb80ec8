"""What an installation says, in a real browser: for everybody, on a desk and on a phone."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask, render_template
from playwright.sync_api import Browser
from test_browser import PHONE, WIDE, browser, origin, pytestmark, wrong_on

__all__ = ["browser", "origin", "pytestmark"]


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_what_an_installation_says_is_for_everybody(
    app: Flask, browser: Browser, origin: str, screen: dict[str, int]
) -> None:
    said = {"title": "Shopify does not answer", "happened": "It said 503.", "means": "Nothing is lost.", "do": "Wait."}
    lacking = [("read_orders", "No order is read.")]
    told = {
        "install.html": {"said": said},
        "installed.html": {"shop": "acme.myshopify.com", "tenant": 1, "lacking": lacking, "home": "/ops/shops/1/"},
    }
    page = browser.new_page(base_url=origin, viewport=screen)
    for template, values in told.items():
        app.view_functions["install.begin"] = partial(render_template, template, **values)
        assert wrong_on(page, "/auth/install") == [], template
        assert page.locator("h1").count() == 1
    page.close()
