"""Judges each thing that Packline needs to run, and says how to mend what is not right. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from jobs.health import Report
from records.walls import HOUSE, NEEDED_VERSION, SHOP, Login

# Work that is due is picked up within a second, and within ten when its bell was lost; the pages use the same limit.
LONG_WAIT_S = 120
# What a shop cannot send a parcel without.
NEEDED_ROLES: Mapping[str, str] = {"storefront": "shopify --account SHOP.myshopify.com", "carrier": "easypost"}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One line of the doctor's; `fix` is empty where nothing has to be mended, `advice` where nothing can be better."""

    check: str
    says: str
    fix: str = ""
    advice: str = ""

    @property
    def ok(self) -> bool:
        return not self.fix


@dataclass(frozen=True, kw_only=True)
class Account:
    """A living connection as the doctor sees it; `opens` tells whether the keys open its secrets."""

    tenant: int
    id: str
    vendor: str
    role: str
    live: bool
    opens: bool
    ails: tuple[tuple[str, str], ...] = ()
    """What was wrong at the last look and not mended: what it is, and what to do."""


def listeners(report: Report) -> Verdict:
    if report.unheard:
        queues = ", ".join(report.unheard)
        return Verdict(
            check="workers", says=f"nobody listens to {queues}", fix="start `packline worker`, and keep it running"
        )
    return Verdict(check="workers", says=f"{len(report.listeners)} listen, every queue has one")


def redis_answers(report: Report) -> Verdict:
    if report.answers:
        return Verdict(check="Redis", says="answers")
    return Verdict(
        check="Redis", says="does not answer: no job starts", fix="start Redis, or correct REDIS_URL and restart all"
    )


def eviction(policy: str) -> Verdict:
    if policy == "noeviction":
        return Verdict(check="Redis memory", says="noeviction")
    return Verdict(
        check="Redis memory",
        says=f"maxmemory-policy is {policy or 'not told'}: bells may be thrown away when Redis is full",
        fix="`redis-cli CONFIG SET maxmemory-policy noeviction`, and the same in redis.conf",
    )


def waiting(oldest_due_at: datetime | None, *, now: datetime) -> Verdict:
    waited_s = (now - oldest_due_at).total_seconds() if oldest_due_at else 0.0
    if waited_s <= LONG_WAIT_S:
        return Verdict(check="due jobs", says="nothing that is due has waited long")
    return Verdict(
        check="due jobs",
        says=f"the oldest has waited {int(waited_s)} s",
        fix="see that `packline clock` runs; if the wait does not shrink, start more `packline worker`",
    )


def secrets(accounts: Sequence[Account]) -> list[Verdict]:
    """One line for each connection whose secrets no key opens, or one for all of them."""
    shut = [
        Verdict(
            check="secrets",
            says=f"no key opens those of {account.vendor} (tenant {account.tenant}, connection {account.id})",
            fix="put the old key back at the end of ENCRYPTION_KEYS, or "
            f"`packline connect {account.vendor} --tenant {account.tenant} …` after `packline keys new`",
        )
        for account in accounts
        if not account.opens
    ]
    return shut or [Verdict(check="secrets", says=f"the keys open all {len(accounts)} connections")]


def listening(accounts: Sequence[Account]) -> list[Verdict]:
    """One line for each thing that is wrong with a connection, or one for all of them."""
    ailing = [
        Verdict(
            check="accounts",
            says=f"{account.vendor} (tenant {account.tenant}): {says}",
            fix=fix or f"`packline hooks check {account.tenant}`",
        )
        for account in accounts
        for says, fix in account.ails
    ]
    return ailing or [Verdict(check="accounts", says="the vendors take our secrets and tell us everything")]


def public_address(url: str) -> Verdict:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return Verdict(check="PUBLIC_URL", says=url)
    return Verdict(
        check="PUBLIC_URL",
        says=f"{url} is not https: passwords and buyers' addresses would travel in the open",
        fix="end TLS in front of Packline, and set PUBLIC_URL=https://… to the address that vendors and people use",
    )


def origin(vendor: str, setting: str, address: str, accounts: Iterable[Account], *, answers: bool) -> Verdict:
    """Where a vendor's calls go; `address` is empty for the vendor's own, which nobody is asked at."""
    check = f"{vendor}'s address"
    if not address:
        return Verdict(check=check, says="its own")
    live = [account.id for account in accounts if account.vendor == vendor and account.live]
    if live:
        return Verdict(
            check=check,
            says=f"calls of the live connections {', '.join(live)} go to {address}",
            fix=f"empty {setting} and restart the workers, or connect the account with --test",
        )
    if not answers:
        return Verdict(
            check=check, says=f"nobody answers at {address}", fix=f"start what answers there, or correct {setting}"
        )
    return Verdict(check=check, says=f"{address}, for test connections")


def shops(names: Mapping[int, str], accounts: Iterable[Account]) -> list[Verdict]:
    """One line for each shop that lacks an account it cannot do without, or one for all shops."""
    if not names:
        return [Verdict(check="shops", says="there is none", fix='`packline tenants add "NAME"`')]
    there = {(account.tenant, account.role) for account in accounts}
    lacking = [
        Verdict(
            check="shops",
            says=f"{name} (tenant {tenant}) has no {role} connected",
            fix=f"`packline connect {words} --tenant {tenant} --secrets-from-env`",
        )
        for tenant, name in names.items()
        for role, words in NEEDED_ROLES.items()
        if (tenant, role) not in there
    ]
    return lacking or [Verdict(check="shops", says=f"{len(names)}, each with a store and a carrier")]


MIGRATE = Verdict(
    check="migrations",
    says="the database has another shape than this version",
    fix="`packline migrate`. The tables' owner needs CREATEROLE for it; where it has not, somebody who may make roles "
    "runs once what `packline migrate` prints",
)


def server(*, too_old: bool) -> Verdict:
    if too_old:
        needed = NEEDED_VERSION // 10000
        return Verdict(check="database", says="answers, and is too old", fix=f"PostgreSQL {needed} or newer is needed")
    return Verdict(check="database", says="answers")


def walls(login: Login, missing: Sequence[str]) -> Verdict:
    """Whether shops are kept apart in the database too, and whether the login could step over that."""
    if missing:
        return Verdict(
            check="walls",
            says=f"shops are not kept apart by the database as they have to be: {'; '.join(missing)}",
            fix="find out who changed it, then put back what `records/walls.py` says of these tables",
        )
    if login.bypasses or login.owns:
        why = "is not bound by row-level security" if login.bypasses else "owns the tables"
        return Verdict(
            check="walls",
            says=f'stand; but the login "{login.name}" {why}, and could take them down',
            advice="have web and workers log in as somebody else: CREATE ROLE packline LOGIN NOINHERIT PASSWORD '…'; "
            "then this login becomes DATABASE_OWNER_URL, the new one DATABASE_URL; `packline migrate`",
        )
    if login.inherits:
        return Verdict(
            check="walls",
            says=f'stand; but the login "{login.name}" has the rights of both roles without taking one',
            advice=f'GRANT {SHOP}, {HOUSE} TO "{login.name}" WITH INHERIT FALSE, SET TRUE',
        )
    return Verdict(check="walls", says=f'stand, and the login "{login.name}" has no way around them')


def people(count: int) -> Verdict:
    if count:
        return Verdict(check="users", says=f"{count} may sign in")
    return Verdict(check="users", says="nobody may sign in to the pages", fix="`packline users add NAME`")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
