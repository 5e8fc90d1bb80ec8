"""Holds our records against a vendor's, and puts right what differs.

A pass looks at what changed since the last one, scope by scope. Each repair is a fact that goes through the same intake
as a delivery, in a short transaction of its own, with its finding; so a pass that is cut off has lost nothing, and the
next one begins where the last one that came to its end had looked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.ports import OutsideFailure
from jobs import bell, queue
from jobs.comparing import SCOPES, Scope
from jobs.comparing.looking import Look
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import lifecycle
from records import comparisons, tenants
from records.comparisons import Comparison
from records.jobs import Job
from records.tenants import Connection

log = structlog.get_logger(__name__)

# What changed so lately may still be on its way: Shopify's slowest deliveries take seconds (Hookdeck measured a p99 of
# 7 s), Stripe and EasyPost try again within the minute where the first try fails.
GRACE = timedelta(minutes=2)
# What was made this long before a pass began is found by it, and the next one begins there: a vendor's search finds a
# change some time after it was made, its clock is not ours, and Shopify's times have whole seconds. What is met twice
# is the same the second time.
OVERLAP = timedelta(minutes=10)
# How far back the first pass looks: Shopify gives a delivery up after four hours, EasyPost after a day.
FIRST_LOOK = timedelta(hours=48)
# A run is stopped after 900 s. Half of them are shared out among the scopes, the other half is for the slowest call.
LONGEST_PASS_S = bell.LONGEST_RUN_S / 2
# Comparisons that found nothing say nothing after a month; what was found stays. So many go at once.
KEPT_FOR = timedelta(days=30)
FORGOTTEN_AT_ONCE = 500


def ask(session: Session, tenant: int, connection: str, *, now: datetime, since: datetime | None = None) -> int | None:
    """Have everything compared that changed until now, from `since` or where the last pass ended; answers the job.

    A person asks, so nothing is left as too fresh. None where there is no such living connection.
    """
    row = tenants.find_connection(session, tenant, connection)
    if row is None or row.ended_at is not None:
        return None
    for scope in SCOPES[row.role]:
        begin = since or _span(session, tenant, connection, scope, now).since
        session.add(Comparison(tenant_id=tenant, connection_id=connection, scope=scope.name, since=begin, until=now))
    session.flush()
    subject = f"connection/{connection}"
    queue.add(session, tenant, "reconcile", subject)
    return session.scalar(
        select(Job.id).where(
            Job.tenant_id == tenant,
            Job.subject == subject,
            Job.kind == "reconcile",
            Job.state == "due",
        )
    )


def run(work: Work, clock: Callable[[], float] = time.monotonic) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    with work.reading() as session:
        row = tenants.find_connection(session, work.tenant, connection)
    if row is None or row.ended_at is not None:
        return Cancelled(reason="the connection has ended: there is nothing to compare with")
    with work.writing() as session:
        comparisons.forget(session, work.tenant, row.id, before=work.now() - KEPT_FOR, limit=FORGOTTEN_AT_ONCE)
    scopes, over_at = SCOPES[row.role], clock() + LONGEST_PASS_S
    compared = []
    for number, scope in enumerate(scopes):
        # What one scope does not use of its share, the next ones have.
        share = (over_at - clock()) / (len(scopes) - number)
        compared.append(_compare(work, row, scope, enough_at=clock() + share))
    with work.writing() as session:
        if comparisons.missed_in(session, work.tenant, work.claim.id):
            queue.add(session, work.tenant, "check_connection", work.claim.subject)
        if any(one.goes_on for one in compared):
            queue.add(session, work.tenant, "reconcile", work.claim.subject)
    failures = [one.failure for one in compared if one.failure is not None]
    if failures:
        raise failures[0]
    return Done()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How one scope ended: what kept it from its end, and whether there was only no time for the end of its list."""

    failure: OutsideFailure | None = None
    goes_on: bool = False


