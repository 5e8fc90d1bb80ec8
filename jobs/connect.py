"""Connects a tenant's account at a vendor, gives it another key, and lets it go.

One rule holds for all of it: a shop is all test or all live. Nothing of a vendor is asked in here; what the vendor
said of a key (jobs/looking_at_keys.py) comes in as a Checkup.
"""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from integrations import registry
from integrations.ports import Checkup, Vendor
from jobs import queue, sealed_words
from jobs.sealed_words import ACCOUNT_NAME
from orders import listening
from records.tenants import Connection, Rules, Tenant

# How the remarks that a look at a key leaves are told from those of the look at its webhooks.
LACK = "lack_"


class CannotConnect(Exception):
    """What was given does not make a connection; `reason` says why, `remedy` what to do."""

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        super().__init__(f"{reason} {remedy}".strip())
        self.reason = reason
        self.remedy = remedy


def add_tenant(session: Session, name: str, currency: str, rules: Rules | None = None) -> int:
    """Add a tenant; answers its id."""
    tenant = Tenant(name=name, currency=currency, rules=rules or Rules())
    session.add(tenant)
    session.flush()
    return tenant.id


def connect(
    session: Session,
    tenant: int,
    *,
    vendor: str,
    account: str,
    secrets: Mapping[str, str],
    live: bool | None,
    keyring: Keyring,
    found: Checkup | None = None,
    anew: bool = False,
) -> Connection:
    """Store a connection, or new secrets for the one that is there, unless it has to be `anew`. Raises CannotConnect.

    `live` None means: as the vendor says in `found`, else as its key says.
    """
    chosen = registry.vendor(vendor)
    _check(chosen, account, secrets)
    _lock(session, tenant)
    mode = _mode(chosen, secrets, live, found)
    refuse_mixing(session, tenant, vendor, live=mode)
    known = _known(session, tenant, vendor, account)
    if known is not None and anew:
        raise CannotConnect(f"{vendor} is connected already.", remedy="Replace its key, or disconnect it first.")
    if known is None and found is not None and chosen.role != "storefront":
        known = _come_back(session, tenant, vendor, found, live=mode)
        if known is not None and anew:
            secrets = {**secrets, **_still_signing(chosen, known, keyring)}
    if known is not None:
        _refuse_another_account(known, found)
        kept = _kept(chosen, keyring.open(known.sealed_secrets))
        _forget_grant(known)
        known.sealed_secrets = keyring.seal(
            sealed_words.merged(kept, secrets, chosen.signing_secret_names, datetime.now(UTC))
        )
    else:
        known = _store(session, tenant, chosen, account.lower(), keyring.seal(secrets), live=mode)
    if found is not None:
        note(known, found, keyring)
    session.flush()
    if chosen.role == "storefront":
        queue.add(session, tenant, "read_catalogue", f"connection/{known.id}")
    queue.add(session, tenant, "check_connection", f"connection/{known.id}")
    return known


def replace_key(session: Session, row: Connection, key: str, found: Checkup, keyring: Keyring) -> None:
    """Give a connection another key of the same account, which `found` was looked up with."""
    name = registry.vendor(row.vendor).secret_names[0]
    row.sealed_secrets = keyring.seal({**keyring.open(row.sealed_secrets), name: key})
    note(row, found, keyring)
    queue.add(session, row.tenant_id, "check_connection", f"connection/{row.id}")


def note(row: Connection, found: Checkup, keyring: Keyring) -> None:
    """Write down what a look at a key found; what was found of the webhooks stays."""
    row.remote_account_id = found.remote_account_id or row.remote_account_id
    row.scopes = list(found.scopes)
    row.checked_at = datetime.now(UTC)
    others = [remark for remark in row.remarks if not remark["kind"].startswith(LACK) and remark["kind"] != "refused"]
    row.remarks = [*others, *(remark.as_kept() | {"kind": LACK + remark.kind} for remark in listening.lacking(found))]
    if found.name:
        row.sealed_secrets = keyring.seal({**keyring.open(row.sealed_secrets), ACCOUNT_NAME: found.name})


