"""Worker processes, started, killed and stopped for real."""

import ast
import os
import signal
import subprocess
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path

import pytest
from rq import Worker
from rq.serializers import JSONSerializer

from jobs import bell, queue, sweep, worker
from jobs.queue import QUEUES
from tests.shop import open_shop
from tests.world import eventually

ROOT = Path(__file__).parents[2]
ENTRY = Path(__file__).with_name("worker_entry.py")


def test_every_declared_queue_has_a_listener_however_few_processes_there_are():
    assert worker.listened_to() == frozenset(QUEUES)
    assert {seat.queue for seat in worker.seats(3)} == set(QUEUES)


def test_each_process_listens_to_one_queue_and_the_order_queues_get_them_all():
    seats = [seat.queue for seat in worker.seats(3)]

    assert {name: seats.count(name) for name in QUEUES} == {"hooks": 3, "orders": 3, "carriers": 1, "notices": 1}


@pytest.mark.parametrize("name", ["os.system", "jobs.runner.set_up", "jobs.runner.work_off", "builtins.eval"])
def test_a_bell_that_names_another_function_runs_nothing(redis_connection, name):
    """Whoever can write to Redis can name any function that this process can import."""
    opened = bell.queue("orders", redis_connection)
    job = worker.LaneJob.create(name, args=("true",), connection=redis_connection, serializer=JSONSerializer)
    opened.enqueue_job(job)

    fetched = worker.LaneJob.fetch(job.id, connection=redis_connection, serializer=JSONSerializer)
    with pytest.raises(PermissionError):
        fetched.perform()


def test_a_bell_is_off_redis_before_it_is_answered_and_a_fault_leaves_no_word_there(redis_connection, monkeypatch):
    opened = bell.queue("orders", redis_connection)
    one = worker.LaneWorker(
        [opened], name="one", connection=redis_connection, job_class=worker.LaneJob, serializer=JSONSerializer
    )
    found = []

    def answer(tenant, lane):
        found.append((tenant, lane, one.get_state(), redis_connection.keys("rq:job:*"), opened.count))
        raise RuntimeError("Ada Buyer")

    monkeypatch.setattr(worker, "run_lane", answer)
    bell.ring_now(redis_connection, "orders", [(7, "order/1")])
    job, _ = one.queue_class.dequeue_any(
        [opened], None, connection=redis_connection, job_class=worker.LaneJob, serializer=JSONSerializer
    )
    assert redis_connection.lrange(opened.intermediate_queue_key, 0, -1) == [job.id.encode()]

    one.execute_job(job, opened)

    assert found == [(7, "order/1", "busy", [], 0)]
    assert one.get_state() == "idle"
    kept = {key: redis_connection.dump(key) for key in redis_connection.keys("*")}
    assert not [key for key, words in kept.items() if b"Ada" in words or b"order/1" in words or b"rq:job" in key]
    assert opened.intermediate_queue_key.encode() not in kept


# Who must live on, whatever happens in what it looks after; none of them is called by a stage.
CATCH_EVERYTHING = {
    "jobs/clock.py", "jobs/worker.py", "jobs/bell.py", "jobs/runner.py",
    "integrations/sdk_calls.py",  # makes a failure of it, which ends the run as well
}  # fmt: skip


def test_no_stage_can_swallow_the_alarm_that_ends_a_run():
    """RQ's alarm is an Exception that rings once, wherever the run is."""
    catching = {
        path.relative_to(ROOT).as_posix()
        for room in ("jobs", "orders", "integrations", "records")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & set(ast.unparse(node.type).strip("()").split(", ")))
        and not isinstance(node.body[-1], ast.Raise)
    }

    assert catching <= CATCH_EVERYTHING


class Running:
    """A supervisor with its processes, what its stages noted, and what it logged."""

    def __init__(self, process, folder, log):
        self.process, self.folder, self.log = process, folder, log

    def notes(self, word):
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[1:] for line in lines if line.startswith(word)]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def logged(self):
        return self.log.read_text()


