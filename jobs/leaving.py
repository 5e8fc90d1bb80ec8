"""Leaves a vendor: our webhooks there go, then the secrets that we had go. What was bought and paid there stays.

The connection has ended before this runs, so nothing else can use its secrets any more.
"""

from __future__ import annotations

import structlog

from config.keyring import CannotOpen
from integrations import registry
from integrations.ports import Credentials, Hooked, Permanent
from jobs import connect, hook_secrets
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from records.tenants import Connection

log = structlog.get_logger(__name__)


def run(work: Work, row: Connection) -> Outcome:
    """Raises Temporary while the vendor is away: the secrets stay until it has been asked."""
    secrets = _opened(work, row)
    chosen = registry.vendor(row.vendor)
    if not all(secrets.get(name) for name in chosen.secret_names):
        return Cancelled(reason="the connection has ended: nobody has to tell it anything")
    try:
        _drop_hooks(work, row, secrets)
    except Permanent as refusal:
        # The account does not let us in any more, so nobody can take our webhook away from here; it finds nobody.
        log.warning("webhooks left behind", connection=row.id, vendor=row.vendor, reason=refusal.reason)
    with work.writing() as session:
        kept = session.get_one(Connection, (work.tenant, row.id), with_for_update=True)
        if kept.ended_at is None:
            return Cancelled(reason="the account was connected again meanwhile")
        kept.sealed_secrets = work.services.keyring.seal({})
        kept.hooks_seen = []
    log.info("left", connection=row.id, vendor=row.vendor)
    return Done()


def _drop_hooks(work: Work, row: Connection, secrets: dict[str, str]) -> None:
    chosen = registry.vendor(row.vendor)
    credentials = Credentials(account=row.account, live=row.live, secrets=secrets)
    vendor: Hooked = chosen.build(credentials, work.services.origins, work.called)
    hook_secrets.drop_ours(work, row, vendor, connect.hook_address(row, work.services.public_url))


def _opened(work: Work, row: Connection) -> dict[str, str]:
    try:
        return work.services.keyring.open(row.sealed_secrets)
    except CannotOpen:
        log.warning("webhooks left behind", connection=row.id, vendor=row.vendor, reason="the secrets stay sealed")
        return {}
