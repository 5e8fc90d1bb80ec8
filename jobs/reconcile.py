"""Holds our records against a vendor's, and puts right what differs.

A pass looks at what changed since the last one, scope by scope. Each repair is a fact that goes through the same intake
as a delivery, in a short transaction of its own, with its finding; so a pass that is cut off has lost nothing, and the
next one begins where the last one that came to its end had looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.ports import OutsideFailure
from jobs import queue
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
# The next pass begins this long before the last one ended: a vendor's search finds a change some time after it was
# made, its clock is not ours, and Shopify's times have whole seconds. What is met twice is the same the second time.
OVERLAP = timedelta(minutes=10)
# How far back the first pass looks: Shopify gives a delivery up after four hours, EasyPost after a day.
FIRST_LOOK = timedelta(hours=48)


def ask(session: Session, tenant: int, connection: str, *, now: datetime, since: datetime | None = None) -> int | None:
    """Have everything compared that changed until now, from `since` or where the last pass ended; answers the job.

    A person asks, so nothing is left as too fresh. None where there is no such living connection.
    """
    row = tenants.find_connection(session, tenant, connection)
    if row is None or row.ended_at is not None:
        return None
    for scope in SCOPES[row.role]:
        begin = since or _span(session, tenant, connection, scope, now)[0]
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


def run(work: Work) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    with work.reading() as session:
        row = tenants.find_connection(session, work.tenant, connection)
    if row is None or row.ended_at is not None:
        return Cancelled(reason="the connection has ended: there is nothing to compare with")
    failures = [failure for scope in SCOPES[row.role] if (failure := _compare(work, row, scope)) is not None]
    with work.writing() as session:
        if comparisons.missed_in(session, work.tenant, work.claim.id):
            queue.add(session, work.tenant, "check_connection", work.claim.subject)
    if failures:
        raise failures[0]
    return Done()


def _compare(work: Work, row: Connection, scope: Scope) -> OutsideFailure | None:
    """One scope, from its beginning to its end; what keeps it from its end is answered, so that the others go on."""
    look = _begin(work, row, scope)
    if look is None:
        return None
    log.info("comparing", scope=scope.name, since=look.since.isoformat(), until=look.until.isoformat())
    failure: OutsideFailure | None = None
    try:
        scope.compare(look)
    except OutsideFailure as refusal:
        failure = refusal
    if failure is None and look.refused:
        failure = look.refused[0]
    _end(look, failure)
    return failure


def _begin(work: Work, row: Connection, scope: Scope) -> Look | None:
    now = work.now()
    with work.writing() as session:
        wanted = comparisons.in_state(session, work.tenant, row.id, scope.name, "wanted")
        if not wanted and _too_soon(session, work.tenant, row.id, scope, now):
            return None
        since, until = _span(session, work.tenant, row.id, scope, now)
        _give_up_left_behind(session, work.tenant, row.id, scope.name)
        comparison = _taken(session, work, row.id, scope.name, wanted, since, until)
        return Look(
            work=work,
            connection=row.id,
            vendor=row.vendor,
            comparison=comparison,
            since=since,
            until=until,
            ailing=_ailing(row.remarks),
        )


def _span(session: Session, tenant: int, connection: str, scope: Scope, now: datetime) -> tuple[datetime, datetime]:
    """From where the last pass that came to its end had looked, until a moment ago; and what is owed besides."""
    last = comparisons.last_until(session, tenant, connection, scope.name)
    since, until = now - FIRST_LOOK if last is None else last - OVERLAP, now - GRACE
    owed = comparisons.owed(session, tenant, connection, scope.name)
    if owed is not None:
        since, until = min(since, owed[0]), max(until, owed[1])
    return min(since, until), until


def _too_soon(session: Session, tenant: int, connection: str, scope: Scope, now: datetime) -> bool:
    last = comparisons.last_until(session, tenant, connection, scope.name)
    return last is not None and now - last < scope.at_most_every


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
    since: datetime,
    until: datetime,
) -> int:
    """The comparison that this run makes: the last one that was asked for, with the others in it, or a new one."""
    if not wanted:
        fresh = Comparison(tenant_id=work.tenant, connection_id=connection, scope=scope, since=since, until=until)
        session.add(fresh)
        session.flush()
        wanted = [fresh]
    for one in wanted:
        lifecycle.move(
            session, work.tenant, "comparison", one.id, "begin", since=since, until=until, began_at=func.now()
        )
    wanted[-1].job_id = work.claim.id
    for one in wanted[:-1]:
        # Not "done": until the one that it became part of has come to its end, nothing has been compared.
        reason = f"It became part of comparison {wanted[-1].id}."
        lifecycle.move(session, work.tenant, "comparison", one.id, "fail", reason=reason, ended_at=func.now())
    return wanted[-1].id


def _ailing(remarks: Sequence[dict[str, object]]) -> str:
    """The first thing that is known to be wrong with the webhooks."""
    return next((str(one["sentence"]) for one in remarks if str(one["kind"]).startswith("hook")), "")


def _end(look: Look, failure: OutsideFailure | None) -> None:
    with look.work.writing() as session:
        lifecycle.move(
            session,
            look.tenant,
            "comparison",
            look.comparison,
            "finish" if failure is None else "fail",
            # What was left is compared next time: the two sides are only known to agree up to there.
            until=min(look.until, look.left_at or look.until),
            looked_at=look.looked_at,
            reason="" if failure is None else failure.reason,
            ended_at=func.now(),
        )
