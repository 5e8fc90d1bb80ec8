"""Work is asked for beside the change that calls for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from jobs import queue
from jobs.queue import KINDS, QUEUES
from tests.shop import open_shop


def test_work_is_due_at_once_in_the_queue_and_rank_of_its_kind(lane):
    lane.add("buy_label", "parcel/7")

    kind = KINDS["buy_label"]
    assert lane.job(
        "kind", "subject", "queue", "rank", "state", "generation", "attempts", "due_at <= now()", "rung_at = due_at",
    ) == (
        "buy_label", "parcel/7", kind.queue, kind.rank, "due", 1, 0, True, True,
    )  # fmt: skip


def test_a_subject_is_its_own_lane_unless_another_is_said(shop):
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "store_label", "label/3")

    assert shop.one("SELECT lane FROM jobs") == "label/3"


def test_a_waiting_job_is_woken_and_its_patience_starts_anew(lane):
    lane.add()
    lane.shop.run("UPDATE jobs SET due_at = now() + interval '1 hour', attempts = 7, rung_at = NULL")

    lane.add()

    assert lane.job("state", "due_at <= now()", "attempts", "rung_at IS NOT NULL") == ("due", True, 0, True)


def test_a_waiting_job_is_never_put_off(lane):
    lane.add()

    lane.add(due_at=datetime.now(UTC) + timedelta(hours=1))

    assert lane.job("due_at <= now()") is True


def test_a_running_job_is_followed_by_another(lane):
    lane.add()
    lane.claim()

    lane.add()
    lane.add()

    assert lane.jobs("state", "generation") == [("running", 1), ("due", 2)]


def test_a_parked_job_is_superseded(lane):
    lane.add()
    lane.conclude(lane.claim(), "parked", cause="refused")

    lane.add()

    assert lane.jobs("state", "generation", "ended_at IS NOT NULL") == [("cancelled", 1, True), ("due", 2, False)]


def test_a_job_of_another_kind_subject_or_tenant_is_left_alone(lane, engine):
    lane.add("verify_order")
    lane.conclude(lane.claim(), "parked")
    stranger = open_shop(engine, name="Other")
    with stranger.transaction() as session:
        queue.add(session, stranger.tenant, "verify_order", lane.name)
    lane.add("check_payment")
    lane.add("verify_order", "order/999")

    theirs = "SELECT kind, subject, state FROM jobs WHERE tenant_id = :t ORDER BY id"
    assert lane.shop.rows(theirs, t=lane.shop.tenant) == [
        ("verify_order", lane.name, "parked"), ("check_payment", lane.name, "due"),
        ("verify_order", "order/999", "due"),
    ]  # fmt: skip


def test_twenty_requests_at_once_make_one_waiting_job(lane):
    start = Barrier(20)

    def ask(_):
        with lane.shop.transaction() as session:
            session.execute(text("SELECT 1"))
            start.wait(20)
            queue.add(session, lane.shop.tenant, "verify_order", lane.name)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(ask, range(20)))

    assert lane.jobs("state") == ["due"]


def test_work_to_be_done_later_is_left_to_the_sweep(lane, rung):
    later = datetime.now(UTC) + timedelta(minutes=5)

    lane.add(due_at=later)

    assert lane.job("due_at", "rung_at") == (later, None)
    assert rung == []


def test_the_bell_rings_after_the_commit_and_once_for_each_lane(lane, rung):
    with lane.shop.transaction() as session:
        queue.add(session, lane.shop.tenant, "verify_order", lane.name)
        queue.add(session, lane.shop.tenant, "check_payment", lane.name)
        queue.add(session, lane.shop.tenant, "store_label", "label/1")
        assert rung == []

    assert rung == [("orders", lane.shop.tenant, lane.name), ("carriers", lane.shop.tenant, "label/1")]


def test_what_is_rolled_back_leaves_no_work_and_rings_no_bell(lane, rung):
    with pytest.raises(ZeroDivisionError), lane.shop.transaction() as session:  # noqa: PT012 - both belong to the story
        queue.add(session, lane.shop.tenant, "verify_order", lane.name)
        raise ZeroDivisionError

    assert lane.jobs("state") == []
    assert rung == []


def test_work_in_the_lane_that_a_job_runs_in_needs_no_bell(lane, rung):
    lane.add()
    rung.clear()
    work = lane.shop.work(lane.claim())

    with work.writing() as session:
        queue.add(session, lane.shop.tenant, "check_payment", lane.name)
        queue.add(session, lane.shop.tenant, "store_label", "label/1")

    assert rung == [("carriers", lane.shop.tenant, "label/1")]


def test_every_kind_rings_in_a_declared_queue():
    assert {kind.queue for kind in KINDS.values()} == set(QUEUES)
    assert [name for name, kind in KINDS.items() if name != kind.name] == []
