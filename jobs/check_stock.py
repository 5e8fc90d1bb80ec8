"""Holds every stock level against its movements and reservations, once a day, and puts right what has drifted."""

from __future__ import annotations

from datetime import timedelta

import structlog

from jobs import intake
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import counting, stock_check
from records.tenants import Tenant

log = structlog.get_logger(__name__)

# So many variants are compared by one statement: of 1,000 with 50 movements each that takes some 100 ms.
_AT_ONCE = 1_000
# What was counted line by line is looked at again for weeks, not years.
_LINES_KEPT = timedelta(days=90)


def run(work: Work) -> Outcome:
    with work.reading() as session:
        if session.get_one(Tenant, work.tenant).redacted_at is not None:
            return Cancelled(reason="the shop is forgotten: nobody ships from its stock any more")
    repaired, after = 0, 0
    while (checked := _batch(work, after)) is not None:
        after, found = checked
        repaired += found
    with work.writing() as session:
        counting.drop_old(session, work.tenant, before=work.now() - _LINES_KEPT)
    if repaired:
        log.warning("stock had drifted", levels=repaired)
    return Done()


def _batch(work: Work, after: int) -> tuple[int, int] | None:
    """Compare the variants after one; answers the last of them and how many levels were put right, None at the end."""
    with work.reading() as session:
        found, last = stock_check.drifted(session, work.tenant, after=after, many=_AT_ONCE)
    if last is None:
        return None
    for drift in found:
        with work.writing() as session:
            sentence = stock_check.put_right(session, work.tenant, drift.variant, drift.location, actor="packline")
            if sentence:
                log.warning("stock put right", variant=drift.variant, location=drift.location, sentence=sentence)
                intake.fill_backorders(session, work.tenant)
    return last, len(found)
