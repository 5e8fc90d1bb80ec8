"""One renewal of one connection's secrets at a time, over all processes, and never a pair lost.

A refresh token is used up by its use. So whoever renews takes the row for a while, by compare-and-set; no lock is held
while the vendor is asked. The row is read anew in the same statement, and the new pair is committed before anybody uses
it. After a crash in between, the lease runs out and the old refresh token is asked again: the vendor keeps it good
until its replacement is used (https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens).
"""

from __future__ import annotations

import secrets as random_secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from integrations import registry
from integrations.ports import AppKeys, CallNote, Credentials, Granted, Notice, Permanent, Temporary
from jobs import queue, steps
from jobs.no_access import (
    CONSENT,
    OPEN_THE_APP,
    OTHER_LOOK_S,
    REFUSED,
    WAITING,
    NoAccess,
    consent_wanted,
    others,
    somebody_else,
)
from orders.listening import Remark
from records import database, tenants
from records.jobs import Job
from records.tenants import Connection

if TYPE_CHECKING:
    from jobs.work import Services

log = structlog.get_logger(__name__)

# A token with less than this left is not given to a job that could wait a second for a better one.
GOOD_FOR = timedelta(minutes=1)
# Longer than the longest renewal (5 s to connect, 30 s to send, 60 s for an answer, each with two of the app's secrets
# in turn), so that nobody takes it over early.
LEASE = timedelta(minutes=4)
# What comes second waits about as long as a renewal takes when all is well.
WAIT_S = 5.0
_LOOK_AGAIN_S = 0.2
# So many bells are rung at once; the sweep rings for the rest, in turn with everybody else's.
_MOST_BELLS = 100

Wanted = Callable[[Connection, Mapping[str, str]], bool]


class _LeaseRanOut(Exception):
    """Somebody else renews by now; what we were given is not kept."""


class Renewal:
    """`wanted` is asked of the row as it is under the lease; `get` fetches the grant where it is not a plain renewal.

    `usable`: while another process renews, or the vendor is away, the old secrets do as long as they are good.
    """

    def __init__(
        self,
        services: Services,
        row: Connection,
        notice: Notice,
        *,
        wanted: Wanted,
        usable: bool = False,
        get: Callable[[Credentials, Notice], Granted] | None = None,
        by: str = "",
    ) -> None:
        self._services, self._tenant, self._connection = services, row.tenant_id, row.id
        self._notice, self._wanted, self._usable, self._get, self._by = notice, wanted, usable, get, by
        self._lease = random_secrets.token_urlsafe(12)

    def run(self) -> Mapping[str, str]:
        """The secrets to use from now on. Raises NoAccess, and what `get` raises."""
        patience_ends = time.monotonic() + WAIT_S
        while True:
            taken = self._take()
            row = taken or living(self._services, self._tenant, self._connection)
            held = self._opened(row)
            if not self._still_wanted(row, held):
                return held
            if taken is not None:
                return self._renew(row, held)
            if self._usable and is_good(row, held):
                return held
            if time.monotonic() > patience_ends:
                raise somebody_else()
            time.sleep(_LOOK_AGAIN_S)

    def want_consent(self, refused: Connection, reason: str) -> NoAccess:
        """Write down, once, that only the merchant can help; what to raise, which is to come again where a grant of
        somebody else's took the place of the refused one.
        """
        row = self._remark(refused, Remark(kind=CONSENT, sentence=reason, remedy=OPEN_THE_APP), consent=True)
        if row is None:
            return somebody_else()
        log.warning("consent wanted", connection=row.id, vendor=row.vendor, since=str(row.consent_wanted_at))
        return consent_wanted()

    def _opened(self, row: Connection) -> dict[str, str]:
        try:
            return opened(self._services.keyring, row)
        except Permanent:
            self._let_go()
            raise

    def _still_wanted(self, row: Connection, held: Mapping[str, str]) -> bool:
        try:
            wanted = self._wanted(row, held)
        except NoAccess:
            self._let_go()
            raise
        if not wanted:
            self._let_go()
        return wanted

    def _renew(self, row: Connection, held: Mapping[str, str]) -> Mapping[str, str]:
        asked = Credentials(account=row.account, live=row.live, secrets=held)
        try:
            granted = self._get(asked, self._notice) if self._get else self._vendors_own(row.vendor, asked)
        except Temporary:
            self._let_go()
            if self._usable and is_good(row, held):
                log.warning("not renewed, still good", connection=row.id, vendor=row.vendor)
                return held
            raise
        except Permanent as refusal:
            self._let_go()
            if self._get is not None:
                raise
            told = self._refused(row, refusal)
            # The vendor took nothing back: it did not know us, or did not understand.
            if refusal.code != CONSENT and self._usable and is_good(row, held):
                return held
            raise told from refusal
        return self._keep(granted)

    def _vendors_own(self, vendor: str, asked: Credentials) -> Granted:
        renew = registry.vendor(vendor).renew
        if renew is None:
            raise Permanent("These secrets cannot be renewed.", remedy=OPEN_THE_APP, code=CONSENT)
        keys = self._services.app_keys.get(vendor, AppKeys())
        return renew(asked, keys, self._services.origins, self._notice)

    def _refused(self, row: Connection, refusal: Permanent) -> NoAccess:
        if refusal.code == CONSENT:
            return self.want_consent(row, refusal.reason)
        # No job can do anything about it, and every one of them can wait until somebody did.
        self._remark(row, Remark(kind=REFUSED, sentence=refusal.reason, remedy=refusal.remedy))
        log.error("access refused", connection=self._connection, code=refusal.code, reason=refusal.reason)
        return NoAccess(refusal.reason, code=REFUSED, wait_s=OTHER_LOOK_S)

    # --------------------------------------------------------------------------------------- the row

    def _take(self) -> Connection | None:
        """The row as it is under our lease; None while another process has it. Asking and reading are one statement."""
        free = or_(Connection.renewing_until.is_(None), Connection.renewing_until < func.now())
        with self._writing() as session:
            return session.scalars(
                update(Connection)
                .where(*self._this(), Connection.ended_at.is_(None), free)
                .values(renewing_until=func.now() + LEASE, renewing_by=self._lease)
                .returning(Connection)
            ).first()

    def _let_go(self) -> None:
        with self._writing() as session:
            ours = (*self._this(), Connection.renewing_by == self._lease)
            session.execute(update(Connection).where(*ours).values(renewing_until=None, renewing_by=""))

    def _keep(self, granted: Granted) -> Mapping[str, str]:
        """Commit what was granted; only then may it be used."""
        try:
            with self._writing() as session:
                ours = (*self._this(), Connection.renewing_by == self._lease, Connection.ended_at.is_(None))
                row = session.scalars(select(Connection).where(*ours).with_for_update()).first()
                if row is None:
                    raise _LeaseRanOut  # noqa: TRY301 - the transaction is to end with nothing written
                kept = _written(row, granted, self._services.keyring, self._by)
                roused = rouse(session, self._tenant)
                steps.passed("writing")
        except _LeaseRanOut:
            log.warning("renewed too late", connection=self._connection)
            raise somebody_else() from None
        steps.passed("committed")
        log.info("access granted", connection=self._connection, by=self._by or "renewal", roused=roused)
        return kept

    def _remark(self, refused: Connection, remark: Remark, *, consent: bool = False) -> Connection | None:
        """Keep what was said of the refused secrets, and when; None where others are there by now."""
        now = datetime.now(UTC)
        with self._writing() as session:
            row = session.get_one(Connection, (self._tenant, self._connection), with_for_update=True)
            if row.sealed_secrets != refused.sealed_secrets:
                return None
            row.remarks = [*others(row.remarks), remark.as_kept() | {"at": now.isoformat()}]
            if consent and row.consent_wanted_at is None:
                row.consent_wanted_at = now
        return row

    def _this(self) -> tuple[Any, ...]:
        return (Connection.tenant_id == self._tenant, Connection.id == self._connection)

    def _writing(self) -> AbstractContextManager[Session]:
        return database.transaction(self._services.engine, self._tenant)


