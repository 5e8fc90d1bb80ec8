"""What every process does first: complete its settings, and open what they name."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from config import embedded, settings
from config.keyring import Keyring
from config.settings import Settings, SettingsError


def complete(given: Settings | None = None) -> Settings:
    """The settings with nothing left open: embedded servers and keys of their own where none are configured.

    Raises SettingsError where a database of one's own is configured without keys of one's own: secrets that were
    sealed with a key in a throw-away folder could never be read again.
    """
    read = given or settings.load()
    own_database = bool(read.database_url)
    read = embedded.with_servers(read)
    missing = [
        name
        for name, value in (
            ("SECRET_KEY", read.secret_key.get_secret_value()),
            ("ENCRYPTION_KEYS", read.encryption_keys),
        )
        if not value
    ]
    if missing and own_database:
        raise SettingsError(
            f"{' and '.join(missing)}: set, because DATABASE_URL is set (packline keys new prints fresh ones)"
        )
    return read.model_copy(update=_own_keys(read)) if missing else read


def keyring(read: Settings) -> Keyring:
    return Keyring([key.get_secret_value() for key in read.encryption_keys])


def _own_keys(read: Settings) -> dict[str, object]:
    folder = embedded.reachable(read.packline_home)
    return {
        "secret_key": SecretStr(_kept(folder / "secret_key", secrets.token_urlsafe(48))),
        "encryption_keys": (SecretStr(_kept(folder / "encryption_key", Fernet.generate_key().decode())),),
    }


def _kept(path: Path, fresh: str) -> str:
    """What stands in the file, written first where it was not there; only its owner reads it."""
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(fresh)
    except FileExistsError:
        return path.read_text()
    return fresh
