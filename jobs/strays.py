"""Stops a job that is about another shop's row, or about none: nothing is done for it, and a person is told."""

from __future__ import annotations

import structlog

from jobs.claims import Claim
from jobs.outcomes import Parked
from jobs.work import Work
from orders import subjects

log = structlog.get_logger(__name__)


def about_another_shop(claim: Claim) -> Parked | None:
    """A job about a whole shop names it, and it can only be its own. Pure."""
    thing, _, number = claim.subject.partition("/")
    return _parked(claim) if thing == "shop" and number != str(claim.tenant) else None


def about_nothing_here(work: Work) -> Parked | None:
    """For a job that missed a row: whether that was its subject. It is not looked for before, because it is there."""
    with work.reading() as session:
        here = subjects.is_here(session, work.tenant, work.claim.subject)
    return None if here else _parked(work.claim)


def _parked(claim: Claim) -> Parked:
    log.error("a job strayed", tenant=claim.tenant, job=claim.id, kind=claim.kind, subject=claim.subject)
    return Parked(
        cause="strayed",
        reason=f"This shop has no {claim.subject}, which the job is about; nothing was done.",
        remedy="Discard the job, and tell whoever runs Packline: it was written for another shop.",
    )
