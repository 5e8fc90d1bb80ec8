"""Puts the demo's processes on their feet and takes them down again: sandbox, web, worker and clock."""

from __future__ import annotations

import os
import signal
import socket
import subprocess  # nosec B404 # starts programs of our own choice only
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine, text

from config import boot, embedded
from config.settings import Settings
from records import database, migrate, users


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that runs, and how to reach it."""

    settings: Settings
    engine: Engine
    sandbox: str
    web: str
    logs: Path
    processes: dict[str, int]
    """The process ids, by name: sandbox, web, worker and clock."""

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox for something."""
        answered = httpx.request(method, f"{self.sandbox}/_sandbox{path}", json=body, timeout=60)
        answered.raise_for_status()
        return answered.json()


@contextmanager
def set_up(home: Path, *, name: str, password: str, processes: int = 1) -> Iterator[Stage]:
    """All processes, on empty records of their own with one user for the pages.

    Raises RuntimeError, naming the log, where a process does not start.
    """
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    sandbox_port, web_port, mail_port = _free_port(4000), _free_port(8000), _free_port(4025)
    sandbox, web = f"http://127.0.0.1:{sandbox_port}", f"http://127.0.0.1:{web_port}"
    settings = boot.complete(
        Settings(
            _env_file=None,  # type: ignore[call-arg]
            packline_home=home,
            database_url="",
            redis_url="",
            public_url=web,
            mail_url=SecretStr(f"smtp://127.0.0.1:{mail_port}"),
            mail_from="orders@packline.example",
            shopify_origin=sandbox,
            stripe_api_base=sandbox,
            easypost_api_base=sandbox,
            job_lease_seconds=10,
            bell_patience_seconds=2,
        )
    )
    # The owner's: the screen and the verdict look past the walls that web, worker and clock stand behind.
    engine = database.connect(settings.owner_url, pool_size=4, role="demo")
    _empty(engine, login=settings.database_login)
    with database.across_tenants(engine, why="users belong to no tenant") as session:
        users.add(session, name, password)
    with ExitStack() as stack:
        stack.callback(_stop_servers, home, engine)
        start = _Starter(stack, settings, logs)
        ports = ("--port", str(sandbox_port), "--mail-port", str(mail_port))
        start("sandbox", sys.executable, "-m", "sandbox", *ports, "--hooks-origin", web)
        start("web", sys.executable, "-m", "cli", "web", "--port", str(web_port))
        _wait_for(f"{sandbox}/_sandbox/health", logs / "sandbox.log")
        _wait_for(f"{web}/healthz", logs / "web.log")
        start("worker", sys.executable, "-m", "cli", "worker", "--processes", str(processes))
        start("clock", sys.executable, "-m", "cli", "clock")
        yield Stage(settings=settings, engine=engine, sandbox=sandbox, web=web, logs=logs, processes=start.processes)


class _Starter:
    """Starts processes that the stack ends, the last one first."""

    def __init__(self, stack: ExitStack, settings: Settings, logs: Path) -> None:
        self._stack = stack
        self._environment = os.environ | environment(settings)
        self._logs = logs
        self.processes: dict[str, int] = {}

    def __call__(self, name: str, *words: str) -> None:
        log = self._stack.enter_context((self._logs / f"{name}.log").open("wb"))
        process = subprocess.Popen(  # noqa: S603 # nosec B603 # our own programs with our own words
            words,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends the others in order
        )
        self.processes[name] = process.pid
        self._stack.callback(_end, process)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a child process reads them."""
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
        "PUBLIC_URL": settings.public_url,
        "MAIL_URL": settings.mail_url.get_secret_value(),
        "MAIL_FROM": settings.mail_from,
        "SHOPIFY_ORIGIN": settings.shopify_origin,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "EASYPOST_API_BASE": settings.easypost_api_base,
        "JOB_LEASE_SECONDS": str(settings.job_lease_seconds),
        "BELL_PATIENCE_SECONDS": str(settings.bell_patience_seconds),
        "LOG_FORMAT": "text",
        "LOG_LEVEL": settings.log_level,
    }


def _empty(engine: Engine, *, login: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate.upgrade(engine, login=login)


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if _answers(url):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}: see {log}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.TransportError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask politely, and wait for the job in hand."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_servers(home: Path, engine: Engine) -> None:
    engine.dispose()
    folder = embedded.reachable(home)
    embedded.stop_redis(folder / "redis")
    embedded.stop_postgresql(folder / "postgresql")
