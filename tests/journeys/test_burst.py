"""Black Friday: twenty times what can be kept up is taken at the door, worked off later, and delays nobody else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bench import burst
from demo import stage


@pytest.mark.drill
def test_a_burst_is_taken_in_whole_and_does_not_delay_another_shop():
    with (
        tempfile.TemporaryDirectory(prefix="packline-burst-") as home,
        stage.set_up(Path(home), name="burst", password="burst-burst", processes=2) as running,
    ):
        seen = burst.run(running, look_s=5, sustained=8, burst_s=2.5)

    assert (seen.refused, seen.kept) == (0, seen.sent)
    assert seen.sent >= seen.orders
    assert seen.times >= 5  # the store's own sender shares this machine's cores; alone it reaches twenty
    assert seen.backlog >= seen.orders * 0.5
    assert seen.left_when_other_was_done >= seen.backlog * 0.5
    assert seen.drained_per_s > 0
