"""Keeps passwords so that whoever reads the table still has to guess each: argon2id, and scrypt from before."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash, generate_password_hash

# OWASP's first choice for argon2id, 19 MiB, two passes, one lane:
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
_ARGON2 = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
OF_BEFORE = "scrypt:"


def kept(password: str) -> str:
    """What is kept of a password."""
    return _ARGON2.hash(password)


def fits(hash: str, password: str) -> bool:
    """Whether this is the password that was kept, however it was kept."""
    if is_of_before(hash):
        return check_password_hash(hash, password)
    try:
        return _ARGON2.verify(hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_of_before(hash: str) -> bool:
    """Whether it was kept in the way of before."""
    return hash.startswith(OF_BEFORE)


def is_outdated(hash: str) -> bool:
    """Whether the password should be kept anew, now that somebody has told it."""
    return is_of_before(hash) or _ARGON2.check_needs_rehash(hash)


@cache
def nobodys(*, of_before: bool) -> str:
    """A hash to compare with where there is none, so that an unknown name takes as long as a known one."""
    return generate_password_hash("nobody's password", "scrypt") if of_before else kept("nobody's password")
