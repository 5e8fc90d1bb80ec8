"""Who may come in, who did what, and how slow guessing is."""

from __future__ import annotations

import time

import pytest
import redis
from flask import Flask
from flask import session as flask_session
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from person import PASSWORD, Person, token_in
from seeds import Shop, open_shop
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import create_app
from config.settings import Settings
from records import users
from web.asked import local_path


def test_the_right_password_leads_on_to_where_one_wanted_to_go(stranger: Person, shop: Shop) -> None:
    wanted = f"/ops/shops/{shop.tenant}/orders?state=shipping"
    sent = stranger.get(wanted)
    assert sent.location == f"/ops/sign-in?next=/ops/shops/{shop.tenant}/orders?state%3Dshipping"
    answer = stranger.post("/ops/sign-in", at=sent.location, password=PASSWORD, name="Ann", next=wanted)
    assert (answer.status_code, answer.location) == (303, wanted)
    assert "Ann" in stranger.get(wanted).text


def test_without_a_wish_the_door_leads_to_the_shops(stranger: Person) -> None:
    assert (stranger.get("/").status_code, stranger.get("/").location) == (303, "/ops/")
    assert stranger.sign_in().location == "/ops/"
    assert stranger.get("/ops/sign-in").location == "/ops/"


@pytest.mark.parametrize(
    ("name", "password"),
    [("Grace", "guess"), ("Grace", "pässwörd\x00"), ("Grace", ""), ("Mallory", PASSWORD), ("", PASSWORD)],
    ids=["a wrong password", "odd letters", "no password", "an unknown name", "no name"],
)
def test_who_is_not_known_stays_outside_and_is_not_told_why(stranger: Person, name: str, password: str) -> None:
    answer = stranger.sign_in(name, password)
    assert answer.status_code == 403
    assert "Name and password do not belong together" in answer.text
    assert stranger.get("/ops/work").location == "/ops/sign-in?next=/ops/work"


def test_a_name_is_known_in_large_and_small_letters(stranger: Person) -> None:
    assert stranger.sign_in(" gRACE ").status_code == 303
    assert "Machine room" in stranger.get("/ops/work").text


def test_what_somebody_does_carries_the_name_as_it_was_given_out(stranger: Person, session: Session) -> None:
    order = open_shop(session).order()
    session.commit()
    stranger.sign_in("gRACE")
    stranger.post(f"/ops/shops/{order.tenant_id}/orders/{order.id}/hold", reason="Recall.")
    assert stranger.row("SELECT set_by FROM holds").set_by == "person:Grace"


def test_an_ended_user_is_signed_out_at_the_next_request(grace: Person, session: Session) -> None:
    assert grace.get("/ops/work").status_code == 200
    assert users.end(session, "grace")
    session.commit()
    assert grace.get("/ops/work").status_code == 303
    assert grace.sign_in().status_code == 403


def test_a_user_who_is_added_anew_signs_in_anew(grace: Person, session: Session) -> None:
    users.end(session, "Grace")
    users.add(session, "Grace", "another horse")
    session.commit()
    assert grace.get("/ops/work").status_code == 303
    assert grace.sign_in().status_code == 403
    assert grace.sign_in(password="another horse").status_code == 303
    assert grace.get("/ops/work").status_code == 200


def test_without_any_user_the_door_says_how_to_add_one(app: Flask, engine: Engine) -> None:
    first = app.test_client()
    token = csrf_token(app, first)
    for answer in (
        first.get("/ops/work", follow_redirects=True),
        first.post("/ops/sign-in", data={"csrf_token": token, "name": "Grace", "password": PASSWORD}),
    ):
        assert answer.status_code == 403
        assert "<code>packline users add NAME</code>" in answer.text
    assert first.get("/healthz").status_code == 200


def test_nothing_of_a_cookie_from_before_is_trusted_after_sign_in(stranger: Person) -> None:
    before = token_in(stranger.get("/ops/sign-in"))
    with stranger.client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    stranger.sign_in()
    with stranger.client.session_transaction() as cookie:
        assert set(cookie) == {"user", "epoch", "since", "seen"}
    assert token_in(stranger.get("/ops/work")) != before
    assert stranger.client.post("/ops/sign-out", data={"csrf_token": before}).status_code == 400


