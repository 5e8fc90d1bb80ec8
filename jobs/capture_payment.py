"""Takes money that was only authorised, once what it pays for has left."""

from __future__ import annotations

from jobs.outcomes import Outcome
from jobs.work import Work


def run(work: Work) -> Outcome:
    raise NotImplementedError(work.claim.kind)
