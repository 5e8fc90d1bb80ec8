"""A process that is gone in the middle of its work, at a boundary that a test chooses."""

from __future__ import annotations

from jobs import runner, steps
from tests.world import World


class Killed(BaseException):
    """The process is gone: nothing catches this."""


def work_off_until(world: World, lane: str, boundary: int | None) -> int:
    """Work a lane off, and die at the n-th boundary; answers how many were passed: n where it died."""
    passed = 0

    def listen(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == boundary:
            raise Killed(name)

    steps.listen(listen)
    try:
        runner.work_off(world.services, world.tenant, lane)
    except Killed:
        died = True
    else:
        died = False
    finally:
        steps.listen(None)
    assert died == (passed == boundary)
    return passed
