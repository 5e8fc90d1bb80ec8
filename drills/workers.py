"""Workers, their supervisor and the clock die, stop, freeze and are restarted while orders are under way."""

from __future__ import annotations

import random
import signal
import threading
import time

from drills.field import until
from drills.play import NotShown, Play
from drills.processes import signalled
from drills.shops import PLAIN, End
from jobs import bell, desk, runner, sweep
from records import database

# A vendor's call, the kind of job that makes it, and the story's way to bring it about.
_CALLS = (
    ("verify_order", "shopify", "order"),
    ("buy_label", "easypost", "shipment.create"),
    ("buy_label", "easypost", "shipment.buy"),
    ("push_tracking", "shopify", "fulfillmentCreate"),
    ("store_label", "easypost", "label.fetch"),
)
# The vendor acts while nobody asks, and after the next worker has asked whether it did.
_EFFECT_AFTER_S = (0.6, 4.0)


def killed_during_a_call(play: Play) -> int:
    """A worker that dies while a vendor is at work on its call leaves one label and one fulfillment all the same.

    The vendor acts on the call of the dead: soon after, or so late that the next worker was told of nothing.
    """
    play.open_shops()
    for kind, vendor, operation in _CALLS:
        for delay_s in _EFFECT_AFTER_S:
            play.fault(vendor=vendor, operation=operation, kind="latency", delay_s=delay_s, times=1)
            play.shop.place(*PLAIN)
            if not until(lambda: play.faults_taken() == 1, within_s=30) or not _kill_who_runs(play, kind):
                raise NotShown(f"nobody was caught in {vendor} {operation}")
            play.heal()
            play.settle()
    return len(_CALLS) * len(_EFFECT_AFTER_S)


def killed_at_random(play: Play) -> int:
    """Workers that die at any moment, between taking a bell and the last write, cost time and nothing else."""
    play.open_shops(2)
    chance, kills = random.Random(1), 0  # nosec B311 # no cryptography
    with play.orders_coming(play.size.orders):
        while kills < 2 * play.size.faults:
            kills += kill_one(play, chance)
            time.sleep(chance.uniform(0.3, 1.5))
    play.fault_ended()
    return kills


def released_under_load(play: Play) -> int:
    """A new release under load, workers told to end and started anew again and again, drops no job in hand."""
    play.open_shops(2)
    with play.orders_coming(play.size.orders):
        for _ in range(play.size.faults):
            time.sleep(0.7)
            play.ground.processes.stop("worker")
            play.ground.start_worker()
    play.fault_ended()
    return play.size.faults


def supervisor_killed(play: Play) -> int:
    """Workers whose supervisor dies end after the job in hand, and the next supervisor's take over the rest."""
    play.open_shops()
    with play.orders_coming(play.size.orders):
        for _ in range(play.size.faults):
            time.sleep(1.0)
            play.ground.processes.kill("worker")
            play.ground.start_worker()
    play.fault_ended()
    return play.size.faults


def clock_killed_with_another_beside_it(play: Play) -> int:
    """Of two clocks one works; when it dies, the other takes over, and finds the bells that were lost meanwhile."""
    play.open_shops()
    play.ground.start_clock("second clock")
    for number in range(play.size.faults):
        play.place(2)
        with play.ground.ask_redis() as connection:
            connection.flushall()
        dying = ("clock", "second clock")[number % 2]
        play.ground.processes.kill(dying)
        play.settle()
        play.ground.start_clock(dying)
    play.fault_ended()
    return play.size.faults


def swept_by_many_at_once(play: Play) -> int:
    """Sweeps that run at the same moment ring what was not heard, and nothing is done twice for it."""
    play.open_shops(2)
    play.ground.processes.stop("clock")
    play.place()
    swept = [0] * 4
    ends_at = time.monotonic() + 2 * play.size.away_s

    def sweep_on(number: int) -> None:
        connection = bell.connect(play.ground.settings.redis_url)
        while time.monotonic() < ends_at:
            if number == 0:
                connection.flushall()
            sweep.run(play.ground.engine, connection, patience_s=0.2)
            swept[number] += 1

    sweeping = [threading.Thread(target=sweep_on, args=(number,)) for number in range(len(swept))]
    for one in sweeping:
        one.start()
    for one in sweeping:
        one.join()
    play.ground.start_clock()
    play.fault_ended()
    return sum(swept)


def two_workers_on_one_lease(play: Play) -> int:
    """A worker that was frozen past its lease finds its writes refused when it wakes, and the vendor asked once."""
    play.open_shops()
    play.crew(processes=2)
    play.settle()
    before = _log(play).count("taken over by another worker")
    for _ in range(play.size.faults):
        play.fault(vendor="easypost", operation="shipment.buy", kind="latency", delay_s=0.5, times=1)
        play.shop.place(*PLAIN)
        if not until(lambda: play.faults_taken() == 1, within_s=30):
            raise NotShown("no label was being bought")
        frozen = _who_runs(play, "buy_label")
        if frozen is None or not signalled(frozen, signal.SIGSTOP):
            raise NotShown("nobody was caught while buying")
        taken_over = until(play.all_labelled, within_s=30)
        signalled(frozen, signal.SIGCONT)
        if not taken_over:
            raise NotShown("nobody took the job over")
        play.heal()
        play.settle()
    refused = _log(play).count("taken over by another worker") - before
    if refused < play.size.faults:
        raise NotShown(f"{refused} of {play.size.faults} late writes were refused")
    return refused


def a_job_that_kills(play: Play) -> int:
    """A job that kills every process that takes it is parked, holds up nobody, and can be retried.

    It dies three times, pauses, and dies three times more.
    """
    with play.folder() as folder:
        play.open_shops(more={"DIE_IN": str(folder), "DIE_OF": "verify_order order/1"})
        poisoned = play.shop.place(*PLAIN, end=End(state="received", parked=("poison",)))
        if not until(lambda: play.ground.rows("SELECT 1 FROM orders WHERE id = 1"), within_s=30):
            raise NotShown("the order did not arrive")
        play.place(play.size.orders)
        parked = "SELECT tenant_id, id FROM jobs WHERE cause = 'poison' AND state = 'parked'"
        if not until(lambda: play.ground.rows(parked), within_s=60 + runner.PAUSE_AFTER_DEATHS_S):
            raise NotShown("the job was not parked")
        play.settle()
        if not play.judge().clean:
            raise NotShown("the job that kills held others up")
        play.crew()
    (job,) = play.ground.rows(parked)
    with database.transaction(play.ground.engine, job.tenant_id) as session:
        desk.retry(session, job.tenant_id, job.id, by="person:drill")
    poisoned.end = End()
    play.fault_ended()
    return 2 * runner.DEATHS_TO_POISON


def kill_one(play: Play, chance: random.Random) -> int:
    """Kill one worker, whichever; answers whether there was one."""
    workers = play.ground.processes.children("worker")
    return int(bool(workers) and signalled(chance.choice(workers), signal.SIGKILL))


def _kill_who_runs(play: Play, kind: str) -> bool:
    pid = _who_runs(play, kind)
    return pid is not None and signalled(pid, signal.SIGKILL)


def _who_runs(play: Play, kind: str) -> int | None:
    """The process that has a job of this kind in its hands."""
    rows = play.ground.rows("SELECT worker FROM jobs WHERE state = 'running' AND kind = :kind", kind=kind)
    return int(rows[0].worker.rpartition("-")[2]) if rows else None


def _log(play: Play) -> str:
    return play.ground.processes.log("worker").read_text(errors="replace")
