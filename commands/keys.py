"""`packline keys`: the keys that secrets are sealed with, and sealing everything anew with the newest."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from cryptography.fernet import Fernet
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from commands import opening, output, trail
from config import boot
from config.keyring import Keyring
from config.settings import Settings
from jobs import resealing
from records import database

_COLUMNS = ("what", "newest key", "older keys", "no key")


@click.group("keys")
def group() -> None:
    """The keys that secrets are sealed with."""


@group.command("new")
def new() -> None:
    """Print fresh values for SECRET_KEY and ENCRYPTION_KEYS."""
    click.echo(f"SECRET_KEY={secrets.token_urlsafe(48)}")
    click.echo(f"ENCRYPTION_KEYS={Fernet.generate_key().decode()}")


@group.command("check")
@output.json_option
def check(as_json: bool) -> None:
    """Count what each key still opens. Ends with 1 where an older key is still needed, or one is missing."""
    read = opening.settings()
    keyring = boot.keyring(read)
    with _sealed(read, why="what each key opens") as (_engine, sessions):
        found = resealing.count(sessions, keyring)
    _say(found, keyring, as_json=as_json)
    sys.exit(0 if not any(one.old or one.lost for one in found.values()) else 1)


@group.command("rotate")
@output.json_option
def rotate(as_json: bool) -> None:
    """Seal everything anew with the first of ENCRYPTION_KEYS, while all goes on. Can be stopped, and run again.

    Ends with 1 while something is left that the first key does not open.
    """
    read = opening.settings()
    keyring = boot.keyring(read)
    with _sealed(read, why="everything is sealed anew") as (engine, sessions):
        moved = resealing.rotate(sessions, keyring, _progress)
        found = resealing.count(sessions, keyring)
        left = sum(one.old + one.lost for one in found.values())
        with database.across_tenants(engine, why="who rotated the keys") as session:
            trail.changed(session, moved=moved, left=left)
    output.message(f"{moved} sealed anew; {left} left that the newest key does not open.")
    _say(found, keyring, as_json=as_json)
    sys.exit(0 if not left else 1)


@contextmanager
def _sealed(read: Settings, *, why: str) -> Iterator[tuple[Engine, resealing.Sessions]]:
    with opening.engine(read) as engine:

        @contextmanager
        def sessions() -> Iterator[Session]:
            with database.across_tenants(engine, why=why) as session:
                yield session

        yield engine, sessions


def _progress(what: str, moved: int) -> None:
    output.message(f"{what}: {moved} sealed anew")


def _say(found: dict[str, resealing.Count], keyring: Keyring, *, as_json: bool) -> None:
    rows = [
        {"what": what, "newest key": one.by_place[0], "older keys": one.old, "no key": one.lost}
        for what, one in found.items()
    ]
    if as_json:
        told = [
            {"what": what, "by_key": [one.by_place[place] for place in range(len(keyring))], "no_key": one.lost}
            for what, one in found.items()
        ]
        output.document(told)
    else:
        output.listing(rows, _COLUMNS, as_json=False)
