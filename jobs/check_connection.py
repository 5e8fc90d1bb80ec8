"""Looks whether a vendor still tells us everything and still takes our secrets; mends what it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations import registry
from integrations.nouns import Hook
from integrations.ports import Checkup, Hooked, Permanent
from jobs import access, connect, hook_secrets, installing, leaving, outward, queue, renewing, sealed_words
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import listening
from orders.listening import Place, Remark, Verdict
from records import comparisons, tenants
from records.inbox import InboxEvent
from records.intentions import find_intention
from records.tenants import Connection

log = structlog.get_logger(__name__)


def register(session: Session, tenant: int, connection: str, public_url: str) -> bool:
    """Have a webhook made where none stands; answers whether there is such a living connection."""
    row = tenants.find_connection(session, tenant, connection)
    if row is None or row.ended_at is not None:
        return False
    row.hooks_seen = [*row.hooks_seen, listening.wanted(_place(row, public_url))]
    queue.add(session, tenant, "check_connection", f"connection/{connection}")
    return True


def run(work: Work) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    with work.reading() as session:
        row = tenants.find_connection(session, work.tenant, connection)
    if row is None:
        return Cancelled(reason="there is no such connection")
    if row.ended_at is not None:
        return leaving.run(work, row)
    try:
        access.try_again(work.services, row, renewing.tell_the_log)
        seen = _look(work, row)
    except Permanent as refusal:
        # Whatever the account refuses, a person has to hear of it; asking again by itself would change nothing.
        seen = Seen(remarks=[Remark(kind="refused", sentence=refusal.reason, remedy=refusal.remedy)])
    _record(work, row, seen)
    return Done()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found; `hooks` is None where nobody could look."""

    remarks: list[Remark]
    hooks: Sequence[Hook] | None = None
    account: Checkup | None = None


def _look(work: Work, row: Connection) -> Seen:
    vendor = _connector(work, row)
    hooks = vendor.hooks()
    account = _account(work, row)
    lacks = [] if account is None else listening.lacking(account)
    if not work.services.public_url:
        return Seen(remarks=lacks, hooks=hooks, account=account)
    place = _place(row, work.services.public_url)
    renewal: list[Remark] = []
    if hook_secrets.is_wanted(work, row):
        renewal = hook_secrets.bring(work, row, vendor, place, hooks)
        hooks = vendor.hooks()
    verdict = listening.judge(place, hooks, row.hooks_seen)
    remarks = [*lacks, *renewal, *_mended(work, row, vendor, place, verdict), *_lost_secret(work, row)]
    changed = bool(verdict.enable or verdict.add is not None)
    return Seen(remarks=remarks, hooks=vendor.hooks() if changed else hooks, account=account)


def _account(work: Work, row: Connection) -> Checkup | None:
    """Whose account it is and what it lets us do, where we are an app there; None elsewhere."""
    check = registry.vendor(row.vendor).check
    if check is None or not access.is_granted(row):
        return None
    heard = renewing.tell_the_log
    return check(access.credentials(work.services, row, heard), work.services.origins, heard)


def _connector(work: Work, row: Connection) -> Hooked:
    by_role = {"storefront": work.storefront, "payments": work.payments, "carrier": work.carrier}
    return by_role[row.role](row.id)


def _place(row: Connection, public_url: str) -> Place:
    vendor = registry.vendor(row.vendor)
    return Place(
        vendor=row.vendor,
        tenant=row.tenant_id,
        address=connect.hook_address(row, public_url),
        topics=vendor.topics,
        unlisted=vendor.unlisted_hooks,
    )


def _mended(work: Work, row: Connection, vendor: Hooked, place: Place, verdict: Verdict) -> list[Remark]:
    """The verdict's remarks, those marked that were put right."""
    refusals: dict[str, Permanent] = {}
    for hook in verdict.enable:
        try:
            _enable(work, row, vendor, hook)
        except Permanent as refusal:
            refusals["hook_disabled"] = refusal
    if verdict.add is not None:
        try:
            _add(work, row, vendor, place, verdict.add)
        except Permanent as refusal:
            refusals |= {"hook_vanished": refusal, "hook_wanted": refusal}
    return [_told(remark, refusals.get(remark.kind)) for remark in verdict.remarks]


def _told(remark: Remark, refusal: Permanent | None) -> Remark:
    if refusal is not None:
        return replace(remark, sentence=f"{remark.sentence} {refusal.reason}", remedy=refusal.remedy)
    if remark.remedy:
        return remark  # nothing was tried
    done = {"hook_disabled": "It was enabled again.", "hook_vanished": "It was made anew."}
    return replace(remark, sentence=f"{remark.sentence} {done.get(remark.kind, 'It was made.')}", mended=True)


