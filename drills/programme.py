"""The drills in the order in which they are done, and how one is done from an empty field to its row."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable

from drills import bells, boundaries, clerks, databases, doors, shelves, vendors, workers
from drills.field import Field
from drills.play import NotShown, Play, Row, Size
from drills.soak import soak

Drill = Callable[[Play], int]
"""Breaks something while orders are under way; answers how often it struck. Its docstring is the invariant."""

# Takes ten minutes by itself.
ONLY_WHEN_ASKED = frozenset({"soak"})

PROGRAMME: dict[str, Drill] = {
    drill.__name__: drill
    for drill in (
        *boundaries.DRILLS,
        workers.killed_during_a_call,
        workers.killed_at_random,
        workers.released_under_load,
        workers.supervisor_killed,
        workers.clock_killed_with_another_beside_it,
        workers.swept_by_many_at_once,
        workers.two_workers_on_one_lease,
        workers.a_job_that_kills,
        doors.web_killed_between_commit_and_bell,
        doors.same_delivery_a_hundred_times_at_once,
        doors.everything_delivered_again,
        doors.deliveries_lost_late_and_shuffled,
        doors.stock_changed_on_both_sides,
        doors.secrets_rotated_under_load,
        bells.redis_emptied,
        bells.redis_stopped_for_a_minute,
        bells.redis_restarted_again_and_again,
        bells.redis_hangs_while_deliveries_come,
        bells.redis_answers_wrongly,
        databases.postgresql_restarted,
        databases.postmaster_killed,
        databases.connections_cut,
        databases.connections_used_up,
        databases.tables_locked,
        databases.disk_full,
        vendors.vendors_slow,
        vendors.vendors_busy,
        vendors.vendors_broken,
        vendors.vendors_cut_off_after_the_effect,
        vendors.vendors_talk_nonsense,
        vendors.vendors_down_for_an_hour,
        clerks.retried_by_many_hands,
        shelves.reserved_by_two_hundred_hands,
        doors.restarted_with_a_backlog,
        soak,
    )
}


def sentence(drill: Drill) -> str:
    """What a drill shows, in the first sentence of its docstring."""
    return (inspect.getdoc(drill) or "").split("\n\n")[0].replace("\n", " ")


def perform(field: Field, name: str, size: Size, say: Callable[[str], None] = lambda _: None) -> Row:
    """Do one drill on an empty field, and hold the books against each other afterwards."""
    began = time.monotonic()
    field.clear()
    play = Play(ground=field, size=size, say=say)
    wrong = ""
    try:
        runs = PROGRAMME[name](play)
    except NotShown as failure:
        runs, wrong = 0, str(failure)
    except Exception as error:  # noqa: BLE001 - a drill that fails in itself must not take the others with it
        runs, wrong = 0, f"the drill itself failed: {type(error).__name__}: {error}"
    if play.fault_ended_at is None:
        play.fault_ended_at = time.monotonic()
    found, recover_s = play.judged()
    return Row(
        drill=name.replace("_", " "),
        runs=runs,
        orders=sum(len(shop.placed) for shop in play.shops) + play.more_orders,
        lost=len(found.lost) + len(play.lost),
        doubled=len(found.doubled),
        stuck=len(found.stuck),
        recover_s=round(recover_s, 1),
        took_s=round(time.monotonic() - began, 1),
        findings=(*play.lost, *found.findings),
        wrong=wrong or ("" if runs else "the fault never struck"),
    )
