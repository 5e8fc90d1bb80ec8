"""Numbers the boundaries that a run of a job passes, so that one of them can be the place where its process dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import structlog


@dataclass(frozen=True, order=True, kw_only=True)
class Point:
    """The `number`-th boundary of a run of one kind of job, and what it is called there."""

    kind: str
    number: int
    boundary: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}:{self.boundary}"


def boundary_of(written: str) -> str:
    """The boundary's name, of a point or of a step as they are written."""
    return written.split(":", 2)[2]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A point, and the job that is there: its number, and what it is about."""

    point: Point
    after: str
    """The boundary before, or an empty text at the first."""
    job: str
    subject: str

    @property
    def step(self) -> str:
        """The same place by its neighbour: for work that is of another length each time, where numbers shift."""
        return f"{self.point.kind}:after {self.after}:{self.point.boundary}"


class Counting:
    """A listener for jobs.steps that counts the boundaries of the run in hand and tells each of them on."""

    def __init__(self, tell: Callable[[Reached], None]) -> None:
        self._tell = tell
        self._number = 0
        self._last = ""

    def __call__(self, boundary: str) -> None:
        # The runner binds what it runs to the log's context; a thread that runs no job has none.
        bound = structlog.contextvars.get_contextvars()
        if "kind" not in bound:
            return
        first = boundary == "claimed"
        self._number, after = (1, "") if first else (self._number + 1, self._last)
        self._last = boundary
        point = Point(kind=bound["kind"], number=self._number, boundary=boundary)
        job = f"{bound['tenant']}-{bound['job']}"
        self._tell(Reached(point=point, after=after, job=job, subject=bound["subject"]))


def writing_down(file: Path) -> Callable[[Reached], None]:
    """Add each point and its step to a file, a line for both, from as many processes as there are."""

    def tell(reached: Reached) -> None:
        with file.open("a") as record:
            record.write(f"{reached.point}\t{reached.step}\n")

    return tell


def killing(points: Collection[str], folder: Path, *, poison: str = "") -> Callable[[Reached], None]:
    """Kill this process at each of the points or steps once, and at no job twice: three deaths of one make it wait.

    `poison` is a job that kills every process that takes it, as `kind subject`.
    """

    def tell(reached: Reached) -> None:
        # In the middle of its work: whoever dies before has not begun it, and parks it when it was deadly too often.
        if f"{reached.point.kind} {reached.subject}" == poison and reached.point.boundary.startswith("called"):
            _die()
        for place in (str(reached.point), reached.step):
            if (
                place in points
                and not (folder / _file_name(place)).exists()
                and _first(folder / f"job {reached.job}")
                and _first(folder / _file_name(place))
            ):
                _die()

    return tell


def reached_in(folder: Path, points: Collection[str]) -> set[str]:
    """The points at which a process has died."""
    return {point for point in points if (folder / _file_name(point)).exists()}


def seconds_since_the_last_death(folder: Path) -> float:
    return time.time() - max(file.stat().st_mtime for file in folder.glob("died at *"))


def _file_name(point: str) -> str:
    return f"died at {point.replace('/', '_')}"


def _first(file: Path) -> bool:
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
