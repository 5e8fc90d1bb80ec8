"""The guarantee behind every bell."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis

from jobs import bell, queue, sweep
from jobs.queue import QUEUES
from tests.shop import open_shop

PATIENCE_S = 10.0


@pytest.fixture
def ring_again(shop, redis_connection):
    """Sweep once; answers how many lanes were rung."""
    return lambda **more: sweep.run(shop.engine, redis_connection, **({"patience_s": PATIENCE_S} | more))


@pytest.fixture
def bells(redis_connection):
    """What stands on the queues: (queue, tenant, lane)."""
    return lambda: [
        (name, *job.args) for name in QUEUES for job in bell.queue(name, redis_connection).jobs
    ]  # fmt: skip


def unheard(lane, seconds=60):
    lane.shop.run("UPDATE jobs SET rung_at = now() - make_interval(secs => :s)", s=seconds)


def test_a_bell_that_was_lost_is_rung_again_once(lane, ring_again, bells):
    lane.add()
    unheard(lane)

    assert ring_again() == 1
    assert ring_again() == 0
    assert bells() == [("orders", lane.shop.tenant, lane.name)]


def test_a_fresh_bell_is_left_alone(lane, ring_again, bells):
    lane.add()
    unheard(lane, seconds=PATIENCE_S - 5)

    assert ring_again() == 0
    assert bells() == []


def test_a_lane_whose_bell_was_lost_again_is_rung_again_after_the_patience(lane, ring_again, redis_connection):
    lane.add()
    unheard(lane)
    ring_again()
    redis_connection.flushall()
    assert ring_again() == 0
    unheard(lane, seconds=PATIENCE_S + 1)

    assert ring_again() == 1


def test_a_lane_whose_bell_stands_there_still_is_not_rung_twice(lane, ring_again, bells):
    lane.add()
    unheard(lane)
    ring_again()
    unheard(lane, seconds=PATIENCE_S + 1)

    assert ring_again() == 0
    assert len(bells()) == 1


def test_work_that_becomes_due_is_rung_for_at_once(lane, ring_again, bells):
    lane.add()
    lane.conclude(lane.claim(), "due", wait_s=60.0)
    assert ring_again() == 0

    lane.hurry()
    assert ring_again() == 1
    assert bells() == [("orders", lane.shop.tenant, lane.name)]


def test_a_lease_that_ran_out_is_rung_for(lane, ring_again, bells):
    lane.add()
    lane.claim()
    unheard(lane)
    assert ring_again() == 0

    lane.expire()
    assert ring_again() == 1
    assert bells() == [("orders", lane.shop.tenant, lane.name)]


@pytest.mark.parametrize("state", ["done", "parked", "cancelled"])
def test_jobs_at_rest_are_not_rung_for(lane, ring_again, state):
    lane.add()
    lane.conclude(lane.claim(), state)
    unheard(lane)

    assert ring_again() == 0


def test_a_lane_with_three_due_jobs_is_rung_once(lane, ring_again, bells):
    for kind in ("verify_order", "check_payment", "reserve_stock"):
        lane.add(kind)
    unheard(lane)

    assert ring_again() == 1
    assert len(bells()) == 1


def test_each_kind_is_rung_in_its_own_queue(shop, ring_again, bells):
    with shop.transaction() as session:
        for kind, subject in (("take_event", "event/1"), ("store_label", "label/1"), ("match_payment", "payment/1")):
            queue.add(session, shop.tenant, kind, subject)
    shop.run("UPDATE jobs SET rung_at = NULL")

    assert ring_again() == 3
    assert sorted(bells()) == [
        ("carriers", shop.tenant, "label/1"), ("hooks", shop.tenant, "event/1"), ("notices", shop.tenant, "payment/1"),
    ]  # fmt: skip


def test_two_sweeps_at_once_ring_each_lane_once(shop, redis_connection, bells):
    with shop.transaction() as session:
        for number in range(200):
            queue.add(session, shop.tenant, "store_label", f"label/{number}")
    shop.run("UPDATE jobs SET rung_at = NULL")
    start = Barrier(2)

    def run(_):
        start.wait(10)
        return sweep.run(shop.engine, redis_connection, patience_s=PATIENCE_S)

    with ThreadPoolExecutor(2) as pool:
        rung = list(pool.map(run, range(2)))

    assert sum(rung) == 200
    lanes = [lane for _, _, lane in bells()]
    assert len(lanes) == len(set(lanes)) == 200


def test_a_queue_with_enough_bells_is_left_alone_and_the_others_are_not(shop, ring_again, bells, monkeypatch):
    monkeypatch.setattr(bell, "ENOUGH_BELLS", 3)
    with shop.transaction() as session:
        for number in range(3):
            queue.add(session, shop.tenant, "store_label", f"label/{number}")
    shop.run("UPDATE jobs SET rung_at = NULL")
    assert ring_again() == 3

    with shop.transaction() as session:
        queue.add(session, shop.tenant, "store_label", "label/9")
        queue.add(session, shop.tenant, "match_payment", "payment/9")
    shop.run("UPDATE jobs SET rung_at = NULL")

    assert ring_again() == 1
    assert ("notices", shop.tenant, "payment/9") in bells()
    assert ("carriers", shop.tenant, "label/9") not in bells()


def test_a_long_backlog_is_rung_for_from_its_oldest_end(shop, ring_again, bells, monkeypatch):
    monkeypatch.setattr(sweep, "_AT_ONCE", 2)
    with shop.transaction() as session:
        for number in range(3):
            queue.add(session, shop.tenant, "store_label", f"label/{number}")
    shop.run("UPDATE jobs SET rung_at = NULL, due_at = now() - make_interval(secs => id)")

    assert ring_again() == 2
    assert {lane for _, _, lane in bells()} == {"label/1", "label/2"}
    assert ring_again() == 1


def backlog(shop, count):
    """Orders that have been due for an hour, as after a long stop."""
    shop.run(
        "INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank, due_at, rung_at) "
        "SELECT :t, 'verify_order', 'order/' || n, 'order/' || n, 'orders', 10, now() - interval '1 hour' "
        "+ n * interval '1 ms', now() - interval '1 hour' FROM generate_series(1, :n) n",
        t=shop.tenant, n=count,
    )  # fmt: skip


def test_after_a_full_restart_twenty_thousand_jobs_of_one_shop_hide_nothing_of_another(shop, engine, ring_again, bells):
    other = open_shop(engine, name="Other")
    backlog(shop, 20_000)
    with other.transaction() as session:
        queue.add(session, other.tenant, "verify_order", "order/1")
        queue.add(session, other.tenant, "match_payment", "payment/1")
    shop.run("UPDATE jobs SET rung_at = NULL WHERE tenant_id = :t", t=other.tenant)

    assert ring_again() == sweep._AT_ONCE + 1

    rung = bells()
    assert ("notices", other.tenant, "payment/1") in rung
    assert rung.index(("orders", other.tenant, "order/1")) <= 1
    assert [lane for _, tenant, lane in rung if tenant == shop.tenant] == [f"order/{n}" for n in range(1, 1_000)]


def test_two_backlogs_are_rung_for_by_turns(shop, engine, ring_again, bells, monkeypatch):
    monkeypatch.setattr(sweep, "_AT_ONCE", 10)
    other = open_shop(engine, name="Other")
    backlog(shop, 20)
    backlog(other, 20)
    shop.run("UPDATE jobs SET due_at = due_at - interval '1 day' WHERE tenant_id = :t", t=shop.tenant)

    assert ring_again() == 10

    assert [tenant for _, tenant, _ in bells()] == [shop.tenant, other.tenant] * 5


def test_a_sweep_rings_no_more_than_the_queue_has_room_for(shop, ring_again, bells, monkeypatch):
    monkeypatch.setattr(bell, "ENOUGH_BELLS", 7)
    backlog(shop, 20)

    assert ring_again() == 7
    assert ring_again() == 0
    assert len(bells()) == 7


def test_a_tenant_whose_work_is_all_due_later_is_passed_by(shop, engine, ring_again):
    other = open_shop(engine, name="Other")
    backlog(shop, 3)
    backlog(other, 3)
    shop.run("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE tenant_id = :t", t=shop.tenant)

    assert ring_again() == 3


def test_without_redis_nothing_is_marked_as_rung(lane, tmp_path):
    lane.add()
    unheard(lane)

    with pytest.raises(redis.RedisError):
        sweep.run(lane.shop.engine, bell.connect(f"unix://{tmp_path}/nobody.sock"), patience_s=PATIENCE_S)

    assert lane.job("rung_at < now() - interval '30 s'") is True
