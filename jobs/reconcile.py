"""Holds our records against a vendor's, and puts right what differs."""

from __future__ import annotations

from jobs.outcomes import Outcome
from jobs.work import Work


def run(work: Work) -> Outcome:
    raise NotImplementedError(work.claim.kind)
