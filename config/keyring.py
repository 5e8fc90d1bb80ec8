"""Seals what must not be read in the database: every connection's secrets, under keys that can be changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(Exception):
    """Secrets were sealed with a key that is no longer among ENCRYPTION_KEYS."""


class Keyring:
    """The encryption keys, newest first: it seals with the first and opens with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = MultiFernet([Fernet(key.encode()) for key in keys])

    def seal(self, secrets: Mapping[str, str]) -> bytes:
        return self._keys.encrypt(json.dumps(dict(secrets)).encode())

    def open(self, sealed: bytes) -> dict[str, str]:
        """Raises CannotOpen."""
        try:
            opened: dict[str, str] = json.loads(self._keys.decrypt(sealed))
        except InvalidToken as error:
            raise CannotOpen(
                "sealed with a key that is no longer among ENCRYPTION_KEYS: put it back at the end"
            ) from error
        return opened
