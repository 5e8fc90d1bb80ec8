"""Every address that has a shop in it, asked with another shop's numbers: 404, nothing told, nothing changed.

The application itself says which addresses there are, so a new page is asked the day that it is added. One whose
address names a thing that this file does not know fails here, until a row of that thing stands in `known`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Iterator
from typing import Any

import pytest
from admin_frame import CLIENT_ID, SECRET, Staff
from flask import Flask
from person import Person, token_in
from pydantic import SecretStr
from seeds import Shop
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from config.settings import Settings
from records import database, walls
from records.schema import METADATA
from records.users import User

OTHER = "Other Tents"
SAFE = {"GET", "HEAD", "OPTIONS"}
# What stands in an address and is no row: a word that every shop has alike, by what stands before it.
WORDS = {"holds": "stock", "setup": "locations"}
# What a form could say that is no row's number.
FORM = {"reason": "because", "action": "hold", "kind": "buy_label", "cause": "no_rates", "confirmed": "yes"}


@pytest.fixture
def app(settings: Settings, engine: Engine) -> Flask:
    """An installation that Shopify knows."""
    known = {"shopify_client_id": CLIENT_ID, "shopify_client_secret": SecretStr(SECRET)}
    return create_app(settings.model_copy(update=known))


@pytest.fixture
def mine(furnished: dict[str, int], engine: Engine) -> dict[str, Any]:
    return known(engine, furnished["tenant"])


@pytest.fixture
def theirs(other_shop: Shop, engine: Engine) -> dict[str, Any]:
    return known(engine, other_shop.tenant)


def known(engine: Engine, tenant: int) -> dict[str, Any]:
    """A row of each thing that an address can name, by what stands before it there, or by its own name."""
    asked = {
        # One order that has a label, a parcel, a shipment, a hold and a step: the same for all of them.
        "orders": "SELECT order_id FROM reversals WHERE tenant_id = :t",
        "labels": "SELECT l.id FROM labels l JOIN reversals r USING (tenant_id, order_id) WHERE tenant_id = :t",
        "parcels": "SELECT p.id FROM parcels p JOIN reversals r USING (tenant_id, order_id) WHERE tenant_id = :t",
        "shipments": "SELECT s.id FROM shipments s JOIN reversals r USING (tenant_id, order_id) WHERE tenant_id = :t",
        "steps": "SELECT id FROM reversal_steps WHERE tenant_id = :t AND state = 'asks'",
        "jobs": "SELECT id FROM jobs WHERE tenant_id = :t AND state = 'parked' ORDER BY id LIMIT 1",
        "inbox": "SELECT min(id) FROM inbox_events WHERE tenant_id = :t",
        "connections": "SELECT id FROM connections WHERE tenant_id = :t AND role = 'storefront'",
        "stock": "SELECT variant_id FROM stock_levels WHERE tenant_id = :t ORDER BY 1, location_id LIMIT 1",
        "digital": "SELECT min(variant_id) FROM digital_goods WHERE tenant_id = :t",
        "deliveries": "SELECT min(id) FROM digital_deliveries WHERE tenant_id = :t",
        "suppliers": "SELECT min(id) FROM suppliers WHERE tenant_id = :t",
        "couriers": "SELECT min(id) FROM couriers WHERE tenant_id = :t",
        "ships": "SELECT min(variant_id) FROM supplied_variants WHERE tenant_id = :t",
        "purchase-orders": "SELECT min(id) FROM purchase_orders WHERE tenant_id = :t",
        "bundles": "SELECT min(bundle_id) FROM bundle_parts WHERE tenant_id = :t",
        "parts": "SELECT min(part_id) FROM bundle_parts WHERE tenant_id = :t",
        "replenish": "SELECT variant_id FROM stock_levels WHERE tenant_id = :t ORDER BY 1, location_id LIMIT 1",
        "places": "SELECT min(id) FROM locations WHERE tenant_id = :t",
        "a question to its buyer": "INSERT INTO choices (tenant_id, order_id, short, unanswered, remind_at, answer_by) "
        "SELECT tenant_id, order_id, '{}', 'wait', now(), now() FROM reversals WHERE tenant_id = :t RETURNING id",
        "location": "SELECT location_id FROM stock_levels WHERE tenant_id = :t ORDER BY variant_id, 1 LIMIT 1",
        "locations": "SELECT min(id) FROM locations WHERE tenant_id = :t",
        "arrivals": "SELECT min(id) FROM arrivals WHERE tenant_id = :t",
        "counts": "SELECT min(id) FROM counts WHERE tenant_id = :t AND means = 'sheet'",
        "scan": "SELECT min(id) FROM counts WHERE tenant_id = :t AND means = 'scan'",
        "payments": "SELECT min(id) FROM payments WHERE tenant_id = :t",
        "privacy": "INSERT INTO privacy_requests (tenant_id, kind, remote_id, state, sealed_export, export_expires_at, due_at) "
        "VALUES (:t, 'export', 'r', 'done', '', now() + interval '1 day', now()) RETURNING id",
    }
    with engine.begin() as connection:
        rows = {name: connection.execute(text(sql), {"t": tenant}).scalars().first() for name, sql in asked.items()}
    assert None not in rows.values(), rows
    return rows | {"vendors": rows["connections"], "tenant": tenant}


def rules(app: Flask) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if "tenant" in rule.arguments]
    assert len(found) > 40
    return sorted(found, key=lambda rule: rule.rule)


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def things(rule: Rule) -> dict[str, str]:
    """What the address names besides the shop: the thing, by its argument. Words are left out."""
    segments = rule.rule.split("/")
    named = {}
    for before, segment in itertools.pairwise(segments):
        if (found := re.fullmatch(r"<(?:\w+:)?(\w+)>(?:\.\w+)?", segment)) and found[1] != "tenant":
            named[found[1]] = before if not before.startswith("<") else found[1]
    return {argument: thing for argument, thing in named.items() if thing not in WORDS}


def rows_for(rule: Rule, rows: dict[str, Any]) -> dict[str, Any]:
    return {argument: rows.get(thing, 1) for argument, thing in things(rule).items()}


def address(app: Flask, rule: Rule, tenant: int, rows: dict[str, Any]) -> str:
    """The rule's address with this row for each argument."""
    words = {
        argument: WORDS[before]
        for before, argument in re.findall(r"/(\w+)/<(\w+)>", rule.rule)
        if before in WORDS and argument not in rows
    }
    with app.test_request_context():
        built: str = app.url_map.bind("localhost").build(rule.endpoint, {"tenant": tenant, **words, **rows})
    return built


