"""`packline doctor`: looks at everything that Packline needs to run; each line that fails carries its fix."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click
import redis
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from commands import opening, output, verdicts
from commands.verdicts import Account, Verdict
from config import boot, logs
from config.keyring import CannotOpen, Keyring
from config.settings import Settings, SettingsError
from jobs import bell, health
from records import database, migrate, schema, tenants, users, walls

# A vendor's stand-in is on this machine or near it.
_REACH_S = 3.0


@click.command("doctor")
@output.json_option
def doctor(as_json: bool) -> None:
    """Check settings, database, Redis, workers, keys, shops and users; each failing line carries its fix.

    Ends with 1 if anything failed.
    """
    found = []
    for verdict in _examine():
        found.append(verdict)
        if not as_json:
            _say(verdict)
    good = all(verdict.ok for verdict in found)
    if as_json:
        lines = [
            {"check": one.check, "ok": one.ok, "says": one.says, "fix": one.fix, "advice": one.advice} for one in found
        ]
        output.document({"ok": good, "checks": lines})
    sys.exit(0 if good else 1)


def _say(verdict: Verdict) -> None:
    mark = click.style("ok   ", fg="green") if verdict.ok else click.style("FAILS", fg="red", bold=True)
    click.echo(f"{mark}  {verdict.check}: {output.plain(verdict.says)}")
    if verdict.fix:
        click.echo(f"       fix: {output.plain(verdict.fix)}")
    if verdict.advice:
        click.echo(f"       better: {output.plain(verdict.advice)}")


def _examine() -> Iterator[Verdict]:
    try:
        read = boot.complete()
    except SettingsError as error:
        yield Verdict(check="settings", says=str(error), fix="correct them in the environment or .env (.env.example)")
        return
    logs.set_up(read)
    yield Verdict(check="settings", says="can be right")
    yield verdicts.public_address(read.public_url)
    yield from _redis(read)
    with opening.engine(read) as engine:
        yield from _database(engine, read)


def _redis(read: Settings) -> Iterator[Verdict]:
    report = health.report(read.redis_url)
    yield verdicts.redis_answers(report)
    if report.answers:
        yield verdicts.eviction(_policy(read.redis_url))
        yield verdicts.listeners(report)


def _policy(url: str) -> str:
    """Empty where Redis does not tell. INFO tells it, also where a provider has closed CONFIG."""
    connection = bell.connect(url)
    try:
        return str(connection.info("memory").get("maxmemory_policy", ""))
    except redis.RedisError as error:
        output.message(f"Redis does not tell its maxmemory-policy: {type(error).__name__}")
        return ""
    finally:
        connection.close()


def _database(engine: Engine, read: Settings) -> Iterator[Verdict]:
    """What stands in the database is looked at only where it can be read."""
    try:
        current = migrate.is_current(engine)
    except OperationalError as error:
        yield Verdict(
            check="database",
            says=f"does not answer, so nothing in it was looked at: {opening.first_line(error)}",
            fix="start PostgreSQL, or correct DATABASE_URL",
        )
        return
    too_old = migrate.is_too_old(engine)
    yield verdicts.server(too_old=too_old)
    if too_old:
        return
    if not current:
        yield verdicts.MIGRATE
        return
    yield Verdict(check="migrations", says="current")
    with database.across_tenants(engine, why="the doctor looks at the whole installation") as session:
        connection = session.connection()
        wall = verdicts.walls(walls.login_of(connection), walls.missing(connection, schema.METADATA))
        accounts = _accounts(session, boot.keyring(read))
        found = [*_records(session, accounts)]
    yield wall
    yield from found
    yield from _origins(read, accounts)


def _records(session: Session, accounts: list[Account]) -> Iterable[Verdict]:
    oldest = [line.oldest_due_at for line in health.backlog(session) if line.oldest_due_at]
    names = {tenant.id: tenant.name for tenant in session.scalars(select(tenants.Tenant).order_by(tenants.Tenant.id))}
    yield verdicts.waiting(min(oldest, default=None), now=datetime.now(UTC))
    yield from verdicts.secrets(accounts)
    yield from verdicts.shops(names, accounts)
    yield from verdicts.listening(accounts)
    yield verdicts.people(sum(user.ended_at is None for user in users.everybody(session)))


def _accounts(session: Session, keyring: Keyring) -> list[Account]:
    living = select(tenants.Connection).where(tenants.Connection.ended_at.is_(None))
    return [
        Account(
            tenant=row.tenant_id, id=row.id, vendor=row.vendor, role=row.role, live=row.live,
            opens=_opens(keyring, row.sealed_secrets),
            ails=tuple((one["sentence"], one["remedy"]) for one in row.remarks if not one["mended"]),
        )
        for row in session.scalars(living.order_by(tenants.Connection.tenant_id, tenants.Connection.created_at))
    ]  # fmt: skip


def _opens(keyring: Keyring, sealed: bytes) -> bool:
    try:
        keyring.open(sealed)
    except CannotOpen:
        return False
    return True


def _origins(read: Settings, accounts: list[Account]) -> Iterator[Verdict]:
    for vendor, setting, address in (
        ("shopify", "SHOPIFY_ORIGIN", read.shopify_origin),
        ("stripe", "STRIPE_API_BASE", read.stripe_api_base),
        ("easypost", "EASYPOST_API_BASE", read.easypost_api_base),
    ):
        yield verdicts.origin(vendor, setting, address, accounts, answers=not address or _reached(address))


def _reached(address: str) -> bool:
    parts = urlsplit(address)
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), timeout=_REACH_S
        ):
            return True
    except OSError:
        return False
