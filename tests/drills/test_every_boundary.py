"""A worker dies between any two writes, calls or bells of any kind of job, and nothing is lost or done twice.

In this process, with nothing but the dying pretended: the listener raises what nobody catches, exactly where a process
would be gone, and the next worker finds the lease run out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from drills import ledger, points, stories, verdict
from drills.points import Point, Reached
from drills.shops import Shop
from jobs import queue, runner, steps
from tests.world import World


class Killed(BaseException):
    """The process is gone: nothing catches this, as nothing catches SIGKILL."""


@contextmanager
def listening(tell) -> Iterator[None]:
    steps.listen(points.Counting(tell))
    try:
        yield
    finally:
        steps.listen(None)


def lanes(world: World) -> list[str]:
    """The lanes in which a worker would find something to do."""
    return [
        row.lane
        for row in world.rows(
            "SELECT lane FROM jobs WHERE (state = 'due' AND due_at <= now()) OR (state = 'running' AND lease_until < now())"
            " GROUP BY lane ORDER BY min(id)"
        )
    ]


def work_off(world: World) -> tuple[int, int]:
    """Do what is due until nothing is; answers the runs, and how many of them did not live to tell."""
    runs = deaths = 0
    while found := lanes(world):
        for lane in found:
            try:
                runs += runner.work_off(world.services, world.tenant, lane)
            except Killed:
                deaths += 1
                let_leases_run_out(world)
    return runs, deaths


def let_leases_run_out(world: World) -> int:
    """Nothing runs between two lanes, so that every lease is a dead one's; answers how many there were.

    The thread that renews leases may have done so once more after the death.
    """
    with world.engine.begin() as connection:
        left = connection.execute(
            text("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'")
        )
        return left.rowcount


def tell(world: World, shop: Shop, story: stories.Story) -> int:
    """Live through a story; answers the deaths on the way."""
    deaths = 0
    for _ in story(shop):
        while True:
            world.heard()
            runs, died = work_off(world)
            deaths += died
            if not runs and not died and not let_leases_run_out(world) and not let_minutes_pass(world):
                break
    return deaths


def let_minutes_pass(world: World) -> int:
    """Four minutes later: what waits until an act can no longer be under way looks again. Answers how many wait."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE intentions SET keyed_at = keyed_at - interval '4 minutes'"))
        moved = connection.execute(
            text(
                "UPDATE jobs SET due_at = due_at - interval '4 minutes', started_at = started_at - interval '4 minutes' "
                "WHERE state = 'due' AND due_at < now() + interval '4 minutes'"
            )
        )
        return moved.rowcount


def judged(world: World, shop: Shop) -> verdict.Verdict:
    with world.engine.connect() as connection:
        assert ledger.unsettled(connection) == 0, world.rows(WAITING)
        return verdict.judge(ledger.read(world.control, connection, [shop]))


Place = Point | tuple[str, str]
"""A numbered boundary, or the first one of its name after another."""


WAITING = (
    "SELECT kind, subject, state, cause, reason, due_at - now() AS waits FROM jobs WHERE state IN ('due', 'running')"
)


class Walk:
    """Dies at the points it is given, one after the other, and notes every point of its kind on the way."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.seen: dict[Point, str] = {}
        """Every point, and the boundary before it."""
        self.fatal: list[Place] = []

    def __call__(self, reached: Reached) -> None:
        here = (reached.after, reached.point.boundary)
        if reached.point.kind != self.kind:
            return
        self.seen.setdefault(reached.point, here[0])
        if self.fatal and self.fatal[0] in (reached.point, here):
            raise Killed(str(self.fatal.pop(0)))

    def worth_dying_at(self) -> list[Place]:
        """All of them; of a kind that does the same again and again, each step from one boundary to the next."""
        if len(self.seen) <= MOST_POINTS:
            return list(self.seen)
        return list(dict.fromkeys((before, point.boundary) for point, before in self.seen.items()))

    def named(self) -> set[str]:
        return {point.boundary for point in self.seen}


# Which way a run takes may depend on what was heard first; a point that a telling passes by gets further tellings.
TELLINGS = 5
# A comparison passes a hundred; `make drill` dies at each of them.
MOST_POINTS = 45


def test_every_kind_of_job_has_a_story():
    assert set(stories.TOLD_BY) == set(queue.KINDS)


@pytest.mark.parametrize("kind", sorted(stories.TOLD_BY))
def test_a_worker_that_dies_at_any_boundary_loses_and_doubles_nothing(world: World, shop: Shop, kind: str):
    story = stories.TOLD_BY[kind]
    walk = Walk(kind)
    # What only the run after a death passes (asking whether it was done) is a place to die at, too.
    second_deaths: list[tuple[Place, Place]] = []

    def die(*fatal: Place) -> bool:
        for _ in range(TELLINGS):
            walk.fatal = list(fatal)
            if tell(world, shop, story) == len(fatal):
                assert judged(world, shop) == verdict.Verdict(), f"after {' and '.join(map(str, fatal))}"
                return True
        return False

    with listening(walk):
        tell(world, shop, story)
        undisturbed, died_at = walk.named(), set()
        for place in walk.worth_dying_at():
            before = walk.named()
            if die(place):
                died_at.add(place[1] if isinstance(place, tuple) else place.boundary)
            second_deaths += [(place, after) for after in walk.seen if after.boundary not in before]
        died_twice = [pair for pair in second_deaths if die(*pair)]

    assert died_at == undisturbed
    assert died_at >= {"claimed", "concluding", "concluded"}
    assert died_twice == second_deaths
