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


def read(written: str) -> Point:
    """`buy_label:7:called easypost shipment.buy`, as it was written."""
    kind, number, boundary = written.split(":", 2)
    return Point(kind=kind, number=int(number), boundary=boundary)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A point, and the job that is there: its number, and what it is about."""

    point: Point
    job: str
    subject: str


class Counting:
    """A listener for jobs.steps that counts the boundaries of the run in hand and tells each of them on."""

    def __init__(self, tell: Callable[[Reached], None]) -> None:
        self._tell = tell
        self._number = 0

    def __call__(self, boundary: str) -> None:
        # The runner binds what it runs to the log's context; a thread that runs no job has none.
        bound = structlog.contextvars.get_contextvars()
        if "kind" not in bound:
            return
        self._number = 1 if boundary == "claimed" else self._number + 1
        point = Point(kind=bound["kind"], number=self._number, boundary=boundary)
        self._tell(Reached(point=point, job=f"{bound['tenant']}-{bound['job']}", subject=bound["subject"]))


def writing_down(file: Path) -> Callable[[Reached], None]:
    """Add each point to a file, from as many processes as there are."""

    def tell(reached: Reached) -> None:
        with file.open("a") as record:
            record.write(f"{reached.point}\n")

    return tell


def killing(points: Collection[str], folder: Path, *, poison: str = "") -> Callable[[Reached], None]:
    """Kill this process at each of the points once, and at no job twice: three deaths of one job would park it.

    `poison` is a job that kills every process that takes it, as `kind subject`.
    """

    def tell(reached: Reached) -> None:
        point = str(reached.point)
        # In the middle of its work: whoever dies before has not begun it, and parks it when it was deadly too often.
        if f"{reached.point.kind} {reached.subject}" == poison and reached.point.boundary.startswith("called"):
            _die()
        if (
            point in points
            and not (folder / _file_name(point)).exists()
            and _first(folder / f"job {reached.job}")
            and _first(folder / _file_name(point))
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
