"""Finds a shop's connections: which vendor each belongs to, how each stands, and what would wait if one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from integrations import registry
from jobs import sealed_words
from records.jobs import Job
from records.tenants import Connection

# What "still to ship" is made of: an order in one of these has something that has not left.
_TO_SHIP = ("received", "verified", "released", "allocated", "shipping")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One living connection, as its page tells it; nothing of its secrets but the end of the key."""

    id: str
    vendor: str
    role: str
    account: str
    name: str
    live: bool
    by_key: bool
    """A person typed its key in; else the vendor granted it to us."""
    key_end: str
    created_at: datetime
    checked_at: datetime | None
    scopes: Sequence[str]
    remarks: Sequence[dict[str, Any]]
    hooks: int
    """The webhooks that stood there for us at the last look."""
    work: str
    """`going` while our webhook is being made or looked after, `parked` where that needs a person, else empty."""
    work_says: str
    renewal_waits: bool
    """Another signing secret was asked for, and the vendor does not sign with it yet."""
    previous_until: datetime | None
    """Until when the signing secret before this one is taken."""

    @property
    def mode(self) -> str:
        return "live" if self.live else "test"

    @property
    def condition(self) -> str:
        if self.work == "going" or (self.checked_at is None and not self.work):
            return "going"
        return "ailing" if self.work or any(not one["mended"] for one in self.remarks) else "well"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What would wait, or could not be reached any more, if a connection ended."""

    orders: int
    labels: int
    parcels: int
    authorised: int


def accounts(session: Session, tenant: int, keyring: Keyring) -> list[Account]:
    """The shop's living accounts: the store, where its money is, and its carriers."""
    living = session.scalars(
        select(Connection)
        .where(Connection.tenant_id == tenant, Connection.ended_at.is_(None))
        .order_by(Connection.role.desc(), Connection.created_at, Connection.id)
    ).all()
    return [_account(session, row, keyring) for row in living]


def living_one(session: Session, tenant: int, connection: str, *, lock: bool = False) -> Connection | None:
    row = session.get(Connection, (tenant, connection), with_for_update=lock or None)
    return row if row is not None and row.ended_at is None else None


def waiting(session: Session, tenant: int, connection: str) -> Waiting:
    found = session.execute(_WAITING, {"tenant": tenant, "connection": connection, "to_ship": list(_TO_SHIP)}).one()
    return Waiting(orders=found.orders, labels=found.labels, parcels=found.parcels, authorised=found.authorised)


_WAITING = text("""
SELECT (SELECT count(*) FROM orders WHERE tenant_id = :tenant AND state = ANY (:to_ship)) AS orders,
       (SELECT count(*) FROM labels WHERE tenant_id = :tenant AND connection_id = :connection
          AND state = 'void_requested') AS labels,
       (SELECT count(*) FROM parcels p JOIN labels l ON l.tenant_id = p.tenant_id AND l.parcel_id = p.id
          WHERE p.tenant_id = :tenant AND l.connection_id = :connection AND l.state = 'bought'
            AND p.carrier_status IN ('unknown', 'pre_transit', 'in_transit', 'out_for_delivery')) AS parcels,
       (SELECT count(*) FROM payments WHERE tenant_id = :tenant AND connection_id = :connection
          AND state = 'authorised') AS authorised
""")


def vendors(session: Session, tenant: int) -> dict[str, str]:
    """Vendor names by connection id, ended connections included, because old rows still name them."""
    rows = session.execute(select(Connection.id, Connection.vendor).where(Connection.tenant_id == tenant))
    return dict(rows.all())


def storefronts(session: Session, tenant: int) -> list[Connection]:
    """The shop's living storefront connections, oldest first."""
    return list(
        session.scalars(
            select(Connection)
            .where(Connection.tenant_id == tenant, Connection.role == "storefront", Connection.ended_at.is_(None))
            .order_by(Connection.created_at, Connection.id)
        )
    )


def _account(session: Session, row: Connection, keyring: Keyring) -> Account:
    secrets = _opened(row, keyring)
    by_key = row.granted_by == "key"
    work, says = _work(session, row)
    until = secrets.get(sealed_words.PREVIOUS_UNTIL, "")
    key = secrets.get(registry.vendor(row.vendor).secret_names[0], "")
    return Account(
        id=row.id,
        vendor=row.vendor,
        role=row.role,
        account=row.account or row.remote_account_id,
        name=secrets.get(sealed_words.ACCOUNT_NAME, ""),
        live=row.live,
        by_key=by_key,
        key_end=sealed_words.last_four(key) if by_key else "",
        created_at=row.created_at,
        checked_at=row.checked_at,
        scopes=[str(one) for one in row.scopes],
        remarks=row.remarks,
        hooks=len([one for one in row.hooks_seen if one.get("remote_id")]),
        work=work,
        work_says=says,
        renewal_waits=sealed_words.RENEWAL in secrets,
        previous_until=datetime.fromisoformat(until) if until else None,
    )


def _opened(row: Connection, keyring: Keyring) -> dict[str, str]:
    """Empty where a key is missing: the doctor says that, and what can be shown is shown."""
    try:
        return keyring.open(row.sealed_secrets)
    except CannotOpen:
        return {}


def _work(session: Session, row: Connection) -> tuple[str, str]:
    """How the job that looks after it stands; the hourly look that waits for its hour is none that one waits for."""
    job = session.execute(
        select(Job.state, Job.reason, Job.remedy)
        .where(
            Job.tenant_id == row.tenant_id,
            Job.kind == "check_connection",
            Job.subject == f"connection/{row.id}",
            Job.state.in_(("due", "running", "parked")),
            (Job.state != "due") | (Job.due_at <= func.now()) | (Job.attempts > 0),
        )
        .order_by(Job.id.desc())
        .limit(1)
    ).first()
    if job is None:
        return "", ""
    return ("parked", f"{job.reason} {job.remedy}") if job.state == "parked" else ("going", job.reason or "")
