"""Opens and releases holds: why an order must wait, who said so, and what goes on once nobody says so any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders import lifecycle
from records import shadow, tenants, timeline
from records.orders import OVER, Hold, open_holds

# A stock hold waits for units that are not there, one on what nobody may send, or on what is not split further, for the
# merchant to allow it, and a shipment that the store cancelled for a person's word on it; the rest of the order ships
# all the same. So it does if a change came too late for a part that the storefront knows of, and where only the buyer's
# money, what is delivered by mail, or something with a supplier is to be settled.
LETS_LABELS_THROUGH = frozenset(
    {"stock", "not_split", "barred", "taken_back", "edit", "refund", "supplier", "digital", "not_mailed"}
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A reason to hold an order, and what a person can do about it."""

    kind: str
    reason: str
    remedy: str


def place(session: Session, tenant: int, order: int, problem: Problem, *, by: str) -> bool:
    """Open a hold, or renew the reason of the one that is open; answers whether it was opened now."""
    statement = insert(Hold).values(
        tenant_id=tenant, order_id=order, kind=problem.kind, reason=problem.reason, remedy=problem.remedy, set_by=by
    )
    opened = session.execute(
        statement.on_conflict_do_nothing(
            index_elements=["tenant_id", "order_id", "kind"],
            # Text, not a bound value: of a statement that is prepared for any value (psycopg prepares the sixth of a
            # kind) PostgreSQL cannot tell that it means this partial index, and refuses it.
            index_where=text("state = 'open'"),
        ).returning(Hold.id)
    ).first()
    if opened is not None or _renew(session, tenant, order, problem):
        if tenants.mode_of(session, tenant) != "live":
            said = f"It would wait ({_plain(problem.kind)}): {problem.reason}"
            shadow.record(session, tenant, order, key=f"hold/{problem.kind}", act="hold", sentence=said)
        timeline.write(
            session,
            tenant,
            order,
            actor=by,
            kind="hold",
            sentence=f"On hold ({_plain(problem.kind)}): {problem.reason}",
        )
    return opened is not None


def release(session: Session, tenant: int, order: int, kind: str, *, by: str, now: datetime) -> bool:
    """Release the open hold of a kind; answers whether there was one."""
    return any(_end(session, hold, by=by, now=now) for hold in open_holds(session, tenant, order) if hold.kind == kind)


def settle(
    session: Session,
    tenant: int,
    order: int,
    problems: Iterable[Problem],
    *,
    looked_for: Iterable[str],
    by: str,
    now: datetime,
) -> list[Hold]:
    """Make the holds of the kinds that were looked for match the problems that were found; answers all open holds.

    What a person released stays released while the reason is the same.
    """
    found = {problem.kind: problem for problem in problems}
    for problem in found.values():
        if not _overruled(session, tenant, order, problem):
            place(session, tenant, order, problem, by=by)
    gone = set(looked_for) - found.keys()
    standing = open_holds(session, tenant, order)
    for hold in standing:
        if hold.kind in gone:
            _end(session, hold, by=by, now=now)
    return [hold for hold in standing if hold.kind not in gone]


def overruled(session: Session, tenant: int, order: int, kind: str) -> bool:
    """Whether a person has released a hold of this kind on this order."""
    return any(hold.released_by.startswith("person:") for hold in _released(session, tenant, order, kind))


def waiting_for_stock(session: Session, tenant: int) -> list[int]:
    """The orders that wait for stock, the one that waits longest first.

    What is not split further is one of them: where the rest of it leaves from, stock may land. And what no place sends
    of those that have it, as another may have it then; and what a count did not find.
    """
    return list(dict.fromkeys(waiting_for(session, tenant, "stock", "not_split", "barred", "not_found")))


def waiting_for(session: Session, tenant: int, *kinds: str) -> list[int]:
    """The orders that a hold of these kinds is open on, the one that waits longest first."""
    waiting = (
        select(Hold.order_id)
        .where(Hold.tenant_id == tenant, Hold.kind.in_(kinds), Hold.state == "open")
        .order_by(Hold.created_at, Hold.id)
    )
    return list(session.scalars(waiting))


def blocking_labels(holds: Iterable[Hold]) -> list[Hold]:
    """The open holds that keep a label from being bought."""
    return [hold for hold in holds if hold.state == "open" and hold.kind not in LETS_LABELS_THROUGH]


def why_not(order: str, shipments: Iterable[str]) -> str:
    """Why a person cannot hold an order in this state, with its shipments in those; empty where they can. Pure."""
    if order in OVER:
        return f"The order is {order}: there is nothing left to hold."
    # Another label may still be bought for what has not left, and a hold keeps that from being done.
    if order == "fulfilled" and not set(shipments) - {"handed_over", "cancelled"}:
        return "Everything of it has left already: there is nothing left to hold."
    return ""


def _end(session: Session, hold: Hold, *, by: str, now: datetime) -> bool:
    tenant, order, kind = hold.tenant_id, hold.order_id, hold.kind
    if not lifecycle.move(session, tenant, "hold", hold.id, "release", released_by=by, released_at=now):
        return False
    timeline.write(session, tenant, order, actor=by, kind="hold", sentence=f"Hold released ({_plain(kind)}).")
    return True


def _plain(kind: str) -> str:
    return kind.replace("_", " ")


def _renew(session: Session, tenant: int, order: int, problem: Problem) -> bool:
    """Give the open hold the reason of now; answers whether that is another one."""
    renewed = session.execute(
        update(Hold)
        .where(
            Hold.tenant_id == tenant,
            Hold.order_id == order,
            Hold.kind == problem.kind,
            Hold.state == "open",
            Hold.reason != problem.reason,
        )
        .values(reason=problem.reason, remedy=problem.remedy)
        .returning(Hold.id)
    ).first()
    return renewed is not None


def _overruled(session: Session, tenant: int, order: int, problem: Problem) -> bool:
    return any(
        hold.released_by.startswith("person:") and hold.reason == problem.reason
        for hold in _released(session, tenant, order, problem.kind)
    )


def _released(session: Session, tenant: int, order: int, kind: str) -> list[Hold]:
    return list(
        session.scalars(
            select(Hold).where(
                Hold.tenant_id == tenant, Hold.order_id == order, Hold.kind == kind, Hold.state == "released"
            )
        )
    )
