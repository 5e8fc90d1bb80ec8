"""Every page asks who is there, every id belongs to one tenant, and every button carries a token."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from werkzeug.routing import Rule

from web.session import guard

# Doors that stand open, each by name and for a reason: vendors sign, machines ask, and people have to get in.
# Those of an installation prove for themselves who asks: by an ID token, or by a state of this browser's own.
OPEN = {
    "install.app_home_page", "install.patch_id_token", "install.begin", "install.come_back",
    # A file's address is the proof by itself (tests/web/test_file_links.py).
    "files.shown",
    # Shopify signs what a storefront asks (tests/web/test_arriving.py).
    "arriving.shown",
    # So is a buyer's (tests/web/test_choose.py).
    "choose.shown", "choose.confirmed", "choose.answered", "delivered.shown", "delivered.opened",
    # And so is their page of an order (tests/web/test_change.py), and a supplier's (tests/web/test_supply.py).
    "change.shown", "change.confirmed", "change.changed", "supply.shown", "supply.printed", "supply.file", "supply.sheet",
    "supply.accepted", "supply.rejected", "supply.shipped", "supply.machine_shown",
    "supply.machine_accepted", "supply.machine_rejected", "supply.machine_shipped", "supply.machine_stopped",
    "supply.stopped", "hooks.receive", "health.healthz", "health.readyz", "session.sign_in", "session.take_password", "session.sign_out",
    "session.ask_code", "session.take_code", "front", "show", "static",
}  # fmt: skip


def routes(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def address(app: Flask, rule: Rule, ids: dict[str, int], tenant: int) -> str:
    """The rule's address with ids of the kind that its page is about."""
    page = rule.endpoint.partition(".")[0]
    id = {
        "order": ids["held"],
        "choosing": ids["short"],
        "changing": ids["held"],
        "taking_back": ids["split"],
        "purchase_orders": ids["split"],
        "job": ids["parked_job"],
        "inbox": ids["event"],
    }.get(page, 1)
    if rule.endpoint == "order.label":
        id = ids["shipped"]
    values: dict[str, Any] = {
        "tenant": tenant, "id": id, "label": ids["label"], "variant": ids["variant"], "location": ids["location"],
        "kind": "address", "connection": f"store-{ids['tenant']}",
        "step": "labels" if page == "setup" else ids["step"], "parcel": ids["parcel"],
        "purchase_order": ids["purchase_order"], "courier": ids["courier"],
    }  # fmt: skip
    with app.test_request_context():
        return app.url_map.bind("localhost").build(
            rule.endpoint, {name: values.get(name, 1) for name in rule.arguments}
        )


def guarded(app: Flask) -> list[tuple[Rule, str]]:
    found = [(rule, method) for rule, method in routes(app) if rule.endpoint not in OPEN]
    assert len(found) > 25
    return found


FORM = {
    "reason": "because",
    "action": "hold",
    "what": "export",
    "order": "1",
    "kind": "buy_label",
    "cause": "no_rates",
    "connection": "x",
}


def test_a_stranger_is_sent_to_the_door_by_every_page(app: Flask, stranger: Person, furnished: dict[str, int]) -> None:
    before = everything(stranger)
    for rule, method in guarded(app):
        path = address(app, rule, furnished, furnished["tenant"])
        answer = stranger.get(path) if method == "GET" else stranger.post(path, at="/ops/sign-in", **FORM)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/ops/sign-in"), (method, path)
        assert "Ada" not in answer.text
    assert everything(stranger) == before


def test_a_page_that_stood_open_is_sent_to_the_door_as_a_whole(
    app: Flask, stranger: Person, furnished: dict[str, int]
) -> None:
    answer = stranger.get(f"/ops/shops/{furnished['tenant']}/orders/live", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.data) == (401, "/ops/sign-in", b"")


def test_every_blueprint_is_guarded_but_for_the_doors(app: Flask) -> None:
    unguarded = {name for name in app.blueprints if guard not in app.before_request_funcs.get(name, [])}
    assert unguarded == {
        *("health", "session", "files", "install", "arriving"),
        *("choose", "change", "delivered", "supply"),
    }


def test_every_page_lives_under_ops(app: Flask) -> None:
    elsewhere = {rule.endpoint for rule in app.url_map.iter_rules() if not rule.rule.startswith("/ops/")}
    assert elsewhere <= OPEN
    assert {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("session.")} == {
        "/ops/sign-in", "/ops/sign-in/code", "/ops/sign-out",
    }  # fmt: skip


def test_another_tenants_ids_are_nobodys_pages(
    app: Flask, grace: Person, furnished: dict[str, int], other_shop: Shop
) -> None:
    before = everything(grace)
    tried = 0
    for rule, method in guarded(app):
        if "tenant" not in rule.arguments:
            continue  # people are of the house (test_people.py)
        if not rule.arguments - {"tenant"} - ({"kind"} if "id" not in rule.arguments else set()):
            continue
        if rule.endpoint.startswith("setup."):
            continue  # its steps are words and nobody's
        path = address(app, rule, furnished, other_shop.tenant)
        answer = grace.get(path) if method == "GET" else grace.post(path, **FORM)
        assert answer.status_code == 404, (method, path)
        tried += 1
    assert tried >= 14
    assert everything(grace) == before


def test_a_shop_that_does_not_exist_is_nobodys_page(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    for rule, method in guarded(app):
        if "tenant" in rule.arguments:
            path = address(app, rule, furnished, 4711)
            answer = grace.get(path) if method == "GET" else grace.post(path, **FORM)
            assert answer.status_code == 404, (method, path)


@pytest.mark.parametrize("id", ["9223372036854775807", "9223372036854775808", "99999999999999999999999999"])
def test_an_id_that_no_row_can_have_is_nobodys_page(grace: Person, shop: Shop, id: str) -> None:
    assert grace.get(f"/ops/shops/{shop.tenant}/orders/{id}").status_code == 404
    assert grace.get(f"/ops/shops/{id}/orders").status_code == 404
    assert grace.get(f"/ops/shops/{shop.tenant}/orders?before={id}").status_code == 200


def test_every_button_needs_its_token(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    before = everything(grace)
    pressed = 0
    for rule, method in routes(app):
        if (
            method != "POST"
            or rule.endpoint
            in {
                *("hooks.receive", "choose.answered", "delivered.opened", "change.confirmed", "change.changed"),
            }
            or rule.endpoint.startswith("supply.")
        ):
            continue  # a signature, or a signed address, is what speaks for these
        answer = grace.client.post(address(app, rule, furnished, furnished["tenant"]), data=FORM)
        assert answer.status_code == 400, rule
        assert "Nothing was changed" in answer.text
        pressed += 1
    assert pressed >= 11
    assert everything(grace) == before
    assert grace.get("/ops/work").status_code == 200  # and nobody was signed out by it


def test_nothing_is_changed_by_looking(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    before = everything(grace)
    for rule, method in guarded(app):
        if method == "GET":
            assert grace.get(address(app, rule, furnished, furnished["tenant"])).status_code in {200, 303}, rule
    assert everything(grace) == before


def everything(person: Person) -> list[Any]:
    """Every row that a button could change."""
    return [
        person.rows("SELECT tenant_id, id, state, attempts, due_at, reason FROM jobs ORDER BY id"),
        person.rows("SELECT tenant_id, id, state, released_by FROM holds ORDER BY id"),
        person.rows("SELECT tenant_id, id, state FROM inbox_events ORDER BY id"),
        person.rows("SELECT tenant_id, id, state FROM orders ORDER BY id"),
        person.rows("SELECT count(*) FROM timeline_entries"),
    ]
