"""Answers the bell: does everything that is due in one lane, one job after the other, and writes how each ended."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from types import MappingProxyType

import stamina
import structlog
from prometheus_client import Counter, Histogram
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from integrations.ports import Permanent, Temporary
from jobs import bell, claims, stages, steps
from jobs.access import NoAccess
from jobs.claims import Claim, LostLease
from jobs.outcomes import Cancelled, Done, Outcome, Parked, Snoozed, wait_before
from jobs.queue import KINDS
from jobs.turns import Turn, Turns
from jobs.work import Services, Work
from records import database
from records.database import NO_DATABASE

log = structlog.get_logger(__name__)

ENDED = Counter("packline_jobs_total", "Job runs by how they ended", ["kind", "outcome"])
SECONDS = Histogram("packline_job_seconds", "How long job runs took", ["kind"])

# A job whose process dies in its hands this often is taken to be what kills it (Sidekiq's poison pill uses 3 as well),
# unless the machine killed whatever ran on it: so it gets as many deaths once more, after a pause.
DEATHS_TO_POISON = 3
PAUSE_AFTER_DEATHS_S = 30.0
_DIED = "died"
# A lane is left to others after this many jobs, so that one busy order cannot keep a worker for itself.
JOBS_IN_A_ROW = 50
# A lane whose jobs are slow is rung for anew after this time: RQ's alarm counts from the bell, and a job that it ends
# has to have been stuck for most of its 900 s.
LONGEST_STAY_S = 120.0
# A slow tenant's bell waits so long for a process to become free to it, and is then rung anew.
STAND_BY_S = 5.0
_STAND_BY_LOOK_S = 0.1
_chance = random.Random()  # nosec B311 # no cryptography
_services: Services | None = None
_turns: Turns | None = None


def set_up(services: Services, turns: Turns | None = None) -> None:
    """Give this process what its jobs need. RQ calls run_lane by name, so there is nobody to pass it in."""
    global _services, _turns
    _services, _turns = services, turns


def run_lane(tenant: int, lane: str) -> None:
    """Do what is due in a lane: the one function whose name stands in Redis."""
    if _services is None:
        raise RuntimeError("jobs.runner.set_up was not called in this process")
    if _turns is None:
        work_off(_services, tenant, lane)
    elif not visit(_services, _turns, tenant, lane):
        bell.ring(_turns.queue, tenant, lane)


def visit(services: Services, turns: Turns, tenant: int, lane: str) -> bool:
    """Do what is due in a lane, with others in between where they wait; answers whether the lane came to its end."""
    ran, leave_at = 0, turns.clock() + LONGEST_STAY_S
    while _stand_by(services, turns, tenant):
        _let_others_in(services, turns, tenant)
        turn = turns.begin(tenant)
        ran += work_off(services, tenant, lane, turn=turn)
        if not turn.cut:
            return ran < JOBS_IN_A_ROW
        if ran >= JOBS_IN_A_ROW or turns.clock() >= leave_at:
            return False
    return False


def _stand_by(services: Services, turns: Turns, tenant: int) -> bool:
    """While a slow tenant has its share of processes, work for the others only; answers whether it may go on now."""
    leave_at = turns.clock() + STAND_BY_S
    while turns.has_its_share(tenant):
        if turns.clock() >= leave_at:
            return False
        _let_others_in(services, turns, tenant)
        time.sleep(_STAND_BY_LOOK_S)
    return True


def _let_others_in(services: Services, turns: Turns, tenant: int) -> None:
    for other in turns.others(tenant):
        turn = turns.begin(other.tenant)
        work_off(services, other.tenant, other.name, turn=turn)
        if turn.cut:
            bell.ring(turns.queue, other.tenant, other.name)


def work_off(services: Services, tenant: int, lane: str, *, turn: Turn | None = None) -> int:
    """Do what is due in a lane, until its turn is over; answers how many jobs were run."""
    claim = _first(services, tenant, lane)
    done = 0
    while claim is not None:
        done += 1
        may_go_on = done < JOBS_IN_A_ROW
        with structlog.contextvars.bound_contextvars(
            tenant=tenant, lane=claim.lane, job=claim.id, kind=claim.kind, subject=claim.subject
        ):
            claim = _run(services, claim, go_on=lambda: may_go_on and (turn is None or turn.goes_on()))  # noqa: B023
    return done


def _first(services: Services, tenant: int, lane: str) -> Claim | None:
    try:
        return claims.claim_next(services.engine, tenant, lane, worker=services.worker, lease_s=services.lease_s)
    except NO_DATABASE as error:
        log.warning("claim not answered", tenant=tenant, lane=lane, error=type(error).__name__)
    try:  # the claim may stand all the same, where the connection was cut at its commit
        with database.transaction(services.engine, tenant) as session:
            return claims.held(session, tenant, lane, worker=services.worker)
    except NO_DATABASE as error:
        log.warning("lane left to the sweep", tenant=tenant, lane=lane, error=type(error).__name__)
        return None


def _run(services: Services, claim: Claim, *, go_on: Callable[[], bool]) -> Claim | None:
    """Run one job and write how it ended; answers the lane's next job, claimed in the same transaction."""
    work = Work(services=services, claim=claim)
    steps.passed("claimed")
    try:
        with SECONDS.labels(claim.kind).time(), services.leases.keeping(claim):
            outcome = _deadly(claim) or _attempt(work)
        return _conclude(services, claim, _settled(claim, outcome), go_on=go_on())
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
    except NoAccess as waiting:  # before Temporary, which it is: waiting for the merchant counts as no try
        return Snoozed(wait_s=waiting.wait_s, reason=waiting.reason, cause=waiting.code)
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


