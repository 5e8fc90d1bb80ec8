"""Looks whether a vendor still tells us everything and still takes our secrets; mends what it can."""

from __future__ import annotations

from jobs.outcomes import Outcome
from jobs.work import Work


def run(work: Work) -> Outcome:
    raise NotImplementedError(work.claim.kind)
