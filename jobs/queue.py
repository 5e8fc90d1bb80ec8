"""Writes jobs beside the change that calls for them, and rings the bell once that change is committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import DateTime, bindparam, event, text
from sqlalchemy.orm import Session

from jobs import bell, steps

QUEUES = ("hooks", "orders", "carriers", "notices")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of job: the queue it rings in, its place within its lane, and how long it is worth trying."""

    name: str
    queue: str
    rank: int
    tries: int
    """Temporary failures in a row before a person is asked."""
    first_wait_s: float = 2.0
    longest_wait_s: float = 900.0


# So many tries with these waits span two hours on average (full jitter halves the bounds), which is longer than the
# outages that vendors report (median under an hour); after that a person decides.
_TRIES = 25

KINDS = {
    kind.name: kind
    for kind in (
        Kind(name="take_event", queue="hooks", rank=0, tries=_TRIES),
        Kind(name="reverse_order", queue="orders", rank=0, tries=_TRIES),
        Kind(name="relabel_parcel", queue="orders", rank=2, tries=_TRIES),
        Kind(name="change_address", queue="orders", rank=5, tries=_TRIES),
        Kind(name="swap_line", queue="orders", rank=7, tries=_TRIES),
        Kind(name="verify_order", queue="orders", rank=10, tries=_TRIES),
        Kind(name="check_payment", queue="orders", rank=20, tries=_TRIES),
        Kind(name="reserve_stock", queue="orders", rank=30, tries=_TRIES),
        Kind(name="ask_buyer", queue="orders", rank=32, tries=_TRIES),
        Kind(name="deliver_digital", queue="orders", rank=33, tries=_TRIES),
        Kind(name="assign_work", queue="orders", rank=35, tries=_TRIES),
        Kind(name="buy_label", queue="orders", rank=40, tries=_TRIES),
        Kind(name="tell_ready", queue="orders", rank=45, tries=_TRIES),
        Kind(name="push_tracking", queue="orders", rank=50, tries=_TRIES),
        Kind(name="replace_tracking", queue="orders", rank=55, tries=_TRIES),
        Kind(name="capture_payment", queue="carriers", rank=57, tries=_TRIES),
        Kind(name="void_label", queue="carriers", rank=60, tries=_TRIES),
        Kind(name="store_label", queue="carriers", rank=70, tries=_TRIES),
        Kind(name="report_parcel", queue="carriers", rank=80, tries=_TRIES),
        Kind(name="mark_paid", queue="orders", rank=15, tries=_TRIES),
        Kind(name="send_notice", queue="notices", rank=5, tries=_TRIES, first_wait_s=30.0),
        Kind(name="tell_supplier", queue="notices", rank=6, tries=_TRIES, first_wait_s=30.0),
        Kind(name="match_payment", queue="notices", rank=5, tries=_TRIES),
        Kind(name="read_catalogue", queue="carriers", rank=0, tries=_TRIES),
        Kind(name="tell_stock", queue="carriers", rank=1, tries=_TRIES),
        Kind(name="read_stock", queue="carriers", rank=2, tries=_TRIES),
        Kind(name="reconcile", queue="notices", rank=0, tries=_TRIES),
        Kind(name="self_test", queue="notices", rank=5, tries=_TRIES),
        Kind(name="check_connection", queue="notices", rank=5, tries=_TRIES),
        Kind(name="close_shop", queue="orders", rank=0, tries=_TRIES),
        Kind(name="forget_shop", queue="notices", rank=10, tries=_TRIES),
        Kind(name="forget_buyer", queue="notices", rank=10, tries=_TRIES),
        Kind(name="export_buyer", queue="notices", rank=10, tries=_TRIES),
        Kind(name="expire_kept", queue="notices", rank=20, tries=_TRIES),
        Kind(name="forecast_demand", queue="notices", rank=30, tries=_TRIES),
        Kind(name="check_stock", queue="notices", rank=20, tries=_TRIES),
        Kind(name="mail_stock", queue="notices", rank=40, tries=_TRIES, first_wait_s=30.0),
    )
}


def add(
    session: Session, tenant: int, kind: str, subject: str, *, lane: str = "", due_at: datetime | None = None
) -> None:
    """Ask for work on a subject, in the session's own transaction; `lane` is the subject where it is not said.

    A job for the same work that waits is brought forward instead, one that runs is followed by another, and a parked
    one is superseded: a change is never missed, and never piles up.
    """
    add_all(session, tenant, kind, {subject: lane or subject}, due_at=due_at)


def add_all(
    session: Session, tenant: int, kind: str, lanes: Mapping[str, str], *, due_at: datetime | None = None
) -> None:
    """The same for many subjects, each in its lane: one statement for all of them, done in this order."""
    if not lanes:
        return
    chosen = KINDS[kind]
    session.execute(
        _ADD,
        {
            "tenant": tenant,
            "kind": kind,
            "subjects": list(lanes),
            "lanes": list(lanes.values()),
            "queue": chosen.queue,
            "rank": chosen.rank,
            "due_at": due_at,
        },
    )
    if due_at is None:
        for lane in lanes.values():
            ring_after_commit(session, tenant, chosen.queue, lane)


# One statement, safe against itself: the partial unique index lets one waiting row a subject exist, a second request
# meets it and brings it forward, and a parked one is superseded, because the world has changed since it was parked.
_ADD = text("""
WITH asked AS (
    SELECT * FROM unnest(cast(:subjects AS text[]), cast(:lanes AS text[])) WITH ORDINALITY AS a (subject, lane, place)
), superseded AS (
    UPDATE jobs SET state = 'cancelled', ended_at = now()
    FROM asked
    WHERE jobs.tenant_id = :tenant AND jobs.lane = asked.lane AND jobs.kind = :kind AND jobs.subject = asked.subject
      AND jobs.state = 'parked'
)
INSERT INTO jobs (tenant_id, kind, lane, subject, generation, queue, rank, due_at, rung_at)
SELECT :tenant, :kind, asked.lane, asked.subject,
       (SELECT count(*) + 1 FROM jobs
        WHERE tenant_id = :tenant AND lane = asked.lane AND kind = :kind AND subject = asked.subject),
       :queue, :rank, coalesce(:due_at, now()), CASE WHEN :due_at IS NULL THEN now() END
FROM asked ORDER BY asked.place
ON CONFLICT (tenant_id, kind, subject) WHERE state = 'due'
DO UPDATE SET due_at = LEAST(jobs.due_at, excluded.due_at), rung_at = excluded.rung_at, attempts = 0
""").bindparams(bindparam("due_at", type_=DateTime(timezone=True)))


def ring_after_commit(session: Session, tenant: int, queue: str, lane: str) -> None:
    """Ring once the session's transaction is committed; a lost bell is rung again by the sweep."""
    session.info.setdefault("bells", {})[(queue, tenant, lane)] = None


@event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    if session.info.get("bells"):
        steps.passed("ringing")
    for queue, tenant, lane in session.info.pop("bells", {}):
        if session.info.get("own_lane") != (tenant, lane):  # the runner looks there anyway before it ends
            bell.ring(queue, tenant, lane)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("bells", None)
