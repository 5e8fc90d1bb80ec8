"""Secrets that are fresh: what a connection may be called with now, and who has to do something where there are none.

A token that a vendor granted to us as an app ends after an hour, and is renewed in time (jobs/renewing.py). Where only
the merchant can help, jobs wait: they are no failures, count no tries, and go on by themselves when the app is opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from integrations import registry
from integrations.ports import AppKeys, Credentials, Granted, Notice, Permanent
from jobs import no_access, renewing
from jobs.no_access import NoAccess, consent_wanted
from jobs.renewing import Renewal
from records.tenants import Connection

if TYPE_CHECKING:
    from jobs.work import Services

__all__ = [
    "NoAccess",
    "credentials",
    "credentials_in",
    "is_granted",
    "migrate",
    "obtain",
    "secrets_for",
    "try_again",
    "wants_renewal",
]

# An hour's token with five minutes left still finishes the longest job.
RENEW_BEFORE = timedelta(minutes=5)
# A refresh token lives ninety days; an account whose access tokens tell no end is renewed long before.
AGES_WITHIN = timedelta(days=30)
# What is refused later than this after its granting may have ended, or have been replaced, as any token does.
_JUST_GRANTED_S = 60.0


def credentials(services: Services, row: Connection, notice: Notice) -> Credentials:
    """What the connection's vendor is called with now. Raises NoAccess, and Permanent where the secrets stay sealed."""
    return credentials_in(services, renewing.living(services, row.tenant_id, row.id), notice)


def credentials_in(services: Services, row: Connection, notice: Notice) -> Credentials:
    """The same of a row that was read a moment ago, and lives."""
    return Credentials(
        account=row.account,
        live=row.live,
        secrets=_secrets_in(services, row, notice),
        renewed=_Refusals(services, row, notice).newer if is_granted(row) else None,
    )


def secrets_for(
    services: Services, tenant: int, connection: str, notice: Notice = renewing.tell_the_log
) -> Mapping[str, str]:
    """The connection's secrets, renewed where they are about to end.

    Raises NoAccess where that has to wait, and Permanent where the connection is gone or its secrets stay sealed.
    """
    return _secrets_in(services, renewing.living(services, tenant, connection), notice)


def _secrets_in(services: Services, row: Connection, notice: Notice) -> Mapping[str, str]:
    held = renewing.opened(services.keyring, row)
    if is_granted(row) and _is_time(row, held):
        return Renewal(services, row, notice, wanted=_is_time, usable=True).run()
    return held


def try_again(services: Services, row: Connection, notice: Notice) -> None:
    """Ask once more for what was refused: that may have been the vendor's own mistake. Raises NoAccess."""
    Renewal(services, row, notice, wanted=lambda now, _held: no_access.waits_for_somebody(now)).run()


def migrate(services: Services, row: Connection) -> None:
    """Give up a token that lasts for a pair that is renewed; there is no way back.

    Raises Temporary, and Permanent where the vendor says that the token was not granted to this app.
    """
    renew = registry.vendor(row.vendor).renew
    if renew is None or not is_lasting(row):
        raise Permanent("This account has no token that lasts.", remedy="Nothing has to be done.", code="not_lasting")
    keys = services.app_keys.get(row.vendor, AppKeys())
    obtain(
        services,
        row,
        lambda held, notice: renew(held, keys, services.origins, notice),
        by="exchange",
        wanted=is_lasting,
    )


def obtain(
    services: Services,
    row: Connection,
    get: Callable[[Credentials, Notice], Granted],
    *,
    by: str,
    wanted: Callable[[Connection], bool],
) -> None:
    """Have a grant of the merchant's own fetched and kept; whoever comes second in the same moment finds it there.

    `wanted` is asked of the row as it is then. Raises NoAccess where another process takes long, and what `get`
    raises: then all is as it was.
    """
    notice = renewing.tell_the_log
    Renewal(services, row, notice, wanted=lambda now, _held: wanted(now), get=get, by=by).run()


def is_granted(row: Connection) -> bool:
    """Whether the vendor granted the secrets to us as an app; else a person typed them in."""
    return row.granted_by != "key"


def is_lasting(row: Connection) -> bool:
    """Whether the token has no end and nothing to renew it by."""
    return row.token_expires_at is None and row.renewal_expires_at is None


def wants_renewal(expires_at: datetime | None, renewal_expires_at: datetime | None, now: datetime) -> bool:
    """Whether it is time. Pure. One that tells no end is renewed when it is refused, and before it could age out."""
    if expires_at is not None:
        return expires_at - now <= RENEW_BEFORE
    return renewal_expires_at is not None and renewal_expires_at - now <= AGES_WITHIN


def _is_time(row: Connection, held: Mapping[str, str]) -> bool:
    """Raises NoAccess where no renewal helps."""
    if row.consent_wanted_at is not None or not renewing.is_complete(row, held):
        raise consent_wanted()
    now = datetime.now(UTC)
    lately = no_access.asked_lately(row, now)
    if lately is None or renewing.is_good(row, held):
        return lately is None and wants_renewal(row.token_expires_at, row.renewal_expires_at, now)
    raise lately


@dataclass
class _Refusals:
    """What a connector does about secrets that are refused before their end."""

    services: Services
    row: Connection
    notice: Notice
    granted_at: float | None = None

    def newer(self, refused: Mapping[str, str]) -> Mapping[str, str]:
        """Newer secrets than the refused ones: those that another process brought meanwhile, else our own.

        Raises NoAccess; also where what was granted a moment ago is refused and nobody has brought other secrets.
        """
        row = renewing.living(self.services, self.row.tenant_id, self.row.id)
        held = renewing.opened(self.services.keyring, row)
        if dict(held) != dict(refused):
            self.granted_at = None
            return held

        def are_the_same(row: Connection, held: Mapping[str, str]) -> bool:
            if row.consent_wanted_at is not None:
                raise consent_wanted()
            lately = no_access.asked_lately(row, datetime.now(UTC))
            if lately is not None:
                raise lately
            return dict(held) == dict(refused)

        renewal = Renewal(self.services, row, self.notice, wanted=are_the_same)
        if self.granted_at is not None and time.monotonic() - self.granted_at < _JUST_GRANTED_S:
            raise renewal.want_consent(row, "The vendor refuses the access that it has just granted.")
        newer = renewal.run()
        self.granted_at = time.monotonic()
        return newer
