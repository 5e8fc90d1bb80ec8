"""A label is handed out by an address that is good for ten minutes, for one person, one shop and one file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, g
from itsdangerous import URLSafeTimedSerializer
from person import Person
from seeds import PDF, Shop
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from test_roles import somebody

from records import users
from web import file_links
from web.file_links import Link


@pytest.fixture
def page(furnished: dict[str, int]) -> str:
    """The door to the label: what a page's button leads to."""
    return f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}/labels/{furnished['label']}"


@pytest.fixture
def embedded(app: Flask, furnished: dict[str, int]) -> str:
    """The link as it stands on an order's page inside a store's admin, read by somebody of its staff."""
    link = Link("label", furnished["tenant"], furnished["shipped"], furnished["label"], "person:staff 7", "embedded")
    return made(app, link)


def made(app: Flask, link: Link) -> str:
    with app.test_request_context():
        return file_links.address(link)


def lines(person: Person) -> list[Any]:
    return person.rows(
        "SELECT tenant_id, actor, surface, act, subject, outcome FROM audit_lines WHERE act = 'files.label' ORDER BY id"
    )


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let time pass for what is signed."""
    from itsdangerous import timed

    then = timed.time.time() + seconds
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _self: int(then))


def test_a_label_comes_by_a_fresh_address_and_who_took_it_is_written_down(
    grace: Person, page: str, furnished: dict[str, int]
) -> None:
    led = grace.get(page)
    assert led.status_code == 303
    assert led.location.startswith("/ops/files/")
    assert lines(grace) == []

    answer = grace.get(led.location)

    assert (answer.status_code, answer.data, answer.content_type) == (200, PDF, "application/pdf")
    assert lines(grace) == [
        (furnished["tenant"], "person:Grace", "plain", "files.label", f"label/{furnished['label']}", "taken")
    ]


def test_the_file_is_kept_nowhere_guessed_at_by_nobody_and_found_by_no_search_engine(grace: Person, page: str) -> None:
    answer = grace.get(page, follow_redirects=True)

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_label_that_a_browser_can_show_is_shown_for_printing(grace: Person, page: str) -> None:
    address = grace.get(page).location

    assert grace.get(f"{address}?print=1").headers["Content-Disposition"].startswith('inline; filename="')
    assert grace.get(f"{address}?print=2").headers["Content-Disposition"].startswith("attachment;")


def test_what_no_browser_shows_is_a_download_even_for_printing(grace: Person, page: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE labels SET media_type = 'text/html'"))
    answer = grace.get(f"{grace.get(page).location}?print=1")

    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_after_ten_minutes_the_address_is_gone_and_says_what_to_do(
    grace: Person, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = grace.get(page).location
    later(monkeypatch, file_links.LASTS_S - 5)
    assert grace.get(address).status_code == 200

    later(monkeypatch, file_links.LASTS_S + 5)
    answer = grace.get(address)

    assert answer.status_code == 410
    assert PDF not in answer.data
    for part in ("This link has ended", "Open the order again", "Nothing was changed"):
        assert part in answer.text
    assert len(lines(grace)) == 1


def test_every_change_to_the_address_makes_it_nobodys(grace: Person, page: str) -> None:
    address = grace.get(page).location
    token = address.rpartition("/")[2]
    for at in (0, len(token) // 2, len(token) - 2):
        swapped = "A" if token[at] != "A" else "B"
        assert grace.get(f"/ops/files/{token[:at]}{swapped}{token[at + 1 :]}").status_code == 404
    for odd in ("x", ".", "..", "a.b.c", "%00", "W10.awJiHA.x", "é", "a" * 3000):
        assert grace.get(f"/ops/files/{odd}").status_code in {404, 308}, odd
    assert lines(grace) == []


@pytest.mark.parametrize(
    ("salt", "key"), [("packline/file-links/1", "guessed"), ("said", None), ("cookie-session", None), ("", None)]
)
def test_nothing_else_that_is_signed_opens_a_file(
    app: Flask, grace: Person, furnished: dict[str, int], salt: str, key: str | None
) -> None:
    claim = ["label", furnished["tenant"], furnished["shipped"], furnished["label"], "person:Grace", "plain"]
    forged = URLSafeTimedSerializer(key or app.secret_key, salt=salt).dumps(claim)

    assert grace.get(f"/ops/files/{forged}").status_code == 404


def test_a_buyers_street_is_not_for_who_only_looks(
    app: Flask, engine: Engine, session: Session, grace: Person, page: str, furnished: dict[str, int]
) -> None:
    order = page.rpartition("/labels/")[0]
    looks, packs = (somebody(app, engine, session, role) for role in ("read_only", "warehouse"))
    assert looks.get(page).status_code == 403
    assert page not in looks.get(order).text

    assert page in packs.get(order).text
    address = packs.get(page).location
    assert packs.get(address).data == PDF
    users.give_role(session, "warehouse everywhere", "read_only")
    session.commit()
    packs.sign_in("warehouse everywhere")
    assert packs.get(address).status_code == 403  # a role that was taken away takes the addresses along
    assert len(lines(grace)) == 1


def test_an_address_is_of_no_use_to_another_person_or_to_nobody(
    app: Flask, engine: Engine, grace: Person, page: str
) -> None:
    address = grace.get(page).location
    ann, nobody = Person(app.test_client(), engine), Person(app.test_client(), engine)
    assert ann.sign_in("Ann").status_code == 303

    assert ann.get(address).status_code == 404
    answer = nobody.get(address)
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/ops/sign-in")
    assert lines(grace) == []


def test_an_address_ends_with_the_person_who_had_it(grace: Person, page: str, engine: Engine) -> None:
    address = grace.get(page).location
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET ended_at = now() WHERE name = 'Grace'"))

    assert grace.get(address).location.partition("?")[0] == "/ops/sign-in"
    assert lines(grace) == []


def test_another_shops_label_is_nobodys_even_with_our_signature(
    app: Flask, grace: Person, furnished: dict[str, int], other_shop: Shop
) -> None:
    good = Link("label", furnished["tenant"], furnished["shipped"], furnished["label"], "person:Grace", "plain")
    foreign = grace.row("SELECT id, order_id FROM labels WHERE tenant_id = :t LIMIT 1", t=other_shop.tenant)
    for wrong in (
        replace(good, tenant=other_shop.tenant),
        replace(good, id=foreign.id),
        replace(good, order=foreign.order_id, id=foreign.id),
        replace(good, order=furnished["held"]),
        replace(good, kind="invoice"),
        replace(good, tenant=4711),
    ):
        assert grace.get(made(app, wrong)).status_code == 404, wrong
    assert grace.get(made(app, good)).status_code == 200


def test_the_door_gives_out_no_address_for_another_shops_label(
    grace: Person, furnished: dict[str, int], other_shop: Shop
) -> None:
    foreign = grace.row("SELECT id, order_id FROM labels WHERE tenant_id = :t LIMIT 1", t=other_shop.tenant)

    for order, label in ((furnished["shipped"], foreign.id), (foreign.order_id, foreign.id)):
        assert grace.get(f"/ops/shops/{furnished['tenant']}/orders/{order}/labels/{label}").status_code == 404


def test_who_sees_one_shop_only_gets_no_label_of_another(
    app: Flask, grace: Person, engine: Engine, furnished: dict[str, int], other_shop: Shop
) -> None:
    good = Link("label", furnished["tenant"], furnished["shipped"], furnished["label"], "person:Grace", "plain")
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET tenant_id = :t WHERE name = 'Grace'"), {"t": other_shop.tenant})

    assert grace.get(made(app, good)).status_code == 404


def test_inside_a_stores_admin_the_address_alone_brings_the_file(
    app: Flask, stranger: Person, embedded: str, furnished: dict[str, int]
) -> None:
    answer = stranger.get(embedded)

    assert (answer.status_code, answer.data) == (200, PDF)
    assert "Set-Cookie" not in answer.headers
    assert lines(stranger) == [
        (furnished["tenant"], "person:staff 7", "embedded", "files.label", f"label/{furnished['label']}", "taken")
    ]


def test_inside_a_stores_admin_too_it_ends_after_ten_minutes(
    stranger: Person, embedded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, file_links.LASTS_S + 5)

    answer = stranger.get(embedded)

    assert (answer.status_code, PDF in answer.data) == (410, False)
    assert "Open the order again" in answer.text


def test_a_token_that_comes_along_has_to_be_that_persons(stranger: Person, embedded: str) -> None:
    answer = stranger.get(embedded, headers={"Authorization": "Bearer not.a.token"})

    assert answer.status_code != 200
    assert PDF not in answer.data
    assert lines(stranger) == []


def test_a_store_that_took_the_app_away_gets_no_label_any_more(stranger: Person, embedded: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET closed_at = now()"))

    assert stranger.get(embedded).status_code == 404


def test_a_page_inside_the_admin_carries_links_that_need_no_door(app: Flask, furnished: dict[str, int]) -> None:
    order = (furnished["tenant"], furnished["shipped"], furnished["label"])
    with app.test_request_context():
        g.surface, g.who = "plain", None
        assert "/labels/" in file_links.label_address(*order)
        g.surface = "embedded"
        assert file_links.label_address(*order).startswith("/ops/files/")


def test_shopifys_secret_signs_no_file(app: Flask) -> None:
    """Whoever holds the app's client secret can sign as Shopify does, and must not be able to sign as we do."""
    with app.test_request_context():
        keys = file_links._signer().secret_keys
    assert keys == [app.secret_key.encode()]
    assert app.extensions["settings"].shopify_client_secret.get_secret_value().encode() not in keys
