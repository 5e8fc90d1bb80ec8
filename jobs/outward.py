"""The one way to act on the outside world: write the intention under our own key, act, and adopt what already happened.

The intention is committed before the call. A run that finds it there does not know how the last one ended, so it asks
the vendor first and acts only where nothing was done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.only_asking import OnlyWatching
from integrations.ports import Keys, Permanent
from jobs.work import Work
from orders import lifecycle, subjects
from records import shadow, tenants
from records.intentions import Intention, find_intention

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

# Shopify forgets an idempotency key after 24 hours, Stripe after "at least 24 hours": an hour is left for slow clocks.
# https://shopify.dev/docs/api/usage/idempotent-requests, https://docs.stripe.com/api/idempotent_requests
KEYS_LIVE = timedelta(hours=23)


@dataclass(frozen=True, kw_only=True)
class Act:
    """One outward act. `key` stays the same after a crash and differs after a deliberate repeat."""

    key: str
    kind: str
    subject: str
    attempt: int = 1
    request: Any = None
    repeatable: bool = True
    """False where nobody can be asked and the vendor remembers no key: then it is done once, or a person is asked."""


@dataclass(frozen=True, kw_only=True)
class Performed(Generic[Result]):
    result: Result
    adopted: bool
    """It stood there already: a run before this one did it and did not live to say so."""


def once(
    work: Work,
    act: Act,
    *,
    perform: Callable[[Keys], Result],
    find: Callable[[Keys], Result | None] | None = None,
) -> Performed[Result]:
    """Perform an act at most once. `find` asks the vendor whether it was done; None where `perform` itself asks.

    The caller settles the intention in the transaction that records the result. Raises Temporary, leaving the
    intention open, Permanent, with the intention refused, and OnlyWatching where the shop only watches: then the act
    is written down as decided.
    """
    intended = intend(work, act)
    if intended is None:
        log.info("decided and not done, as the shop only watches", act=act.kind, key=act.key)
        raise OnlyWatching(act.kind.replace("_", " "))
    if intended.repeated:
        if find is not None:
            found = find(intended.keys)
            if found is not None:
                return Performed(result=found, adopted=True)
        elif not act.repeatable:
            raise _unknowable(act)
    keys = intended.keys
    if intended.repeated and (intended.changed or work.now() - intended.keyed_at > KEYS_LIVE):
        # The vendor was asked, and nothing was done. An old key it may have forgotten, and a key that it has seen with
        # another request it refuses (a quantity that was stale, an amount that is smaller now).
        keys = _renew(work, act)
    try:
        return Performed(result=perform(keys), adopted=False)
    except Permanent as failure:
        with work.writing() as session:
            settle(session, work.tenant, act.key, "refuse", reason=failure.reason)
        raise


@dataclass(frozen=True, kw_only=True)
class Intended:
    """`repeated`: an earlier run had written the intention, and nobody knows how that ended. `changed`: it had asked
    for something else.
    """

    repeated: bool
    changed: bool
    keys: Keys
    keyed_at: datetime


def intend(work: Work, act: Act) -> Intended | None:
    """Commit the intention, or find the one that an earlier run committed; None where the shop only watches."""
    with work.writing() as session:
        if not _is_the_connections_own(act) and may_not_act(session, work.tenant):
            _write_decision(session, work.tenant, act)
            return None
        written = session.scalars(
            insert(Intention)
            .values(
                tenant_id=work.tenant,
                key=act.key,
                kind=act.kind,
                subject=act.subject,
                attempt=act.attempt,
                request_digest=digest(act.request),
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
            .returning(Intention)
        ).first()
        intention = written or _present(session, work.tenant, act.key)
        repeated = written is None
        if repeated and intention.state in {"refused", "abandoned"}:
            # The vendor said no, or we know that nothing came of it; a retry may try the same act afresh. A vendor that
            # remembers keys would answer the old one with the old no.
            _fresh_key(session, work, intention, act, "again")
            repeated = False
        return Intended(
            repeated=repeated,
            changed=intention.request_digest != digest(act.request),
            keys=keys_of(intention),
            keyed_at=intention.keyed_at,
        )


def may_not_act(session: Session, tenant: int) -> bool:
    """Whether the shop only watches; it stays so, or not, until this transaction ends.

    Whoever turns a shop to shadow waits for everybody who has asked, and then sees their intentions.
    """
    session.execute(_WHILE_I_INTEND, {"tenant": tenant})
    return tenants.mode_of(session, tenant) == "shadow"


# Shared among those who act, alone for who turns the shop to shadow. A lock on the shop's row would be written to disk
# with every act.
_WHILE_I_INTEND = text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('packline mode/' || cast(:tenant AS text), 0))"
)


def was_intended(session: Session, tenant: int, key: str) -> bool:
    """Whether a run began an act and did not live to say how it ended."""
    intention = find_intention(session, tenant, key)
    return intention is not None and intention.state == "intended"


def keys_of(intention: Intention) -> Keys:
    return Keys(mark=intention.mark, idempotency=intention.idempotency_key)


def digest(request: Any) -> str:
    """Tells one request from another."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()[:32]