def renew_signing_secret(session: Session, row: Connection, keyring: Keyring) -> None:
    """Ask for another signing secret. The one in use stays good until the vendor signs with the other, and a day."""
    if row.role == "storefront":
        raise CannotConnect(
            "The store signs with the app's own secret.", remedy="Rotate it in the app's settings at the vendor."
        )
    wanted = sealed_words.renewal_wanted(keyring.open(row.sealed_secrets), datetime.now(UTC))
    row.sealed_secrets = keyring.seal(wanted)
    begins = sealed_words.renewal_begins(wanted)
    queue.add(session, row.tenant_id, "check_connection", f"connection/{row.id}", due_at=begins)


def renewal_waits(row: Connection, keyring: Keyring) -> bool:
    """Whether another signing secret was asked for, and the vendor does not sign with it yet. Raises CannotOpen."""
    return sealed_words.RENEWAL in keyring.open(row.sealed_secrets)


def refuse_mixing(session: Session, tenant: int, vendor: str, *, live: bool) -> None:
    """Raises CannotConnect where something that the shop has connected is of the other mode.

    A test carrier prints labels that no carrier takes, for orders that somebody has paid for; a live one buys postage
    for orders that nobody placed.
    """
    other = session.scalars(
        select(Connection)
        .where(Connection.tenant_id == tenant, Connection.ended_at.is_(None), Connection.live.is_not(live))
        .order_by(Connection.created_at)
        .limit(1)
    ).first()
    if other is None:
        return
    new, old = ("a live", "test") if live else ("a test", "live")
    what = f"{other.vendor} ({other.account})" if other.account else other.vendor
    raise CannotConnect(
        f"This is {new} account of {vendor}, and {what} is connected in {old} mode: "
        "a shop is all test or all live, and nothing was connected.",
        remedy=f"Give the {old} key of {vendor}; or disconnect what is {old}, and connect everything anew.",
    )


def hook_address(connection: Connection, public_url: str) -> str:
    """Where the vendor is to send its webhooks. Deliveries that name their account share one address."""
    base = f"{public_url.rstrip('/')}/hooks/{connection.vendor}"
    return base if connection.role == "storefront" else f"{base}/{connection.id}"


def describe(connection: Connection, public_url: str) -> list[str]:
    """A connection for people, without its secrets."""
    mode = "live" if connection.live else "test"
    return [
        connection.id,
        connection.vendor,
        connection.account or "-",
        mode if connection.ended_at is None else "ended",
        hook_address(connection, public_url),
    ]


def end(session: Session, tenant: int, connection: str) -> bool:
    """Disconnect: its webhooks find nobody from now on, and its jobs park with what to do.

    Answers whether it was connected until now.
    """
    ended = session.execute(
        update(Connection)
        .where(Connection.tenant_id == tenant, Connection.id == connection, Connection.ended_at.is_(None))
        .values(ended_at=func.now(), renewing_until=None, renewing_by="")
        .returning(Connection.id)
    )
    return ended.first() is not None


def disconnect(session: Session, tenant: int, connection: str) -> bool:
    """End it, and have what is ours at the vendor taken away; answers whether it was connected until now."""
    ended = end(session, tenant, connection)
    if ended:
        queue.add(session, tenant, "check_connection", f"connection/{connection}")
    return ended


def signing_secret_of_ours(vendor: Vendor) -> dict[str, str]:
    """A first signing secret that nobody can guess: the vendor is given it, or makes another and tells us."""
    return {name: random_secrets.token_urlsafe(32) for name in vendor.signing_secret_names[:1]}


