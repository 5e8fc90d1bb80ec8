"""Who may sign in: names are one person's each, passwords are never kept, and who was ended stays outside."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from records import users


def test_a_user_is_known_by_name_and_password_and_by_nothing_less(session: Session) -> None:
    grace = users.add(session, " Grace Hopper ", "correct horse")
    assert users.check(session, "grace hopper", "correct horse") == grace
    assert users.check(session, "Grace Hopper", "Correct horse") is None
    assert users.check(session, "Grace", "correct horse") is None
    assert [user.name for user in users.everybody(session)] == ["Grace Hopper"]


def test_the_password_itself_is_kept_nowhere(session: Session) -> None:
    users.add(session, "Grace", "correct horse")
    users.add(session, "Ann", "correct horse")
    kept = session.execute(text("SELECT users::text AS row, password_hash FROM users")).all()
    assert all("correct horse" not in one.row and one.password_hash.startswith("scrypt:") for one in kept)
    assert kept[0].password_hash != kept[1].password_hash


def test_a_name_is_taken_whatever_the_size_of_its_letters_until_it_is_ended(session: Session) -> None:
    first = users.add(session, "Grace", "correct horse")
    with pytest.raises(users.NameTaken, match="GRACE"):
        users.add(session, "GRACE", "another horse")
    assert users.end(session, "grace") is True
    second = users.add(session, "GRACE", "another horse")
    assert (users.is_there(session, first), users.is_there(session, second)) == (False, True)
    assert users.check(session, "Grace", "correct horse") is None
    assert users.check(session, "Grace", "another horse") == second


def test_a_short_password_lets_nobody_in(session: Session) -> None:
    with pytest.raises(users.WeakPassword, match="at least 8"):
        users.add(session, "Grace", "seven77")
    assert users.everybody(session) == []
    assert users.add(session, "Grace", "eight888") > 0


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 41, "nul\x00"])
def test_a_name_that_cannot_be_shown_is_refused(session: Session, name: str) -> None:
    with pytest.raises(users.OddName, match="1 to 40"):
        users.add(session, name, "correct horse")
    assert users.everybody(session) == []


def test_ending_somebody_who_is_not_there_says_so(session: Session) -> None:
    assert users.end(session, "Grace") is False
    assert users.is_anybody_there(session) is False
    users.add(session, "Grace", "correct horse")
    assert users.is_anybody_there(session) is True
    assert (users.end(session, "Grace"), users.end(session, "Grace")) == (True, False)
    assert users.is_anybody_there(session) is False
    assert [user.ended_at is not None for user in users.everybody(session)] == [True]


def test_an_unknown_name_is_checked_as_thoroughly_as_a_known_one(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add(session, "Grace", "correct horse")
    checked: list[str] = []
    genuine = users.check_password_hash

    def counting(pwhash: str, password: str) -> bool:
        checked.append(pwhash.split("$", maxsplit=1)[0])
        return genuine(pwhash, password)

    monkeypatch.setattr(users, "check_password_hash", counting)
    users.check(session, "Grace", "guess")
    users.check(session, "Mallory", "guess")
    assert len(checked) == 2
    assert checked[0] == checked[1]  # the same method with the same cost
