"""Seals everything anew with the newest key, while others go on reading and writing it.

Each row is exchanged by comparing the old bytes: a secret that was renewed in the same moment is never put back. What
was overtaken so is looked at again, and what stands under the newest key already is left alone; so a run that was cut
off is simply begun again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from records import sealed

log = structlog.get_logger(__name__)

# A lot is decrypted and sealed in some milliseconds, and its locks are held for no longer.
LOT = 100
# Whoever overtakes us seals with a key that their process knows; a process with the old list could do so for ever.
PASSES = 5

Sessions = Callable[[], AbstractContextManager[Session]]


@dataclass
class Count:
    """How many sealed things each key opens, by its place (0 is the newest); `lost` are those that none opens."""

    by_place: Counter[int] = field(default_factory=Counter)
    lost: int = 0

    @property
    def old(self) -> int:
        return sum(count for place, count in self.by_place.items() if place > 0)


def count(sessions: Sessions, keyring: Keyring) -> dict[str, Count]:
    """What needs which key, by column."""
    return {str(what): _counted(sessions, what, keyring) for what in sealed.EVERY}


def rotate(sessions: Sessions, keyring: Keyring, told: Callable[[str, int], None]) -> int:
    """Seal anew whatever is under an older key; answers how many were. `told` hears each lot: the column, how many."""
    done = 0
    for _ in range(PASSES):
        passes = [_rotated(sessions, what, keyring, told) for what in sealed.EVERY]
        done += sum(moved for moved, _ in passes)
        if not any(moved or overtaken for moved, overtaken in passes):
            break
    return done


def _rotated(
    sessions: Sessions, what: sealed.Sealed, keyring: Keyring, told: Callable[[str, int], None]
) -> tuple[int, int]:
    """How many rows were sealed anew, and how many were renewed by somebody else in the same moment."""
    done, overtaken = 0, 0
    for lot in sealed.pages(sessions, what, size=LOT):
        fresh = [(row, keyring.rotate(row.sealed)) for row in lot if (_place(keyring, row.sealed) or 0) > 0]
        if not fresh:
            continue
        with sessions() as session:
            moved = sum(sealed.swap(session, what, row, anew) for row, anew in fresh)
        log.info("sealed anew", what=str(what), rows=moved, overtaken=len(fresh) - moved)
        told(str(what), moved)
        done, overtaken = done + moved, overtaken + len(fresh) - moved
    return done, overtaken


def _counted(sessions: Sessions, what: sealed.Sealed, keyring: Keyring) -> Count:
    found = Count()
    for lot in sealed.pages(sessions, what, size=LOT):
        places = [_place(keyring, row.sealed) for row in lot]
        found.by_place.update(place for place in places if place is not None)
        found.lost += places.count(None)
    return found


def _place(keyring: Keyring, sealed_bytes: bytes) -> int | None:
    """The place of the key that opens it; None where none does."""
    try:
        return keyring.place_of(sealed_bytes)
    except CannotOpen:
        return None
