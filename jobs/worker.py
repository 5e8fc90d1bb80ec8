"""Starts the worker processes and keeps them alive: one queue a process, the dead replaced, the living left to finish.

RQ loses jobs when one worker listens to several queues and is stopped between taking and noting (rq/rq#2236), forks
for every job, and opens queues with pickle in its own pool; so each process here is an RQ SimpleWorker on one queue,
and the row in PostgreSQL, not RQ, says what is done.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkContext, ForkProcess
from types import FrameType

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

from config import boot, logs
from config.settings import Settings
from jobs import bell, claims, health, runner, stages
from jobs.queue import QUEUES
from jobs.runner import run_lane
from jobs.turns import Turns
from jobs.work import Services, app_keys, buyer_links, origins, post, supplier_links
from records import database

log = structlog.get_logger(__name__)

# The one function that a worker calls, whatever else somebody with access to Redis may have named there.
_LANE = "jobs.runner.run_lane"
# Within this time Redis forgets a worker that is gone, and an idle one looks whether it was told to stop.
WORKER_TTL_S = 45
# A queue that dies at once every time must not take the machine with it.
_RESTART_WAIT_S = 1.0
_PR_SET_PDEATHSIG = 1
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class LaneJob(RqJob):
    """A bell as RQ keeps it. It refuses to run anything but a lane."""

    @property
    def func(self) -> Callable[..., object]:
        if self.func_name != _LANE:
            raise PermissionError("a bell names a function that is not ours")
        return run_lane


class LaneWorker(SimpleWorker):
    """Hears no word to stop before it can obey it: one that was let go in the middle of its start stayed listed."""

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def execute_job(self, job: RqJob, queue: Queue) -> None:
        """Answer a bell, and keep nothing of it: the row says how its lane is doing, and the sweep rings again.

        RQ's own way notes each run a dozen times over, with its exception's words, and cost a quarter of the CPU of the
        queue `hooks`. A process that dies with the bell in its hands leaves nothing behind in Redis.
        """
        with self.connection.pipeline() as once:
            self.set_state(WorkerStatus.BUSY, pipeline=once)
            self.heartbeat(self.get_heartbeat_ttl(job), pipeline=once)
            once.lrem(queue.intermediate_queue_key, 1, job.id)
            once.delete(job.key)
            once.execute()
        try:
            with self.death_penalty_class(job.timeout or bell.LONGEST_RUN_S, JobTimeoutException, job_id=job.id):
                job.perform()
        except Exception:  # the process lives on for the next bell; the sweep rings for what is left of this one
            log.exception("bell ended in a fault", bell=job.id)
        self.set_state(WorkerStatus.IDLE)


@dataclass
class Seat:
    """A place for one process: its queue, and who sits there now."""

    queue: str
    number: int
    process: ForkProcess | None = None
    started_at: float = 0.0
    told_to_stop: bool = False

    @property
    def name(self) -> str:
        pid = self.process.pid if self.process else 0
        return worker_name(self.queue, pid or 0)


def worker_name(queue: str, pid: int) -> str:
    return f"{socket.gethostname()}-{queue}-{pid}"


def seats(processes: int, queues: tuple[str, ...] = QUEUES) -> list[Seat]:
    """`processes` of them for every queue where orders pass, one for each of the others; never a queue without one."""
    wide = {"orders": processes, "hooks": processes}
    return [Seat(queue=name, number=number) for name in queues for number in range(wide.get(name, 1))]


class Supervisor:
    """Keeps every seat taken until it is told to stop, and then waits for the jobs in hand."""

    def __init__(self, settings: Settings, processes: int, queues: tuple[str, ...] = QUEUES) -> None:
        self._settings = settings
        self._seats = seats(processes, queues)
        self._fork: ForkContext = multiprocessing.get_context("fork")
        self._stopping = False

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; returns when every process has finished the job in its hands."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        log.info("workers start", seats=[seat.queue for seat in self._seats])
        for seat in self._seats:
            self._seat(seat)
        while any(seat.process is not None for seat in self._seats):
            for seat in self._seats:
                self._look_after(seat)
            time.sleep(0.1)
        log.info("workers stopped")

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            log.info("stopping after the jobs in hand", signal=signal.Signals(number).name)
        self._stopping = True

    def _seat(self, seat: Seat) -> None:
        seat.process = self._fork.Process(target=work, args=(self._settings, seat.queue), name=f"packline-{seat.queue}")
        seat.started_at = time.monotonic()
        # A signal that meets the new process before it has handlers of its own waits until it has.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        seat.process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def _look_after(self, seat: Seat) -> None:
        process = seat.process
        if process is None:
            return
        if process.is_alive():
            if self._stopping and not seat.told_to_stop:  # once only: RQ takes a second word as "drop everything"
                seat.told_to_stop = True
                process.terminate()
            return
        process.join()
        if self._stopping:
            seat.process = None
            return
        if time.monotonic() - seat.started_at < _RESTART_WAIT_S:
            return  # it died young: wait out the second before the next try
        log.warning("worker died", queue=seat.queue, exitcode=process.exitcode)
        _free_leases(self._settings, seat.name)
        self._seat(seat)


def work(settings: Settings, queue: str) -> None:
    """One worker process: answers one queue's bells until it is told to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the supervisor's handler came along with the fork
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the supervisor passes it on in order
    _die_with_parent()
    logs.set_up(settings)
    bell.set_up(settings.redis_url)
    connection = bell.connect(settings.redis_url, patient=True)
    name = worker_name(queue, os.getpid())
    services = Services(
        engine=database.connect(settings.database_url, pool_size=3, role=f"worker-{queue}"),
        keyring=boot.keyring(settings),
        origins=origins(settings),
        worker=name,
        lease_s=settings.job_lease_seconds,
        public_url=settings.public_url,
        app_keys=app_keys(settings),
        post=post(settings),
        links=buyer_links(settings),
        supplier_links=supplier_links(settings),
    )
    services.leases.when_stuck = _die
    runner.set_up(services, Turns(services.engine, queue, listening=_Listening(settings.redis_url, queue)))
    worker = LaneWorker(
        [bell.queue(queue, connection)],
        name=f"{name}-{int(time.time())}",  # a worker of the same process number may still stand in Redis
        connection=connection,
        job_class=LaneJob,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        maintenance_interval=15,
        log_job_description=False,
    )
    with logs.last_words():
        worker.work(with_scheduler=False, logging_level="WARNING")
        bell.flush()


