"""A worker as `packline worker` starts it, whose stages note what they do in a folder and wait there to be let go.

Run as: python tests/jobs/worker_entry.py FOLDER, with the settings in the environment.
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from config import boot, logs
from jobs import leases, stages
from jobs.outcomes import Done, Outcome
from jobs.work import Work
from jobs.worker import Supervisor

FOLDER = Path(sys.argv[1])


def noted(work: Work) -> Outcome:
    """Say who began; wait while a file `wait` stands in the folder; say who ended.

    A file named after the order has its job die, sleep for ever, or sleep for ever and swallow the alarm; one named
    after the tenant makes its vendor slow.
    """
    note(f"began {work.claim.subject} {os.getpid()}")
    order = work.claim.subject.removeprefix("order/")
    if (FOLDER / f"die-{order}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    while (FOLDER / f"hang-{order}").exists():
        try:
            time.sleep(0.01)
        except Exception:  # noqa: BLE001 - this is what no stage may do
            note(f"swallowed {work.claim.subject} {os.getpid()}")
    if (FOLDER / f"slow-{work.tenant}").exists():
        time.sleep(float((FOLDER / f"slow-{work.tenant}").read_text()))
    while (FOLDER / "wait").exists() or (FOLDER / f"sleep-{order}").exists():
        time.sleep(0.01)
    note(f"ended {work.claim.subject} {os.getpid()}")
    return Done()


def note(line: str) -> None:
    with (FOLDER / "notes").open("a") as notes:
        notes.write(line + "\n")


if __name__ == "__main__":
    stages.run = noted
    leases.STUCK_AFTER_S = float(os.environ.get("STUCK_AFTER_S", leases.STUCK_AFTER_S))
    settings = boot.complete()
    logs.set_up(settings)
    Supervisor(settings, int(os.environ.get("PROCESSES", "1"))).run()
