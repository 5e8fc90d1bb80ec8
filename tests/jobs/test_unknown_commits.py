"""The connection is cut in the very moment of a commit: whether it went through has to be looked up, not guessed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text

from jobs import desk, queue, runner
from jobs.outcomes import Done, Snoozed
from records import database
from tests.shop import Said
from tests.world import eventually


@pytest.fixture
def own_engine(base_settings, engine):
    """A worker's own connections, so that nobody else's are cut."""
    own = database.connect(base_settings.owner_url, pool_size=2, role="worker")
    yield own
    own.dispose()


@contextmanager
def cut_at_commit(engine, *, number: int = 1, went_through: bool = True) -> Iterator[list[int]]:
    """The `number`th commit from now on loses its connection, after or before the server took it."""
    commits: list[int] = []
    really = engine.dialect.do_commit

    def do_commit(connection):
        commits.append(1)
        if len(commits) == number:
            if went_through:
                really(connection)
            connection.driver_connection.close()
            raise psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")
        really(connection)

    engine.dialect.do_commit = do_commit
    try:
        yield commits
    finally:
        engine.dialect.do_commit = really


@pytest.mark.parametrize("went_through", [True, False])
def test_an_outcome_whose_commit_was_not_answered_is_written_once_and_the_lane_goes_on(
    lane, own_engine, monkeypatch, went_through
):
    monkeypatch.setattr(runner, "log", said := Said())
    lane.add("verify_order")
    lane.add("buy_label")

    # The first commit is the claim's, the second the outcome's: with it the next job is claimed.
    with cut_at_commit(own_engine, number=2, went_through=went_through) as commits:
        assert lane.work_off(worker="w9", engine=own_engine) == 2

    assert len(commits) == 4
    assert lane.ran == ["verify_order", "buy_label"]
    assert lane.jobs("state", "fence", "attempts", "deaths") == [("done", 1, 1, 0)] * 2
    assert ("outcome was written" in [line["event"] for line in said.lines]) is went_through
    assert "taken over by another worker" not in [line["event"] for line in said.lines]


def test_a_job_that_is_due_again_is_not_put_off_twice(lane, own_engine):
    lane.doing["verify_order"] = lambda _: Snoozed(wait_s=60, reason="early")
    lane.add()

    with cut_at_commit(own_engine, number=2):
        lane.work_off(worker="w9", engine=own_engine)
        # Meanwhile the store asked again, and another worker began: nothing of that is ours to write over.
    assert lane.job("state", "fence", "reason") == ("due", 1, "early")
    lane.hurry()
    assert lane.claim(worker="w2").fence == 2


def test_a_claim_whose_commit_was_not_answered_is_used_and_not_left_to_die(lane, own_engine):
    lane.add()

    with cut_at_commit(own_engine, number=1):
        assert lane.work_off(worker="w9", engine=own_engine) == 1

    assert lane.job("state", "fence", "attempts", "deaths") == ("done", 1, 1, 0)


def test_a_claim_that_did_not_go_through_leaves_the_lane_to_the_sweep(lane, own_engine):
    lane.add()

    with cut_at_commit(own_engine, number=1, went_through=False):
        assert lane.work_off(worker="w9", engine=own_engine) == 0

    assert lane.job("state", "attempts", "deaths") == ("due", 0, 0)


def test_who_was_taken_over_while_the_database_was_away_writes_nothing(lane, own_engine, monkeypatch):
    """The outcome was not written, the lease ran out meanwhile, and another worker has the job now."""
    monkeypatch.setattr(runner, "log", said := Said())

    def taken_over(_):
        lane.expire()
        assert lane.claim(worker="w2").fence == 2
        return Done()

    lane.doing["verify_order"] = taken_over
    lane.add()
    with cut_at_commit(own_engine, number=2, went_through=False):
        lane.work_off(worker="w9", engine=own_engine)

    assert lane.job("state", "worker", "fence") == ("running", "w2", 2)
    assert [line["event"] for line in said.lines][-1] == "taken over by another worker"


def test_a_deadlock_is_tried_again_and_is_no_fault(lane, own_engine, shop):
    """Two transactions want each other's row; PostgreSQL ends one, and the job's next try goes through."""
    first, second = shop.variant("ONE"), shop.variant("TWO")
    touch = text("UPDATE variants SET title = 'seen' WHERE id = :id")

    def crossed(work):
        if len(lane.ran) > 1:
            return Done()
        with own_engine.connect() as other, other.begin():
            other.execute(text("SET LOCAL deadlock_timeout = '10s'"))  # the job's own side finds it, and loses
            other.execute(touch, {"id": second})
            with work.writing() as session:
                session.execute(text("SET LOCAL ROLE NONE"))  # a shop may not set the next one
                session.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
                session.execute(touch, {"id": first})
                pid = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
                waiting = _wants(other, touch, first)
                eventually(lambda: shop.one("SELECT count(*) FROM pg_stat_activity WHERE pid = :p AND "
                                            "wait_event_type = 'Lock'", p=pid) == 1)  # fmt: skip
                try:
                    session.execute(touch, {"id": second})
                finally:
                    session.rollback()
                    waiting.result(10)
        return Done()

    lane.doing["verify_order"] = crossed
    lane.add()
    lane.work_off()
    assert lane.job("state", "cause", "reason") == ("due", "database", "The database did not answer.")

    lane.hurry()
    lane.work_off()
    assert lane.job("state", "attempts") == ("done", 2)


def _wants(connection, statement, id):
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    return pool.submit(connection.execute, statement, {"id": id})


def test_a_retry_in_the_moment_of_a_newer_request_yields_to_it(lane, shop, engine):
    """The request is not committed yet when a person presses retry: both want the one waiting row."""
    from concurrent.futures import ThreadPoolExecutor

    lane.add()
    lane.conclude(lane.claim(), "parked", cause="refused", reason="No.", remedy="Ask.")
    lane.shop.run("UPDATE jobs SET lane = 'order/elsewhere'")  # so that the request does not supersede it
    parked = lane.shop.one("SELECT id FROM jobs")

    def press():
        with shop.transaction() as session:
            return desk.retry(session, shop.tenant, parked, by="person:rosa")

    with ThreadPoolExecutor(1) as pool:
        with database.transaction(engine, shop.tenant) as session:
            queue.add(session, shop.tenant, "verify_order", lane.name)
            session.flush()
            pressed = pool.submit(press)
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            eventually(lambda: lane.shop.one(waits) == 1)
        assert pressed.result(10) is True

    assert shop.rows("SELECT state, reason FROM jobs ORDER BY id") == [
        ("cancelled", "A newer request for it waits already."), ("due", ""),
    ]  # fmt: skip


def test_a_retry_pressed_twice_at_once_is_one_retry(lane, shop):
    lane.add()
    lane.conclude(lane.claim(), "parked", cause="refused", reason="No.", remedy="Ask.")
    parked = lane.job("id")

    def press():
        with shop.transaction() as session:
            return desk.retry(session, shop.tenant, parked, by="person:rosa")

    assert [press(), press()] == [True, False]
    assert lane.jobs("state", "attempts") == [("due", 0)]
