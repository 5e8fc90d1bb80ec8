"""Has a vendor sign its webhooks with another secret, without a moment in which a delivery is not believed.

The next secret is sealed, and taken by the door, before the vendor is told of it. Where the vendor makes secrets itself
it can only be had with another webhook: both tell us, each event once under its own id, until the old one is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from integrations import registry
from integrations.nouns import Hook
from integrations.ports import Hooked, Permanent, Renewed
from jobs import outward, queue, sealed_words
from jobs.outward import Act
from jobs.sealed_words import NEXT, ONLY_HOOK, RENEWAL
from jobs.work import Work
from orders.listening import Place, Remark
from records.tenants import Connection

log = structlog.get_logger(__name__)


def bring(work: Work, row: Connection, vendor: Hooked, place: Place, hooks: Sequence[Hook]) -> list[Remark]:
    """Fulfil the wish for another signing secret, and end what is left of an earlier one; answers what failed."""
    try:
        if RENEWAL in _secrets(work, row) and not _comes_too_soon(work, row):
            _renew(work, row, vendor, place, hooks)
        if ONLY_HOOK in _secrets(work, row):
            _drop_others(work, row, vendor, place)
    except Permanent as refusal:
        return [
            Remark(
                kind="hook_renewal",
                sentence=f"The webhook's signing secret could not be changed; the old one stays good. {refusal.reason}",
                remedy=refusal.remedy,
            )
        ]
    return []


def is_wanted(work: Work, row: Connection) -> bool:
    return bool({RENEWAL, ONLY_HOOK} & _secrets(work, row).keys())


def ours_among(hooks: Sequence[Hook], place: Place) -> list[Hook]:
    """Those that go to our address. Nobody else can know it: it ends with the connection's unguessable id."""
    return [hook for hook in hooks if hook.address.rstrip("/") == place.address.rstrip("/")]


def drop_ours(work: Work, row: Connection, vendor: Hooked, address: str) -> None:
    """Have the vendor tell us no more: at our address, and wherever what was ours at the last look points by now."""
    seen = {one.get("remote_id") for one in row.hooks_seen}
    standing = vendor.hooks()
    ours = ours_among(standing, Place(vendor=row.vendor, tenant=row.tenant_id, address=address))
    for hook in standing:
        if hook in ours or hook.remote_id in seen:
            drop(work, row, vendor, hook.remote_id)


def drop(work: Work, row: Connection, vendor: Hooked, remote_id: str) -> None:
    """Have one webhook dropped, once, also of a shop that only watches: it is no order's act."""
    act = Act(key=f"drop_hook/{remote_id}", kind="drop_hook", subject=f"connection/{row.id}", request=remote_id)
    # Dropping what is gone changes nothing, so it needs no asking first.
    outward.once(work, act, perform=lambda _keys: vendor.drop_hook(remote_id))
    with work.writing() as session:
        outward.settle(session, work.tenant, act.key, "succeed", reference=remote_id)


def _comes_too_soon(work: Work, row: Connection) -> bool:
    """Whether a door may not know the next secret yet, as where somebody asked for a look meanwhile; then once more."""
    begins = sealed_words.renewal_begins(_secrets(work, row))
    if begins is None or begins <= work.now():
        return False
    with work.writing() as session:
        queue.add(session, work.tenant, "check_connection", work.claim.subject, due_at=begins)
    return True


def _renew(work: Work, row: Connection, vendor: Hooked, place: Place, hooks: Sequence[Hook]) -> None:
    secrets = _secrets(work, row)
    ours, wish = ours_among(hooks, place), secrets[RENEWAL]
    stands = _known_one(ours, row)
    act = Act(key=f"renew_hook/{wish}", kind="renew_hook", subject=work.claim.subject, request=place.address)

    def perform(_keys: object) -> Renewed:
        if stands is None:  # there is nothing to renew: one is made, and signs with a fresh secret anyway
            return Renewed(remote_id="", secret=vendor.add_hook(place.topics, place.address, secrets[NEXT]))
        return vendor.renew_hook(stands.remote_id, place.topics, place.address, secrets[NEXT])

    # A vendor that is asked twice leaves one new webhook, so that a run whose answer was lost is simply repeated.
    made = outward.once(work, act, perform=perform).result
    names = registry.vendor(row.vendor).signing_secret_names
    with work.writing() as session:
        kept = session.get_one(Connection, (work.tenant, row.id), with_for_update=True)
        opened = work.services.keyring.open(kept.sealed_secrets)
        kept.sealed_secrets = work.services.keyring.seal(
            sealed_words.renewed(opened, made.secret, made.remote_id, names, work.now())
        )
        outward.settle(session, work.tenant, act.key, "succeed", reference=made.remote_id)
        # What the old webhook had not delivered yet goes with it; the vendor's own list of events has it.
        queue.add(session, work.tenant, "reconcile", work.claim.subject)
    log.info("signing secret renewed", connection=row.id, vendor=row.vendor, hook=made.remote_id)


def _drop_others(work: Work, row: Connection, vendor: Hooked, place: Place) -> None:
    keep = _secrets(work, row)[ONLY_HOOK]
    for hook in ours_among(vendor.hooks(), place):
        if hook.remote_id != keep:
            drop(work, row, vendor, hook.remote_id)
    with work.writing() as session:
        kept = session.get_one(Connection, (work.tenant, row.id), with_for_update=True)
        opened = work.services.keyring.open(kept.sealed_secrets)
        rest = {name: value for name, value in opened.items() if (name, value) != (ONLY_HOOK, keep)}
        kept.sealed_secrets = work.services.keyring.seal(rest)


def _known_one(ours: Sequence[Hook], row: Connection) -> Hook | None:
    """The one that stood there at the last look: what has come since was made by a run that lost its secret."""
    seen = {one.get("remote_id") for one in row.hooks_seen}
    return next((hook for hook in ours if hook.remote_id in seen), ours[-1] if ours else None)


def _secrets(work: Work, row: Connection) -> dict[str, str]:
    """As they stand now, which is not as they stood when the job began."""
    with work.reading() as session:
        kept = session.get_one(Connection, (work.tenant, row.id))
    return work.services.keyring.open(kept.sealed_secrets)
