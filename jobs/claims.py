"""Takes jobs for a worker and gives them back: by compare-and-set, with a lease on the database's clock and a fence.

A lease that is not renewed runs out, and another worker takes the job over with a higher fence; whatever the first
one still writes after that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Float, bindparam, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from records import database


class LostLease(Exception):
    """Another worker has taken this job over: nothing more may be written for it here."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job in hand. `tries` counts this one; `deaths` counts processes that ended with this job in their hands.

    `cause` is why it was last put off.
    """

    tenant: int
    id: int
    kind: str
    lane: str
    subject: str
    fence: int
    tries: int
    deaths: int
    due_at: datetime
    cause: str


def claim_next(engine: Engine, tenant: int, lane: str, *, worker: str, lease_s: float) -> Claim | None:
    """Take the lane's next job that is due, or whose worker is gone. None where there is none or the lane is busy."""
    try:
        with database.transaction(engine, tenant) as session:
            return claim_in(session, tenant, lane, worker=worker, lease_s=lease_s)
    except IntegrityError:
        return None  # the one-running-a-lane index: somebody else was first by a moment


def claim_in(session: Session, tenant: int, lane: str, *, worker: str, lease_s: float) -> Claim | None:
    """The same, in a transaction that is open. Raises IntegrityError where somebody else was first by a moment."""
    row = session.execute(_CLAIM, {"tenant": tenant, "lane": lane, "worker": worker, "lease_s": lease_s}).first()
    return None if row is None else Claim(tenant=tenant, lane=lane, **row._mapping)  # noqa: SLF001 - its public name


def held(session: Session, tenant: int, lane: str, *, worker: str) -> Claim | None:
    """The job of a lane that a worker has in hand by the records: for one who lost the answer to its claim."""
    row = session.execute(_HELD, {"tenant": tenant, "lane": lane, "worker": worker}).first()
    return None if row is None else Claim(tenant=tenant, lane=lane, **row._mapping)  # noqa: SLF001 - its public name


_HELD = text("""
SELECT id, kind, subject, fence, attempts AS tries, deaths, due_at, cause FROM jobs
WHERE tenant_id = :tenant AND lane = :lane AND state = 'running' AND worker = :worker AND lease_until >= now()
""")

_CLAIM = text("""
UPDATE jobs SET state = 'running', lease_until = now() + make_interval(secs => :lease_s), fence = fence + 1,
                attempts = attempts + 1, deaths = deaths + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
                worker = :worker, started_at = now()
WHERE tenant_id = :tenant AND id = (
    SELECT id FROM jobs
    WHERE tenant_id = :tenant AND lane = :lane
      AND ((state = 'due' AND due_at <= now()) OR (state = 'running' AND lease_until < now()))
      AND NOT EXISTS (SELECT 1 FROM jobs busy
                      WHERE busy.tenant_id = :tenant AND busy.lane = :lane AND busy.state = 'running'
                        AND busy.lease_until >= now())
    ORDER BY (state = 'running') DESC, rank, due_at, id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, kind, subject, fence, attempts AS tries, deaths, due_at, cause
""")


def check(session: Session, claim: Claim) -> None:
    """Make sure that the job is still ours, and that it stays so until this transaction ends. Raises LostLease."""
    if session.execute(_CHECK, {"tenant": claim.tenant, "id": claim.id, "fence": claim.fence}).first() is None:
        raise LostLease(f"job {claim.id} of tenant {claim.tenant}: fence {claim.fence} is no longer the highest")


_CHECK = text("""
SELECT 1 FROM jobs WHERE tenant_id = :tenant AND id = :id AND fence = :fence AND state = 'running' FOR UPDATE
""")


def renew(engine: Engine, claim: Claim, *, lease_s: float) -> bool:
    """Keep a job for another lease; answers whether it is still ours."""
    with database.transaction(engine, claim.tenant) as session:
        return bool(
            session.execute(
                _RENEW, {"tenant": claim.tenant, "id": claim.id, "fence": claim.fence, "lease_s": lease_s}
            ).first()
        )


_RENEW = text("""
UPDATE jobs SET lease_until = now() + make_interval(secs => :lease_s)
WHERE tenant_id = :tenant AND id = :id AND fence = :fence AND state = 'running' RETURNING id
""")


def conclude(
    session: Session,
    claim: Claim,
    *,
    state: str,
    cause: str = "",
    reason: str = "",
    remedy: str = "",
    wait_s: float | None = None,
    fresh: bool = False,
) -> None:
    """Write how a run ended: done, parked, cancelled, or due again after `wait_s` (`fresh`: the tries start anew).

    A job that is due again yields to a newer request for the same work, which waits already; where that was to wait
    longer, it is brought forward, as by `queue.add`. Raises LostLease.
    """
    ended = session.execute(
        _CONCLUDE,
        {
            "tenant": claim.tenant,
            "id": claim.id,
            "fence": claim.fence,
            "kind": claim.kind,
            "subject": claim.subject,
            "state": state,
            "cause": cause,
            "reason": reason,
            "remedy": remedy,
            "wait_s": wait_s,
            "fresh": fresh,
        },
    ).first()
    if ended is None:
        raise LostLease(f"job {claim.id} of tenant {claim.tenant}: fence {claim.fence} is no longer the highest")