def digests(engine: Engine, tenant: int) -> dict[str, str]:
    """Every row of a shop's, by table."""
    each = " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, count(*) || ' ' || coalesce(md5(string_agg(r::text, '' ORDER BY r::text)), '') AS content "
        f"FROM {table.name} r WHERE {column} = :t"
        for table in METADATA.sorted_tables if (column := walls.column_of(table))
    )  # fmt: skip
    with database.across_tenants(engine, why="test") as session:
        return {row.name: row.content for row in session.execute(text(each), {"t": tenant})}


class Asker:
    """Somebody who asks for addresses, and notes what should not have been answered."""

    def __init__(self, app: Flask, other: int, open_page: Any) -> None:
        self._app, self._open, self._other = app, open_page, other
        self._before = self._rows()
        self.asked = 0
        self.wrong: list[str] = []

    def ask(
        self, rule: Rule, tenant: int, rows: dict[str, Any], *, wanted: Container[int] = (404,), **fields: Any
    ) -> None:
        """Ask by every method that the address has."""
        path = address(self._app, rule, tenant, rows)
        for method in methods(rule):
            self.asked += 1
            answer: TestResponse = self._open(method, path, fields)
            if answer.status_code not in wanted:
                self.wrong.append(f"{method} {path}: answered {answer.status_code}")
            if any(name.encode() in answer.data for name in (OTHER, f"other-{self._other}.myshopify.com")):
                self.wrong.append(f"{method} {path}: tells the other shop's name")
        after = self._rows()
        if changed := [name for name in after if after[name] != self._before[name]]:
            self.wrong.append(f"{path}: changed the other shop's {', '.join(changed)}")
        self._before = after

    def _rows(self) -> dict[str, str]:
        return digests(self._app.extensions["engine"], self._other)


def at_a_browser(person: Person) -> Any:
    token = token_in(person.get("/ops/me"))

    def open_page(method: str, path: str, fields: dict[str, Any]) -> TestResponse:
        if method in SAFE:
            return person.client.open(path, method=method, query_string={**FORM, **fields})
        return person.client.open(path, method=method, data={**FORM, **fields, "csrf_token": token})

    return open_page


