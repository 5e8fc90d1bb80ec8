"""The people who may open the pages for ops: each with a name and a password of their own."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Index, LargeBinary, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash

from records.base import Base, CreatedAt, Id

# Shorter ones are found by trying, even at the pace of scrypt. NIST SP 800-63B asks for eight and for no more rules.
SHORTEST_PASSWORD = 8
LONGEST_NAME = 40
_METHOD = "scrypt"


class NameTaken(Exception):
    """Somebody who may sign in has this name already; large and small letters count as the same."""


class WeakPassword(Exception):
    """The password is shorter than SHORTEST_PASSWORD characters."""


class OddName(ValueError):
    """The name is empty, longer than LONGEST_NAME, or cannot be shown."""


class User(Base):
    """One person, of the whole installation and of no tenant. Ended ones stay, because timelines name them."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_name", text("lower(name)"), unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Id]
    name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]
    role: Mapped[str] = mapped_column(server_default="admin")
    """admin, ops, warehouse or read_only."""
    tenant_id: Mapped[int | None]
    """The one shop that this person may see; None where it is every shop."""
    sealed_totp: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The secret of the second factor, where the person has one."""
    totp_used_at: Mapped[int] = mapped_column(server_default="0")
    """The last time step whose code was taken: a code is good once."""
    session_epoch: Mapped[int] = mapped_column(server_default="0")
    """Counted up when every session of this person has to end."""


def add(session: Session, name: str, password: str) -> int:
    """Let somebody in from now on; answers the id. Raises OddName, WeakPassword, NameTaken."""
    name = name.strip()
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise OddName(f"a name has 1 to {LONGEST_NAME} printable characters")
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(f"a password has at least {SHORTEST_PASSWORD} characters")
    added: int | None = session.scalar(
        insert(User)
        .values(name=name, password_hash=generate_password_hash(password, _METHOD))
        .on_conflict_do_nothing(index_elements=[text("lower(name)")], index_where=text("ended_at IS NULL"))
        .returning(User.id)
    )
    if added is None:
        raise NameTaken(f"there is a user {name} already")
    return added


def check(session: Session, name: str, password: str) -> int | None:
    """The id of whom name and password belong to. An unknown name takes as long as a wrong password."""
    found = session.execute(select(User.id, User.password_hash).where(*_here(name))).first()
    genuine = check_password_hash(found.password_hash if found else _nobodys_hash(), password)
    return found.id if found and genuine else None


def everybody(session: Session) -> list[User]:
    """Who may sign in, and who may no longer; by name."""
    return list(session.scalars(select(User).order_by(func.lower(User.name), User.id)))


def end(session: Session, name: str) -> bool:
    """Let somebody in no longer, also where they are signed in; whether there was such a user."""
    ended = update(User).where(*_here(name)).values(ended_at=func.now()).returning(User.id)
    return session.scalar(ended) is not None


def is_there(session: Session, id: int) -> bool:
    """Whether this user may still be signed in."""
    return session.scalar(select(User.id).where(User.id == id, User.ended_at.is_(None))) is not None


def is_anybody_there(session: Session) -> bool:
    """Whether anybody can sign in at all."""
    return session.scalar(select(User.id).where(User.ended_at.is_(None)).limit(1)) is not None


def _here(name: str) -> tuple[ColumnElement[bool], ...]:
    return (func.lower(User.name) == func.lower(name.strip()), User.ended_at.is_(None))


@cache
def _nobodys_hash() -> str:
    return generate_password_hash("nobody's password", _METHOD)
