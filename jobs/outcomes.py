"""The four ways a job can end, and when a failed one is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from jobs.queue import Kind


@dataclass(frozen=True)
class Done:
    """The work is done, or there is nothing left to do."""


@dataclass(frozen=True, kw_only=True)
class Snoozed:
    """Nothing is wrong, it is only too early: look again after `wait_s` seconds. Does not count as a failed try."""

    wait_s: float
    reason: str
    cause: str = "early"
    """A stable word for what is waited for, by which what waits is found when it has come."""


@dataclass(frozen=True, kw_only=True)
class Parked:
    """A person is needed: `reason` says what happened, `remedy` what to do, `cause` groups alike cases."""

    cause: str
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """The work is no longer wanted."""

    reason: str


Outcome = Done | Snoozed | Parked | Cancelled


def wait_before(tries: int, kind: Kind, *, told_s: float | None, chance: random.Random) -> float:
    """Seconds until the next try after `tries` failed ones: the vendor's own wish, else full jitter.

    Full jitter (a time between nothing and the exponential bound) spreads a thousand jobs that failed together;
    a told wait gets up to a tenth more for the same reason.
    """
    if told_s is not None:
        return told_s * (1 + chance.random() / 10)
    bound = min(kind.longest_wait_s, kind.first_wait_s * 2 ** min(tries - 1, 30))
    return max(0.2, chance.uniform(0, bound))