def _deadly(claim: Claim) -> Snoozed | Parked | None:
    """What becomes of a job in whose hands processes die: a pause, then a person; None as long as it may be run."""
    if claim.deaths < DEATHS_TO_POISON:
        return None
    told = f"The process that ran this job ended without a word {claim.deaths} times"
    if claim.cause != _DIED:
        return Snoozed(wait_s=PAUSE_AFTER_DEATHS_S, reason=f"{told}.", cause=_DIED)
    return Parked(
        cause="poison",
        reason=f"{told}, and as often before a pause.",
        remedy="Look for what is special about this order and at the workers' logs and memory, then retry.",
    )


def _settled(claim: Claim, outcome: Outcome | Temporary) -> Outcome | Temporary:
    """After its last try, a temporary failure is a person's to judge."""
    if not isinstance(outcome, Temporary) or claim.tries < KINDS[claim.kind].tries:
        return outcome
    return Parked(
        cause=outcome.code or "failed",
        reason=f"{outcome.reason} Tried {claim.tries} times.",
        remedy="Retry when the other side answers again; nothing is lost meanwhile.",
    )


_WORDS: MappingProxyType[type, str] = MappingProxyType(
    {Done: "done", Snoozed: "snoozed", Cancelled: "cancelled", Parked: "parked", Temporary: "again"}
)


def _conclude(services: Services, claim: Claim, outcome: Outcome | Temporary, *, go_on: bool) -> Claim | None:
    """Write how a run ended; answers the lane's next job, claimed in the same transaction. Raises LostLease.

    The outcome is worth waiting for: while the database restarts, the alternative is doing the job again from the
    start. An integrity error is another request for the same work, written in the same moment: the second look sees it.
    """
    for attempt in stamina.retry_context(
        on=(*NO_DATABASE, IntegrityError), attempts=None, timeout=60, wait_initial=0.2, wait_max=3
    ):
        with attempt, database.transaction(services.engine, claim.tenant) as session:
            following = _end(services, session, claim, outcome, go_on=go_on, again=attempt.num > 1)
    steps.passed("concluded")
    word = next(word for kind, word in _WORDS.items() if isinstance(outcome, kind))
    ENDED.labels(claim.kind, word).inc()
    cause = getattr(outcome, "code", getattr(outcome, "cause", ""))
    log.info("job ended", outcome=word, tries=claim.tries, cause=cause)
    return following


def _end(
    services: Services, session: Session, claim: Claim, outcome: Outcome | Temporary, *, go_on: bool, again: bool
) -> Claim | None:
    if again and claims.is_concluded(session, claim):
        # The connection was cut at the commit, which went through all the same: with it the next job's claim, if any.
        log.info("outcome was written", job=claim.id)
        return claims.held(session, claim.tenant, claim.lane, worker=services.worker)
    _write(session, claim, outcome)
    steps.passed("concluding")
    if not go_on:
        return None
    return claims.claim_in(session, claim.tenant, claim.lane, worker=services.worker, lease_s=services.lease_s)


def _write(session: Session, claim: Claim, outcome: Outcome | Temporary) -> None:
    match outcome:
        case Done():
            claims.conclude(session, claim, state="done")
        case Snoozed(wait_s=wait_s, reason=reason, cause=cause):
            claims.conclude(session, claim, state="due", cause=cause, reason=reason, wait_s=wait_s, fresh=True)
        case Cancelled(reason=reason):
            claims.conclude(session, claim, state="cancelled", cause="unwanted", reason=reason)
        case Parked(cause=cause, reason=reason, remedy=remedy):
            claims.conclude(session, claim, state="parked", cause=cause, reason=reason, remedy=remedy)
            stages.tell_parked(session, claim, outcome)
        case Temporary() as failure:
            wait_s = wait_before(claim.tries, KINDS[claim.kind], told_s=failure.retry_in_s, chance=_chance)
            claims.conclude(
                session, claim, state="due", cause=failure.code or "failed", reason=failure.reason, wait_s=wait_s
            )