def test_a_cookie_that_was_signed_elsewhere_opens_nothing(app: Flask, stranger: Person, staff: dict[str, int]) -> None:
    now = int(time.time())
    asked_for = {"user": staff["Grace"], "epoch": 0, "since": now, "seen": now}
    stranger.client.set_cookie("session", signed("guessed", asked_for))
    assert stranger.get("/ops/work").status_code == 303
    stranger.client.set_cookie("session", signed(str(app.secret_key), asked_for))
    assert stranger.get("/ops/work").status_code == 200  # so it was the signature


def test_a_cookie_that_was_copied_is_of_no_use_after_signing_out(
    app: Flask, engine: Engine, grace: Person, staff: dict[str, int]
) -> None:
    thief, ann = Person(app.test_client(), engine), Person(app.test_client(), engine)
    copied = grace.client.get_cookie("session")
    assert copied is not None
    thief.client.set_cookie("session", copied.value)
    ann.sign_in("Ann")
    assert thief.get("/ops/work").status_code == 200

    answer = grace.client.post(
        "/ops/sign-out", data={"csrf_token": token_in(grace.get("/ops/work"))}, follow_redirects=True
    )

    assert "signed out, here and wherever else you were signed in" in answer.text
    assert thief.get("/ops/work").status_code == 303
    assert ann.get("/ops/work").status_code == 200


def test_signing_out_forgets_who_it_was(grace: Person) -> None:
    assert grace.get("/ops/sign-out").status_code == 405
    assert grace.post("/ops/sign-out").status_code == 303
    assert grace.get("/ops/work").status_code == 303


def test_a_cookie_lasts_a_week_and_no_longer(grace: Person) -> None:
    with grace.client.session_transaction() as cookie:
        cookie["since"] -= 7 * 24 * 3600 - 60
    assert grace.get("/ops/work").status_code == 200
    with grace.client.session_transaction() as cookie:
        cookie["since"] -= 61
    assert grace.get("/ops/work").status_code == 303


def test_a_page_that_nobody_touches_for_half_a_day_signs_out(grace: Person, shop: Shop) -> None:
    """A page that keeps itself fresh does not keep its person signed in; one that is asked for does."""
    path = f"/ops/shops/{shop.tenant}/inbox"
    aged(grace, seen=12 * 3600 - 60)
    assert grace.get(f"{path}/live", headers={"HX-Request": "true"}).status_code == 200
    aged(grace, seen=61)
    assert grace.get(f"{path}/live", headers={"HX-Request": "true"}).status_code == 401
    grace.sign_in()
    aged(grace, seen=12 * 3600 - 60)
    assert grace.get(path).status_code == 200
    aged(grace, seen=61)
    assert grace.get(path).status_code == 200


def test_the_cookie_is_for_this_host_alone_and_for_no_script(
    settings: Settings, engine: Engine, session: Session
) -> None:
    users.add(session, "Grace", PASSWORD)
    session.commit()
    secure = create_app(settings.model_copy(update={"public_url": "https://packline.example"}))
    client = secure.test_client()
    here = {"base_url": "https://packline.example"}
    token = token_in(client.get("/ops/sign-in", **here))
    answer = client.post(
        "/ops/sign-in",
        data={"csrf_token": token, "name": "Grace", "password": PASSWORD},
        headers={"Referer": "https://packline.example/ops/sign-in"},
        **here,
    )
    assert answer.status_code == 303
    given = {name: rest for name, _, rest in (one.partition("=") for one in answer.headers.getlist("Set-Cookie"))}
    assert set(given) == {"__Host-session", "__Host-known"}
    for cookie in given.values():
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_ended_sessions_are_over_in_every_browser(app: Flask, engine: Engine, grace: Person, session: Session) -> None:
    at_home = Person(app.test_client(), engine)
    at_home.sign_in()
    ann = Person(app.test_client(), engine)
    ann.sign_in("Ann")
    assert users.end_sessions(session, "grace")
    session.commit()
    assert [one.get("/ops/work").status_code for one in (grace, at_home, ann)] == [303, 303, 200]
    assert grace.sign_in().status_code == 303


