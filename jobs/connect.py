"""Connects a tenant's account at a vendor: its secrets are sealed, its mode is told, and its catalogue is asked for."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from config.keyring import Keyring
from integrations import registry
from integrations.ports import Vendor
from jobs import queue
from records.tenants import Connection, Rules, Tenant


class CannotConnect(Exception):
    """What was given does not make a connection; the message says what is missing."""


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
) -> Connection:
    """Store a connection, or new secrets for the one that is there. Raises CannotConnect.

    `live` None means: as the vendor's key says.
    """
    chosen = registry.vendor(vendor)
    _check(chosen, account, secrets)
    if session.get(Tenant, tenant) is None:
        raise CannotConnect(f"there is no tenant {tenant}: packline tenants add NAME")
    mode = chosen.is_live(secrets) if live is None else live
    known = _known(session, tenant, vendor, account)
    if known is not None:
        known.sealed_secrets = keyring.seal(keyring.open(known.sealed_secrets) | dict(secrets))
        known.live = mode
    else:
        known = _store(session, tenant, chosen, account.lower(), keyring.seal(secrets), live=mode)
    session.flush()
    if chosen.role == "storefront":
        queue.add(session, tenant, "read_catalogue", f"connection/{known.id}")
    queue.add(session, tenant, "check_connection", f"connection/{known.id}")
    return known


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
    if (
        account
        and session.scalars(
            select(Connection.id).where(
                Connection.vendor == vendor.name, Connection.account == account, Connection.ended_at.is_(None)
            )
        ).first()
    ):
        raise CannotConnect(f"{account} is connected to another tenant already")
    connection = Connection(
        tenant_id=tenant,
        id=random_secrets.token_urlsafe(18),
        vendor=vendor.name,
        role=vendor.role,
        account=account,
        live=live,
        sealed_secrets=sealed,
    )
    session.add(connection)
    return connection


def end(session: Session, tenant: int, connection: str) -> None:
    """Disconnect: its webhooks find nobody from now on, and its jobs park with what to do."""
    session.execute(
        update(Connection)
        .where(Connection.tenant_id == tenant, Connection.id == connection, Connection.ended_at.is_(None))
        .values(ended_at=func.now())
    )