def _compare(work: Work, row: Connection, scope: Scope, *, enough_at: float) -> Compared:
    """One scope, from its beginning to its end; what keeps it from its end is answered, so that the others go on."""
    look = _begin(work, row, scope, enough_at)
    if look is None:
        return Compared()
    log.info("comparing", scope=scope.name, since=look.since.isoformat(), until=look.until.isoformat())
    try:
        scope.compare(look)
    except OutsideFailure as failure:
        with work.writing() as session:
            look.fail(session, failure.reason)
        return Compared(failure=failure)
    with work.writing() as session:
        look.finish(session, until=look.agreed_until)
    # One that could not come on, because of what is being dealt with, is not begun anew at once.
    return Compared(goes_on=look.cut and (look.came_on or look.agreed_until > look.since))


def _begin(work: Work, row: Connection, scope: Scope, enough_at: float) -> Look | None:
    now = work.now()
    with work.writing() as session:
        wanted = comparisons.in_state(session, work.tenant, row.id, scope.name, "wanted")
        if not wanted and _too_soon(session, work.tenant, row.id, scope, now):
            return None
        span = _span(session, work.tenant, row.id, scope, now)
        _give_up_left_behind(session, work.tenant, row.id, scope.name)
        comparison = _taken(session, work, row.id, scope.name, wanted, span)
        return Look(
            work=work,
            connection=row.id,
            vendor=row.vendor,
            comparison=comparison,
            since=span.since,
            until=span.until,
            began_at=span.began_at,
            enough_at=enough_at,
            ailing=_ailing(row.remarks),
        )


@dataclass(frozen=True, kw_only=True)
class Span:
    """What a comparison looks at; and since when all that it builds on has been looked at."""

    since: datetime
    until: datetime
    began_at: datetime


def _span(session: Session, tenant: int, connection: str, scope: Scope, now: datetime) -> Span:
    """From where the last pass had looked, until a moment ago; and what is owed besides."""
    last = comparisons.last_done(session, tenant, connection, scope.name)
    span = _next_span(last, now)
    owed = comparisons.owed(session, tenant, connection, scope.name)
    if owed is not None:
        span = replace(span, since=min(span.since, owed[0]), until=max(span.until, owed[1]))
    return replace(span, since=min(span.since, span.until))


def _next_span(last: Comparison | None, now: datetime) -> Span:
    """One that did not come to its end is gone on with where it stopped, or a long list would never be gone through.
    What could not be found by it yet is met once all of it is done: the next one begins before its beginning. Pure.
    """
    if last is None:
        return Span(since=now - FIRST_LOOK, until=now - GRACE, began_at=now)
    if last.until < last.began_at - GRACE:
        return Span(since=last.until, until=now - GRACE, began_at=last.began_at)
    return Span(since=min(last.until, last.began_at - OVERLAP), until=now - GRACE, began_at=now)


def _too_soon(session: Session, tenant: int, connection: str, scope: Scope, now: datetime) -> bool:
    last = comparisons.last_done(session, tenant, connection, scope.name)
    return last is not None and now - last.until < scope.at_most_every


def _give_up_left_behind(session: Session, tenant: int, connection: str, scope: str) -> None:
    """A run that ended without a word left its comparison running; this one begins where that one did."""
    for left in comparisons.in_state(session, tenant, connection, scope, "running"):
        lifecycle.move(
            session, tenant, "comparison", left.id, "fail", reason="Its run ended without a word.", ended_at=func.now()
        )


def _taken(
    session: Session,
    work: Work,
    connection: str,
    scope: str,
    wanted: Sequence[Comparison],
    span: Span,
) -> int:
    """The comparison that this run makes: the last one that was asked for, with the others in it, or a new one."""
    if not wanted:
        fresh = Comparison(
            tenant_id=work.tenant, connection_id=connection, scope=scope, since=span.since, until=span.until
        )
        session.add(fresh)
        session.flush()
        wanted = [fresh]
    for one in wanted:
        lifecycle.move(session, work.tenant, "comparison", one.id, "begin", **asdict(span))
    wanted[-1].job_id = work.claim.id
    for one in wanted[:-1]:
        # Not "done": until the one that it became part of has come to its end, nothing has been compared.
        reason = f"It became part of comparison {wanted[-1].id}."
        lifecycle.move(session, work.tenant, "comparison", one.id, "fail", reason=reason, ended_at=func.now())
    return wanted[-1].id


def _ailing(remarks: Sequence[dict[str, object]]) -> str:
    """The first thing that is known to be wrong with the webhooks."""
    return next((str(one["sentence"]) for one in remarks if str(one["kind"]).startswith("hook")), "")