class _Listening:
    """How many processes listen to a queue, or listened when Redis last answered. It waits half a second at most."""

    def __init__(self, redis_url: str, queue: str) -> None:
        self._connection = bell.connect(redis_url)
        self._queue = queue
        self._known = 1

    def __call__(self) -> int:
        try:
            self._known = health.listening(self._connection, self._queue)
        except redis.RedisError as error:
            log.warning("listeners not counted", queue=self._queue, error=type(error).__name__)
        return self._known


def _die() -> None:
    """Die at once, as what hangs deeper than any exception reaches must; the supervisor seats another."""
    os.kill(os.getpid(), signal.SIGKILL)


def _free_leases(settings: Settings, name: str) -> None:
    """A process that is known to be gone need not keep its job until the lease runs out."""
    engine = database.connect(settings.database_url, pool_size=1, role="supervisor")
    try:
        freed = claims.free_leases_of(engine, name)
        if freed:
            log.info("leases freed", worker=name, jobs=freed)
    except Exception as error:  # noqa: BLE001 - the lease runs out by itself; the supervisor must live
        log.warning("leases not freed; they run out", worker=name, error=type(error).__name__)
    finally:
        engine.dispose()


def _die_with_parent() -> None:
    """Ask Linux for SIGTERM when the supervisor is gone, so that nobody works unsupervised."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def listened_to() -> frozenset[str]:
    """The queues that a worker of any size listens to."""
    return frozenset(seat.queue for seat in seats(1))


# Importing the stages before forking makes a restarted process ready in milliseconds.
_KINDS = stages.kinds()
