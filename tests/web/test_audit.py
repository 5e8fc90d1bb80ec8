"""Who did what by hand is written down, whatever became of it, and nobody's words with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import walking
from flask import Flask
from person import PASSWORD, Person, token_in
from seeds import Shop
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from test_roles import somebody

from records import audit
from records.users import ROLES
from web.audit_trail import outcome_of, subject_of


@pytest.fixture
def ids(furnished: dict[str, int], staff: dict[str, int]) -> dict[str, int]:
    return furnished | {"person": staff["Ann"]}


def lines(person: Person, tenant: int) -> list[Any]:
    return person.rows(
        "SELECT actor, surface, act, subject, address, outcome, details FROM audit_lines"
        " WHERE tenant_id = :tenant ORDER BY id",
        tenant=tenant,
    )


def test_a_hold_is_written_down_with_who_what_and_where(grace: Person, ids: dict[str, int]) -> None:
    grace.post(f"/ops/shops/{ids['tenant']}/orders/{ids['shipped']}/hold", reason="Ada Lovelace called.")
    (line,) = lines(grace, ids["tenant"])
    assert tuple(line)[:6] == ("person:Grace", "plain", "order.hold", f"orders/{ids['shipped']}", "127.0.0.1", "done")
    assert line.details == {"status": 303}


def test_every_write_of_a_person_is_one_line_and_looking_is_none(
    app: Flask, grace: Person, ids: dict[str, int]
) -> None:
    token = token_in(grace.get("/ops/me"))
    for route in walking.routes(app):
        if route.endpoint in {"people.rights", "people.end", "people.end_sessions", "me.change_password"}:
            continue  # they sign somebody out: the next test
        path = walking.address(app, route.rule, ids)
        before = grace.row("SELECT count(*) AS lines FROM audit_lines").lines
        form = {"data": {**walking.FORM, "csrf_token": token}} if route.writes else {}
        answer = grace.client.open(path, method=route.method, **form)
        acts = grace.rows("SELECT * FROM audit_lines ORDER BY id OFFSET :before", before=before)
        if not route.writes:
            assert [line.act for line in acts if line.act == route.endpoint] == [], route
            continue
        (line,) = acts
        assert (line.act, line.outcome) == (route.endpoint, outcome_of(answer.status_code)), route
        assert line.tenant_id == (ids["tenant"] if "tenant" in route.rule.arguments else audit.THE_HOUSE), route


def test_what_is_done_to_people_is_written_down_too(grace: Person, staff: dict[str, int], ids: dict[str, int]) -> None:
    ann = f"/ops/people/{staff['Ann']}"
    acts = [
        ("people.rights", f"{ann}/rights", {"role": "read_only", "shop": ""}, "done"),
        ("people.rights", f"{ann}/rights", {"role": "empress"}, "refused"),
        ("people.end_sessions", f"{ann}/end-sessions", {}, "done"),
        ("people.end", f"{ann}/end", {}, "done"),
        ("me.change_password", "/ops/me/password", {"password": "guess", "new": "a much longer secret"}, "refused"),
        ("me.change_password", "/ops/me/password", {"password": PASSWORD, "new": "a much longer secret"}, "done"),
    ]
    before = len(lines(grace, audit.THE_HOUSE))
    for _, path, form, _ in acts:
        grace.post(path, at="/ops/me", **form)
    found = lines(grace, audit.THE_HOUSE)[before:]
    assert [(line.actor, line.act, line.outcome) for line in found] == [
        ("person:Grace", act, outcome) for act, _, _, outcome in acts
    ]
    subjects = [line.subject for line in found]
    assert subjects[:4] == [f"people/{staff['Ann']}"] * 4
    assert "secret" not in str(found)
    assert lines(grace, ids["tenant"]) == []


def test_what_was_refused_is_written_down_too(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int]
) -> None:
    reader = somebody(app, engine, session, "read_only")
    hold = f"/ops/shops/{ids['tenant']}/orders/{ids['shipped']}/hold"
    reader.post(hold, at="/ops/me", reason="x")
    reader.client.post(hold, data={"reason": "without a token"})
    (role, token) = lines(reader, ids["tenant"])
    assert (role.actor, role.outcome, role.details["status"]) == ("person:read_only everywhere", "refused", 403)
    assert (token.actor, token.outcome, token.details["status"]) == ("person:read_only everywhere", "refused", 400)


def test_a_try_at_a_shop_that_is_not_theirs_stands_in_the_houses_book(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int], other_shop: Shop
) -> None:
    ops = somebody(app, engine, session, "ops", shop=ids["tenant"])
    for tenant in (other_shop.tenant, 4711):
        ops.post(f"/ops/shops/{tenant}/orders/1/hold", at="/ops/me", reason="x")
    assert lines(ops, other_shop.tenant) == []
    assert lines(ops, 4711) == []
    tried = [line for line in lines(ops, audit.THE_HOUSE) if line.act == "order.hold"]
    assert [(line.outcome, line.details["status"]) for line in tried] == [("refused", 404)] * 2


def test_signing_in_and_out_and_failing_to_stand_in_the_houses_book(stranger: Person) -> None:
    stranger.sign_in("Grace", "my other password")
    stranger.sign_in("my password by mistake", "guess")
    stranger.sign_in("gRACE")
    stranger.post("/ops/sign-out", at="/ops/me")
    found = lines(stranger, audit.THE_HOUSE)
    assert [(line.actor, line.act, line.outcome) for line in found] == [
        ("person:Grace", "session.take_password", "refused"),
        ("stranger", "session.take_password", "refused"),
        ("person:Grace", "session.take_password", "done"),
        ("person:Grace", "session.sign_out", "done"),
    ]
    assert "mistake" not in str(found)
    assert "password" not in str([line.details for line in found])


def test_a_guesser_fills_no_book(stranger: Person, ids: dict[str, int]) -> None:
    for _ in range(13):
        stranger.sign_in("Nobody", "guess")
    assert len(lines(stranger, audit.THE_HOUSE)) == 10
    stranger.post(f"/ops/shops/{ids['tenant']}/orders/1/hold", at="/ops/sign-in", reason="x")
    assert lines(stranger, ids["tenant"]) == []


def test_nothing_that_a_person_wrote_is_in_the_book(app: Flask, grace: Person, ids: dict[str, int]) -> None:
    """Every field of every form is filled with something that has to stay out of it."""
    token = token_in(grace.get("/ops/me"))
    secrets = {
        name: f"Ada's {name} 4155550100"
        for name in ("reason", "note", "password", "name", "code", "new", "offer", "kind", "cause", "action", "role")
    }
    for route in walking.routes(app):
        if route.writes and not route.endpoint.startswith("people."):
            path = walking.address(app, route.rule, ids)
            grace.client.open(path, method=route.method, data={**secrets, "order": "1", "csrf_token": token})
    kept = grace.rows("SELECT audit_lines::text AS line FROM audit_lines")
    assert len(kept) > 10
    assert [one.line for one in kept if "Ada" in one.line or "4155550100" in one.line or token in one.line] == []


def test_plain_words_and_the_orders_of_a_bulk_act_are_in_it(grace: Person, ids: dict[str, int]) -> None:
    grace.post(f"/ops/shops/{ids['tenant']}/orders/bulk", action="hold", reason="Recall.", order=[str(ids["shipped"])])
    (line,) = lines(grace, ids["tenant"])
    assert line.details == {"status": 303, "action": "hold", "orders": [ids["shipped"]], "ticked": 1}


def test_a_line_that_cannot_be_written_is_cried_about_and_stops_nobody(
    engine: Engine, grace: Person, ids: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_lines ADD CONSTRAINT full_up CHECK (false) NOT VALID"))
    try:
        answer = grace.post(f"/ops/shops/{ids['tenant']}/orders/{ids['split']}/hold", reason="Recall.")
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit_lines DROP CONSTRAINT full_up"))
    assert answer.status_code == 303
    assert grace.row("SELECT count(*) AS held FROM holds WHERE reason = 'Recall.'").held == 1
    assert "audit line not written" in caplog.text
    assert "order.hold" in caplog.text


def test_the_stores_own_staff_is_told_apart(settings: Any, engine: Engine, furnished: dict[str, int]) -> None:
    from pydantic import SecretStr

    from app import create_app

    keys = {"shopify_client_id": walking.CLIENT_ID, "shopify_client_secret": SecretStr(walking.CLIENT_SECRET)}
    inside = Person(create_app(settings.model_copy(update=keys)).test_client(), engine)
    path = f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}/hold"
    inside.client.post(path, data={"reason": "Recall."}, headers=walking.bearer(furnished["tenant"]))
    (line,) = lines(inside, furnished["tenant"])
    assert (line.actor, line.surface, line.act) == ("person:shopify staff 42", "embedded", "order.hold")
    page = inside.get(f"/ops/shops/{furnished['tenant']}/audit", headers=walking.bearer(furnished["tenant"]))
    assert page.status_code == 200
    assert "order.hold" in page.text


@pytest.mark.parametrize("role", ROLES)
def test_the_book_is_for_admins(
    app: Flask, engine: Engine, session: Session, furnished: dict[str, int], role: str
) -> None:
    person = somebody(app, engine, session, role)
    shop = f"/ops/shops/{furnished['tenant']}"
    paths = (f"{shop}/audit", f"{shop}/audit.csv", "/ops/audit", "/ops/audit.csv")
    assert {person.get(path).status_code for path in paths} == {200 if role == "admin" else 403}


def test_the_book_is_read_by_person_and_act_and_page_by_page(
    grace: Person, session: Session, shop: Shop, other_shop: Shop
) -> None:
    for number in range(60):
        audit.write(
            session, shop.tenant, actor="person:Ann", surface="plain", act="order.hold", subject=f"orders/{number}"
        )
    audit.write(session, shop.tenant, actor="person:Bob", surface="command", act="jobs retry", outcome="done", jobs=3)
    audit.write(session, other_shop.tenant, actor="person:Mallory", surface="plain", act="order.hold")
    session.commit()
    path = f"/ops/shops/{shop.tenant}/audit"
    first = grace.get(path)
    assert first.text.count("<tr") == 51
    assert "jobs retry" in first.text
    assert "Mallory" not in first.text
    older = grace.get(re.search(r'href="([^"]+before=[^"]+)"', first.text).group(1).replace("&amp;", "&"))
    assert older.text.count("<tr") == 12
    assert "orders/0<" in older.text
    assert grace.get(f"{path}?who=Bob").text.count("<tr") == 2
    assert grace.get(f"{path}?act=order.").text.count("<tr") == 51
    assert "Nothing fits this" in grace.get(f"{path}?who=Mallory").text
    file = grace.get(f"{path}.csv?who=Ann")
    assert file.headers["Content-Disposition"].startswith(f'attachment; filename="audit-{shop.tenant}-')
    assert len(file.text.splitlines()) == 61
    assert "Bob" not in file.text


@pytest.mark.parametrize(
    ("rule", "path", "subject"),
    [
        ("/ops/shops/<id:tenant>/orders/<id:id>/hold", "/ops/shops/1/orders/12/hold", "orders/12"),
        ("/ops/shops/<id:tenant>/orders/<id:id>/steps/<id:step>/skip", "/ops/shops/1/orders/2/steps/3/skip", "orders/2/steps/3"),
        ("/ops/shops/<id:tenant>/orders/bulk", "/ops/shops/1/orders/bulk", ""),
        ("/ops/people/<id:id>/rights", "/ops/people/7/rights", "people/7"),
        ("/ops/people", "/ops/people", ""),
        ("/ops/shops/<id:tenant>/x/<name>", "/ops/shops/1/x/" + "y" * 500, "x/" + "y" * 198),
    ],
)  # fmt: skip
def test_a_path_says_what_it_is_about(rule: str, path: str, subject: str) -> None:
    assert subject_of(rule, path) == subject


def test_an_outcome_says_whose_fault_it_was() -> None:
    found = [outcome_of(status) for status in (200, 303, 400, 404, 429, 500, 503)]
    assert found == ["done", "done", "refused", "refused", "refused", "failed", "failed"]
