"""A worker is killed at every boundary that a run of any kind of job passes, each once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from drills import points, stories
from drills.play import NotShown, Play

# Points differ a little from run to run (whether a bell is rung depends on who was first), so each gets some chances.
_ROUNDS = 12
# What many ask of one shop at once is done once, so these need shops to be seen often; and as they are of another
# length each time, they are killed at each step from one boundary to the next, not at each number.
_ASKED_OF_THE_SHOP = frozenset({"reconcile", "check_connection", "read_catalogue", "read_stock", "self_test"})
_SHOPS = 5


def _drill_for(kind: str) -> Callable[[Play], int]:
    def drill(play: Play) -> int:
        return _killed_everywhere(play, kind)

    drill.__name__ = f"dying_anywhere_in_{kind}"
    drill.__doc__ = (
        f"A worker that dies between any two writes, calls or bells of {kind.replace('_', ' ')} loses and doubles "
        "nothing: killed before, during and after the call, and while noting how it ended."
    )
    return drill


DRILLS = tuple(_drill_for(kind) for kind in stories.TOLD_BY)


def _killed_everywhere(play: Play, kind: str) -> int:
    story = stories.TOLD_BY[kind]
    with TemporaryDirectory(prefix="drill-", dir=play.ground.logs) as told:
        folder = Path(told)
        wanted = _recorded(play, kind, story, folder)
        (folder / "points").write_text("\n".join(sorted(wanted)))
        play.crew(processes=2, more={"DIE_AT": str(folder / "points"), "DIE_IN": str(folder)})
        reached: set[str] = set()
        for _ in range(_ROUNDS):
            before = reached
            _tell(play, story, times=len(wanted - reached), alone=kind in _ASKED_OF_THE_SHOP)
            reached = points.reached_in(folder, wanted)
            if reached == wanted or (reached == before and _boundaries(reached) == _boundaries(wanted)):
                break
        if _boundaries(reached) != _boundaries(wanted):
            raise NotShown(f"no process died at {', '.join(sorted(wanted - reached))}")
        play.fault_ended_at = time.monotonic() - points.seconds_since_the_last_death(folder)
        return len(reached)


def _recorded(play: Play, kind: str, story: stories.Story, folder: Path) -> set[str]:
    """Every point of the kind's runs in one undisturbed telling of its story, or every step. Raises NotShown."""
    file = folder / "told"
    play.open_shops(_SHOPS if kind in _ASKED_OF_THE_SHOP else 1, more={"TELL_POINTS": str(file)})
    _tell(play, story, times=1, alone=False)
    play.dismiss()
    which = 1 if kind in _ASKED_OF_THE_SHOP else 0
    told = [line.split("\t") for line in file.read_text().splitlines()]
    found = {line[which] for line in told if line[0].startswith(f"{kind}:")}
    if not found:
        raise NotShown(f"no run of {kind} was seen")
    return found


def _boundaries(written: set[str]) -> set[str]:
    return {points.boundary_of(place) for place in written}


def _tell(play: Play, story: stories.Story, *, times: int, alone: bool) -> None:
    """Tell a story so many times side by side, or once in each shop; come to rest wherever it pauses."""
    telling = [story(shop) for shop in play.shops] if alone else [story(play.shop) for _ in range(times)]
    while telling:
        telling = [one for one in telling if next(one, _TOLD) is not _TOLD]
        play.settle()


_TOLD = object()
