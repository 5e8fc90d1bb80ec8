"""Who works on what: leases, fences, and one at a time in each lane."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from jobs import claims, queue
from jobs.claims import LostLease
from records import timeline
from tests.shop import open_shop


def test_jobs_are_taken_by_rank_then_by_age(lane):
    for kind in ("push_tracking", "verify_order", "reverse_order", "buy_label"):
        lane.add(kind)
    lane.add("verify_order", "order/998")

    taken = []
    while claim := lane.claim():
        taken.append((claim.kind, claim.subject == lane.name))
        lane.conclude(claim, "done")

    assert taken == [
        ("reverse_order", True), ("verify_order", True), ("verify_order", False), ("buy_label", True),
        ("push_tracking", True),
    ]  # fmt: skip


def test_a_job_that_is_not_due_is_not_taken(lane):
    lane.add()
    lane.shop.run("UPDATE jobs SET due_at = now() + interval '1 hour'")

    assert lane.claim() is None


@pytest.mark.parametrize("state", ["done", "parked", "cancelled"])
def test_a_job_at_rest_is_not_taken(lane, state):
    lane.add()
    lane.conclude(lane.claim(), state)

    assert lane.claim() is None


def test_a_claim_tells_the_job_and_writes_who_has_it(lane):
    lane.add()

    claim = lane.claim(worker="w7")

    assert (claim.tenant, claim.lane, claim.subject, claim.kind) == (
        lane.shop.tenant,
        lane.name,
        lane.name,
        "verify_order",
    )
    assert (claim.fence, claim.tries, claim.deaths) == (1, 1, 0)
    assert lane.job("state", "worker", "fence", "attempts") == ("running", "w7", 1, 1)


def test_a_lease_is_measured_by_the_database_s_clock_alone(lane, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    lane.add()
    claim = lane.claim(lease_s=30)

    assert lane.job("lease_until = started_at + interval '30 seconds'", "started_at > now() - interval '1 minute'") == (
        True,
        True,
    )
    assert claims.renew(lane.shop.engine, claim, lease_s=90) is True
    assert lane.job("lease_until BETWEEN now() + interval '80 seconds' AND now() + interval '90 seconds'") is True


def test_a_lane_with_a_job_in_hand_is_busy(lane):
    lane.add("verify_order")
    lane.add("reverse_order", "order/998")
    lane.claim()

    assert lane.claim(worker="w2") is None


def test_of_eight_who_claim_at_once_one_gets_the_lane(lane):
    for kind in ("verify_order", "check_payment", "reserve_stock", "buy_label"):
        lane.add(kind)
    start = Barrier(8)

    def race(number):
        start.wait(10)
        return lane.claim(worker=f"w{number}")

    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            (won,) = [claim for claim in pool.map(race, range(8)) if claim]
            assert lane.jobs("state").count("running") == 1
            lane.conclude(won, "done")

    assert lane.jobs("state", "fence") == [("done", 1)] * 4


def test_the_database_itself_refuses_a_second_running_job_in_a_lane(lane):
    lane.add("verify_order")
    lane.add("check_payment")
    lane.claim()

    with pytest.raises(IntegrityError, match="uq_jobs_one_running_a_lane"):
        lane.shop.run("UPDATE jobs SET state = 'running' WHERE state = 'due'")


def test_the_same_lane_of_another_tenant_is_another_lane(lane, engine):
    lane.add()
    lane.claim()
    stranger = open_shop(engine, name="Other")
    with stranger.transaction() as session:
        queue.add(session, stranger.tenant, "verify_order", lane.name)

    claim = claims.claim_next(engine, stranger.tenant, lane.name, worker="w2", lease_s=30)

    assert (claim.tenant, claim.subject) == (stranger.tenant, lane.name)


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence_and_a_death(lane):
    lane.add("verify_order")
    first = lane.claim(worker="w1")
    lane.add("reverse_order")  # of a lower rank, and yet what somebody had in hand comes first
    lane.expire()

    second = lane.claim(worker="w2")

    assert (second.id, second.fence, second.tries, second.deaths) == (first.id, 2, 2, 1)
    assert lane.jobs("state", "worker", "deaths") == [("running", "w2", 1), ("due", "", 0)]


def test_of_eight_who_take_over_at_once_one_wins(lane):
    lane.add()
    lane.claim()
    lane.expire()
    start = Barrier(8)

    def race(number):
        start.wait(10)
        return lane.claim(worker=f"w{number}")

    with ThreadPoolExecutor(8) as pool:
        (won,) = [claim for claim in pool.map(race, range(8)) if claim]

    assert won.fence == 2
    assert lane.job("fence", "deaths") == (2, 1)


def test_an_old_fence_can_write_nothing_any_more(lane):
    lane.add()
    stale = lane.claim(worker="w1")
    lane.expire()
    lane.claim(worker="w2")

    with pytest.raises(LostLease), lane.shop.work(stale).writing() as session:
        timeline.write(session, lane.shop.tenant, 1, actor="ghost", kind="fact", sentence="I was here.")
    for state in ("done", "due", "parked", "cancelled"):
        with pytest.raises(LostLease):
            lane.conclude(stale, state, wait_s=1.0)
    assert claims.renew(lane.shop.engine, stale, lease_s=30) is False

    assert lane.shop.rows("SELECT * FROM timeline_entries") == []
    assert lane.job("state", "worker", "fence") == ("running", "w2", 2)


def test_a_job_that_was_concluded_can_be_written_for_no_more(lane):
    lane.add()
    claim = lane.claim()
    lane.conclude(claim, "done")

    with pytest.raises(LostLease), lane.shop.work(claim).writing():
        pass
    with pytest.raises(LostLease):
        lane.conclude(claim, "parked")
    assert claims.renew(lane.shop.engine, claim, lease_s=30) is False
    assert lane.job("state", "lease_until") == ("done", None)


def test_a_write_that_began_in_time_makes_the_next_worker_wait(lane):
    lane.add()
    first = lane.claim(worker="w1")
    lane.expire()

    with ThreadPoolExecutor(1) as pool:
        with lane.shop.work(first).writing() as session:
            assert pool.submit(lane.claim, "w2").result(10) is None  # the row is locked, so it is skipped
            timeline.write(session, lane.shop.tenant, 1, actor="w1", kind="fact", sentence="In time.")
        assert pool.submit(lane.claim, "w2").result(10).fence == 2


def test_deaths_are_forgotten_when_a_run_says_how_it_ended(lane):
    lane.add()
    lane.claim()
    lane.expire()

    lane.conclude(lane.claim(), "due", wait_s=0.0)

    assert lane.job("deaths", "state") == (0, "due")
    assert lane.claim().deaths == 0


def test_a_job_due_again_waits_by_the_database_s_clock(lane):
    lane.add()
    lane.conclude(lane.claim(), "due", wait_s=60.0, cause="timeout", reason="no answer", remedy="wait")

    assert lane.job("due_at BETWEEN now() + interval '50 seconds' AND now() + interval '60 seconds'") is True
    assert lane.job("state", "cause", "reason", "remedy", "attempts", "rung_at", "lease_until", "ended_at") == (
        "due", "timeout", "no answer", "wait", 1, None, None, None,
    )  # fmt: skip


def test_a_job_due_again_yields_to_a_newer_request_that_waits(lane):
    lane.add()
    claim = lane.claim()
    lane.add()

    lane.conclude(claim, "due", wait_s=60.0)

    assert lane.jobs("state", "ended_at IS NOT NULL") == [("cancelled", True), ("due", False)]
    assert lane.jobs("due_at <= now()")[1] is True


def test_a_job_due_again_soon_is_not_put_off_by_a_request_for_later(lane):
    lane.add()
    claim = lane.claim()
    lane.add(due_at=datetime.now(UTC) + timedelta(hours=48))

    lane.conclude(claim, "due", wait_s=2.0)

    assert lane.jobs("state", "ended_at IS NOT NULL") == [("cancelled", True), ("due", False)]
    assert lane.jobs("due_at <= now() + interval '2 seconds'", "rung_at")[1] == (True, None)


def test_the_jobs_of_a_worker_that_is_known_to_be_gone_are_free_at_once(lane):
    lane.add()
    lane.claim(worker="gone")

    assert claims.free_leases_of(lane.shop.engine, "somebody else") == 0
    assert lane.claim(worker="w2") is None
    assert claims.free_leases_of(lane.shop.engine, "gone") == 1
    assert lane.job("rung_at") is None
    assert lane.claim(worker="w2").deaths == 1
