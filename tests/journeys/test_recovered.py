"""Real processes are killed, starved and restarted in the middle of the work; every order ends right, and once.

These are the drills of `make drill` in their short setting. Dying at every boundary of every kind of job is told in
tests/drills/test_every_boundary.py, without a process for each.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drills import boundaries
from drills.field import Field, laid_out
from drills.play import SHORT
from drills.programme import PROGRAMME, perform
from tests.conftest import folder_of_its_own

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

# One of each family is in every run of the suite; the others take minutes together.
ALWAYS = {
    "killed_at_random",
    "web_killed_between_commit_and_bell",
    "redis_emptied",
    "postgresql_restarted",
    "connections_cut",
    "disk_full",
    "vendors_cut_off_after_the_effect",
    "two_workers_on_one_lease",
}
NAMES = [
    pytest.param(name, marks=() if name in ALWAYS else pytest.mark.long)
    for name, drill in PROGRAMME.items()
    if drill not in boundaries.DRILLS
]


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    """Servers of its own, because they are restarted and killed."""
    with folder_of_its_own("drills") as folder, laid_out(folder) as ground:
        yield ground


def test_what_is_always_drilled_is_there():
    assert set(PROGRAMME) >= ALWAYS


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_done_twice_or_left_standing(field: Field, name: str):
    row = perform(field, name, SHORT)

    assert (row.wrong, row.findings) == ("", ())
    assert (row.lost, row.doubled, row.stuck) == (0, 0, 0)
    assert row.runs >= 1
    assert row.orders >= 1
