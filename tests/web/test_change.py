"""The buyer's page of an order: who has the link may change it, what is typed stands in no address, and late is late."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, chromium, origin, troubles, wrong_on  # noqa: F401 - origin is a fixture

from config import secrecy
from orders import readdressing
from orders.signed_links import Link
from records.orders import Order
from web.pages.choose import links

_SIDEWAYS = """() => document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["sideways"] : []"""
NEW = {
    "what": "address", "name": "Katherine Johnson", "street1": "5 Rue Morgue", "city": "Hampton", "region": "va",
    "postcode": "23666",
}  # fmt: skip


def token_of(app: Flask, session: Session, tenant: int, order: int) -> str:
    with app.app_context():
        return links().leading_to("order").token(readdressing.link_of(session.get_one(Order, (tenant, order))))


@pytest.fixture
def token(app: Flask, furnished: dict[str, int], session: Session) -> str:
    """Of an order that waits for a person: nothing is packed."""
    session.execute(text("UPDATE order_lines SET to_ship = units"))
    session.commit()
    return token_of(app, session, furnished["tenant"], furnished["held"])


@pytest.fixture
def late(app: Flask, furnished: dict[str, int], session: Session) -> str:
    return token_of(app, session, furnished["tenant"], furnished["shipped"])


def line(stranger: Person, order: int) -> str:
    return f"units-{stranger.row('SELECT id FROM order_lines WHERE order_id = :id LIMIT 1', id=order).id}"


def test_the_page_brings_no_cookie_no_script_and_nobody_else(stranger: Person, token: str) -> None:
    answer = stranger.get(f"/order/{token}")

    assert answer.status_code == 200
    assert "You can still change your order" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("https://packline.example", "")
    assert "/ops" not in answer.text


def test_looking_and_confirming_change_nothing(stranger: Person, token: str, furnished: dict[str, int]) -> None:
    before = stranger.rows("SELECT count(*) FROM timeline_entries"), stranger.rows("SELECT state FROM orders")
    stranger.get(f"/order/{token}")

    sure = stranger.client.post(f"/order/{token}/confirm", data=NEW)
    assert (sure.status_code, "5 Rue Morgue" in sure.text, "Is this right?" in sure.text) == (200, True, True)
    off = stranger.client.post(
        f"/order/{token}/confirm", data={"what": "lines", line(stranger, furnished["held"]): "1"}
    )
    assert "at most" in off.text
    whole = stranger.client.post(f"/order/{token}/confirm", data={"what": "cancel"})
    assert "Cancel the whole order?" in whole.text

    assert (stranger.rows("SELECT count(*) FROM timeline_entries"), stranger.rows("SELECT state FROM orders")) == before
    assert stranger.rows("SELECT 1 FROM address_changes") == []
    assert stranger.rows("SELECT 1 FROM reversals WHERE order_id = :id", id=furnished["held"]) == []


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("street1", "", "Say the street"),
        ("city", "", "Say the city"),
        ("postcode", "abc", "Five digits"),
        ("postcode", "", "Say the postcode"),
        ("region", "Virginia", "By its letters"),
        ("name", "x" * 101, "too long"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_beside_it_and_what_was_typed_is_kept(
    stranger: Person, token: str, field: str, typed: str, said: str
) -> None:
    answer = stranger.client.post(f"/order/{token}/confirm", data=NEW | {field: typed})

    assert answer.status_code == 422
    assert said in answer.text
    assert "23666" in answer.text or field == "postcode"
    assert "5 Rue Morgue" in answer.text or field == "street1"
    assert stranger.client.post(f"/order/{token}", data=NEW | {field: typed}).status_code == 409
    assert stranger.rows("SELECT 1 FROM address_changes") == []


def test_an_address_counts_once_however_often_it_is_sent(
    stranger: Person, token: str, furnished: dict[str, int]
) -> None:
    answers = [stranger.client.post(f"/order/{token}", data=NEW, headers={"Origin": "null"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 409]
    kept = stranger.row("SELECT state, asked_by, address FROM address_changes")
    assert (kept.state, kept.asked_by, kept.address["region"]) == ("asked", "person:the buyer", "VA")
    assert stranger.rows("SELECT count(*) AS jobs FROM jobs WHERE kind = 'change_address'")[0].jobs == 1
    assert "We have your new address." in stranger.get(f"/order/{token}").text


@pytest.mark.parametrize("count", ["99999999", "-1", "x", "", "0"])
def test_units_that_are_not_there_take_nothing_off(
    stranger: Person, token: str, furnished: dict[str, int], count: str
) -> None:
    form = {"what": "lines", line(stranger, furnished["held"]): count}

    assert stranger.client.post(f"/order/{token}/confirm", data=form).status_code == 422
    assert stranger.client.post(f"/order/{token}", data=form).status_code == 409
    assert stranger.rows("SELECT 1 FROM reversals WHERE order_id = :id", id=furnished["held"]) == []


def test_what_was_confirmed_is_what_is_done_or_it_is_asked_again(
    stranger: Person, token: str, furnished: dict[str, int]
) -> None:
    answer = stranger.client.post(f"/order/{token}", data={"what": "cancel", "plan": "0" * 32})

    assert answer.status_code == 409
    assert "This is how it is now; nothing was changed." in answer.text
    order = stranger.row("SELECT state FROM orders WHERE id = :id", id=furnished["held"])
    assert order.state not in {"cancelling", "cancelled"}


def test_a_parcel_on_its_way_can_be_followed_and_refused_and_nothing_else(
    stranger: Person, late: str, session: Session
) -> None:
    assert "Your order has arrived." in stranger.get(f"/order/{late}").text
    session.execute(text("UPDATE parcels SET carrier_status = 'in_transit'"))
    session.commit()
    page = stranger.get(f"/order/{late}").text

    assert "it is on its way" in page
    assert "refuse the parcel" in page
    assert "<form" not in page
    assert stranger.client.post(f"/order/{late}", data=NEW).status_code == 409


def test_the_link_stands_in_no_log(token: str) -> None:
    assert token not in secrecy.line(f"POST /order/{token}/confirm 200")


def test_links_of_others_old_ones_and_those_of_choices_lead_nowhere(
    app: Flask, stranger: Person, token: str, furnished: dict[str, int], shop: Shop
) -> None:
    with app.app_context():
        made = links()
    good = {
        "tenant": furnished["tenant"],
        "about": furnished["held"],
        "version": 1,
        "until": shop.now + timedelta(days=1),
    }
    others = [
        made.leading_to("order").token(Link(**good | {"tenant": furnished["tenant"] + 999})),
        made.leading_to("order").token(Link(**good | {"version": 2})),
        made.leading_to("order").token(Link(**good | {"about": 999_999})),
        made.token(Link(tenant=good["tenant"], about=good["about"], version=1, until=good["until"])),
        token[:-1],
        "x",
    ]
    for other in others:
        assert stranger.get(f"/order/{other}").status_code == 404, other
        assert stranger.client.post(f"/order/{other}", data={"what": "cancel"}).status_code == 404
    ended = made.leading_to("order").token(Link(**good | {"until": shop.now - timedelta(minutes=1)}))
    assert stranger.get(f"/order/{ended}").status_code == 410
    assert stranger.get(f"/choose/{token}").status_code == 404


def test_ops_change_the_address_with_a_reason_and_the_country_too(
    grace: Person, stranger: Person, token: str, furnished: dict[str, int]
) -> None:
    page = f"/ops/shops/{furnished['tenant']}/orders/{furnished['held']}"
    assert "Another address" in grace.get(f"{page}/address").text
    form = NEW | {"country": "DE", "region": "", "postcode": "10115"}

    refused = grace.post(f"{page}/address", **(form | {"reason": ""}))
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    answer = grace.post(f"{page}/address", **(form | {"reason": "The buyer has moved."}))

    assert answer.status_code == 303
    kept = stranger.row("SELECT asked_by, reason, address FROM address_changes")
    assert (kept.asked_by, kept.reason, kept.address["country"]) == ("person:Grace", "The buyer has moved.", "DE")
    told = stranger.rows("SELECT actor, sentence FROM timeline_entries ORDER BY id DESC LIMIT 2")
    assert ("person:Grace", "Asked for another address. Because: The buyer has moved.") in [tuple(one) for one in told]
    assert stranger.rows("SELECT outcome FROM audit_lines WHERE act = 'changing.readdressed'")[-1].outcome == "done"


def test_ops_copy_the_link_and_end_it(grace: Person, stranger: Person, furnished: dict[str, int]) -> None:
    page = f"/ops/shops/{furnished['tenant']}/orders/{furnished['held']}"
    link = copied(grace, page)
    assert stranger.get(link).status_code == 200

    assert grace.post(f"{page}/buyer-link/end").status_code == 303

    assert stranger.get(link).status_code == 404
    assert stranger.get(copied(grace, page)).status_code == 200


def copied(person: Person, page: str) -> str:
    """The buyer's link as the order's page shows it."""
    shown = re.search(r"/order/[\w.-]+", person.get(page).text)
    assert shown is not None
    return shown[0]


def test_every_look_of_the_page_is_sound_wide_and_on_a_phone(
    origin: str,  # noqa: F811 - the fixture
    token: str,
    late: str,
    furnished: dict[str, int],
    tmp_path: Path,
) -> None:
    pages = {"open": f"/order/{token}", "late": f"/order/{late}", "nowhere": "/order/x"}
    asks = {"address": "details:has(input[name=street1])", "lines": "details:has(input[type=number])", "cancel": ""}
    wrong = {}
    with chromium() as browser:
        for screen, scheme in ((WIDE, "light"), (PHONE, "light"), (PHONE, "dark")):
            page = browser.new_context(base_url=origin, viewport=screen, color_scheme=scheme).new_page()
            for name, path in pages.items():
                wrong[name, screen["width"], scheme] = wrong_on(page, path)
                page.screenshot(path=str(tmp_path / f"{name}-{screen['width']}-{scheme}.png"), full_page=True)
            for what, part in asks.items():
                page.goto(f"/order/{token}")
                if part:
                    page.locator(f"{part} > summary").click()
                if what == "lines":
                    page.locator("input[type=number]").first.fill("1")
                page.locator(f"form:has(input[value={what}]) button").click()
                wrong[what, screen["width"], scheme] = [*troubles(page), *page.evaluate(_SIDEWAYS)]
                page.screenshot(path=str(tmp_path / f"{what}-{screen['width']}-{scheme}.png"), full_page=True)

    assert {what: found for what, found in wrong.items() if found} == {}
