"""The people who may open the pages: each with a name, a password and a role of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Index, LargeBinary, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from records import passwords
from records.base import Base, CreatedAt, Id

# Each may do what the ones before it may.
ROLES = ("read_only", "warehouse", "ops", "admin")
# Shorter ones are found by trying, even at the pace of argon2. NIST SP 800-63B asks for eight and for no more rules.
SHORTEST_PASSWORD = 8
LONGEST_NAME = 40
# Timelines name others than users by these: nobody who signs in may pass for one of them.
_NOT_NAMES = ("shopify", "command line")


class NameTaken(Exception):
    """Somebody who may sign in has this name already; large and small letters count as the same."""


class WeakPassword(Exception):
    """The password is shorter than SHORTEST_PASSWORD characters."""


class OddName(ValueError):
    """The name is empty, longer than LONGEST_NAME, cannot be shown, or would pass for somebody else's."""


class LastAdmin(Exception):
    """Nobody could let people in any more."""


class User(Base):
    """One person of the installation. Ended ones stay, because timelines name them."""

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
    """The secret of the second factor and what is left of its recovery codes, where the person has one."""
    totp_used_at: Mapped[int] = mapped_column(server_default="0")
    """The last time step whose code was taken: a code is good once."""
    session_epoch: Mapped[int] = mapped_column(server_default="0")
    """Counted up when every session of this person has to end."""


def add(session: Session, name: str, password: str, *, role: str = "admin", shop: int | None = None) -> int:
    """Let somebody in from now on; answers the id. Raises OddName, WeakPassword, NameTaken."""
    name = name.strip()
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise OddName(f"a name has 1 to {LONGEST_NAME} printable characters")
    if name.lower().startswith(_NOT_NAMES):
        raise OddName("this name stands for somebody else on timelines")
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(f"a password has at least {SHORTEST_PASSWORD} characters")
    added: int | None = session.scalar(
        insert(User)
        .values(name=name, password_hash=passwords.kept(password), role=role, tenant_id=shop)
        .on_conflict_do_nothing(index_elements=[text("lower(name)")], index_where=text("ended_at IS NULL"))
        .returning(User.id)
    )
    if added is None:
        raise NameTaken(f"there is a user {name} already")
    return added


def check(session: Session, name: str, password: str) -> int | None:
    """The id of whom name and password belong to. An unknown name takes as long as a wrong password.

    A password that was kept in the way of before is kept anew. While any such one is left, both ways are gone for
    every try: otherwise the time that an answer takes would tell which names there are.
    """
    user = named(session, name)
    old = user is not None and passwords.is_of_before(user.password_hash)
    ways = (False, True) if session.scalar(_ANY_OF_BEFORE) is not None else (False,)
    fits = [_compared(user if way == old else None, password, of_before=way) for way in ways]
    if user is None or not any(fits):
        return None
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.kept(password)
    return user.id


def named(session: Session, name: str) -> User | None:
    """Who has this name and may sign in."""
    return session.scalar(select(User).where(*_here(name)))


def here(session: Session, id: int) -> User | None:
    """Whom this id belongs to, unless they were ended."""
    return session.scalar(select(User).where(User.id == id, User.ended_at.is_(None)))


def everybody(session: Session, *, of_shop: int | None = None) -> list[User]:
    """Who may sign in, and who may no longer; by name. `of_shop` narrows to those who see that one shop only."""
    statement = select(User).order_by(func.lower(User.name), User.id)
    return list(session.scalars(statement if of_shop is None else statement.where(User.tenant_id == of_shop)))


def end(session: Session, name: str) -> bool:
    """Let somebody in no longer, also where they are signed in; whether there was such a user."""
    ended = update(User).where(*_here(name)).values(ended_at=func.now()).returning(User.id)
    return session.scalar(ended) is not None


