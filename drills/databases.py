"""PostgreSQL is restarted, killed, cut off, full, used up or locked; the door refuses politely, all is done later."""

from __future__ import annotations

import random
import signal
import time
from functools import partial
from subprocess import CalledProcessError  # nosec B404 # starts programs of our own choice only

import psycopg

from config import embedded
from drills.field import until
from drills.play import NotShown, Play
from drills.processes import signalled

# Restarts come every 5 to 40 seconds in the soak; here they come as fast as recovery allows.
_BETWEEN_S = (1.0, 4.0)


def postgresql_restarted(play: Play) -> int:
    """A database that crashes every few seconds, and recovers from its log, has lost nothing that was answered."""
    play.open_shops(2)
    chance = random.Random(2)  # nosec B311 # no cryptography
    with play.orders_coming(play.size.orders):
        for _ in range(play.size.faults):
            time.sleep(chance.uniform(*_BETWEEN_S))
            restart(play)
    play.fault_ended()
    return play.size.faults


def postmaster_killed(play: Play) -> int:
    """The same, without a word: the server process itself is killed, and started again a moment later."""
    play.open_shops(2)
    with play.orders_coming(play.size.orders):
        for _ in range(max(1, play.size.faults // 2)):
            time.sleep(1.5)
            pid = int((play.ground.postgresql_folder / "postmaster.pid").read_text().split("\n", 1)[0])
            signalled(pid, signal.SIGKILL)
            # Its children have to notice first, and let go of the memory that they share.
            if not until(partial(_started, play), pause_s=0.5):
                raise NotShown("the database did not start again")
    play.fault_ended()
    return max(1, play.size.faults // 2)


def connections_cut(play: Play) -> int:
    """Connections that are cut in the middle of statements and commits are opened again; a commit is never guessed."""
    play.open_shops(2)
    cut = 0
    with play.orders_coming(play.size.orders):
        for _ in range(4 * play.size.faults):
            time.sleep(0.25)
            cut += play.ground.rows(_CUT)[0].cut
    play.fault_ended()
    return cut


_CUT = """
SELECT count(pg_terminate_backend(pid)) AS cut FROM pg_stat_activity
WHERE application_name LIKE 'packline-%' AND application_name <> 'packline-drills' AND random() < 0.7
"""


def connections_used_up(play: Play) -> int:
    """When every connection is taken by somebody else, deliveries are answered 503 and come again."""
    play.open_shops(2)
    taken: list[psycopg.Connection[object]] = []
    # The processes' own connections are cut as well, or they would go on as if nothing were.
    play.ground.rows(_CUT)
    try:
        while len(taken) < 500:
            taken.append(psycopg.connect(play.ground.settings.database_url, connect_timeout=5))
    except psycopg.OperationalError:
        play.ground.engine.dispose()
    try:
        play.place()
        time.sleep(play.size.away_s)
    finally:
        for connection in taken:
            connection.close()
    play.fault_ended()
    return len(taken)


def tables_locked(play: Play) -> int:
    """Tables that somebody else keeps locked for longer than anybody waits are waited for without losing a job."""
    play.open_shops(2)
    strikes = max(1, play.size.faults // 3)
    with play.orders_coming(play.size.orders):
        for table in (("jobs", "orders", "inbox_events", "stock_levels") * strikes)[:strikes]:
            with play.ground.engine.begin() as connection:
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                time.sleep(6.0)  # the longest wait for a lock is five
    play.fault_ended()
    return strikes


def disk_full(play: Play) -> int:
    """A database with no room left is refused politely (503, the sender tries again), and all is done when there is.

    Simulated: triggers raise what PostgreSQL raises then (SQLSTATE 53100) at every row that is written.
    """
    play.open_shops(2)
    play.place(play.size.orders // 2 + 1)
    for statement in (_NO_ROOM, *(_FILL.format(table=table) for table in _FULL)):
        play.ground.change(statement)
    try:
        play.place(play.size.orders)
        if not until(lambda: _refused(play), within_s=30):
            raise NotShown("no delivery was refused with 503")
        time.sleep(play.size.away_s)
    finally:
        for table in _FULL:
            play.ground.change(f"DROP TRIGGER no_room ON {table}")
    play.fault_ended()
    return 1


_FULL = ("inbox_events", "jobs", "orders", "intentions", "timeline_entries", "labels")
_NO_ROOM = """
CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""
_FILL = "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()"


def restart(play: Play) -> None:
    """Crash the server and start it again: ready when this returns."""
    embedded.pg_ctl(play.ground.postgresql_folder, "restart", "-m", "immediate", "-w")
    play.ground.engine.dispose()


def _started(play: Play) -> bool:
    try:
        restart(play)
    except CalledProcessError:
        return False
    return True


def _refused(play: Play) -> bool:
    return any(one["last_status"] == 503 for one in play.ground.control("GET", "/deliveries")["deliveries"])