def _enable(work: Work, row: Connection, vendor: Hooked, hook: Hook) -> None:
    key = f"enable_hook/{hook.remote_id}/{work.claim.id}"
    secret = _signing_secret(work, row)
    act = Act(key=key, kind="enable_hook", subject=work.claim.subject, request=hook.remote_id)
    # Enabling what is enabled changes nothing, so it needs no asking first.
    outward.once(work, act, perform=lambda _keys: vendor.enable_hook(hook.remote_id, secret))
    with work.writing() as session:
        outward.settle(session, work.tenant, key, "succeed", reference=hook.remote_id)


def _add(work: Work, row: Connection, vendor: Hooked, place: Place, topics: Sequence[str]) -> None:
    secret = _signing_secret(work, row)
    act = Act(
        key=_adding(work),
        kind="add_hook",
        subject=work.claim.subject,
        request={"address": place.address, "topics": list(topics)},
    )
    # A run that finds the intention there has just looked: what does not stand was not made.
    made = outward.once(work, act, perform=lambda _keys: vendor.add_hook(topics, place.address, secret)).result
    with work.writing() as session:
        if made:
            _keep_secret(session, work, row.id, made)
        outward.settle(session, work.tenant, act.key, "succeed", reference=place.address)


def _adding(work: Work) -> str:
    return f"add_hook/{work.claim.id}"


def _signing_secret(work: Work, row: Connection) -> str:
    secrets = work.services.keyring.open(row.sealed_secrets)
    names = registry.vendor(row.vendor).signing_secret_names
    return secrets.get(names[0], "") if names else ""


def _keep_secret(session: Session, work: Work, connection: str, secret: str) -> None:
    """The vendor made the secret: it signs from now on, and what is on its way is signed with the last one."""
    row = session.get_one(Connection, (work.tenant, connection), with_for_update=True)
    names = registry.vendor(row.vendor).signing_secret_names
    secrets = work.services.keyring.open(row.sealed_secrets)
    row.sealed_secrets = work.services.keyring.seal(sealed_words.followed(secrets, secret, names, work.now()))


def _lost_secret(work: Work, row: Connection) -> list[Remark]:
    """A webhook whose making was cut off may sign with a secret that never arrived; a genuine delivery disproves it."""
    with work.writing() as session:
        left = find_intention(session, work.tenant, _adding(work))
        if left is not None and left.state == "intended":
            outward.settle(session, work.tenant, left.key, "adopt")
            return [_SECRET_LOST]
        if not any(remark["kind"] == _SECRET_LOST.kind for remark in row.remarks):
            return []
        heard_at = session.scalar(
            select(InboxEvent.received_at)
            .where(InboxEvent.tenant_id == work.tenant, InboxEvent.connection_id == row.id)
            .order_by(InboxEvent.id.desc())
            .limit(1)
        )
    return [] if heard_at and row.checked_at and heard_at > row.checked_at else [_SECRET_LOST]


_SECRET_LOST = Remark(
    kind="hook_secret",
    sentence="A webhook was made when Packline was stopped, and its signing secret may not have arrived.",
    remedy="If its deliveries are refused, delete it in the vendor's dashboard; it is made anew at the next check.",
)


def _let_lapse(work: Work, row: Connection) -> None:
    """Take the previous signing secret no longer once its day is over."""
    keyring, names = work.services.keyring, registry.vendor(row.vendor).signing_secret_names
    opened = keyring.open(row.sealed_secrets)
    left = sealed_words.lapsed(opened, names, work.now())
    if left != opened:
        row.sealed_secrets = keyring.seal(left)


def _record(work: Work, row: Connection, seen: Seen) -> None:
    with work.writing() as session:
        kept = session.get_one(Connection, (work.tenant, row.id), with_for_update=True)
        last_pass = comparisons.last_pass(session, work.tenant, row.id)
        missed = 0 if last_pass is None else comparisons.missed_in(session, work.tenant, last_pass)
        # What is renewed by itself ends when that does.
        ends_at = kept.renewal_expires_at if access.is_granted(kept) else kept.token_expires_at
        also = [listening.expiry(ends_at, work.now(), vendor=row.vendor), listening.silence(missed)]
        remarks = [*seen.remarks, *(remark for remark in also if remark is not None)]
        # What a look at a key found is found anew by a look at a key, which is not made here.
        lacks = [one for one in kept.remarks if one["kind"].startswith(connect.LACK)]
        kept.remarks = [*(remark.as_kept() for remark in remarks), *lacks]
        if seen.account is not None:
            installing.note(session, kept, seen.account)
        kept.checked_at = work.now()  # not before the note, which asks whether this is the first look
        if seen.hooks is not None:
            _let_lapse(work, kept)
        if seen.hooks is not None and work.services.public_url:
            place = _place(kept, work.services.public_url)
            kept.hooks_seen = listening.as_seen(place, seen.hooks, kept.hooks_seen)
    for remark in remarks:
        log.warning("connection ails", connection=row.id, vendor=row.vendor, kind=remark.kind, mended=remark.mended)