def settle(session: Session, tenant: int, key: str, by: str, *, reference: str = "", reason: str = "") -> bool:
    """Write how an act ended: `succeed`, `adopt`, `refuse` or `abandon`; answers whether it was open until now.

    One that is settled stays as it is, and its story has been told.
    """
    intention = find_intention(session, tenant, key)
    if intention is None or intention.state != "intended":
        return False
    return lifecycle.move(
        session,
        tenant,
        "intention",
        intention.id,
        by,
        vendor_reference=reference,
        reason=reason,
        ended_at=func.now(),
    )


def _is_the_connections_own(act: Act) -> bool:
    """That a vendor tells us at all is no order's act: without it there is nothing to watch."""
    return act.subject.startswith("connection/")


def _write_decision(session: Session, tenant: int, act: Act) -> None:
    order = subjects.order_of(session, tenant, act.subject)
    if order is not None:
        said = f"It would now {_DOING.get(act.kind, act.kind.replace('_', ' '))}."
        shadow.record(session, tenant, order, key=act.key, act=act.kind, sentence=said)


# What acts would do that a watched order can still come to, in words.
_DOING = {
    "mark_paid": "tell the store that the order is paid",
    "capture_payment": "take the authorised money",
    "cancel_payment": "give the authorised money back",
    "refund_payment": "give the buyer's money back",
    "cancel_in_store": "have the store cancel the order",
    "refund_in_store": "have the store take the units off the order",
    "report_parcel": "tell the store where the parcel is",
    "void_label": "give the label back to the carrier",
    "replace_tracking": "tell the store the new tracking number",
    "deliver_digital": "tell the store what was delivered digitally",
    "push_tracking": "tell the store the tracking number",
    "tell_ready": "tell the store that it is ready for pickup",
    "buy_label": "buy the label",
    "change_address": "tell the store of the new address",
    "swap_line": "have the store's order edited for a swap",
}


def _unknowable(act: Act) -> Permanent:
    return Permanent(
        f"Nobody knows whether this was done before ({act.kind.replace('_', ' ')}), and it cannot be asked.",
        remedy="Look at the other side; retry if it was not done, discard this job if it was.",
        code="unknowable",
    )


def _renew(work: Work, act: Act) -> Keys:
    """Commit a fresh idempotency key before it is used."""
    with work.writing() as session:
        intention = _present(session, work.tenant, act.key)
        _fresh_key(session, work, intention, act, "renew")
        return keys_of(intention)


def _fresh_key(session: Session, work: Work, intention: Intention, act: Act, by: str) -> None:
    lifecycle.move(
        session,
        work.tenant,
        "intention",
        intention.id,
        by,
        ended_at=None,
        reason="",
        request_digest=digest(act.request),
        renewals=Intention.renewals + 1,
        keyed_at=func.now(),
    )
    session.refresh(intention)


def _present(session: Session, tenant: int, key: str) -> Intention:
    intention = find_intention(session, tenant, key)
    if intention is None:
        raise RuntimeError(f"intention {key} of tenant {tenant} vanished: intentions are never deleted")
    return intention
