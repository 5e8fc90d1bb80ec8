"""The buyer's page: who has the link may choose, nobody else, and nothing of them is told to anybody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, chromium, origin, troubles, wrong_on  # noqa: F401 - origin is a fixture

from config import secrecy
from orders import choosing
from orders.signed_links import Link
from records import choices
from records.choices import Choice
from web.pages.choose import links


@pytest.fixture
def choice(furnished: dict[str, int], session: Session) -> Choice:
    found = choices.latest_of(session, furnished["tenant"], furnished["short"])
    assert found is not None
    return found


@pytest.fixture
def token(app: Flask, choice: Choice) -> str:
    with app.app_context():
        return links().token(choosing.link_of(choice))


def line_of(choice: Choice) -> str:
    return f"line-{next(iter(choice.short))}"


def test_the_deadline_and_the_default_are_said_first(stranger: Person, token: str) -> None:
    page = stranger.get(f"/choose/{token}").text
    main = page[page.index("<main") :]

    assert main.index("Please choose by") < main.index("we refund what is missing") < main.index("<h1>")
    assert re.search(r"Expected on [^<]*\d[^<]*\.", main)  # forty tents are on their way
    assert "We do not know yet when it comes." not in main


def test_the_page_brings_no_cookie_no_script_nobody_else_and_nothing_personal(stranger: Person, token: str) -> None:
    answer = stranger.get(f"/choose/{token}")

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("https://packline.example", "")
    for word in ("Mary", "mary@example.net", "Hampton", "/ops"):
        assert word not in answer.text


def test_looking_and_confirming_change_nothing(stranger: Person, token: str, choice: Choice) -> None:
    before = stranger.rows("SELECT * FROM choices")

    assert "Please choose by" in stranger.get(f"/choose/{token}").text
    sure = stranger.get(f"/choose/{token}/confirm?{line_of(choice)}=refund").text

    assert "your money back the way you paid" in sure
    assert "This cannot be changed afterwards." in sure
    assert stranger.rows("SELECT * FROM choices") == before


def test_a_line_that_was_not_chosen_is_said_beside_it(stranger: Person, token: str) -> None:
    answer = stranger.get(f"/choose/{token}/confirm?rest=now")

    assert answer.status_code == 422
    assert "Choose one of these. Nothing was sent yet." in answer.text
    assert stranger.client.post(f"/choose/{token}", data={}).status_code == 422
    assert stranger.row("SELECT state FROM choices").state == "asked"


def test_an_answer_counts_once_however_often_it_is_sent(stranger: Person, token: str, choice: Choice) -> None:
    for _ in range(3):
        answer = stranger.client.post(f"/choose/{token}", data={line_of(choice): "wait"}, headers={"Origin": "null"})
        assert (answer.status_code, answer.location) == (303, f"/choose/{token}")

    kept = stranger.row("SELECT state, answered_by, answers FROM choices")
    assert (kept.state, kept.answered_by, list(kept.answers.values())) == ("answered", "person:the buyer", ["wait"])
    assert len(stranger.rows("SELECT 1 FROM timeline_entries WHERE sentence LIKE 'Chosen:%'")) == 1
    assert "We have your choice" in stranger.get(f"/choose/{token}").text


def test_nobody_s_link_leads_anywhere(
    app: Flask, stranger: Person, choice: Choice, other_shop: Shop, token: str
) -> None:
    link = choosing.link_of(choice)
    with app.app_context():
        others = links().token(Link(tenant=other_shop.tenant, about=choice.id, version=1, until=link.until))
        newer = links().token(Link(tenant=link.tenant, about=choice.id, version=2, until=link.until))
        unknown = links().token(Link(tenant=link.tenant, about=4711, version=1, until=link.until))
        ended = links().token(
            Link(tenant=link.tenant, about=choice.id, version=1, until=choice.created_at - timedelta(1))
        )

    for forged in (others, newer, unknown, token[:-2], f"x{token}", "x"):
        for answer in (stranger.get(f"/choose/{forged}"), stranger.client.post(f"/choose/{forged}", data={})):
            assert answer.status_code == 404, forged
            assert "This link leads nowhere" in answer.text
            assert "/ops" not in answer.text
    assert stranger.get(f"/choose/{ended}").status_code == 410


def test_who_asks_too_often_has_to_wait(stranger: Person, token: str) -> None:
    statuses = [stranger.get(f"/choose/x{number}").status_code for number in range(62)]

    assert (statuses[:59], statuses[-1]) == ([404] * 59, 429)
    assert "Wait a moment" in stranger.get(f"/choose/{token}").text


def test_the_link_stands_in_no_log(token: str) -> None:
    assert token not in secrecy.line(f"GET /choose/{token}/confirm 200")


def test_a_person_answers_for_the_buyer_with_a_reason(grace: Person, furnished: dict[str, int], choice: Choice) -> None:
    page = f"/ops/shops/{furnished['tenant']}/orders/{furnished['short']}"
    shown = grace.get(page).text
    assert "The mail server refuses this message or its address (550)." in shown
    assert "/choose/" in shown

    unsaid = grace.post(f"{page}/choice", at=f"{page}/choice", **{line_of(choice): "refund"})
    assert (unsaid.status_code, "Say why: the next person will ask." in unsaid.text) == (422, True)
    said = grace.post(f"{page}/choice", at=f"{page}/choice", reason="phoned", **{line_of(choice): "wait"})

    assert said.status_code == 303
    kept = grace.row("SELECT state, answered_by, reason FROM choices")
    assert (kept.state, kept.answered_by, kept.reason) == ("answered", "person:Grace", "phoned")


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_buyer_s_pages_are_for_everybody(origin: str, token: str, choice: Choice, tmp_path) -> None:  # noqa: F811
    sure = f"/choose/{token}/confirm?{line_of(choice)}=refund"
    pages = {"choose": f"/choose/{token}", "missing": f"/choose/{token}/confirm", "sure": sure, "nowhere": "/choose/x"}
    wrong = {}
    with chromium() as browser:
        for screen, scheme in ((WIDE, "light"), (PHONE, "light"), (PHONE, "dark")):
            page = browser.new_context(base_url=origin, viewport=screen, color_scheme=scheme).new_page()
            for name, path in pages.items():
                wrong[name, screen["width"], scheme] = wrong_on(page, path)
                page.screenshot(path=str(tmp_path / f"{name}-{screen['width']}-{scheme}.png"), full_page=True)

    assert {what: found for what, found in wrong.items() if found} == {}
