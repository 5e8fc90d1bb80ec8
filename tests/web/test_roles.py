"""What each role gets of each page: looking, writing, and which buttons are there at all."""

from __future__ import annotations

import pytest
import walking
from conftest import HASH
from flask import Flask
from person import Person, token_in
from seeds import Shop
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from test_guards import everything

from records import users
from records.users import ROLES, User
from web import roles

# Whatever is not named here takes the role ops to write: orders, jobs, stock, holds.
WRITES_OTHERWISE = {
    "bulk.print_labels": "warehouse",
    "handing_over.ready": "warehouse",
    "handing_over.given": "warehouse",
    "handing_over.not_given": "warehouse",
    "couriered.delivered": "warehouse",
    "count_scan.begin": "warehouse",
    "count_scan.scan": "warehouse",
    "count_scan.set_units": "warehouse",
    "count_scan.ready": "warehouse",
    "count_scan.go_on": "warehouse",
    "me.change_password": "read_only",
    "me.begin": "read_only",
    "me.remove": "read_only",
    "suppliers.add": "admin",
    "suppliers.change": "admin",
    "suppliers.end": "admin",
    "suppliers.tell": "admin",
    "suppliers.tell_no_more": "admin",
    "suppliers.ships": "admin",
    "suppliers.stop": "admin",
    "people.add": "admin",
    "people.rights": "admin",
    "people.end": "admin",
    "people.end_sessions": "admin",
    "people.reset_second_factor": "admin",
}
# Pages of an admin's own work.
ADMINS_PAGES = {
    "connections",
    "settings",
    "setup",
    "shadow",
    "privacy",
    "people",
    "audit",
    "audit_house",
    "locations",
} | {"couriers"}
# Anybody may open these, whatever their role: they prove who it is.
DOORS = {"session.take_password", "session.take_code", "session.sign_out", "choose.answered"} | {
    "delivered.opened", "change.confirmed", "change.changed",
    "supply.accepted", "supply.rejected", "supply.shipped", "supply.stopped",
    "supply.machine_accepted", "supply.machine_rejected", "supply.machine_shipped", "supply.machine_stopped",
}  # fmt: skip


def somebody(app: Flask, engine: Engine, session: Session, role: str, *, shop: int | None = None) -> Person:
    """A person with a role, signed in."""
    name = f"{role} {shop or 'everywhere'}"
    session.add(User(name=name, password_hash=HASH, role=role, tenant_id=shop))
    session.commit()
    person = Person(app.test_client(), engine)
    assert person.sign_in(name).status_code == 303
    return person


@pytest.fixture
def ids(furnished: dict[str, int], session: Session) -> dict[str, int]:
    """A furnished shop, and somebody whom an admin could put out."""
    person = User(name="Leaver", password_hash=HASH, role="ops")
    session.add(person)
    session.commit()
    return furnished | {"person": person.id}


def test_every_write_takes_a_role_that_somebody_decided(app: Flask) -> None:
    writing = [route for route in walking.routes(app) if route.writes]
    taken = {route.endpoint: walking.needed(app, route) for route in writing}
    for endpoint, role in taken.items():
        admins = endpoint.partition(".")[0] in ADMINS_PAGES
        assert role == WRITES_OTHERWISE.get(endpoint, "admin" if admins else "ops"), endpoint
    assert set(WRITES_OTHERWISE) <= set(taken)
    unguarded = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) - roles.SAFE_METHODS and rule.endpoint not in taken
    }
    assert unguarded == DOORS


