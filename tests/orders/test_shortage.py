"""What is short, whether it was asked about, and whether the rest leaves without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders import shortage
from orders.buyer_links import BuyerLinks
from orders.shortage import Answer, Asked
from orders.signed_links import Link, LinkEnded, NoLink
from records.tenants import Rules

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SHORT = {7: 2}


@pytest.mark.parametrize(
    ("state", "asked", "covered"),
    [
        ("asked", {7: 2}, True),
        ("reminded", {7: 3, 8: 1}, True),
        ("answered", {7: 2}, True),
        ("defaulted", {7: 2}, True),
        ("asked", {7: 1}, False),
        ("asked", {8: 5}, False),
        ("withdrawn", {7: 2}, False),
    ],
)
def test_fewer_units_of_the_same_lines_are_no_new_question(state: str, asked: dict[int, int], covered: bool):
    assert shortage.covers(Asked(state=state, short=asked), SHORT) is covered


def test_nobody_who_was_not_asked_was_asked_about_it():
    assert not shortage.covers(None, SHORT)


HOLDING, SHIPPING = Rules(ask_when_short=True), Rules(ask_when_short=True, while_asked="ship_what_is_there")


@pytest.mark.parametrize(
    ("asked", "rules", "held"),
    [
        (None, Rules(), False),
        (None, Rules(when_short="wait_for_all"), True),
        (None, HOLDING, True),
        (None, SHIPPING, False),
        (Asked(state="asked", short=SHORT), HOLDING, True),
        (Asked(state="asked", short=SHORT), SHIPPING, False),
        (Asked(state="answered", short=SHORT, rest="together"), HOLDING, True),
        (Asked(state="answered", short=SHORT, rest="now"), HOLDING, False),
        (Asked(state="defaulted", short=SHORT, rest="now"), Rules(when_short="wait_for_all"), False),
        (Asked(state="answered", short={9: 1}, rest="now"), HOLDING, True),
        (Asked(state="withdrawn", short=SHORT), Rules(), False),
    ],
)
def test_what_is_there_waits_as_the_buyer_or_else_the_shop_says(asked: Asked | None, rules: Rules, held: bool):
    assert shortage.holds_back(asked, SHORT, rules) is held


@pytest.mark.parametrize(
    ("unanswered", "reached", "held_back", "decided"),
    [
        ("wait", True, True, Answer(lines={7: "wait"}, rest="together")),
        ("wait", True, False, Answer(lines={7: "wait"})),
        ("ship_rest", True, True, Answer(lines={7: "wait"}, rest="now")),
        ("ship_rest", False, True, Answer(lines={7: "wait"}, rest="now")),
        ("refund", True, True, Answer(lines={7: "refund"}, rest="now")),
        ("refund", True, False, Answer(lines={7: "refund"})),
        ("refund", False, True, Answer(lines={7: "wait"}, rest="together")),
    ],
)
def test_the_default_gives_no_money_back_to_whom_nobody_asked(
    unanswered: str, reached: bool, held_back: bool, decided: Answer
):
    assert shortage.by_default(unanswered, SHORT, reached=reached, held_back=held_back) == decided


@pytest.mark.parametrize(
    ("days", "before", "reminded"),
    [
        (3, 24, timedelta(days=2)),
        (1, 24, timedelta(hours=12)),
        (1, 6, timedelta(hours=18)),
        (2, 720, timedelta(days=1)),
    ],
)
def test_the_reminder_comes_between_the_question_and_the_deadline(days: int, before: int, reminded: timedelta):
    remind_at, answer_by = shortage.deadlines(Rules(days_to_answer=days, remind_hours_before=before), now=NOW)

    assert (remind_at - NOW, answer_by - NOW) == (reminded, timedelta(days=days))


LINKS = BuyerLinks("secret-key", "https://packline.example")
LINK = Link(tenant=3, about=7, version=1, until=NOW + timedelta(days=1))


def test_a_link_says_what_it_was_made_for_and_is_the_same_each_time():
    token = LINKS.token(LINK)

    assert LINKS.read(token, now=NOW) == LINK
    assert LINKS.address(LINK) == f"https://packline.example/choose/{token}"
    assert LINKS.token(LINK) == token


def test_a_link_ends():
    with pytest.raises(LinkEnded):
        LINKS.read(LINKS.token(LINK), now=LINK.until)


def test_nobody_else_makes_links():
    token = LINKS.token(LINK)
    payload, _, signature = token.rpartition(".")
    for forged in ("", "x", payload, token[:-1], f"{payload[:-1]}.{signature}", BuyerLinks("other", "").token(LINK)):
        with pytest.raises(NoLink):
            LINKS.read(forged, now=NOW)