def end_sessions(session: Session, name: str) -> bool:
    """Sign somebody out wherever they are signed in; whether there was such a user."""
    return _changed(session, name, {})


def give_role(session: Session, name: str, role: str) -> bool:
    """Change what somebody may do from their next request on; they sign in anew. Whether there was such a user."""
    if role not in ROLES:
        raise ValueError(f"{role} is none of {', '.join(ROLES)}")
    return _changed(session, name, {"role": role})


def give_shop(session: Session, name: str, shop: int | None) -> bool:
    """Change which shop somebody sees; None is every shop. They sign in anew. Whether there was such a user."""
    return _changed(session, name, {"tenant_id": shop})


def change_password(session: Session, name: str, password: str) -> bool:
    """Change a password and sign the person out everywhere; whether there was such a user. Raises WeakPassword."""
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(f"a password has at least {SHORTEST_PASSWORD} characters")
    return _changed(session, name, {"password_hash": passwords.kept(password)})


def keep_second_factor(session: Session, id: int, sealed: bytes, *, step: int) -> None:
    """Ask for this second factor from now on; `step` is that of the code that proved it."""
    session.execute(
        update(User)
        .where(User.id == id, User.ended_at.is_(None))
        .values(sealed_totp=sealed, totp_used_at=step, session_epoch=User.session_epoch + 1)
    )


def reset_second_factor(session: Session, name: str) -> bool:
    """Ask for the password alone from now on, and sign the person out; whether there was such a user."""
    return _changed(session, name, {"sealed_totp": None, "totp_used_at": 0})


def use_code(session: Session, id: int, step: int) -> bool:
    """Take the code of a time step; False where it, or a later one, was taken already."""
    used = update(User).where(User.id == id, User.totp_used_at < step).values(totp_used_at=step).returning(User.id)
    return session.scalar(used) is not None


def use_recovery_code(session: Session, id: int, *, before: bytes, after: bytes) -> bool:
    """Keep what is left after a recovery code was taken; False where somebody took one at the same moment."""
    used = update(User).where(User.id == id, User.sealed_totp == before).values(sealed_totp=after).returning(User.id)
    return session.scalar(used) is not None


def keep_the_last_admin(session: Session, name: str) -> None:
    """Call before an admin is ended, demoted or bound to a shop. Raises LastAdmin where nobody else lets people in.

    The admins' rows are locked, so that two of them cannot take the role from each other at once.
    """
    admins = session.scalars(
        select(User.name)
        .where(User.role == "admin", User.tenant_id.is_(None), User.ended_at.is_(None))
        .order_by(User.id)
        .with_for_update()
    ).all()
    if [one.lower() for one in admins] == [name.strip().lower()]:
        raise LastAdmin("nobody else could let people in: make somebody else an admin of every shop first")


def is_anybody_there(session: Session) -> bool:
    """Whether anybody can sign in at all."""
    return session.scalar(select(User.id).where(User.ended_at.is_(None)).limit(1)) is not None


_ANY_OF_BEFORE = (
    select(User.id)
    .where(User.ended_at.is_(None), User.password_hash.startswith(passwords.OF_BEFORE, autoescape=True))
    .limit(1)
)


def _compared(user: User | None, password: str, *, of_before: bool) -> bool:
    """The comparison is made also where there is nobody to compare with, for the time that it takes."""
    hash = user.password_hash if user else passwords.nobodys(of_before=of_before)
    return passwords.fits(hash, password) and user is not None


def _changed(session: Session, name: str, values: dict[str, Any]) -> bool:
    """Change a user and end their sessions: what was allowed to the old rights is not carried into the new ones."""
    changed = update(User).where(*_here(name)).values(session_epoch=User.session_epoch + 1, **values)
    return session.scalar(changed.returning(User.id)) is not None


def _here(name: str) -> tuple[ColumnElement[bool], ...]:
    return (func.lower(User.name) == func.lower(name.strip()), User.ended_at.is_(None))
