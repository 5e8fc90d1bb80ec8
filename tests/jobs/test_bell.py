"""Ringing: soon, in batches, and never at anybody's cost."""

import json
import multiprocessing
import socket
import threading
import time
import zlib

import pytest

from jobs import bell
from tests.shop import Said
from tests.world import eventually

QUICK_S = 0.05
# One call may meet a busy machine; a call that waited for Redis would take its half second.
WITHOUT_WAITING_S = 0.4


@pytest.fixture
def heard(redis_connection):
    """What stands on a queue, as RQ would read it: (function, arguments)."""
    return lambda name="orders": [
        (job.func_name, job.args) for job in bell.queue(name, redis_connection).jobs
    ]  # fmt: skip


@pytest.fixture
def hung():
    """A Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def lost(queue="orders"):
    return bell.LOST.labels(queue)._value.get()


def seconds(ring):
    started = time.perf_counter()
    ring()
    return time.perf_counter() - started


def test_a_bell_is_the_name_of_a_lane_and_nothing_else(base_settings, redis_connection, heard):
    bell.set_up(base_settings.redis_url)

    bell.ring("orders", 7, "order/42")
    assert bell.flush(5)

    assert heard() == [("jobs.runner.run_lane", [7, "order/42"])]
    (key,) = redis_connection.keys("rq:job:*")
    kept = redis_connection.hgetall(key)
    assert json.loads(zlib.decompress(kept[b"data"])) == ["jobs.runner.run_lane", None, [7, "order/42"], {}]
    assert kept[b"description"] == b"run"
    assert kept[b"result_ttl"] == b"0"


def test_bells_of_one_lane_ring_once_and_of_each_queue_apart(base_settings, heard, monkeypatch):
    monkeypatch.setattr(bell, "_GATHER_S", 0.2)
    bell.set_up(base_settings.redis_url)

    for _ in range(5):
        bell.ring("orders", 1, "order/1")
        bell.ring("carriers", 1, "label/1")
    bell.ring("orders", 2, "order/1")
    assert bell.flush(5)

    assert heard() == [("jobs.runner.run_lane", [1, "order/1"]), ("jobs.runner.run_lane", [2, "order/1"])]
    assert heard("carriers") == [("jobs.runner.run_lane", [1, "label/1"])]


def test_a_thousand_bells_from_eight_threads_are_all_rung(base_settings, redis_connection):
    bell.set_up(base_settings.redis_url)

    def ring_many(thread):
        for number in range(125):
            bell.ring("orders", thread, f"order/{number}")

    threads = [threading.Thread(target=ring_many, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bell.flush(10)
    assert bell.queue("orders", redis_connection).count == 1000


def test_where_there_is_no_redis_to_ring_nothing_happens():
    bell.set_up("")

    assert seconds(lambda: bell.ring("orders", 1, "order/1")) < WITHOUT_WAITING_S
    assert bell.flush(0)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock"])
def test_a_redis_that_refuses_costs_nobody_anything_and_is_told(url, monkeypatch):
    monkeypatch.setattr(bell, "log", said := Said())
    before = lost()
    bell.set_up(url)

    assert seconds(lambda: bell.ring("orders", 1, "order/1")) < WITHOUT_WAITING_S
    assert bell.flush(5)

    assert lost() == before + 1
    assert said.lines == [
        {"event": "bell not rung", "level": "warning", "queue": "orders", "lanes": 1, "error": "ConnectionError"}
    ]


def test_a_redis_that_hangs_costs_nobody_anything_and_is_given_up_soon(hung, monkeypatch):
    monkeypatch.setattr(bell, "log", Said())
    before = lost()
    bell.set_up(hung)

    took = sorted(seconds(lambda number=number: bell.ring("orders", 1, f"order/{number}")) for number in range(20))

    assert took[10] < QUICK_S
    assert took[-1] < WITHOUT_WAITING_S
    assert seconds(lambda: eventually(lambda: lost() == before + 20)) < 9  # one after another they would take ten


def test_ringing_goes_on_when_redis_is_back(base_settings, heard, monkeypatch):
    """The first ring fails; the thread that rings lives on."""
    monkeypatch.setattr(bell, "log", Said())
    really, failures = bell.ring_now, iter([ValueError("nonsense"), None])

    def ring_now(*words):
        if failure := next(failures, None):
            raise failure
        really(*words)

    monkeypatch.setattr(bell, "ring_now", ring_now)
    before = lost()
    bell.set_up(base_settings.redis_url)

    bell.ring("orders", 1, "order/1")
    assert bell.flush(5)
    bell.ring("orders", 1, "order/2")
    assert bell.flush(5)

    assert lost() == before + 1
    assert heard() == [("jobs.runner.run_lane", [1, "order/2"])]


def test_bells_that_wait_too_long_are_let_go_and_counted(hung, monkeypatch):
    monkeypatch.setattr(bell, "log", Said())
    monkeypatch.setattr(bell, "_GATHER_S", 30)
    ringer = bell._Ringer(hung)
    before = lost()

    for number in range(bell._KEEP + 3):
        ringer.add(("orders", 1, f"order/{number}"))

    assert lost() == before + 3
    assert ringer.waiting[0] == ("orders", 1, "order/3")


def test_a_queue_with_enough_bells_gets_no_more(base_settings, heard, monkeypatch):
    monkeypatch.setattr(bell, "ENOUGH_BELLS", 1)
    bell.set_up(base_settings.redis_url)

    for number in range(2):
        bell.ring("orders", 1, f"order/{number}")
        assert bell.flush(5)

    assert heard() == [("jobs.runner.run_lane", [1, "order/0"])]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_rings_with_a_thread_of_its_own(base_settings, heard):
    bell.set_up(base_settings.redis_url)
    bell.ring("orders", 1, "order/parent")
    assert bell.flush(5)

    def ring_in_child():
        bell.ring("orders", 1, "order/child")
        raise SystemExit(0 if bell.flush(5) else 1)

    child = multiprocessing.get_context("fork").Process(target=ring_in_child)
    child.start()
    child.join(10)

    assert child.exitcode == 0
    assert heard() == [("jobs.runner.run_lane", [1, "order/parent"]), ("jobs.runner.run_lane", [1, "order/child"])]


def test_what_was_rung_in_a_parent_is_not_waited_for_in_its_child(hung):
    bell.set_up(hung)
    bell.ring("orders", 1, "order/1")
    ringer = bell._ringer
    ringer.pid = -1  # as a forked child finds it

    assert seconds(lambda: bell.flush(5)) < WITHOUT_WAITING_S
    bell.ring("orders", 1, "order/2")
    assert bell._ringer is not ringer