_CONCLUDE = text("""
WITH newer_one AS (
    UPDATE jobs SET
        due_at = LEAST(due_at, now() + make_interval(secs => :wait_s)),
        rung_at = CASE WHEN due_at > now() + make_interval(secs => :wait_s) THEN NULL ELSE rung_at END
    WHERE :state = 'due' AND tenant_id = :tenant AND kind = :kind AND subject = :subject AND state = 'due'
    RETURNING id
)
UPDATE jobs SET
    state = CASE WHEN yields THEN 'cancelled' ELSE :state END,
    cause = :cause, reason = :reason, remedy = :remedy, lease_until = NULL, deaths = 0,
    attempts = CASE WHEN :fresh THEN 0 ELSE attempts END,
    due_at = CASE WHEN :state = 'due' THEN now() + make_interval(secs => :wait_s) ELSE due_at END,
    rung_at = CASE WHEN :state = 'due' THEN NULL ELSE rung_at END,
    ended_at = CASE WHEN :state = 'due' AND NOT yields THEN NULL ELSE now() END
FROM (SELECT EXISTS (SELECT 1 FROM newer_one) AS yields) newer
WHERE tenant_id = :tenant AND id = :id AND fence = :fence AND state = 'running'
RETURNING id
""").bindparams(bindparam("wait_s", type_=Float))


def is_concluded(session: Session, claim: Claim) -> bool:
    """Whether this very run's end is written: for one who lost the answer to its commit.

    Only the holder of the highest fence ends a run, so a job that rests under our fence was ended by us.
    """
    return (
        session.execute(_IS_CONCLUDED, {"tenant": claim.tenant, "id": claim.id, "fence": claim.fence}).first()
        is not None
    )


_IS_CONCLUDED = text("""
SELECT 1 FROM jobs WHERE tenant_id = :tenant AND id = :id AND fence = :fence AND state <> 'running'
""")


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A lane with work to do, and its tenant."""

    tenant: int
    name: str


def unheard(session: Session, queue: str, *, patience_s: float, limit: int) -> list[Lane]:
    """A queue's lanes with work that nobody seems to have heard of: due and not rung of late, or left by the dead.

    Every tenant's oldest come first, then every tenant's second: one with a hundred thousand due jobs leaves the others
    their places. Marks them as rung, so that two sweeps do not ring the same bell.
    """
    rows = session.execute(_UNHEARD, {"queue": queue, "patience_s": patience_s, "limit": limit}).all()
    in_turn = sorted(rows, key=lambda row: (row.place, row.due_at))
    return list(dict.fromkeys(Lane(tenant=row.tenant_id, name=row.lane) for row in in_turn))


# The tenants with work in a queue that is due now, found by jumping from one to the next in ix_jobs_due: what a tenant
# has waiting is never counted through. Rows are compared by (queue, tenant_id) because only that index is in this
# order; asked for the tenants alone, PostgreSQL may walk along the primary key and past all that was ever done.
TENANTS_WAITING = """
jumps (queue, tenant) AS (
    (SELECT queue, tenant_id FROM jobs WHERE state = 'due' AND queue >= :queue ORDER BY queue, tenant_id LIMIT 1)
    UNION ALL
    SELECT next.queue, next.tenant_id FROM jumps CROSS JOIN LATERAL (
        SELECT queue, tenant_id FROM jobs WHERE state = 'due' AND (queue, tenant_id) > (jumps.queue, jumps.tenant)
        ORDER BY queue, tenant_id LIMIT 1) next
    WHERE jumps.queue = :queue),
waiting (tenant) AS (
    SELECT jumps.tenant FROM jumps CROSS JOIN LATERAL (
        SELECT due_at FROM jobs WHERE jobs.queue = :queue AND tenant_id = jumps.tenant AND state = 'due'
        ORDER BY due_at LIMIT 1) oldest
    WHERE jumps.queue = :queue AND oldest.due_at <= now())
"""

# Ten tenants or fewer may fill a whole sweep each; of more, each is asked for less, but never for less than a hundred.
_UNHEARD = text(f"""
WITH RECURSIVE {TENANTS_WAITING},
picked AS (
    (SELECT waiting.tenant AS tenant_id, oldest.id, oldest.place
     FROM waiting CROSS JOIN LATERAL (
         SELECT id, due_at, row_number() OVER (ORDER BY due_at) AS place FROM (
             SELECT id, due_at FROM jobs
             WHERE queue = :queue AND tenant_id = waiting.tenant AND state = 'due' AND due_at <= now()
               AND (rung_at IS NULL OR rung_at < now() - make_interval(secs => :patience_s))
             ORDER BY due_at
             LIMIT (SELECT greatest(100, 10000 / greatest(count(*), 1)) FROM waiting)) first_of_a_tenant) oldest
     ORDER BY oldest.place, oldest.due_at
     LIMIT :limit)
    UNION ALL
    (SELECT tenant_id, id, 0 FROM jobs
     WHERE queue = :queue AND state = 'running' AND lease_until < now()
       AND (rung_at IS NULL OR rung_at < now() - make_interval(secs => :patience_s))
     ORDER BY lease_until
     LIMIT :limit))
UPDATE jobs SET rung_at = now()
FROM (
    SELECT jobs.tenant_id, jobs.id, picked.place FROM jobs JOIN picked USING (tenant_id, id)
    WHERE rung_at IS NULL OR rung_at < now() - make_interval(secs => :patience_s)
    FOR UPDATE OF jobs SKIP LOCKED) found
WHERE jobs.tenant_id = found.tenant_id AND jobs.id = found.id
RETURNING jobs.tenant_id, jobs.lane, jobs.due_at, found.place
""")  # nosec B608 # composed of our own constants; every value is bound


def free_leases_of(engine: Engine, worker: str) -> int:
    """Let the jobs of a worker that is known to be gone be taken over at once; answers how many there were."""
    with database.across_tenants(engine, why="a worker process ended") as session:
        freed = session.execute(
            text(
                "UPDATE jobs SET lease_until = now() - interval '1 second', rung_at = NULL "
                "WHERE state = 'running' AND worker = :worker AND lease_until > now() RETURNING id"
            ),
            {"worker": worker},
        )
        return len(freed.all())
