"""Seals what must not be read in the database: every connection's secrets, under keys that can be changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(Exception):
    """Something was sealed with a key that is no longer among ENCRYPTION_KEYS."""

    def __init__(self) -> None:
        super().__init__("sealed with a key that is no longer among ENCRYPTION_KEYS: put it back at the end")


class Keyring:
    """The encryption keys, newest first: it seals with the first and opens with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._each = [Fernet(key.encode()) for key in keys]
        self._keys = MultiFernet(self._each)

    def __len__(self) -> int:
        return len(self._each)

    def seal(self, secrets: Mapping[str, str]) -> bytes:
        return self._keys.encrypt(json.dumps(dict(secrets)).encode())

    def open(self, sealed: bytes) -> dict[str, str]:
        """Raises CannotOpen."""
        try:
            opened: dict[str, str] = json.loads(self._keys.decrypt(sealed))
        except InvalidToken as error:
            raise CannotOpen from error
        return opened

    def rotate(self, sealed: bytes) -> bytes:
        """The same, whatever it holds, sealed with the newest key. Raises CannotOpen."""
        try:
            return self._keys.rotate(sealed)
        except InvalidToken as error:
            raise CannotOpen from error

    def place_of(self, sealed: bytes) -> int:
        """Which key opens this, counted from 0 for the newest. Raises CannotOpen."""
        for place, key in enumerate(self._each):
            try:
                key.decrypt(sealed)
            except InvalidToken:
                continue
            return place
        raise CannotOpen
