"""The page of where goods may go: marks are set, shown and refused beside their field, and wake what was held."""

from __future__ import annotations

import re
from typing import Any

import pytest
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session
from test_roles import somebody


@pytest.fixture
def goods(shop: Shop) -> Shop:
    shop.stock("FUEL", "Fuel", {"Reno": (5, 1)})
    shop.session.commit()
    return shop


def say(person: Person, shop: Shop, sku: str, **more: str) -> Any:
    return person.post(f"/ops/shops/{shop.tenant}/stock/where", sku=sku, **more)


def bans(session: Session, shop: Shop) -> Any:
    session.rollback()
    return session.execute(text("SELECT bans FROM variants WHERE tenant_id = :t"), {"t": shop.tenant}).scalar_one()


def test_marks_are_set_shown_beside_the_store_s_and_taken_away_again(
    grace: Person, goods: Shop, session: Session
) -> None:
    page = f"/ops/shops/{goods.tenant}/stock/where"
    assert "Everything may go everywhere" in grace.get(page).text
    assert say(grace, goods, "fuel", hazmat="1", never_to="au, ch").status_code == 303
    assert bans(session, goods) == {"hazmat": True, "never_to": ["AU", "CH"]}
    assert re.search(r"Hazardous;\s+never to AU, CH", grace.get(page).text)

    say(grace, goods, "FUEL")
    assert bans(session, goods) == {"hazmat": False, "never_to": []}
    session.execute(text('UPDATE variants SET store_bans = \'{"hazmat": true, "never_to": []}\''))
    session.commit()
    assert "Hazardous" in grace.get(page).text.partition("<table")[2]


@pytest.mark.parametrize(
    ("sku", "never_to", "wrong"),
    [("NONE", "AU", "Nothing with this SKU is sold here."), ("FUEL", "XX", "no country has such a code")],
)
def test_what_is_wrong_stands_beside_its_field(
    grace: Person, goods: Shop, session: Session, sku: str, never_to: str, wrong: str
) -> None:
    answer = say(grace, goods, sku, never_to=never_to)

    assert (answer.status_code, wrong in answer.text) == (422, True)
    assert bans(session, goods) == {}


def test_who_only_reads_and_another_shop_change_nothing(
    app: Any, engine: Any, grace: Person, goods: Shop, session: Session, other_shop: Shop
) -> None:
    assert say(somebody(app, engine, session, "read_only"), goods, "FUEL", hazmat="1").status_code == 403
    say(grace, other_shop, "FUEL", hazmat="1")  # one of its own
    assert bans(session, goods) == {}


@pytest.mark.parametrize("saved", ["goods", "location"])
def test_saving_has_held_orders_looked_at_again(grace: Person, goods: Shop, session: Session, saved: str) -> None:
    order = goods.order(state="released")
    goods.hold(order, kind="barred")
    session.commit()

    if saved == "goods":
        say(grace, goods, "FUEL", hazmat="")
    else:
        path = f"/ops/shops/{goods.tenant}/locations/{goods.locations['Reno']}"
        version = re.search(r'name="version" value="(\w+)"', grace.get(path).text).group(1)  # type: ignore[union-attr]
        form = {"preference": "0", "work": "0", "handling_days": "0", "day-0": "1", "sends_hazmat": "1"}
        assert grace.post(path, version=version, **form).status_code == 303

    session.rollback()
    assert session.execute(text("SELECT kind, subject, state FROM jobs")).all() == [
        ("reserve_stock", f"order/{order.id}", "due")
    ]
