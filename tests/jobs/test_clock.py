"""The schedule: one clock at a time, whatever happens to it."""

import threading
import time
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy import text

from jobs import bell, clock
from jobs.clock import Chore
from records import database
from tests.shop import Said
from tests.world import eventually


@contextmanager
def running(base_settings, name, ticks, **more):
    """A clock with connections of its own, as a process has them; each tick notes the clock's name."""
    engine = database.connect(base_settings.database_url, pool_size=1, role=f"clock-{name}")
    stop = threading.Event()
    chore = Chore(name="note", every_s=0.05, do=lambda: ticks.append(name))
    thread = threading.Thread(target=clock.run, args=(engine, [chore], stop), daemon=True, **more)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(5)
        engine.dispose()
    assert not thread.is_alive()


def has_ticked(ticks, name, times=1):
    return lambda: ticks.count(name) >= times


@pytest.mark.usefixtures("engine")
def test_of_two_clocks_one_ticks_and_the_other_takes_over_when_it_ends(base_settings):
    ticks = []
    with running(base_settings, "first", ticks) as stop_first:
        eventually(has_ticked(ticks, "first"))
        with running(base_settings, "second", ticks):
            eventually(has_ticked(ticks, "first", ticks.count("first") + 5))
            assert "second" not in ticks
            stop_first.set()
            eventually(has_ticked(ticks, "second", 3))
            ended_at = ticks.index("second")

    assert set(ticks[ended_at:]) == {"second"}


@pytest.mark.usefixtures("engine")
def test_a_clock_that_loses_its_connection_stops_ticking_until_it_has_the_lock_again(base_settings, shop):
    ticks = []
    with running(base_settings, "first", ticks), running(base_settings, "second", ticks):
        eventually(lambda: len(ticks) >= 3)
        leader = ticks[-1]
        cut = shop.one(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = :name",
            name=f"packline-clock-{leader}",
        )
        assert cut >= 1
        before = len(ticks)
        eventually(lambda: len(ticks) >= before + 5)
        holders = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND granted"
        assert shop.one(holders, lock=clock._LOCK) == 1
        assert len(set(ticks[-3:])) == 1


@pytest.mark.usefixtures("engine")
def test_a_clock_that_ends_gives_the_lock_back_although_its_process_lives_on(base_settings, shop):
    ticks = []
    engine = database.connect(base_settings.database_url, pool_size=1, role="clock")
    stop = threading.Event()
    clock.run(engine, [Chore(name="once", every_s=9, do=lambda: (ticks.append(1), stop.set()))], stop)

    assert ticks == [1]
    assert shop.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    engine.dispose()


@pytest.mark.usefixtures("engine")
def test_a_chore_that_fails_is_told_and_done_again_and_does_not_stop_the_others(base_settings, monkeypatch):
    monkeypatch.setattr(clock, "log", said := Said())
    engine = database.connect(base_settings.database_url, pool_size=1, role="clock")
    stop, failed, done = threading.Event(), [], []
    failures = iter([redis.RedisError("away"), ZeroDivisionError()])

    def fail():
        failed.append(1)
        if failure := next(failures, None):
            raise failure

    def count():
        done.append(1)
        if len(failed) >= 3:
            stop.set()

    clock.run(engine, [Chore(name="bad", every_s=0.02, do=fail), Chore(name="good", every_s=0.02, do=count)], stop)

    assert len(failed) >= 3
    assert len(done) >= 3
    assert [line["event"] for line in said.lines] == ["clock runs", "chore could not reach Redis", "chore failed"]
    engine.dispose()


@pytest.mark.usefixtures("engine")
def test_chores_are_done_as_often_as_the_schedule_says(base_settings):
    engine = database.connect(base_settings.database_url, pool_size=1, role="clock")
    stop, often, seldom = threading.Event(), [], []
    given_up = threading.Timer(60, stop.set)  # on a clock that never ticks
    given_up.start()

    def tick():
        often.append(time.monotonic())
        if len(often) == 5:
            stop.set()

    chores = [
        Chore(name="seldom", every_s=60, do=lambda: seldom.append(1)),
        Chore(name="often", every_s=0.1, do=tick),
    ]
    clock.run(engine, chores, stop)

    given_up.cancel()

    assert seldom == [1]
    assert len(often) == 5
    # Four times a tenth of a second lie between them; a tick that comes late is not made up for by a pair.
    assert often[-1] - often[0] >= 0.3
    engine.dispose()


def test_the_schedule_sweeps_every_second(lane, redis_connection, base_settings):
    lane.add()
    lane.shop.run("UPDATE jobs SET rung_at = NULL")
    by_name = {chore.name: chore for chore in clock.chores(lane.shop.engine, base_settings.redis_url, patience_s=10)}

    assert by_name["sweep"].every_s == 1.0
    by_name["sweep"].do()

    assert [job.args for job in bell.queue("orders", redis_connection).jobs] == [[lane.shop.tenant, lane.name]]
    with lane.shop.transaction() as session:
        assert session.execute(text("SELECT rung_at IS NOT NULL FROM jobs")).scalar_one()
