"""A second proof besides the password: a code from a phone that is good once, or one of a few written down."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pyotp
import pytest
from flask import Flask
from person import PASSWORD, Person, token_in
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from config import boot
from config.settings import Settings
from records import users
from web import second_factor


def set_up(person: Person, *, password: str = PASSWORD) -> tuple[pyotp.TOTP, list[str]]:
    """Set a second factor up; answers the phone, and the recovery codes."""
    page = person.get("/ops/me/second-factor")
    phone = pyotp.TOTP(re.search(r'<p class="code">([A-Z2-7]{32})</p>', page.text).group(1))
    offer = re.search(r'name="offer" value="([^"]+)"', page.text).group(1)
    answer = person.client.post(
        "/ops/me/second-factor",
        data={"csrf_token": token_in(page), "offer": offer, "code": phone.now(), "password": password},
    )
    assert answer.status_code == 200, answer.text
    return phone, re.findall(r'<li class="code">([a-z0-9]{5}-[a-z0-9]{5})</li>', answer.text)


def code(person: Person, code: str) -> TestResponse:
    return person.post("/ops/sign-in/code", at="/ops/sign-in/code", code=code, next="/ops/work")


def later(phone: pyotp.TOTP) -> str:
    """The code that comes next: the one of now was used up."""
    return phone.at(time.time(), counter_offset=1)


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> float:
    """The first second of a code's thirty: none ends in the middle of a story."""
    noon = time.time() // 30 * 30 + 1
    monkeypatch.setattr(second_factor, "time", SimpleNamespace(time=lambda: noon))
    monkeypatch.setattr(pyotp.TOTP, "now", lambda self: self.at(noon))
    monkeypatch.setattr(f"{__name__}.later", lambda phone: phone.at(noon, counter_offset=1))
    return noon


def test_after_the_password_the_code_is_asked_for(grace: Person, at_noon: float) -> None:
    phone, _ = set_up(grace)
    grace.post("/ops/sign-out", at="/ops/me")
    answer = grace.sign_in()
    assert (answer.status_code, answer.location) == (303, "/ops/sign-in/code?next=/ops/")
    assert grace.get("/ops/work").location == "/ops/sign-in?next=/ops/work"  # the password alone opens nothing
    answer = code(grace, later(phone))
    assert (answer.status_code, answer.location) == (303, "/ops/work")
    assert "Machine room" in grace.get("/ops/work").text


def test_a_code_is_good_once(app: Flask, engine: Engine, grace: Person, at_noon: float) -> None:
    phone, _ = set_up(grace)
    over_her_shoulder = Person(app.test_client(), engine)
    over_her_shoulder.sign_in()
    assert code(over_her_shoulder, phone.now()).status_code == 403  # the one that set it up
    assert code(over_her_shoulder, later(phone)).status_code == 303
    at_home = Person(app.test_client(), engine)
    at_home.sign_in()
    answer = code(at_home, later(phone))
    assert answer.status_code == 403
    assert "it was used already" in answer.text
    assert at_home.get("/ops/work").status_code == 303


def test_a_recovery_code_stands_in_for_the_phone_once(grace: Person, at_noon: float) -> None:
    _, written_down = set_up(grace)
    assert len(set(written_down)) == 8
    for expected in (303, 403):
        grace.post("/ops/sign-out", at="/ops/me") if expected == 303 else grace.post("/ops/sign-out")
        grace.sign_in()
        assert code(grace, f" {written_down[3].upper()} ").status_code == expected
    assert code(grace, written_down[4]).status_code == 303