@pytest.mark.parametrize("role", ROLES)
def test_a_role_writes_what_it_may_and_nothing_else(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int], role: str
) -> None:
    person = somebody(app, engine, session, role)
    token = token_in(person.get("/ops/me"))
    refused = []
    for route in walking.routes(app):
        if not route.writes or (route.endpoint == "me.change_password"):
            continue
        needed, path = walking.needed(app, route), walking.address(app, route.rule, ids)
        before = everything(person)
        answer = person.client.open(path, method=route.method, data={**walking.FORM, "csrf_token": token})
        if roles.enough(role, needed):
            assert b"This takes the role" not in answer.data, route
            assert answer.status_code < 500, route
            continue
        refused.append(route.endpoint)
        assert answer.status_code == 403, route
        said = f"This takes the role {roles.WORDS[needed]}, and yours is {roles.WORDS[role]}."
        assert said in answer.text, route
        assert everything(person) == before, route
    assert ("order.hold" in refused) == (role in {"read_only", "warehouse"})
    assert ("people.add" in refused) == (role != "admin")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_what_it_may_and_no_button_that_it_may_not_press(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int], role: str
) -> None:
    person = somebody(app, engine, session, role)
    pressed, too_much = set(), set()
    for route in walking.routes(app):
        if route.writes:
            continue
        answer, needed = person.get(walking.address(app, route.rule, ids)), walking.needed(app, route)
        if not roles.enough(role, needed):
            assert (answer.status_code, f"takes the role {roles.WORDS[needed]}" in answer.text) == (403, True), route
            continue
        assert answer.status_code in {200, 303}, route
        if not (answer.content_type or "").startswith("text/html"):
            continue
        for endpoint, method in walking.offered(app, answer.text):
            takes = roles.needed_for(app, endpoint, write=method == "POST")
            pressed.add(endpoint)
            if takes is not None and not roles.enough(role, takes):
                too_much.add(f"{route.endpoint} offers {endpoint}, which takes {takes}")
    assert too_much == set()
    assert ("order.hold" in pressed) == (role in {"ops", "admin"})
    assert ("people.listed" in pressed) == (role == "admin")
    assert {"orders.listed", "order.shown", "session.sign_out"} <= pressed


@pytest.mark.parametrize("role", ["ops", "admin"])
def test_somebody_of_one_shop_sees_that_shop_and_no_other(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int], other_shop: Shop, role: str
) -> None:
    person = somebody(app, engine, session, role, shop=ids["tenant"])
    token = token_in(person.get("/ops/me"))
    before, walked = everything(person), 0
    for route in walking.routes(app):
        path = walking.address(app, route.rule, ids, tenant=other_shop.tenant)
        if "tenant" in route.rule.arguments or route.endpoint in {"work.shown", "work.live", "audit_house.shown"}:
            form = {"data": {**walking.FORM, "csrf_token": token}} if route.writes else {}
            answer = person.client.open(path, method=route.method, **form)
            assert answer.status_code == 404, route
            assert "Other Tents" not in answer.text, route
            walked += 1
    assert walked > 30
    assert everything(person) == before
    assert person.get("/ops/").location == f"/ops/shops/{ids['tenant']}/"
    home = person.get(f"/ops/shops/{ids['tenant']}/")
    assert home.status_code == 200
    assert "Machine room" not in home.text
    assert "Other Tents" not in home.text


def test_somebody_of_every_shop_sees_them_all(grace: Person, shop: Shop, other_shop: Shop) -> None:
    listed = grace.get("/ops/")
    assert "Acme Bags" in listed.text
    assert "Other Tents" in listed.text
    assert grace.get(f"/ops/shops/{other_shop.tenant}/inbox").status_code == 200


def test_a_changed_role_takes_effect_at_the_next_request(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int]
) -> None:
    person = somebody(app, engine, session, "ops")
    hold = f"/ops/shops/{ids['tenant']}/orders/{ids['split']}/hold"
    token = token_in(person.get("/ops/me"))
    users.give_role(session, "ops everywhere", "warehouse")
    session.commit()
    before = everything(person)
    answer = person.client.post(hold, data={"csrf_token": token, "reason": "Recall."})
    assert (answer.status_code, answer.location) == (303, "/ops/sign-in")
    assert everything(person) == before
    person.sign_in("ops everywhere")
    assert person.post(hold, at="/ops/me", reason="Recall.").status_code == 403
    assert everything(person) == before


def test_a_role_that_nobody_knows_may_do_nothing(
    app: Flask, engine: Engine, session: Session, ids: dict[str, int]
) -> None:
    person = somebody(app, engine, session, "owner")
    assert person.get(f"/ops/shops/{ids['tenant']}/inbox").status_code == 403


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("read_only", [True, False, False, False]),
        ("warehouse", [True, True, False, False]),
        ("ops", [True, True, True, False]),
        ("admin", [True, True, True, True]),
        ("owner", [False] * 4),
        ("", [False] * 4),
    ],
)
def test_each_role_may_what_the_ones_before_it_may(role: str, may: list[bool]) -> None:
    assert [roles.enough(role, needed) for needed in ROLES] == may
    assert not roles.enough(role, "owner")


def test_a_view_cannot_take_a_role_that_is_none() -> None:
    with pytest.raises(ValueError, match="boss is no role"):
        roles.takes("boss")