def _written(row: Connection, granted: Granted, keyring: Keyring, by: str) -> Mapping[str, str]:
    """Write a grant into its row. What the answer to a renewal leaves out stays as it was: nothing is guessed."""
    held = keyring.open(row.sealed_secrets)
    vendor = registry.vendor(row.vendor)
    # A grant of its own replaces all that was granted before; what signs deliveries stays.
    replaced = {*vendor.secret_names, *vendor.optional_secret_names} if by else set()
    kept = {name: secret for name, secret in held.items() if name not in replaced} | dict(granted.secrets)
    row.sealed_secrets = keyring.seal(kept)
    row.token_expires_at = granted.expires_at
    row.renewal_expires_at = granted.renewal_expires_at or (None if by else row.renewal_expires_at)
    row.scopes = list(granted.scopes) or row.scopes
    row.granted_by = by or row.granted_by
    row.consent_wanted_at = None
    row.remarks = others(row.remarks)
    row.renewing_until, row.renewing_by = None, ""
    return kept


def rouse(session: Session, tenant: int) -> int:
    """Have every job that waits for access looked at now; answers how many there were."""
    roused = session.execute(
        update(Job)
        .where(Job.tenant_id == tenant, Job.state == "due", Job.cause.in_(WAITING))
        .values(due_at=func.now(), rung_at=None)
        .returning(Job.queue, Job.lane)
    ).all()
    for job in roused[:_MOST_BELLS]:
        queue.ring_after_commit(session, tenant, job.queue, job.lane)
    return len(roused)


# ------------------------------------------------------------------------------------------- looking


def living(services: Services, tenant: int, connection: str) -> Connection:
    with database.transaction(services.engine, tenant) as session:
        row = tenants.find_connection(session, tenant, connection)
    if row is None or row.ended_at is not None:
        raise Permanent("The connection is gone.", remedy="Connect it again, then retry.", code="not_connected")
    return row


def opened(keyring: Keyring, row: Connection) -> dict[str, str]:
    try:
        return keyring.open(row.sealed_secrets)
    except CannotOpen as failure:
        raise Permanent(
            "The connection's secrets cannot be opened.",
            remedy="Put the missing key back among ENCRYPTION_KEYS, or connect the account again; then retry.",
            code="cannot_open",
        ) from failure


def is_complete(row: Connection, held: Mapping[str, str]) -> bool:
    return all(held.get(name) for name in registry.vendor(row.vendor).secret_names)


def is_good(row: Connection, held: Mapping[str, str]) -> bool:
    """Whether the token still has some time, however soon it has to be renewed."""
    ends = row.token_expires_at
    return is_complete(row, held) and (ends is None or ends - datetime.now(UTC) > GOOD_FOR)


def tell_the_log(note: CallNote) -> None:
    """A call that belongs to no order's story."""
    steps.passed(f"called {note.vendor} {note.verb}")
    log.info("vendor called", vendor=note.vendor, verb=note.verb, outcome=note.outcome, ms=note.ms)
