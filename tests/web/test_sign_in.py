"""Who may come in, who did what, and how slow guessing is."""

from __future__ import annotations

import pytest
from flask import Flask
from person import Person, token_in
from pydantic import SecretStr
from seeds import Shop

from web.asked import local_path
from web.session import Doormat


def test_the_right_password_leads_on_to_where_one_wanted_to_go(stranger: Person, shop: Shop) -> None:
    wanted = f"/shops/{shop.tenant}/orders?state=shipping"
    sent = stranger.get(wanted)
    assert sent.location == f"/sign-in?next=/shops/{shop.tenant}/orders?state%3Dshipping"
    answer = stranger.post("/sign-in", at=sent.location, password="test", name="Ann", next=wanted)
    assert (answer.status_code, answer.location) == (303, wanted)
    assert "Ann" in stranger.get(wanted).text


def test_a_wrong_password_stays_outside_and_says_so(stranger: Person) -> None:
    answer = stranger.sign_in(password="guess")
    assert answer.status_code == 403
    assert "That is not the password" in answer.text
    assert stranger.get("/work").status_code == 303


def test_a_password_of_other_letters_is_refused_and_no_fault(stranger: Person) -> None:
    assert stranger.sign_in(password="pässwörd\x00").status_code == 403


def test_nobody_is_nameless(stranger: Person, shop: Shop) -> None:
    stranger.sign_in(name="  ")
    assert "ops" in stranger.get("/work").text


def test_signing_out_forgets_who_it_was(grace: Person) -> None:
    assert grace.post("/sign-out").status_code == 303
    assert grace.get("/work").status_code == 303


def test_a_new_password_signs_everybody_out(app: Flask, grace: Person) -> None:
    assert grace.get("/work").status_code == 200
    app.extensions["settings"] = app.extensions["settings"].model_copy(update={"ops_password": SecretStr("new")})
    assert grace.get("/work").status_code == 303


def test_a_cookie_lasts_a_week_and_no_longer(app: Flask, grace: Person) -> None:
    with grace.client.session_transaction() as cookie:
        cookie["since"] -= 7 * 24 * 3600 - 60
    assert grace.get("/work").status_code == 200
    with grace.client.session_transaction() as cookie:
        cookie["since"] -= 61
    assert grace.get("/work").status_code == 303


def test_guessing_is_stopped_after_ten_tries_and_says_for_how_long(stranger: Person) -> None:
    token = token_in(stranger.get("/sign-in"))
    answers = [stranger.client.post("/sign-in", data={"csrf_token": token, "password": "no"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 6
    right = stranger.client.post("/sign-in", data={"csrf_token": token, "password": "test"})
    assert right.status_code == 429  # also with the right one: a guesser must not learn which it was


def test_a_doormat_refills_in_time_and_knows_addresses_apart() -> None:
    doormat = Doormat(tries=2, refill_s=10)
    assert [doormat.knock("a", 0), doormat.knock("a", 0), doormat.knock("a", 0)] == [0, 0, 10]
    assert doormat.knock("b", 0) == 0
    assert doormat.knock("a", 4) == 6
    assert doormat.knock("a", 10.1) == 0
    assert doormat.knock("a", 10.1) > 0


def test_a_doormat_forgets_who_knew_the_password_and_never_grows_without_end() -> None:
    doormat = Doormat(tries=1, longest=3)
    doormat.knock("a", 0)
    doormat.welcome("a")
    assert doormat.knock("a", 0) == 0
    for number in range(10):
        doormat.knock(f"address {number}", 0)
    assert len(doormat._buckets) == 3


@pytest.mark.parametrize(
    "given",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\nb", "shops/1"],
)
def test_a_stranger_is_never_sent_to_another_site(given: str) -> None:
    assert local_path(given) == "/"


def test_the_door_leads_nowhere_else_even_when_asked(stranger: Person) -> None:
    answer = stranger.post("/sign-in", at="/sign-in", password="test", next="//evil.example")
    assert answer.location == "/"
