"""python -m drills.worker: the worker of production, with a listener that kills its processes where it was told to.

DIE_AT names a file with the points, one a line; DIE_IN is the folder that remembers which were used up; DIE_OF is a job
that kills whoever takes it (`verify_order order/1`); TELL_POINTS is a file that every point is written to.
"""

from __future__ import annotations

import os
from pathlib import Path

from commands import opening
from drills import points
from jobs import steps
from jobs.worker import Supervisor


def main() -> None:
    if told := os.environ.get("TELL_POINTS"):
        steps.listen(points.Counting(points.writing_down(Path(told))))
    elif folder := os.environ.get("DIE_IN"):
        listed = os.environ.get("DIE_AT")
        fatal = frozenset(Path(listed).read_text().splitlines()) if listed else frozenset[str]()
        steps.listen(points.Counting(points.killing(fatal, Path(folder), poison=os.environ.get("DIE_OF", ""))))
    Supervisor(opening.settings(), int(os.environ.get("WORKER_PROCESSES", "1"))).run()


if __name__ == "__main__":
    main()
