"""The page of people: admins let others in, change what they may do, and put them out; one admin always stays."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from person import PASSWORD, Person
from seeds import Shop
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from test_roles import somebody


def person_row(grace: Person, name: str) -> Any:
    return grace.row("SELECT * FROM users WHERE name = :name", name=name)


def press(grace: Person, staff: dict[str, int], name: str, act: str, **form: str) -> Any:
    return grace.post(f"/ops/people/{staff[name]}/{act}", at="/ops/me", **form)


def test_an_admin_lets_somebody_in(app: Flask, engine: Engine, grace: Person, shop: Shop) -> None:
    form = {"name": " Walter ", "password": "battery staple", "role": "warehouse", "shop": str(shop.tenant)}
    assert grace.post("/ops/people", at="/ops/people", **form).status_code == 303
    found = person_row(grace, "Walter")
    assert (found.role, found.tenant_id) == ("warehouse", shop.tenant)
    assert "Walter" in grace.get("/ops/people").text
    walter = Person(app.test_client(), engine)
    assert walter.sign_in("walter", "battery staple").status_code == 303
    assert walter.get("/ops/people").status_code == 403
    assert walter.get(f"/ops/shops/{shop.tenant}/inbox").status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"name": "ANN"}, 422, "There is a user ANN already"),
        ({"name": ""}, 422, "1 to 40 printable"),
        ({"name": "Shopify staff 7"}, 422, "somebody else"),
        ({"password": "short"}, 422, "at least 8 characters"),
        ({"role": "owner"}, 400, "Nothing was changed"),
        ({"shop": "4711"}, 404, "Nothing was changed"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(grace: Person, form: dict[str, str], status: int, said: str) -> None:
    answer = grace.post(
        "/ops/people", at="/ops/people", **{"name": "Walter", "password": "battery staple", "role": "ops", **form}
    )
    assert (answer.status_code, said in answer.text) == (status, True)
    assert "battery staple" not in answer.text
    assert [row.name for row in grace.rows("SELECT name FROM users ORDER BY name")] == ["Ann", "Grace"]


def test_a_change_of_rights_holds_at_once(
    app: Flask, engine: Engine, grace: Person, staff: dict[str, int], shop: Shop
) -> None:
    ann = Person(app.test_client(), engine)
    ann.sign_in("Ann")
    assert press(grace, staff, "Ann", "rights", role="read_only", shop=str(shop.tenant)).status_code == 303
    assert (person_row(grace, "Ann").role, person_row(grace, "Ann").tenant_id) == ("read_only", shop.tenant)
    assert ann.get("/ops/work").status_code == 303
    ann.sign_in("Ann")
    assert ann.get("/ops/work").status_code == 404
    assert ann.get("/ops/people").status_code == 403


def test_the_last_admin_stays_one(grace: Person, staff: dict[str, int], shop: Shop) -> None:
    assert press(grace, staff, "Ann", "rights", role="ops", shop="").status_code == 303
    for act, form in (
        ("rights", {"role": "ops", "shop": ""}),
        ("rights", {"role": "admin", "shop": str(shop.tenant)}),
        ("end", {}),
    ):
        press(grace, staff, "Grace", act, **form)
        assert "nobody else could let people in" in grace.get("/ops/people").text
        found = person_row(grace, "Grace")
        assert (found.role, found.tenant_id, found.ended_at) == ("admin", None, None)
    press(grace, staff, "Ann", "rights", role="admin", shop="")
    assert press(grace, staff, "Grace", "rights", role="ops", shop="").status_code == 303
    assert person_row(grace, "Grace").role == "ops"


def test_somebody_is_put_out(app: Flask, engine: Engine, grace: Person, staff: dict[str, int]) -> None:
    ann = Person(app.test_client(), engine)
    ann.sign_in("Ann")
    press(grace, staff, "Ann", "end-sessions")
    assert ann.get("/ops/me").status_code == 303
    assert ann.sign_in("Ann").status_code == 303
    press(grace, staff, "Ann", "end")
    assert ann.get("/ops/me").status_code == 303
    assert ann.sign_in("Ann").status_code == 403
    assert grace.get(f"/ops/people/{staff['Ann']}").status_code == 404
    assert press(grace, staff, "Ann", "rights", role="admin", shop="").status_code == 404


def test_a_lost_phone_is_forgotten(grace: Person, staff: dict[str, int], session: Session) -> None:
    from records import users

    users.keep_second_factor(session, staff["Ann"], b"sealed", step=7)
    session.commit()
    assert "Take the second factor away" in grace.get(f"/ops/people/{staff['Ann']}").text
    press(grace, staff, "Ann", "second-factor/reset")
    found = person_row(grace, "Ann")
    assert (found.sealed_totp, found.totp_used_at) == (None, 0)
    assert "Take the second factor away" not in grace.get(f"/ops/people/{staff['Ann']}").text


def test_an_admin_of_one_shop_sees_its_people_only(
    app: Flask, engine: Engine, session: Session, grace: Person, staff: dict[str, int], shop: Shop, other_shop: Shop
) -> None:
    boss = somebody(app, engine, session, "admin", shop=shop.tenant)
    page = boss.get("/ops/people").text
    assert "Grace" not in page
    assert "Other Tents" not in page
    assert "Every shop" not in page
    form = {"name": "Walter", "password": "battery staple", "role": "admin", "shop": str(other_shop.tenant)}
    assert boss.post("/ops/people", at="/ops/me", **form).status_code == 303
    assert person_row(grace, "Walter").tenant_id == shop.tenant  # one's own shop, whatever a form says
    taken = boss.post("/ops/people", at="/ops/me", **{**form, "name": "ANN"})
    assert (taken.status_code, "This name cannot be given" in taken.text) == (422, True)
    assert "already" not in taken.text  # nor does anybody learn who is in another shop
    before = person_row(grace, "Ann")
    for act, more in (
        ("rights", {"role": "ops", "shop": ""}),
        ("end", {}),
        ("end-sessions", {}),
        ("second-factor/reset", {}),
    ):
        assert press(boss, staff, "Ann", act, **more).status_code == 404
    assert boss.get(f"/ops/people/{staff['Ann']}").status_code == 404
    assert person_row(grace, "Ann") == before
    walter = person_row(grace, "Walter").id
    assert boss.post(f"/ops/people/{walter}/rights", at="/ops/me", role="admin", shop="").status_code == 303
    assert person_row(grace, "Walter").tenant_id == shop.tenant


def test_a_name_on_the_page_is_text(grace: Person) -> None:
    grace.post("/ops/people", at="/ops/people", name="<b>Bob</b>", password=PASSWORD, role="ops", shop="")
    assert "&lt;b&gt;Bob&lt;/b&gt;" in grace.get("/ops/people").text
    assert "<b>Bob</b>" not in grace.get("/ops/people").text
