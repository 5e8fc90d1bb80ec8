"""The pages of people and of signing in are for everybody: axe finds nothing, wide and on a phone, without scripts too."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from person import PASSWORD
from seeds import Shop
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, browser, grace_at, origin, pytestmark, send, troubles, wrong_on

from records import audit

__all__ = ["browser", "grace_at", "origin", "pytestmark"]


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_pages_of_people_are_for_everybody(
    grace_at: Any, staff: dict[str, int], shop: Shop, session: Session, screen: dict[str, int]
) -> None:
    for outcome in ("done", "refused", "failed"):
        line = {"actor": "person:Ann", "surface": "plain", "act": "order.hold", "subject": "orders/12"}
        audit.write(session, shop.tenant, **line, address="192.0.2.1", outcome=outcome, status=303, orders=[1, 2])
    session.commit()
    page = grace_at(viewport=screen)
    wrong = {
        path: wrong_on(page, path)
        for path in (
            "/ops/people",
            f"/ops/people/{staff['Ann']}",
            "/ops/audit",
            f"/ops/shops/{shop.tenant}/audit",
            f"/ops/shops/{shop.tenant}/audit?who=Nobody",
            "/ops/me",
            "/ops/me/second-factor",
        )
    }
    assert {path: found for path, found in wrong.items() if found} == {}
    page.goto("/ops/people")
    page.fill("#field-name", "Ann")
    page.fill("#field-password", "battery staple")
    send(page, "text=Let them in")
    assert "There is a user Ann already" in page.inner_text("main")
    assert troubles(page) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_second_factor_is_set_up_and_asked_for(grace_at: Any, scripts: bool) -> None:
    page = grace_at(viewport=PHONE, java_script_enabled=scripts)
    page.goto("/ops/me")
    page.click("text=Set it up…")
    page.wait_for_selector("svg.segno")
    phone = pyotp.TOTP(page.inner_text("p.code"))
    page.fill("#field-code", phone.now())
    page.fill("#field-password", PASSWORD)
    send(page, "main button")
    written_down = page.locator("li.code").all_inner_texts()
    assert len(written_down) == 8
    if scripts:
        assert troubles(page) == []
    send(page, "text=Sign out")
    page.fill("#name", "Grace")
    page.fill("#password", PASSWORD)
    send(page, "main button")
    for code, said in (("000000", "not a code of now"), (written_down[0], "")):
        if scripts:
            assert troubles(page) == []
        page.fill("#code", code)
        send(page, "main button")
        assert said in page.inner_text("main")
    page.goto("/ops/work")
    assert "Machine room" in page.inner_text("h1")


def test_a_refusal_for_a_role_reads_well(grace_at: Any, session: Session, shop: Shop) -> None:
    from records import users

    page = grace_at(viewport=PHONE)
    users.give_role(session, "Grace", "read_only")
    session.commit()
    page.goto("/ops/sign-in")
    page.fill("#name", "Grace")
    page.fill("#password", PASSWORD)
    send(page, "main button")
    page.goto("/ops/people")
    assert "This takes the role Admin, and yours is Read only." in page.inner_text("main")
    assert troubles(page) == []
