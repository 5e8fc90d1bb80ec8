"""The bar at the top fits every screen: what it has no room for stands under More, with scripts and without."""

from __future__ import annotations

from typing import Any

import pytest
from test_browser import PHONE, WIDE, browser, grace_at, origin, pytestmark, troubles

__all__ = ["browser", "grace_at", "origin", "pytestmark"]


@pytest.mark.parametrize(("screen", "scripts"), [(WIDE, True), (PHONE, False)], ids=["wide", "phone without scripts"])
def test_what_the_bar_has_no_room_for_stands_under_more(
    grace_at: Any, furnished: dict[str, int], screen: dict[str, int], scripts: bool
) -> None:
    page = grace_at(viewport=screen, java_script_enabled=scripts)
    page.goto(f"/ops/shops/{furnished['tenant']}/settings")
    bar = "nav[aria-label=Pages]"
    shown = page.locator(f"{bar} > ul > li:visible").all_inner_texts()
    assert [word.strip() for word in shown] == (
        ["Home", "Orders", "Stock", "Jobs", "More"]
        if screen is PHONE
        else ["Home", "Orders", "Stock", "Jobs", "Inbox", "Payments", "More"]
    )
    page.focus(f"{bar} summary")
    page.keyboard.press("Enter")
    assert page.inner_text(f"{bar} [aria-current=page]:visible").strip() == "Settings"
    if scripts:
        assert troubles(page) == []
        page.keyboard.press("Escape")
        assert page.locator(f"{bar} .more-sheet").is_hidden()
        page.keyboard.press("Enter")  # the word that opened it has the focus again
    page.click(f"{bar} a:visible:has-text('Vendors')")
    assert page.inner_text("h1") == "Vendors"
