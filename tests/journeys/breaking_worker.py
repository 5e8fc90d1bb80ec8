"""A worker as `packline worker` starts it, but every job of an order after the first ends in a fault.

The fault's words are those of BREAK_WITH; what they must not reach is tested in test_nothing_leaks.py.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from config import boot, logs
from jobs import stages
from jobs.worker import Supervisor

as_ever = stages.run


def run(work):
    # Not "order/2": an insert that found its row already there has taken a number too.
    if work.claim.lane.startswith("order/") and work.claim.lane != "order/1":
        try:
            raise KeyError(os.environ["BREAK_WITH"])  # noqa: TRY301
        except KeyError as first:
            raise ValueError(" ".join(json.loads(os.environ["BREAK_WITH"]))) from first
    return as_ever(work)


if __name__ == "__main__":
    stages.run = run
    settings = boot.complete()
    logs.set_up(settings)
    Supervisor(settings, 1).run()
