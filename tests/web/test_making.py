"""The page of what is made to order: days are said, shown and refused beside their field."""

from __future__ import annotations

from typing import Any

import pytest
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session
from test_roles import somebody


@pytest.fixture
def goods(shop: Shop) -> Shop:
    shop.stock("BAG", "Bag", {"Reno": (5, 1)})
    shop.session.commit()
    return shop


def say(person: Person, shop: Shop, sku: str, days: str) -> Any:
    return person.post(f"/ops/shops/{shop.tenant}/stock/making", sku=sku, days=days)


def days(session: Session, shop: Shop) -> int:
    session.rollback()
    return session.execute(
        text("SELECT making_days FROM variants WHERE tenant_id = :t"), {"t": shop.tenant}
    ).scalar_one()


def test_days_are_said_shown_and_taken_away_again(grace: Person, goods: Shop, session: Session) -> None:
    page = f"/ops/shops/{goods.tenant}/stock/making"
    assert "Everything lies ready" in grace.get(page).text
    assert say(grace, goods, "bag", "3").status_code == 303
    assert days(session, goods) == 3
    assert "What takes days" in grace.get(page).text

    say(grace, goods, "BAG", "0")
    assert days(session, goods) == 0


@pytest.mark.parametrize(
    ("sku", "typed", "wrong"),
    [
        ("NONE", "3", "Nothing with this SKU is sold here."),
        ("BAG", "366", "from 0 to 365."),
        ("BAG", "-1", "from 0 to 365."),
        ("BAG", "1.5", "from 0 to 365."),
        ("BAG", "\u0663", "from 0 to 365."),
        ("BAG", "", "from 0 to 365."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    grace: Person, goods: Shop, session: Session, sku: str, typed: str, wrong: str
) -> None:
    answer = say(grace, goods, sku, typed)

    assert (answer.status_code, wrong in answer.text) == (422, True)
    assert days(session, goods) == 0


def test_who_only_reads_and_another_shop_change_nothing(
    app: Any, engine: Any, grace: Person, goods: Shop, session: Session, other_shop: Shop
) -> None:
    assert say(somebody(app, engine, session, "read_only"), goods, "BAG", "3").status_code == 403
    say(grace, other_shop, "BAG", "3")  # one of its own
    assert days(session, goods) == 0
