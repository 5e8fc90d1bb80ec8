"""The vendors' page: what differed, what is wrong with an account, and a comparison that is asked for."""

from __future__ import annotations

import re

from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session


def test_each_account_says_how_it_is_and_when_it_was_compared(grace: Person, furnished: dict[str, int]) -> None:
    page = grace.get(f"/ops/shops/{furnished['tenant']}/vendors").text

    accounts = re.findall(r'id="account-\d+-title">([^<]+)<', page)
    assert accounts == ["Shopify", "Stripe", "EasyPost"]
    assert "The store&#39;s access token ends in 3 days." in page
    assert "Connect the store again before that." in page
    assert page.count("not looked at yet") == 2
    assert "THROTTLED" in page


def test_what_differed_leads_to_its_order_and_is_narrowed_to_what_needs_a_person(
    grace: Person, furnished: dict[str, int]
) -> None:
    listed = f"/ops/shops/{furnished['tenant']}/vendors"
    every, parked = grace.get(listed).text, grace.get(f"{listed}?outcome=parked").text

    assert len(re.findall('scope="row" class="wordy"', every)) == 3
    assert len(re.findall('scope="row" class="wordy"', parked)) == 1
    assert f"/orders/{furnished['held']}" in parked
    assert f"/orders/{furnished['shipped']}" not in parked


def test_a_comparison_is_asked_for_once_however_often_the_button_is_pressed(
    grace: Person, shop: Shop, session: Session
) -> None:
    session.commit()
    for _ in range(2):
        answer = grace.post(f"/ops/shops/{shop.tenant}/vendors/{shop.store}/compare")
        assert answer.location == f"/ops/shops/{shop.tenant}/vendors"

    rows = session.execute(text("SELECT kind, subject, state FROM jobs ORDER BY kind")).all()
    assert [tuple(row) for row in rows] == [
        ("check_connection", f"connection/{shop.store}", "due"),
        ("reconcile", f"connection/{shop.store}", "due"),
    ]


def test_a_shop_where_nothing_differed_says_so(grace: Person, shop: Shop, session: Session) -> None:
    session.commit()
    page = grace.get(f"/ops/shops/{shop.tenant}/vendors").text

    assert "Nothing has differed" in page
    assert "Nothing was compared yet" in page
