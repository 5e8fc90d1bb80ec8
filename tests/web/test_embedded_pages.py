"""Every page inside a store's admin, one by one: framed by that store only, and for everybody who reads it."""

from __future__ import annotations

from typing import Any

import pytest
from admin_frame import Staff
from flask import Flask
from seeds import Shop
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, troubles
from test_embedded import (
    PAGES,
    admin,
    app,
    browser,
    domain,
    in_a_browser,
    origin,
    staff_member,
)
from test_privacy import export
from walking import address, routes

from config.settings import Settings

__all__ = ["admin", "app", "browser", "domain", "origin", "staff_member"]

# What is drawn of the same things in other orders: looked at by axe, too.
MORE_PAGES = {
    "locations": "setup/locations",
    "usual box": "setup/parcel",
    "notices": "setup/notices",
    "self-test": "setup/self-test",
    "going live": "shadow/go-live",
    "payments": "payments",
    "jobs": "jobs",
    "job": "jobs/{parked_job}",
    "inbox": "inbox",
    "event": "inbox/{event}",
    "vendors": "vendors",
    "audit": "audit",
    "split": "orders/{waiting}/shipments/{waiting_shipment}/split",
}


def test_every_answer_inside_the_admin_is_framed_by_its_own_store_only(
    app: Flask, staff_member: Staff, furnished: dict[str, int], shop: Shop, domain: str
) -> None:
    """Pages, parts of pages, files, and whatever refuses somebody: all of them stand in the same frame."""
    theirs = f"frame-ancestors https://{domain} https://admin.shopify.com"
    framed = {}
    for route in routes(app):
        path = address(app, route.rule, furnished)
        if "/shops/" in path:
            ask = staff_member.post if route.writes else staff_member.get
            framed[str(route)] = ask(path).headers["Content-Security-Policy"].rpartition("; ")[2]
    assert len(framed) > 60
    assert {name: policy for name, policy in framed.items() if policy != theirs} == {}


@in_a_browser
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_is_for_everybody_inside_the_admin(
    admin: Any, shop: Shop, session: Session, settings: Settings, furnished: dict[str, int], screen: Any
) -> None:
    export(shop, session, settings)
    session.commit()
    wrong = {}
    for name, path in (PAGES | MORE_PAGES).items():
        if "?" in path or name in {"ledger", "no orders", "relabel"}:
            continue
        page = admin(f"/ops/shops/{shop.tenant}/{path.format(**furnished)}", viewport=screen)
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong[name] = [*troubles(page), *([f"scrolls sideways by {wider}"] if wider > 0 else [])]
        page.close()
    assert {name: found for name, found in wrong.items() if found} == {}
