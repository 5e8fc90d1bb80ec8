"""What a database in trouble looks like to the rest: away, to be asked again; never a fault, and never for ever."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from jobs import queue, runner, stages
from jobs.outcomes import Done
from records import audit, database
from records.database import NO_DATABASE
from tests.shop import open_shop


@pytest.fixture
def own_engine(base_settings, engine):
    """Connections of this test alone, which it may spoil."""
    own = database.connect(base_settings.owner_url, pool_size=1, role="spoiled")
    yield own
    own.dispose()


@pytest.fixture
def shop(engine):
    return open_shop(engine)


def refuses(shop, table, code):
    """Have the database refuse every insert into a table with a code of its own."""
    shop.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''{code}''; END'"
    )
    shop.run(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")


def in_sqlalchemys_way(session, tenant):
    audit.write(session, tenant, actor="test", surface="command", act="tried")


def to_the_driver(session, tenant):
    said = "INSERT INTO audit_lines (tenant_id, actor, surface, act) VALUES (%(tenant)s, 'test', 'command', 'tried')"
    database.ask_driver(session, said + " RETURNING id", {"tenant": tenant})


# Disk full, out of memory, too many connections, shut down, crashed, starting up, deadlock, serialisation failure,
# lock not available, cancelled for its time, read-only after a failover, idle too long in a transaction, input/output.
@pytest.mark.parametrize(
    "code",
    [
        "53100",
        "53200",
        "53300",
        "57P01",
        "57P02",
        "57P03",
        "40P01",
        "40001",
        "55P03",
        "57014",
        "25006",
        "25P03",
        "58030",
    ],
)
@pytest.mark.parametrize("says", [in_sqlalchemys_way, to_the_driver])
def test_a_database_in_trouble_is_away_and_the_job_is_tried_again(shop, own_engine, monkeypatch, code, says):
    order = shop.order((None, 1))

    def write(work):
        with work.writing() as session:
            says(session, shop.tenant)
        return Done()

    monkeypatch.setattr(stages, "run", write)
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "verify_order", f"order/{order}")
    refuses(shop, "audit_lines", code)
    try:
        runner.work_off(shop.services(engine=own_engine), shop.tenant, f"order/{order}")
    finally:
        shop.run("DROP FUNCTION refuse CASCADE")
    assert shop.rows("SELECT state, cause, deaths FROM jobs") == [("due", "database", 0)]

    shop.run("UPDATE jobs SET due_at = now()")
    runner.work_off(shop.services(engine=own_engine), shop.tenant, f"order/{order}")
    assert shop.rows("SELECT state, attempts FROM jobs") == [("done", 2)]


def test_what_it_refuses_for_good_is_not_called_away(own_engine):
    with pytest.raises(IntegrityError), own_engine.begin() as connection:
        connection.execute(text("INSERT INTO tenants (id) VALUES (NULL)"))

    assert not issubclass(IntegrityError, NO_DATABASE)


def test_a_connection_that_may_only_read_is_given_up_for_a_new_one(own_engine):
    """After a failover the pool's connections lead to the old server, which still answers, and would for ever."""
    with own_engine.begin() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        old = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    add = text("INSERT INTO tenants (name, currency, rules) VALUES ('x', 'USD', '{}')")

    with pytest.raises(OperationalError), own_engine.begin() as connection:
        connection.execute(add)

    with own_engine.begin() as connection:
        connection.execute(add)
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != old


def test_a_connection_of_which_the_driver_says_that_it_may_only_read_is_given_up(own_engine, shop):
    with own_engine.begin() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))

    with pytest.raises(OperationalError), database.transaction(own_engine, shop.tenant) as session:
        to_the_driver(session, shop.tenant)

    with database.transaction(own_engine, shop.tenant) as session:
        to_the_driver(session, shop.tenant)
    assert shop.one("SELECT count(*) FROM audit_lines") == 1


def test_a_connection_that_is_cut_off_under_the_driver_is_given_up(own_engine, shop):
    def cut_off(session):
        to_the_driver(session, shop.tenant)
        shop.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'packline-spoiled'")
        to_the_driver(session, shop.tenant)

    with pytest.raises(OperationalError), database.transaction(own_engine, shop.tenant) as session:
        cut_off(session)

    with database.transaction(own_engine, shop.tenant) as session:
        to_the_driver(session, shop.tenant)
    assert shop.one("SELECT count(*) FROM audit_lines") == 1


def test_what_the_driver_is_refused_for_good_is_not_called_away(own_engine, shop):
    with pytest.raises(IntegrityError), database.transaction(own_engine, shop.tenant) as session:
        database.ask_driver(session, "UPDATE tenants SET name = NULL RETURNING id", {})


def test_a_transaction_that_rests_too_long_lets_go_of_its_locks(base_settings, shop, monkeypatch):
    monkeypatch.setattr(database, "IDLE_TIMEOUT_MS", 200)
    own = database.connect(base_settings.owner_url, pool_size=1, role="stopped")
    with own.connect() as stopped:  # a process that was stopped in the middle
        stopped.execute(text("UPDATE tenants SET name = 'held'"))
        started = time.monotonic()
        shop.run("UPDATE tenants SET name = 'free'")  # waits for the lock, and gets it
        waited = time.monotonic() - started
        with pytest.raises(OperationalError):
            stopped.execute(text("SELECT 1"))

    assert waited < database.LOCK_TIMEOUT_MS / 1000
    assert shop.one("SELECT name FROM tenants") == "free"
    own.dispose()


def test_a_pool_without_a_free_connection_is_trouble_and_not_a_fault(own_engine, shop, monkeypatch):
    own_engine.pool._timeout = 0.2
    order = shop.order((None, 1))
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "verify_order", f"order/{order}")
    services = shop.services(engine=own_engine)

    with own_engine.connect(), own_engine.connect():  # the pool's one, and the one that it may add
        assert runner.work_off(services, shop.tenant, f"order/{order}") == 0
    assert shop.rows("SELECT state, attempts FROM jobs") == [("due", 0)]

    def starved(work):
        with own_engine.connect(), own_engine.connect(), work.reading() as session:
            session.execute(text("SELECT 1"))
        return Done()

    monkeypatch.setattr(stages, "run", starved)
    assert runner.work_off(services, shop.tenant, f"order/{order}") == 1
    assert shop.rows("SELECT state, cause FROM jobs") == [("due", "database")]


def test_a_row_that_stays_locked_is_given_up_within_its_limit(base_settings, shop, monkeypatch):
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 100)
    own = database.connect(base_settings.owner_url, pool_size=1, role="waiting")
    locked, done = threading.Event(), threading.Event()

    def hold():
        with shop.engine.begin() as connection:
            connection.execute(text("UPDATE tenants SET name = 'held'"))
            locked.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(30)
    try:
        with pytest.raises(NO_DATABASE), own.begin() as connection:
            connection.execute(text("UPDATE tenants SET name = 'mine'"))
    finally:
        done.set()
        holder.join()
        own.dispose()
    assert shop.one("SELECT name FROM tenants") == "held"


def test_every_connection_asks_after_a_silent_server_and_limits_what_it_waits_for(own_engine):
    with own_engine.connect() as connection:
        said = connection.connection.driver_connection.info.get_parameters()
        shown = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "timezone")
        }

    assert (said["keepalives_idle"], said["keepalives_interval"], said["keepalives_count"]) == ("10", "5", "3")
    assert said["tcp_user_timeout"] == "25000"
    assert shown == {
        "lock_timeout": "5s", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "1min",
        "timezone": "UTC",
    }  # fmt: skip
