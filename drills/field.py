"""The ground on which the drills happen: servers of its own, the vendors' stand-ins, web, workers and clocks."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx
import redis
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from config import boot, embedded
from config.settings import Settings
from drills.processes import Processes
from drills.shops import Control, control_of
from jobs import bell
from records import database, migrate, schema

Found = TypeVar("Found")

# Short, so that a drill shows within seconds what takes half a minute in production.
LEASE_S, PATIENCE_S = 2.0, 1.0
NOTHING: Mapping[str, str] = MappingProxyType({})
_BOOT_MAY_TAKE_S = 60


@dataclass(kw_only=True)
class Field:
    """Everything that runs, and how to reach and to hurt it."""

    settings: Settings
    engine: Engine
    processes: Processes
    sandbox: str
    web: str
    logs: Path
    numbers: Iterator[int]
    """A number for each shop, because the door remembers a shop's domain for some seconds."""

    @property
    def postgresql_folder(self) -> Path:
        return embedded.reachable(self.settings.packline_home) / "postgresql"

    @property
    def redis_folder(self) -> Path:
        return embedded.reachable(self.settings.packline_home) / "redis"

    @functools.cached_property
    def control(self) -> Control:
        return control_of(self.sandbox)

    def ask_redis(self) -> redis.Redis:
        """A connection for one question; the caller closes it."""
        return bell.connect(self.settings.redis_url)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """What a query finds, asked again while the database is away."""

        def ask() -> list[Any]:
            with self.engine.connect() as connection:
                return list(connection.execute(text(sql), values))

        return patient(ask)

    def change(self, sql: str, **values: Any) -> int:
        """Change records past Packline, as only a drill may; answers how many rows."""

        def act() -> int:
            with self.engine.begin() as connection:
                return int(connection.execute(text(sql), values).rowcount)

        return patient(act)

    def start_web(self) -> None:
        """The door and the pages, ready when this returns."""
        self.processes.start("web", "cli", "web", "--port", self.web.rpartition(":")[2])
        wait_for(f"{self.web}/healthz", self.processes.log("web"))

    def start_worker(self, name: str = "worker", *, processes: int = 1, more: Mapping[str, str] = NOTHING) -> None:
        """A supervisor with its workers; with anything in `more` the one that dies on demand."""
        if more:
            self.processes.start(name, "drills.worker", more={**more, "WORKER_PROCESSES": str(processes)})
        else:
            self.processes.start(name, "cli", "worker", "--processes", str(processes))

    def start_clock(self, name: str = "clock") -> None:
        self.processes.start(name, "cli", "clock")

    def start_servers(self) -> None:
        """Have PostgreSQL and Redis running, or find that they are."""
        embedded.start_postgresql(self.postgresql_folder)
        embedded.start_redis(self.redis_folder)

    def restart_servers(self) -> None:
        """Web, Redis and PostgreSQL are switched off and on again; workers and clocks are not there at the time."""
        self.processes.stop("web")
        embedded.stop_redis(self.redis_folder)
        embedded.pg_ctl(self.postgresql_folder, "restart", "-m", "fast", "-w")
        self.engine.dispose()
        embedded.start_redis(self.redis_folder)
        self.start_web()

    def clear(self) -> None:
        """Only web, sandbox and servers are left running, with nothing in any of them."""
        self.processes.stop_all(lambda name: name not in {"web", "sandbox"})
        bell.flush()
        self.start_servers()
        self.control("POST", "/reset")
        # Vendors try again for hours or days; a drill's longest trouble lasts minutes.
        self.control("POST", "/deliveries/plan", {"retry_delays_s": [0.5] * 600})
        with self.ask_redis() as connection:
            connection.flushall()
        self.change(f"TRUNCATE {', '.join(schema.METADATA.tables)} RESTART IDENTITY CASCADE")
        if not self.processes.alive("web"):
            self.start_web()


@contextmanager
def laid_out(home: Path) -> Iterator[Field]:
    """A field with servers, sandbox and web, and nothing else yet.

    Raises RuntimeError, naming the log, where a process does not start.
    """
    sandbox, web = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
    mail = _free_port()
    settings = _settings(home, sandbox, web, mail)
    logs = embedded.reachable(home) / "logs"
    logs.mkdir(exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    # The owner's: a drill looks past the walls that the processes stand behind.
    engine = database.connect(settings.owner_url, pool_size=8, role="drills")
    _empty(engine, login=settings.database_login)
    processes = Processes(settings, logs)
    field = Field(
        settings=settings, engine=engine, processes=processes, sandbox=sandbox, web=web, logs=logs, numbers=count(1)
    )
    try:
        ports = ("--port", sandbox.rpartition(":")[2], "--mail-port", str(mail))
        processes.start("sandbox", "sandbox", *ports, "--hooks-origin", web)
        wait_for(f"{sandbox}/_sandbox/health", processes.log("sandbox"))
        field.start_web()
        bell.set_up(settings.redis_url)
        yield field
    finally:
        bell.set_up("")
        processes.stop_all()
        engine.dispose()
        field.start_servers()  # a drill that ended too early may have left one of them dead or frozen
        embedded.stop_redis(field.redis_folder)
        embedded.stop_postgresql(field.postgresql_folder)


def _settings(home: Path, sandbox: str, web: str, mail: int) -> Settings:
    return boot.complete(
        Settings(
            _env_file=None,  # type: ignore[call-arg]
            packline_home=home,
            database_url="",
            redis_url="",
            public_url=web,
            mail_url=SecretStr(f"smtp://127.0.0.1:{mail}"),
            mail_from="orders@packline.example",
            shopify_origin=sandbox,
            stripe_api_base=sandbox,
            easypost_api_base=sandbox,
            log_level="WARNING",
            job_lease_seconds=LEASE_S,
            bell_patience_seconds=PATIENCE_S,
        )
    )


def _empty(engine: Engine, *, login: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate.upgrade(engine, login=login)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, log: Path) -> None:
    """Wait until something answers there. Raises RuntimeError naming the log."""
    deadline = time.monotonic() + _BOOT_MAY_TAKE_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers at {url}: see {log}")


def patient(ask: Callable[[], Found], *, within_s: float = 60) -> Found:
    """Ask the database until it answers. Raises DBAPIError when it stays away."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except DBAPIError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def until(what: Callable[[], Any], *, within_s: float = 60, pause_s: float = 0.05) -> bool:
    """Look until it is so; answers whether it became so in time."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True
