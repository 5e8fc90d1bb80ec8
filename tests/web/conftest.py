"""Shops with rows of every kind, and people who are signed in to look at them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from furnishing import furnish
from person import PASSWORD, Person
from seeds import Shop, open_shop
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import passwords
from records.users import User

# Made once: argon2 is slow on purpose.
HASH = passwords.kept(PASSWORD)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session to seed with; a test commits what it wants the pages to see."""
    with Session(engine, expire_on_commit=False) as opened:
        yield opened


@pytest.fixture
def shop(session: Session) -> Shop:
    """An empty shop."""
    opened = open_shop(session)
    session.commit()
    return opened


@pytest.fixture
def furnished(shop: Shop, session: Session) -> dict[str, int]:
    """The ids of a shop that has something of everything."""
    ids = furnish(shop)
    session.commit()
    return ids | {"tenant": shop.tenant}


@pytest.fixture
def staff(session: Session) -> dict[str, int]:
    """The ids of the people who may sign in."""
    people = [User(name=name, password_hash=HASH) for name in ("Grace", "Ann")]
    session.add_all(people)
    session.commit()
    return {person.name: person.id for person in people}


@pytest.fixture
def stranger(app: Flask, engine: Engine, staff: dict[str, int]) -> Person:
    """Somebody who has not signed in."""
    return Person(app.test_client(), engine)


@pytest.fixture
def grace(app: Flask, engine: Engine, staff: dict[str, int]) -> Person:
    """Somebody who has."""
    person = Person(app.test_client(), engine)
    assert person.sign_in().status_code == 303
    return person


@pytest.fixture
def other_shop(session: Session) -> Shop:
    """Somebody else's shop, with something of everything."""
    opened = open_shop(session, "Other Tents")
    furnish(opened)
    session.commit()
    return opened
