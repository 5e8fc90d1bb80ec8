"""Answers the bell: does everything that is due in one lane, one job after the other, and writes how each ended."""

from __future__ import annotations

import random

import stamina
import structlog
from prometheus_client import Counter, Histogram
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from integrations.ports import Permanent, Temporary
from jobs import claims, stages, steps
from jobs.claims import Claim, LostLease
from jobs.outcomes import Cancelled, Done, Outcome, Parked, Snoozed, wait_before
from jobs.queue import KINDS
from jobs.work import Services, Work
from records import database

log = structlog.get_logger(__name__)

ENDED = Counter("packline_jobs_total", "Job runs by how they ended", ["kind", "outcome"])
SECONDS = Histogram("packline_job_seconds", "How long job runs took", ["kind"])

# A job whose process dies in its hands this often is taken to be what kills it (Sidekiq's poison pill uses 3 as well).
DEATHS_TO_POISON = 3
# A lane is left to others after this many jobs, so that one busy order cannot keep a worker for itself.
JOBS_IN_A_ROW = 50
# What a database that is away, restarting or locked too long raises; anything else it says is a fault of ours.
NO_DATABASE = (OperationalError, InterfaceError, PoolTimeout)
_chance = random.Random()
_services: Services | None = None


def set_up(services: Services) -> None:
    """Give this process what its jobs need. RQ calls run_lane by name, so there is nobody to pass it in."""
    global _services  # noqa: PLW0603
    _services = services


def run_lane(tenant: int, lane: str) -> None:
    """Do what is due in a lane: the one function whose name stands in Redis."""
    if _services is None:
        raise RuntimeError("jobs.runner.set_up was not called in this process")
    work_off(_services, tenant, lane)


def work_off(services: Services, tenant: int, lane: str) -> int:
    """Do what is due in a lane; answers how many jobs were run."""
    try:
        claim = claims.claim_next(services.engine, tenant, lane, worker=services.worker, lease_s=services.lease_s)
    except NO_DATABASE as error:
        log.warning("lane left to the sweep", tenant=tenant, lane=lane, error=type(error).__name__)
        return 0
    done = 0
    while claim is not None:
        done += 1
        with structlog.contextvars.bound_contextvars(
            tenant=tenant, lane=claim.lane, job=claim.id, kind=claim.kind, subject=claim.subject
        ):
            claim = _run(services, claim, go_on=done < JOBS_IN_A_ROW)
    return done


def _run(services: Services, claim: Claim, *, go_on: bool) -> Claim | None:
    """Run one job and write how it ended; answers the lane's next job, claimed in the same transaction."""
    work = Work(services=services, claim=claim)
    steps.passed("claimed")
    try:
        with SECONDS.labels(claim.kind).time(), services.leases.keeping(claim):
            outcome = _poison(claim) or _attempt(work)
        return _conclude(services, claim, outcome, go_on=go_on)
    except LostLease as lost:
        log.warning("taken over by another worker", lost=str(lost))
        ENDED.labels(claim.kind, "lost").inc()
        return None


def _attempt(work: Work) -> Outcome | Temporary:
    """One try. Every exception becomes an outcome here, except a lost lease, which leaves nothing to write."""
    try:
        return stages.run(work)
    except LostLease:
        raise
    except Permanent as failure:
        return Parked(cause=failure.code or "refused", reason=failure.reason, remedy=failure.remedy)
    except Temporary as failure:
        return failure
    except NO_DATABASE as failure:
        log.warning("database trouble", error=type(failure).__name__)
        return Temporary("The database did not answer.", code="database")
    except JobTimeoutException:
        log.error("run took too long")  # noqa: TRY400 - the place is wherever the alarm rang
        return Temporary("The job took too long and was stopped.", code="stopped", outcome_unknown=True)
    except Exception:
        log.exception("fault in Packline")
        return Temporary("Packline met a fault of its own; the log has the details.", code="fault")


def _poison(claim: Claim) -> Parked | None:
    if claim.deaths < DEATHS_TO_POISON:
        return None
    return Parked(
        cause="poison",
        reason=f"The process that ran this job ended without a word {claim.deaths} times.",
        remedy="Look for what is special about this order and at the workers' logs and memory, then retry.",
    )


# The outcome is worth waiting for: while the database restarts, the alternative is doing the job again from the start.
# The integrity error is another request for the same work, written in the same moment: the second look sees it.
@stamina.retry(on=(*NO_DATABASE, IntegrityError), attempts=None, timeout=60, wait_initial=0.2, wait_max=3)
def _conclude(services: Services, claim: Claim, outcome: Outcome | Temporary, *, go_on: bool) -> Claim | None:
    with database.transaction(services.engine, claim.tenant) as session:
        word = _write(session, claim, outcome)
        steps.passed("concluding")
        following = None
        if go_on:
            following = claims.claim_in(
                session, claim.tenant, claim.lane, worker=services.worker, lease_s=services.lease_s
            )
    steps.passed("concluded")
    ENDED.labels(claim.kind, word).inc()
    cause = getattr(outcome, "code", getattr(outcome, "cause", ""))
    log.info("job ended", outcome=word, tries=claim.tries, cause=cause)
    return following


def _write(session: Session, claim: Claim, outcome: Outcome | Temporary) -> str:
    """Write how a run ended; answers the word for it."""
    match outcome:
        case Done():
            claims.conclude(session, claim, state="done")
            return "done"
        case Snoozed(wait_s=wait_s, reason=reason):
            claims.conclude(session, claim, state="due", cause="early", reason=reason, wait_s=wait_s, fresh=True)
            return "snoozed"
        case Cancelled(reason=reason):
            claims.conclude(session, claim, state="cancelled", cause="unwanted", reason=reason)
            return "cancelled"
        case Parked() as parked:
            _park(session, claim, parked)
            return "parked"
        case Temporary() as failure:
            return _again(session, claim, failure)


def _park(session: Session, claim: Claim, parked: Parked) -> None:
    claims.conclude(session, claim, state="parked", cause=parked.cause, reason=parked.reason, remedy=parked.remedy)
    stages.tell_parked(session, claim, parked)


def _again(session: Session, claim: Claim, failure: Temporary) -> str:
    kind = KINDS[claim.kind]
    if claim.tries < kind.tries:
        wait_s = wait_before(claim.tries, kind, told_s=failure.retry_in_s, chance=_chance)
        claims.conclude(
            session, claim, state="due", cause=failure.code or "failed", reason=failure.reason, wait_s=wait_s
        )
        return "again"
    parked = Parked(
        cause=failure.code or "failed",
        reason=f"{failure.reason} Tried {claim.tries} times.",
        remedy="Retry when the other side answers again; nothing is lost meanwhile.",
    )
    _park(session, claim, parked)
    return "parked"