def test_guessing_is_stopped_after_ten_tries_and_says_for_how_long(stranger: Person) -> None:
    answers = [knock(stranger, name=f"nobody {number}") for number in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    right = knock(stranger, name="Grace", password=PASSWORD)
    assert right.status_code == 429  # also with the right one: a guesser must not learn which it was


def test_tries_are_counted_over_all_processes(settings: Settings, engine: Engine, staff: dict[str, int]) -> None:
    here, there = (Person(create_app(settings).test_client(), engine) for _ in range(2))
    answers = [knock(who, name=f"nobody {number}") for number in range(6) for who in (here, there)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2


def test_tries_are_counted_also_while_redis_is_away(
    settings: Settings, engine: Engine, staff: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    person = Person(app.test_client(), engine)
    answers = [knock(person, name=f"nobody {number}") for number in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert "redis is away" in capsys.readouterr().err


def test_guessing_one_name_from_many_addresses_is_stopped_and_lets_others_in(stranger: Person) -> None:
    answers = [knock(stranger, name="grace", address=f"192.0.2.{number}") for number in range(32)]
    assert [answer.status_code for answer in answers] == [403] * 30 + [429] * 2
    assert knock(stranger, name="Grace", password=PASSWORD, address="192.0.2.99").status_code == 429
    assert knock(stranger, name="Ann", password=PASSWORD, address="192.0.2.99").status_code == 303


def test_a_guesser_never_locks_out_whoever_signed_in_here_before(app: Flask, engine: Engine, grace: Person) -> None:
    grace.post("/ops/sign-out")
    guesser = Person(app.test_client(), engine)
    guesses = [knock(guesser, name="grace") for _ in range(11)]
    assert guesses[-1].status_code == 429
    assert knock(guesser, name="grace", password=PASSWORD).status_code == 429
    assert grace.sign_in().status_code == 303  # of the same address, and of the same name


def test_a_browser_is_known_for_one_name_and_is_slow_as_any_other(grace: Person) -> None:
    grace.post("/ops/sign-out")
    assert [knock(grace, name="ann").status_code for _ in range(11)] == [403] * 10 + [429]
    assert [knock(grace, name="grace").status_code for _ in range(11)] == [403] * 10 + [429]


def test_nothing_in_redis_says_whose_tries_were_counted(stranger: Person, redis_connection: redis.Redis) -> None:
    knock(stranger, name="grace", address="192.0.2.77")
    keys = [key.decode() for key in redis_connection.scan_iter("packline:limits*")]
    assert keys
    assert [key for key in keys if "grace" in key.lower() or "192.0.2.77" in key] == []


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 403)], ids=["no proxy", "one proxy"])
def test_an_address_that_a_proxy_tells_counts_only_where_there_is_one(
    settings: Settings, engine: Engine, staff: dict[str, int], proxies: int, last: int
) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": proxies}))
    person = Person(app.test_client(), engine)
    answers = [
        knock(person, name=f"nobody {number}", forwarded=f"198.51.100.7, 192.0.2.{number}") for number in range(11)
    ]
    assert answers[-1].status_code == last


def test_what_stands_left_of_the_proxys_word_is_the_strangers_own(
    settings: Settings, engine: Engine, staff: dict[str, int]
) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": 1}))
    person = Person(app.test_client(), engine)
    answers = [
        knock(person, name=f"nobody {number}", forwarded=f"198.51.100.{number}, 192.0.2.1") for number in range(11)
    ]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    "given",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\nb", "shops/1"],
)
def test_a_stranger_is_never_sent_to_another_site(given: str) -> None:
    assert local_path(given, "/ops/") == "/ops/"


def test_the_door_leads_nowhere_else_even_when_asked(stranger: Person) -> None:
    answer = stranger.post("/ops/sign-in", at="/ops/sign-in", name="Ann", password=PASSWORD, next="//evil.example")
    assert answer.location == "/ops/"


def aged(person: Person, *, seen: int) -> None:
    """Let some seconds pass since the last sign of life."""
    with person.client.session_transaction() as cookie:
        cookie["seen"] -= seen


def knock(
    person: Person, *, name: str, password: str = "guess", address: str = "127.0.0.1", forwarded: str = ""
) -> TestResponse:
    """One try at the door, from an address."""
    return person.client.post(
        "/ops/sign-in",
        data={"csrf_token": token_in(person.get("/ops/sign-in")), "name": name, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
        headers={"X-Forwarded-For": forwarded} if forwarded else {},
    )


def signed(key: str, cookie: dict[str, object]) -> str:
    """A session cookie as an application with this key makes it."""
    elsewhere = Flask("elsewhere")
    elsewhere.secret_key = key
    serializer = SecureCookieSessionInterface().get_signing_serializer(elsewhere)
    assert serializer is not None
    return str(serializer.dumps(cookie))


def csrf_token(app: Flask, client: FlaskClient) -> str:
    """A token for this client, where no page has a form to read one from."""
    with client.session_transaction() as cookie, app.test_request_context():
        token = generate_csrf()
        cookie["csrf_token"] = flask_session["csrf_token"]
    return token
