"""A store that installs Packline becomes a shop of ours, once: found by its domain, taken up again, or made.

Nothing is asked of the store here. What it granted is fetched under the lease of its row (jobs/access.py), so the row
stands first; until then it wants the merchant's consent, and no job can use it.
"""

from __future__ import annotations

import secrets as random_secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.keyring import Keyring
from integrations import registry
from integrations.ports import Checkup
from jobs import close_shop, queue
from records import database
from records.tenants import Connection, Rules, Tenant

log = structlog.get_logger(__name__)

# A store counts in something, and it is not known what until the store was looked at.
_CURRENCY_UNTIL_TOLD = "USD"


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A store's connection, as it is when nobody else makes it; `fresh` where it was made or taken up just now."""

    row: Connection
    fresh: bool

    @property
    def tenant(self) -> int:
        return self.row.tenant_id


def find(engine: Engine, vendor: str, account: str) -> Connection | None:
    """The living connection of an account, whoever's it is."""
    with database.across_tenants(engine, why="a store is found by its domain, not by its tenant") as session:
        return _living(session, vendor, account)


def find_or_make(engine: Engine, keyring: Keyring, vendor: str, account: str, *, by: str) -> Installed:
    """The store's connection, made where there is none. Two who ask at once get the same."""
    for _ in range(2):
        try:
            with database.across_tenants(engine, why="a store installs the app, and is no tenant yet") as session:
                found = _living(session, vendor, account)
                if found is not None:
                    return Installed(row=found, fresh=False)
                row = _taken_up(session, vendor, account) or _made(session, keyring, vendor, account)
                row.granted_by, row.consent_wanted_at = by, datetime.now(UTC)
            log.info("store installed", tenant=row.tenant_id, connection=row.id, vendor=vendor)
            return Installed(row=row, fresh=True)
        except IntegrityError:  # one living connection an account: somebody was first by a moment
            continue
    raise RuntimeError("a connection that stands in the way cannot be found")


def note(session: Session, row: Connection, account: Checkup) -> None:
    """Keep what the account says of itself."""
    row.remote_account_id = account.remote_account_id or row.remote_account_id
    row.scopes = list(account.scopes) or row.scopes
    if row.checked_at is None:  # later it is a person's to say: a shop is all test or all live
        row.live = account.live
    tenant = session.get_one(Tenant, row.tenant_id)
    # A name that a person gave stays; the one that the store was installed under is only its domain.
    if account.name and tenant.name == row.account:
        tenant.name = account.name
    if account.currency:
        tenant.currency = account.currency


def begin(session: Session, tenant: int, connection: str) -> None:
    """Ask for what a store with fresh access needs: its goods and stock, a look at it, and what changed meanwhile."""
    for kind in ("read_catalogue", "check_connection", "reconcile"):
        queue.add(session, tenant, kind, f"connection/{connection}")


def _living(session: Session, vendor: str, account: str) -> Connection | None:
    return session.scalars(
        select(Connection).where(
            Connection.vendor == vendor, Connection.account == account, Connection.ended_at.is_(None)
        )
    ).first()


def _taken_up(session: Session, vendor: str, account: str) -> Connection | None:
    """The store's own shop of old, where there is still a way back: its orders go on where they were.

    Both rows are locked: who forgets the shop at this moment (jobs/forget_shop.py) is first, or finds it open.
    """
    found = session.execute(
        select(Connection, Tenant)
        .join(Tenant, Tenant.id == Connection.tenant_id)
        .where(
            Connection.vendor == vendor,
            Connection.account == account,
            Connection.ended_at.is_not(None),
            Tenant.redacted_at.is_(None),
        )
        .order_by(Connection.ended_at.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if found is None:
        return None
    row: Connection = found[0]
    row.ended_at, row.renewing_until, row.renewing_by = None, None, ""
    session.flush()
    close_shop.reopen(session, row.tenant_id)
    return row


def _made(session: Session, keyring: Keyring, vendor: str, account: str) -> Connection:
    """A new shop, which watches only until its merchant has seen what would be done."""
    tenant = Tenant(name=account, currency=_CURRENCY_UNTIL_TOLD, rules=Rules(), mode="shadow")
    session.add(tenant)
    session.flush()
    row = Connection(
        tenant_id=tenant.id,
        id=random_secrets.token_urlsafe(18),
        vendor=vendor,
        role=registry.vendor(vendor).role,
        account=account,
        live=True,
        sealed_secrets=keyring.seal({}),
        created_at=func.now(),
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return row
