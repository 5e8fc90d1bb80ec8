"""Who may sign in: names are one person's each, passwords are never kept, and who was ended stays outside."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from records import passwords, users


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
    assert all(
        "correct horse" not in one.row and one.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        for one in kept
    )
    assert kept[0].password_hash != kept[1].password_hash


def test_a_name_is_taken_whatever_the_size_of_its_letters_until_it_is_ended(session: Session) -> None:
    first = users.add(session, "Grace", "correct horse")
    with pytest.raises(users.NameTaken, match="GRACE"):
        users.add(session, "GRACE", "another horse")
    assert users.end(session, "grace") is True
    second = users.add(session, "GRACE", "another horse")
    assert users.here(session, first) is None
    assert users.here(session, second) is not None
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


@pytest.mark.parametrize("old", [False, True], ids=["while all are kept anew", "while some are kept as before"])
def test_an_unknown_name_is_checked_as_thoroughly_as_a_known_one(
    session: Session, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    users.add(session, "Grace", "correct horse")
    if old:
        session.add(users.User(name="Ann", password_hash=generate_password_hash("correct horse", "scrypt")))
        session.flush()
    checked: list[str] = []
    genuine = passwords.fits

    def counting(hash: str, password: str) -> bool:
        checked.append("scrypt" if hash.startswith("scrypt") else hash[:31])
        return genuine(hash, password)

    monkeypatch.setattr(passwords, "fits", counting)
    compared = []
    for name in ("Grace", "Mallory", "Ann"):
        checked.clear()
        assert users.check(session, name, "guess") is None
        compared.append(tuple(checked))
    argon2 = "$argon2id$v=19$m=19456,t=2,p=1$"
    assert compared == [(argon2, "scrypt") if old else (argon2,)] * 3  # the same ways with the same cost


def test_a_password_of_before_still_fits_and_is_kept_anew_when_it_is_told(session: Session) -> None:
    ann = users.User(name="Ann", password_hash=generate_password_hash("correct horse", "scrypt"))
    session.add(ann)
    session.flush()
    before = ann.password_hash
    assert users.check(session, "Ann", "wrong horse") is None
    assert ann.password_hash == before
    assert users.check(session, "Ann", "correct horse") == ann.id
    assert ann.password_hash.startswith("$argon2id$")
    assert users.check(session, "Ann", "correct horse") == ann.id
    assert users.check(session, "Ann", "wrong horse") is None


def test_a_change_of_rights_ends_every_session(session: Session) -> None:
    id = users.add(session, "Grace", "correct horse", role="ops")
    epochs = []
    for change in (
        lambda: users.give_role(session, "grace", "warehouse"),
        lambda: users.give_shop(session, "grace", 7),
        lambda: users.change_password(session, "grace", "another horse"),
        lambda: users.end_sessions(session, "grace"),
        lambda: users.reset_second_factor(session, "grace"),
    ):
        assert change() is True
        session.expire_all()
        epochs.append(session.get_one(users.User, id).session_epoch)
    assert epochs == [1, 2, 3, 4, 5]
    found = session.get_one(users.User, id)
    assert (found.role, found.tenant_id) == ("warehouse", 7)
    assert users.give_role(session, "Mallory", "ops") is False
    with pytest.raises(ValueError, match="owner is none of"):
        users.give_role(session, "grace", "owner")


@pytest.mark.parametrize("name", ["shopify staff 42", "Shopify", "Command line"])
def test_nobody_signs_in_under_a_name_that_timelines_give_to_others(session: Session, name: str) -> None:
    with pytest.raises(users.OddName, match="somebody else"):
        users.add(session, name, "correct horse")


def test_the_last_admin_of_every_shop_stays_one(session: Session) -> None:
    users.add(session, "Grace", "correct horse")
    users.add(session, "Ann", "correct horse", shop=7)
    users.add(session, "Bob", "correct horse", role="ops")
    with pytest.raises(users.LastAdmin):
        users.keep_the_last_admin(session, "GRACE")
    users.keep_the_last_admin(session, "Ann")
    users.keep_the_last_admin(session, "Bob")
    users.add(session, "Carol", "correct horse")
    users.keep_the_last_admin(session, "Grace")
    users.end(session, "Carol")
    with pytest.raises(users.LastAdmin):
        users.keep_the_last_admin(session, "Grace")