@contextmanager
def running(settings, folder, *words, **environment):
    log = folder / "log"
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        env=os.environ | {
            "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "JOB_LEASE_SECONDS": "3",
            "SECRET_KEY": settings.secret_key.get_secret_value(), "LOG_LEVEL": "INFO",
            "ENCRYPTION_KEYS": settings.encryption_keys[0].get_secret_value(), **environment,
        },
        stdout=log.open("w"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Running(process, folder, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)


@pytest.fixture
def ask(shop, base_settings, redis_connection):
    """Ask for a job about an order, and ring."""
    bell.set_up(base_settings.redis_url)

    def ask(order):
        with shop.transaction() as session:
            queue.add(session, shop.tenant, "verify_order", f"order/{order}")
        assert bell.flush(5)

    return ask


def listening(redis_connection):
    workers = Worker.all(connection=redis_connection, serializer=JSONSerializer)
    return sorted(name for one in workers for name in one.queue_names())


@pytest.mark.drill
def test_jobs_are_done_and_nothing_but_ids_is_in_redis_or_the_logs(
    shop, base_settings, redis_connection, ask, tmp_path
):
    orders = [shop.order((None, 1), email="ada@example.com", phone="4155550100") for _ in range(3)]
    for order in orders:
        ask(order)
    for key in redis_connection.keys("rq:job:*"):
        kept = redis_connection.hgetall(key)
        assert zlib.decompress(kept[b"data"]).startswith(b'["jobs.runner.run_lane", null, [')
        assert kept[b"description"] == b"run"

    with running(base_settings, tmp_path, ENTRY, tmp_path, LOG_LEVEL="DEBUG") as workers:
        eventually(lambda: len(workers.notes("ended")) == 3)
        eventually(lambda: shop.rows("SELECT DISTINCT state FROM jobs") == [("done",)])
        assert listening(redis_connection) == sorted(QUEUES)
        everything = b" ".join(redis_connection.dump(key) or b"" for key in redis_connection.keys("*"))
        assert workers.stop() == 0

    assert sorted(subject for subject, _ in workers.notes("ended")) == [f"order/{order}" for order in orders]
    for secret in ("ada", "4155550100", "run_lane(", "Buyer"):
        assert secret not in workers.logged()
        assert secret.encode() not in everything
    assert "worker died" not in workers.logged()


@pytest.mark.drill
def test_a_job_whose_process_is_killed_is_finished_by_the_next(shop, base_settings, redis_connection, ask, tmp_path):
    order = shop.order((None, 1))
    (tmp_path / "wait").touch()
    with running(base_settings, tmp_path, ENTRY, tmp_path) as workers:
        ask(order)
        ((_, victim),) = eventually(lambda: workers.notes("began"))
        os.kill(int(victim), signal.SIGKILL)
        # Its supervisor saw it die: nobody waits for the lease to run out, which would leave `rung_at` as it was.
        freed = "SELECT count(*) FROM jobs WHERE state = 'running' AND lease_until < now() AND rung_at IS NULL"
        eventually(lambda: shop.one(freed) == 1)
        (tmp_path / "wait").unlink()
        eventually(lambda: sweep.run(shop.engine, redis_connection, patience_s=10) or workers.notes("ended"))
        ((_, finisher),) = eventually(lambda: workers.notes("ended"))
        eventually(lambda: shop.one("SELECT state, fence FROM jobs") == ("done", 2))
        assert workers.stop() == 0

    assert finisher != victim
    assert [subject for subject, _ in workers.notes("began")] == [f"order/{order}"] * 2
    assert "worker died" in workers.logged()


@pytest.mark.drill
def test_a_supervisor_that_is_told_to_stop_lets_the_job_in_hand_finish(shop, base_settings, ask, tmp_path):
    first, second = shop.order((None, 1)), shop.order((None, 1))
    (tmp_path / "wait").touch()
    with running(base_settings, tmp_path, ENTRY, tmp_path) as workers:
        ask(first)
        eventually(lambda: workers.notes("began"))
        workers.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping after the jobs in hand" in workers.logged())
        ask(second)
        with pytest.raises(subprocess.TimeoutExpired):
            workers.process.wait(1)
        (tmp_path / "wait").unlink()
        assert workers.process.wait(30) == 0

    assert [subject for subject, _ in workers.notes("ended")] == [f"order/{first}"]
    assert shop.rows("SELECT subject, state, deaths FROM jobs ORDER BY id") == [
        (f"order/{first}", "done", 0), (f"order/{second}", "due", 0),
    ]  # fmt: skip


@pytest.mark.drill
def test_workers_finish_and_end_when_their_supervisor_is_killed(shop, base_settings, ask, tmp_path):
    order = shop.order((None, 1))
    (tmp_path / "wait").touch()
    with running(base_settings, tmp_path, ENTRY, tmp_path) as workers:
        ask(order)
        ((_, pid),) = eventually(lambda: workers.notes("began"))
        workers.process.kill()
        workers.process.wait(30)
        (tmp_path / "wait").unlink()
        eventually(lambda: shop.one("SELECT state FROM jobs") == "done")
        eventually(lambda: not Path(f"/proc/{pid}").exists())


@pytest.fixture
def swept(shop, redis_connection):
    """Sweep, as the clock does, until something is so."""

    def until(so):
        def look():
            sweep.run(shop.engine, redis_connection, patience_s=0.5)
            return so()

        return eventually(look)

    return until


def state(shop, order):
    return shop.one("SELECT state, cause FROM jobs WHERE subject = :s", s=f"order/{order}")


@pytest.mark.drill
def test_a_job_that_kills_its_process_every_time_is_parked_and_the_queue_goes_on(
    shop, base_settings, ask, swept, tmp_path
):
    poison, *others = (shop.order((None, 1)) for _ in range(4))
    (tmp_path / f"die-{poison}").touch()
    with running(base_settings, tmp_path, ENTRY, tmp_path) as workers:
        for order in (poison, *others):
            ask(order)
        swept(lambda: len(workers.notes("ended")) == 3)
        # Nobody waited for more than the poison's first deaths: it is not parked yet.
        swept(lambda: state(shop, poison) == ("due", "died"))
        shop.run("UPDATE jobs SET due_at = now(), rung_at = NULL WHERE cause = 'died'")
        swept(lambda: state(shop, poison) == ("parked", "poison"))
        assert workers.stop() == 0

    assert [subject for subject, _ in workers.notes("began")].count(f"order/{poison}") == 6
    assert {subject for subject, _ in workers.notes("ended")} == {f"order/{order}" for order in others}
    assert [state(shop, order) for order in others] == [("done", "")] * 3


@pytest.mark.drill
def test_a_run_over_its_time_is_stopped_and_its_process_goes_on(shop, base_settings, ask, swept, tmp_path, monkeypatch):
    monkeypatch.setattr(bell, "LONGEST_RUN_S", 1)
    endless, other = shop.order((None, 1)), shop.order((None, 1))
    (tmp_path / f"sleep-{endless}").touch()
    with running(base_settings, tmp_path, ENTRY, tmp_path) as workers:
        ask(endless)
        ask(other)
        swept(lambda: workers.notes("ended"))
        assert state(shop, endless) == ("due", "stopped")
        (tmp_path / f"sleep-{endless}").unlink()
        swept(lambda: state(shop, endless) == ("done", ""))
        assert workers.stop() == 0

    assert len({pid for _, pid in workers.notes("began")}) == 1
    assert "worker died" not in workers.logged()


@pytest.mark.drill
def test_a_run_that_swallows_the_alarm_is_ended_with_its_process_and_the_job_goes_to_another(
    shop, base_settings, ask, swept, tmp_path, monkeypatch
):
    monkeypatch.setattr(bell, "LONGEST_RUN_S", 1)
    stuck, other = shop.order((None, 1)), shop.order((None, 1))
    (tmp_path / f"hang-{stuck}").touch()
    with running(base_settings, tmp_path, ENTRY, tmp_path, STUCK_AFTER_S="1.5") as workers:
        ask(stuck)
        ask(other)
        ((_, victim),) = eventually(lambda: workers.notes("began"))
        eventually(lambda: not Path(f"/proc/{victim}").exists())
        (tmp_path / f"hang-{stuck}").unlink()
        swept(lambda: shop.rows("SELECT DISTINCT state FROM jobs") == [("done",)])
        assert workers.stop() == 0

    assert shop.rows("SELECT fence, attempts, deaths FROM jobs WHERE subject = :s", s=f"order/{stuck}") == [(2, 2, 0)]
    assert workers.notes("swallowed")
    assert "job hangs and is given up" in workers.logged()


@pytest.mark.drill
def test_a_slow_vendor_of_one_shop_delays_another_shop_by_one_call_at_most(
    shop, engine, base_settings, ask, redis_connection, tmp_path
):
    call_s = 2.0
    (tmp_path / f"slow-{shop.tenant}").write_text(str(call_s))
    other = open_shop(engine, name="Other")
    with running(base_settings, tmp_path, ENTRY, tmp_path, PROCESSES="2") as workers:
        for _ in range(60):
            ask(shop.order((None, 1)))
        eventually(lambda: len(workers.notes("began")) >= 3, within_s=30)  # both are in a call of the slow shop
        quick = other.order((None, 1))
        with other.transaction() as session:
            queue.add(session, other.tenant, "verify_order", f"order/{quick}")
        waits_since = len(workers.notes("began"))
        eventually(lambda: [f"order/{quick}"] == [s for s, _ in workers.notes("ended") if s == f"order/{quick}"])
        assert workers.stop() == 0

    # Its bell stands behind some fifty others; each process ended the call that it was in, and then looked.
    began_before = [subject for subject, _ in workers.notes("began")].index(f"order/{quick}") - waits_since
    assert began_before <= 1
    assert bell.queue("orders", redis_connection).count > 40


@pytest.mark.drill
@pytest.mark.usefixtures("engine")
def test_the_command_itself_listens_to_every_queue_and_stops_when_told(base_settings, redis_connection, tmp_path):
    with running(base_settings, tmp_path, "-m", "cli", "worker", "--processes", "1") as workers:
        eventually(lambda: listening(redis_connection) == sorted(QUEUES))
        assert workers.stop() == 0
    assert listening(redis_connection) == []
