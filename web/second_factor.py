"""A second proof besides the password: a code that a phone shows, good once, or one of a few written down.

Codes are those of RFC 6238, as every authenticator app makes them: six digits, anew every thirty seconds.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp
import segno
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from records import users

STEP_S = 30
# A phone's clock is wrong by seconds, and people type slowly: the code before and the one after are good, too.
_STEPS_OFF = (0, -1, 1)
_RECOVERY_CODES = 8
# Letters and digits that nobody mistakes for one another; ten of them are 49 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A new second factor, before it is proved that a phone has it."""

    secret: str
    sealed: str
    """The secret and whose it is, to be sent along with the proof."""
    picture: str
    """A QR code, as SVG that stands in a page."""


def offer(keyring: Keyring, user: int, name: str, *, secret: str = "") -> Offer:
    """Something for a phone to learn, or to learn once more. It is kept nowhere until somebody proves it."""
    secret = secret or pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Packline")
    picture = segno.make(address, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000")
    sealed = keyring.seal({"secret": secret, "user": str(user)}).decode()
    return Offer(secret=secret, sealed=sealed, picture=picture)


def offered(keyring: Keyring, sealed: str, user: int) -> str | None:
    """The secret that was offered to this user; None where it was to nobody, or to somebody else."""
    try:
        opened = keyring.open(sealed.encode())
    except CannotOpen:
        return None
    return opened["secret"] if opened.get("user") == str(user) else None


def step_of(secret: str, code: str, *, now: float) -> int | None:
    """The time step that a code belongs to; None where it belongs to none of now. Takes as long for any code."""
    current, totp = int(now // STEP_S), pyotp.TOTP(secret)
    good = [
        current + off
        for off in _STEPS_OFF
        if secrets.compare_digest(totp.at((current + off) * STEP_S).encode(), code.encode())
    ]
    return good[0] if good else None


def begin(session: Session, keyring: Keyring, user: int, secret: str, code: str) -> list[str] | None:
    """Ask for this second factor from now on; answers recovery codes, or None where the code does not prove it."""
    step = step_of(secret, _bare(code), now=time.time())
    if step is None:
        return None
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(_RECOVERY_CODES)]
    users.keep_second_factor(session, user, _sealed(keyring, secret, [_hash(one) for one in codes]), step=step)
    return [f"{one[:5]}-{one[5:]}" for one in codes]


def proves(session: Session, keyring: Keyring, user: users.User, code: str) -> bool:
    """Whether this code proves that it is them; it is used up by that. Raises CannotOpen."""
    if user.sealed_totp is None:
        return False
    kept, given = keyring.open(user.sealed_totp), _bare(code)
    step = step_of(kept["secret"], given, now=time.time())
    if step is not None:
        return users.use_code(session, user.id, step)
    left = kept.get("recovery", "").split()
    if _hash(given) not in left:
        return False
    left.remove(_hash(given))
    return users.use_recovery_code(
        session, user.id, before=user.sealed_totp, after=_sealed(keyring, kept["secret"], left)
    )


def _sealed(keyring: Keyring, secret: str, hashes: Sequence[str]) -> bytes:
    return keyring.seal({"secret": secret, "recovery": " ".join(hashes)})


def _bare(code: str) -> str:
    """The code as it was meant: people type it in groups."""
    return "".join(char for char in code.lower() if char.isascii() and char.isalnum())[:20]


def _hash(code: str) -> str:
    """They are random and sealed besides, so that a slow hash would guard nothing more."""
    return hashlib.sha256(code.encode()).hexdigest()