def in_the_admin(staff: Staff) -> Any:
    def open_page(method: str, path: str, fields: dict[str, Any]) -> TestResponse:
        return staff.get(path) if method in SAFE else staff.post(path, **{**FORM, **fields})

    return open_page


@pytest.fixture
def bound(app: Flask, engine: Engine, session: Session, staff: dict[str, int], mine: dict[str, Any]) -> Person:
    """An admin of one shop."""
    password_hash = session.get_one(User, staff["Grace"]).password_hash
    session.add(User(name="Bound", password_hash=password_hash, role="admin", tenant_id=mine["tenant"]))
    session.commit()
    person = Person(app.test_client(), engine)
    assert person.sign_in("Bound").status_code == 303
    return person


def test_every_thing_that_an_address_names_is_one_that_these_tests_can_ask_for(app, mine):
    unknown = {
        f"{rule.rule}: nobody here knows a row for <{argument}>. Add one to `known`, or to WORDS if it is no row."
        for rule in rules(app)
        for argument, thing in things(rule).items()
        if thing not in mine
    }

    assert unknown == set()


def test_one_s_own_rows_are_found_at_every_address(app, grace, mine):
    """Else the 404 of the others would say nothing."""
    missing = []
    for rule in rules(app):
        if "GET" in methods(rule):
            path = address(app, rule, mine["tenant"], rows_for(rule, mine))
            answer = grace.get(path)
            if answer.status_code not in {200, 303} and not (answer.status_code == 409 and "held" in answer.text):
                missing.append(f"{path}: {answer.status_code}")

    assert missing == []


@pytest.mark.parametrize("surface", ["plain", "embedded"])
def test_another_shop_s_number_is_404_at_every_address(app, bound, mine, theirs, surface):
    store = f"acme-{mine['tenant']}.myshopify.com"
    who = at_a_browser(bound) if surface == "plain" else in_the_admin(Staff(app, store))
    asker = Asker(app, theirs["tenant"], who)

    for rule in rules(app):
        asker.ask(rule, theirs["tenant"], rows_for(rule, theirs))

    assert asker.wrong == []


def test_a_number_that_no_shop_has_is_404_at_every_address(app, grace, mine, theirs):
    asker = Asker(app, theirs["tenant"], at_a_browser(grace))

    for rule in rules(app):
        asker.ask(rule, 999_999, rows_for(rule, theirs), order=theirs["orders"], what="export")

    assert asker.wrong == []


def test_another_shop_s_rows_are_404_under_one_s_own_number(app, grace, mine, theirs):
    asker = Asker(app, theirs["tenant"], at_a_browser(grace))

    for rule in rules(app):
        for rows in foreign(rule, mine, theirs):
            asker.ask(rule, mine["tenant"], rows)

    assert asker.wrong == []
    assert asker.asked > 30


def foreign(rule: Rule, mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One's own rows with one or more of them swapped for the other shop's."""
    own, others = rows_for(rule, mine), rows_for(rule, theirs)
    for size in range(1, len(own) + 1):
        for swapped in itertools.combinations(own, size):
            yield own | {name: others[name] for name in swapped}


def test_another_shop_s_rows_in_a_form_do_nothing_to_it(app, engine, grace, mine, theirs):
    """A form names rows as well: ticked orders, a place to ship from, a line to cancel."""
    with engine.connect() as connection:
        line = connection.execute(
            text("SELECT min(id) FROM order_lines WHERE tenant_id = :t"), {"t": theirs["tenant"]}
        ).scalar_one()
    fields = {
        "order": theirs["orders"], "orders": theirs["orders"], "job": theirs["jobs"], "location": theirs["location"],
        "variant": theirs["stock"], "connection": theirs["connections"], "parcel": theirs["parcels"],
        "shipment": theirs["shipments"], "label": theirs["labels"], "line": line, f"units-{line}": 1,
        f"ships-{theirs['location']}": "on", f"location-{theirs['location']}": "on",
    }  # fmt: skip
    asker = Asker(app, theirs["tenant"], at_a_browser(grace))

    for rule in rules(app):
        asker.ask(rule, mine["tenant"], rows_for(rule, mine), wanted=range(200, 500), **fields)

    assert asker.wrong == []
