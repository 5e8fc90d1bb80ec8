"""The supplier's page: who has the link may answer, nobody else, and looking changes nothing."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from flask import Flask
from person import Person
from pypdf import PdfReader
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, chromium, origin, wrong_on  # noqa: F401 - origin is a fixture

from config import secrecy
from orders import purchasing
from orders.signed_links import Link
from records import suppliers
from records.suppliers import PurchaseOrder
from web.pages import choose
from web.pages.supply import links


@pytest.fixture
def asked(furnished: dict[str, int], session: Session) -> PurchaseOrder:
    session.execute(
        text("UPDATE order_lines SET to_ship = 9, units = 9 WHERE order_id = :order"), {"order": furnished["split"]}
    )
    session.commit()
    found = suppliers.find(session, furnished["tenant"], furnished["purchase_order"])
    assert found is not None
    return found


@pytest.fixture
def token(app: Flask, asked: PurchaseOrder) -> str:
    with app.app_context():
        return links().token(purchasing.link_of(asked, 3))


def test_the_page_brings_no_cookie_and_no_script_and_changes_nothing_by_looking(stranger: Person, token: str) -> None:
    before = stranger.rows("SELECT * FROM purchase_orders")
    answer = stranger.get(f"/supply/{token}")

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "<script" not in answer.text
    for word in ("/ops", "katherine@example.net"):
        assert word not in answer.text
    assert "T-200" in answer.text
    assert "T-200" in stranger.get(f"/supply/{token}/print").text
    (row,) = csv.DictReader(io.StringIO(stranger.get(f"/supply/{token}/purchase-order.csv").text.lstrip("\ufeff")))
    assert (row["sku"], row["units"], row["unit_cost"], row["currency"]) == ("T-200", "2", "42.50", "USD")
    assert stranger.rows("SELECT * FROM purchase_orders") == before


def test_the_sheet_to_print_is_a_file_with_the_link_on_it(stranger: Person, token: str, asked: PurchaseOrder) -> None:
    before = stranger.rows("SELECT * FROM purchase_orders")
    answer = stranger.get(f"/supply/{token}/purchase-order.pdf")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="purchase-order-{asked.id}.pdf"'
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    assert "T-200" in printed
    assert token in printed.replace("\n", "")
    assert stranger.get(f"/supply/{token}/purchase-order.pdf").data == answer.data
    assert stranger.rows("SELECT * FROM purchase_orders") == before


def test_the_shop_reads_the_same_sheet_where_somebody_may_answer_for_the_supplier(
    grace: Person, stranger: Person, token: str, furnished: dict[str, int], asked: PurchaseOrder, other_shop: Shop
) -> None:
    path = f"orders/{furnished['split']}/purchase-orders/{asked.id}/purchase-order.pdf"
    answer = grace.get(f"/ops/shops/{furnished['tenant']}/{path}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.data == stranger.get(f"/supply/{token}/purchase-order.pdf").data
    assert path in grace.get(f"/ops/shops/{furnished['tenant']}/orders/{furnished['split']}").text
    assert grace.get(f"/ops/shops/{other_shop.tenant}/{path}").status_code == 404
    elsewhere = path.replace(f"orders/{furnished['split']}", f"orders/{furnished['shipped']}", 1)
    assert grace.get(f"/ops/shops/{furnished['tenant']}/{elsewhere}").status_code == 404
    assert stranger.get(f"/ops/shops/{furnished['tenant']}/{path}").status_code == 303


def test_nobody_s_link_leads_anywhere(
    app: Flask, stranger: Person, asked: PurchaseOrder, other_shop: Shop, token: str
) -> None:
    link = purchasing.link_of(asked, 3)
    of = {"about": asked.id, "version": 1, "until": link.until}
    with app.app_context():
        others = links().token(Link(tenant=other_shop.tenant, **of))
        newer = links().token(Link(tenant=link.tenant, **of | {"version": 2}))
        ended = links().token(Link(tenant=link.tenant, **of | {"until": asked.created_at - timedelta(1)}))
        buyers = choose.links()._signer.dumps([link.tenant, asked.id, 1, int(link.until.timestamp())])

    for forged in (others, newer, buyers, token[:-2], f"x{token}", "x"):
        for answer in (stranger.get(f"/supply/{forged}"), stranger.client.post(f"/supply/{forged}/accept")):
            assert answer.status_code == 404, forged
            assert "This link leads nowhere" in answer.text
            assert "/ops" not in answer.text
        assert stranger.get(f"/supply/{forged}/purchase-order.pdf").status_code == 404
    assert stranger.get(f"/supply/{ended}").status_code == 410
    assert stranger.get(f"/supply/{ended}/purchase-order.pdf").status_code == 410


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(stranger: Person, token: str) -> None:
    line = stranger.row("SELECT line_id FROM purchase_order_lines ORDER BY purchase_order_id DESC LIMIT 1").line_id
    for typed, said in (
        ({"carrier": "", "numbers": "1Z9"}, "Who carries it"),
        ({"carrier": "UPS", "numbers": " "}, "Give the tracking number"),
        ({"carrier": "UPS", "numbers": "1Z9", f"units-{line}": "3"}, "There are 2 of it."),
        ({"carrier": "UPS", "numbers": "1Z9", f"units-{line}": "0"}, "Nothing of it is in the parcel"),
    ):
        answer = stranger.client.post(f"/supply/{token}/ship", data=typed)
        assert (answer.status_code, said in answer.text) == (422, True), typed
        assert "Nothing was saved" in answer.text
    assert "1Z9" in answer.text
    answer = stranger.client.post(f"/supply/{token}/reject", data={"reason": ""})
    assert (answer.status_code, "Say why" in answer.text) == (422, True)
    assert stranger.rows("SELECT 1 FROM shipments WHERE purchase_order_id IS NOT NULL") == []


def test_a_yes_counts_once_and_a_no_needs_its_reason(stranger: Person, token: str, asked: PurchaseOrder) -> None:
    for _ in range(3):
        answer = stranger.client.post(f"/supply/{token}/accept", headers={"Origin": "null"})
        assert (answer.status_code, answer.location) == (303, f"/supply/{token}")
    told = "SELECT count(*) AS told FROM timeline_entries WHERE sentence LIKE '%was accepted.'"
    assert stranger.row(told).told == 1
    assert "you ship this" in stranger.get(f"/supply/{token}").text

    stranger.client.post(f"/supply/{token}/reject", data={"reason": "It broke."})
    stranger.client.post(f"/supply/{token}/accept")
    kept = stranger.row(f"SELECT state, reason FROM purchase_orders WHERE id = {asked.id}")
    assert (kept.state, kept.reason) == ("rejected", "It broke.")
    assert "It broke." in stranger.get(f"/supply/{token}").text


def test_the_address_is_shown_as_long_as_there_is_something_to_ship_there(
    stranger: Person, token: str, asked: PurchaseOrder, session: Session
) -> None:
    pages = (f"/supply/{token}", f"/supply/{token}/print", f"/supply/{token}/purchase-order.csv")
    street = "1 Langley Road"
    session.execute(
        text("UPDATE purchase_orders SET ship_to = CAST(:to AS jsonb) WHERE id = :id"),
        {
            "to": json.dumps({"name": "Katherine", "street1": street, "phone": "+1 555", "country": "US"}),
            "id": asked.id,
        },
    )
    session.commit()
    assert [street in stranger.get(page).text for page in pages] == [True] * 3

    for state, days, shown in (
        ("accepted", 0, True),
        ("rejected", 0, False),
        ("cancelled", 0, False),
        ("shipped", 13, True),
        ("shipped", 15, False),
    ):
        session.execute(
            text("UPDATE purchase_orders SET state = :state, ended_at = now() - make_interval(days => :days)"),
            {"state": state, "days": days},
        )
        session.commit()
        answers = [stranger.get(page) for page in pages]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert [street in answer.text for answer in answers] == [shown] * 3, (state, days)
        assert ["+1 555" in answer.text for answer in answers] == [shown] * 3, (state, days)


def test_a_supplier_is_asked_to_wait_while_the_order_is_on_hold(
    stranger: Person, token: str, asked: PurchaseOrder, session: Session
) -> None:
    session.execute(
        text(
            "INSERT INTO holds (tenant_id, order_id, kind, reason, remedy, set_by)"
            " VALUES (:tenant, :order, 'operator', 'Is it real?', '', 'person:Grace')"
        ),
        {"tenant": asked.tenant_id, "order": asked.order_id},
    )
    session.commit()
    assert stranger.client.post(f"/supply/{token}/accept").status_code == 303

    page = stranger.get(f"/supply/{token}").text
    assert ("the shop asks you to wait" in page, "Accept: we ship it" in page, "Is it real?" in page) == (
        True,
        False,
        False,
    )
    assert "It has left: give the tracking" in page
    assert stranger.row(f"SELECT state FROM purchase_orders WHERE id = {asked.id}").state == "sent"


def test_who_asks_too_often_has_to_wait(stranger: Person, token: str) -> None:
    statuses = [stranger.get(f"/supply/x{number}").status_code for number in range(62)]

    assert (statuses[:59], statuses[-1]) == ([404] * 59, 429)
    assert "Wait a moment" in stranger.get(f"/supply/{token}").text


def test_the_link_stands_in_no_log_line(token: str) -> None:
    assert token not in secrecy.line(f"GET /supply/{token}/accept 303")


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_supplier_s_pages_are_for_everybody(origin: str, token: str, tmp_path) -> None:  # noqa: F811
    pages = {"supply": f"/supply/{token}", "print": f"/supply/{token}/print", "nowhere": "/supply/x"}
    wrong = {}
    with chromium() as browser:
        for screen, scheme in ((WIDE, "light"), (PHONE, "light"), (PHONE, "dark")):
            page = browser.new_context(base_url=origin, viewport=screen, color_scheme=scheme).new_page()
            for name, path in pages.items():
                wrong[name, screen["width"], scheme] = wrong_on(page, path)
                page.screenshot(path=str(tmp_path / f"{name}-{screen['width']}-{scheme}.png"), full_page=True)

    assert {what: found for what, found in wrong.items() if found} == {}