def test_codes_are_guessed_slowly(grace: Person, at_noon: float) -> None:
    phone, _ = set_up(grace)
    grace.post("/ops/sign-out", at="/ops/me")
    grace.sign_in()
    answers = [code(grace, f"{number:06}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 300
    assert code(grace, later(phone)).status_code == 429


def test_a_right_password_without_its_code_gives_no_tries_back(
    app: Flask, engine: Engine, grace: Person, at_noon: float
) -> None:
    phone, _ = set_up(grace)
    thief = Person(app.test_client(), engine)

    def knock() -> int:
        token = token_in(thief.get("/ops/sign-in"))
        form = {"csrf_token": token, "name": "Grace", "password": PASSWORD}
        return thief.client.post("/ops/sign-in", data=form).status_code

    assert [knock() for _ in range(9)] == [303] * 9
    assert code(thief, later(phone)).status_code == 303  # the whole sign-in gives them back
    elsewhere = Person(app.test_client(), engine)
    token = token_in(elsewhere.get("/ops/sign-in"))
    tries = [
        elsewhere.client.post("/ops/sign-in", data={"csrf_token": token, "name": f"no {one}", "password": PASSWORD})
        for one in range(3)
    ]
    assert [one.status_code for one in tries] == [403] * 3
    thief = Person(app.test_client(), engine)
    assert [knock() for _ in range(8)] == [303] * 7 + [429]


def test_the_password_is_good_for_five_minutes_of_looking_for_the_phone(grace: Person, at_noon: float) -> None:
    phone, _ = set_up(grace)
    grace.post("/ops/sign-out", at="/ops/me")
    grace.sign_in()
    token = token_in(grace.get("/ops/sign-in/code"))
    with grace.client.session_transaction() as cookie:
        cookie["waiting"] = {**cookie["waiting"], "since": cookie["waiting"]["since"] - 300}
    answer = grace.client.post("/ops/sign-in/code", data={"csrf_token": token, "code": later(phone)})
    assert (answer.status_code, answer.location) == (303, "/ops/sign-in")
    assert grace.get("/ops/sign-in/code").status_code == 303
    assert grace.get("/ops/work").status_code == 303


def test_setting_it_up_ends_every_other_session_and_needs_the_password(
    app: Flask, engine: Engine, grace: Person, at_noon: float
) -> None:
    at_home = Person(app.test_client(), engine)
    at_home.sign_in()
    page = grace.get("/ops/me/second-factor")
    secret = re.search(r'<p class="code">([A-Z2-7]{32})</p>', page.text).group(1)
    form = {
        "csrf_token": token_in(page),
        "offer": re.search(r'name="offer" value="([^"]+)"', page.text).group(1),
        "code": pyotp.TOTP(secret).now(),
    }
    refused = grace.client.post("/ops/me/second-factor", data={**form, "password": "guess"})
    assert (refused.status_code, "That is not your password" in refused.text) == (422, True)
    assert secret in refused.text  # the phone has learned this one already
    assert grace.row("SELECT sealed_totp FROM users WHERE name = 'Grace'").sealed_totp is None
    wrong = grace.client.post("/ops/me/second-factor", data={**form, "code": "000000", "password": PASSWORD})
    assert (wrong.status_code, "not the code of now" in wrong.text) == (422, True)
    assert grace.client.post("/ops/me/second-factor", data={**form, "password": PASSWORD}).status_code == 200
    assert grace.get("/ops/work").status_code == 200
    assert at_home.get("/ops/work").status_code == 303


def test_what_was_offered_to_one_is_no_use_to_another(
    app: Flask, engine: Engine, grace: Person, at_noon: float
) -> None:
    page = grace.get("/ops/me/second-factor")
    offer = re.search(r'name="offer" value="([^"]+)"', page.text).group(1)
    secret = re.search(r'<p class="code">([A-Z2-7]{32})</p>', page.text).group(1)
    ann = Person(app.test_client(), engine)
    ann.sign_in("Ann")
    for given in (offer, "nonsense", ""):
        answer = ann.post(
            "/ops/me/second-factor", at="/ops/me", offer=given, code=pyotp.TOTP(secret).now(), password=PASSWORD
        )
        assert answer.status_code == 400
    assert ann.rows("SELECT id FROM users WHERE sealed_totp IS NOT NULL") == []


def test_removing_it_takes_a_code(grace: Person, at_noon: float) -> None:
    phone, _ = set_up(grace)
    assert grace.post("/ops/me/second-factor/remove", at="/ops/me", code="000000").status_code == 422
    assert grace.post("/ops/me/second-factor/remove", at="/ops/me", code=later(phone)).status_code == 303
    grace.post("/ops/sign-out", at="/ops/me")
    assert grace.sign_in().location == "/ops/"


def test_the_secret_is_sealed_and_the_recovery_codes_are_hashed(
    settings: Settings, grace: Person, at_noon: float
) -> None:
    phone, written_down = set_up(grace)
    sealed = bytes(grace.row("SELECT sealed_totp FROM users WHERE name = 'Grace'").sealed_totp)
    assert phone.secret.encode() not in sealed
    opened = boot.keyring(settings).open(sealed)
    assert opened["secret"] == phone.secret
    assert len(opened["recovery"].split()) == 8
    assert not any(one.replace("-", "") in opened["recovery"] for one in written_down)
    assert phone.secret not in grace.get("/ops/me").text


def test_whoever_lost_everything_is_let_in_by_the_command_line(grace: Person, session: Session, at_noon: float) -> None:
    set_up(grace)
    assert users.reset_second_factor(session, "grace")
    session.commit()
    assert grace.get("/ops/work").status_code == 303
    assert grace.sign_in().location == "/ops/"


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(app: Flask, engine: Engine, grace: Person) -> None:
    at_home = Person(app.test_client(), engine)
    at_home.sign_in()
    for form, said in (
        ({"password": "guess", "new": "another horse"}, "not your password"),
        ({"password": PASSWORD, "new": "short"}, "at least 8"),
    ):
        answer = grace.post("/ops/me/password", at="/ops/me", **form)
        assert (answer.status_code, said in answer.text) == (422, True)
    assert grace.post("/ops/me/password", at="/ops/me", password=PASSWORD, new="another horse").status_code == 303
    assert grace.get("/ops/work").status_code == 200
    assert at_home.get("/ops/work").status_code == 303
    assert at_home.sign_in().status_code == 403
    assert at_home.sign_in(password="another horse").status_code == 303


@pytest.mark.parametrize(("off_s", "good"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_wrong_by_one_code(off_s: int, good: bool) -> None:
    secret, noon = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 1_800_000_000.0
    step = second_factor.step_of(secret, pyotp.TOTP(secret).at(noon + off_s), now=noon)
    assert step == ((noon + off_s) // 30 if good else None)


@pytest.mark.parametrize("code", ["", "0", "12345", "1234567", "abcdef", "٠١٢٣٤٥"])
def test_what_is_no_code_is_of_no_time(code: str) -> None:
    assert second_factor.step_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", code, now=1_800_000_000.0) is None