def _check(vendor: Vendor, account: str, secrets: Mapping[str, str]) -> None:
    known = {*vendor.secret_names, *vendor.optional_secret_names, *vendor.signing_secret_names}
    unknown = sorted(set(secrets) - known)
    if unknown:
        raise CannotConnect(
            f"{vendor.name} has no secret called {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    needed = [*vendor.secret_names, *vendor.signing_secret_names[:1]]
    missing = [name for name in needed if not secrets.get(name)]
    if missing:
        raise CannotConnect(f"{vendor.name} needs {', '.join(missing)}")
    if vendor.role == "storefront" and not account:
        raise CannotConnect("a store needs its domain: --account acme.myshopify.com")


def _lock(session: Session, tenant: int) -> None:
    """One at a time for a shop, so that two keys of two modes do not pass each other. Raises CannotConnect."""
    # Without locking out the many rows that only point at the tenant.
    if session.get(Tenant, tenant, with_for_update={"key_share": True}) is None:
        raise CannotConnect(f"there is no tenant {tenant}: packline tenants add NAME")


def _mode(vendor: Vendor, secrets: Mapping[str, str], live: bool | None, found: Checkup | None) -> bool:
    if live is not None:
        return live
    return vendor.is_live(secrets) if found is None else found.live


def _refuse_another_account(known: Connection, found: Checkup | None) -> None:
    if found is not None and known.remote_account_id not in {"", found.remote_account_id}:
        raise CannotConnect(
            f"Another account of {known.vendor} is connected already: labels and payments of old belong to it.",
            remedy="Disconnect it first, then connect this one.",
        )


def _come_back(session: Session, tenant: int, vendor: str, found: Checkup, *, live: bool) -> Connection | None:
    """The row of an account that was disconnected, with its life back: labels and payments of old are its own."""
    this = (Connection.tenant_id == tenant, Connection.vendor == vendor, Connection.live.is_(live))
    its_account = Connection.remote_account_id == found.remote_account_id
    former = session.scalars(
        select(Connection)
        .where(*this, its_account, Connection.remote_account_id != "", Connection.ended_at.is_not(None))
        .order_by(Connection.ended_at.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if former is not None:
        # Where several carriers are connected, the one connected last is used.
        former.ended_at, former.created_at = None, func.now()
    return former


def _still_signing(vendor: Vendor, former: Connection, keyring: Keyring) -> dict[str, str]:
    """What its webhook signs with, where nobody has had the time to take it away since the account was let go."""
    try:
        held = keyring.open(former.sealed_secrets)
    except CannotOpen:  # under a key that is gone: nobody could have taken it away with those either
        former.sealed_secrets = keyring.seal({})
        return {}
    return {name: held[name] for name in vendor.signing_secret_names if held.get(name)}


def _kept(vendor: Vendor, held: Mapping[str, str]) -> dict[str, str]:
    """What stays of older secrets: what was granted together with a token is of no use to another."""
    return {name: secret for name, secret in held.items() if name not in vendor.optional_secret_names}


def _forget_grant(connection: Connection) -> None:
    """From now on the secrets are a person's own."""
    connection.granted_by, connection.consent_wanted_at = "key", None
    connection.token_expires_at, connection.renewal_expires_at = None, None


def _known(session: Session, tenant: int, vendor: str, account: str) -> Connection | None:
    return session.scalars(
        select(Connection)
        .where(
            Connection.tenant_id == tenant,
            Connection.vendor == vendor,
            Connection.account == account.lower(),
            Connection.ended_at.is_(None),
        )
        .with_for_update()
    ).first()


def _store(session: Session, tenant: int, vendor: Vendor, account: str, sealed: bytes, *, live: bool) -> Connection:
    connection = Connection(
        tenant_id=tenant,
        id=random_secrets.token_urlsafe(18),
        vendor=vendor.name,
        role=vendor.role,
        account=account,
        live=live,
        sealed_secrets=sealed,
    )
    try:
        with session.begin_nested():
            session.add(connection)
    except IntegrityError as taken:  # one living connection an account; another shop's cannot be seen from here
        raise CannotConnect(f"{account} is connected to another tenant already") from taken
    return connection
