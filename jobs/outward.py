"""The one way to act on the outside world: write the intention under our own key, act, and adopt what already happened.

The intention is committed before the call. A run that finds it there does not know how the last one ended, so it asks
the vendor first and acts only where nothing was done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.ports import Permanent
from jobs.work import Work
from orders import lifecycle
from records.intentions import Intention, find_intention

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Act:
    """One outward act. `key` stays the same after a crash and differs after a deliberate repeat."""

    key: str
    kind: str
    subject: str
    attempt: int = 1
    request: Any = None


@dataclass(frozen=True, kw_only=True)
class Performed(Generic[Result]):
    result: Result
    adopted: bool
    """It stood there already: a run before this one did it and did not live to say so."""


def once(
    work: Work,
    act: Act,
    *,
    perform: Callable[[], Result],
    find: Callable[[], Result | None] | None = None,
) -> Performed[Result]:
    """Perform an act at most once. `find` asks the vendor whether it was done; None where `perform` itself asks.

    The caller settles the intention in the transaction that records the result. Raises Temporary, leaving the
    intention open, and Permanent, with the intention refused.
    """
    repeated = intend(work, act)
    if repeated and find is not None:
        found = find()
        if found is not None:
            return Performed(result=found, adopted=True)
    try:
        return Performed(result=perform(), adopted=False)
    except Permanent as failure:
        with work.writing() as session:
            settle(session, work.tenant, act.key, "refuse", reason=failure.reason)
        raise


def intend(work: Work, act: Act) -> bool:
    """Commit the intention; answers whether an earlier run had written it and nobody knows how that ended."""
    with work.writing() as session:
        written = session.execute(
            insert(Intention)
            .values(
                tenant_id=work.tenant,
                key=act.key,
                kind=act.kind,
                subject=act.subject,
                attempt=act.attempt,
                request_digest=_digest(act.request),
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
            .returning(Intention.id)
        ).first()
        if written is not None:
            return False
        intention = find_intention(session, work.tenant, act.key)
        if intention is not None and intention.state in {"refused", "abandoned"}:
            # The vendor said no, or we know that nothing came of it; a retry may try the same act afresh.
            lifecycle.move(session, work.tenant, "intention", intention.id, "again", ended_at=None, reason="")
            return False
        return True


def settle(session: Session, tenant: int, key: str, by: str, *, reference: str = "", reason: str = "") -> None:
    """Write how an act ended: `succeed`, `adopt` or `refuse`. One that is settled stays as it is."""
    intention = find_intention(session, tenant, key)
    if intention is not None and intention.state == "intended":
        lifecycle.move(
            session,
            tenant,
            "intention",
            intention.id,
            by,
            vendor_reference=reference,
            reason=reason,
            ended_at=func.now(),
        )


def _digest(request: Any) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()[:32]
