"""In shadow the one mechanism of acts writes down what would be done, and does nothing."""

import pytest
from sqlalchemy import text

from integrations.only_asking import OnlyWatching
from jobs import claims, going_live, outward
from jobs.outward import Act
from records import database


class Vendor:
    """Says what was done to it."""

    def __init__(self):
        self.done = []

    def perform(self, _keys):
        self.done.append("act")
        return "done"


@pytest.fixture
def order(lane):
    return lane.shop.order(state="watched")


@pytest.fixture
def work(lane):
    lane.add()
    return lane.shop.work(lane.claim())


def act(order, **more):
    return Act(**({"key": f"mark_paid/{order}", "kind": "mark_paid", "subject": f"order/{order}"} | more))


def in_mode(lane, mode):
    lane.shop.run("UPDATE tenants SET mode = :mode WHERE id = :t", mode=mode, t=lane.shop.tenant)


def decisions(lane):
    return lane.shop.rows("SELECT order_id, key, act, sentence FROM shadow_decisions ORDER BY id")


def test_an_act_is_written_down_once_and_not_done(lane, work, order):
    in_mode(lane, "shadow")
    vendor = Vendor()

    for _ in range(2):
        with pytest.raises(OnlyWatching):
            outward.once(work, act(order), perform=vendor.perform)

    assert vendor.done == []
    assert decisions(lane) == [
        (order, f"mark_paid/{order}", "mark_paid", "It would now tell the store that the order is paid.")
    ]
    assert lane.shop.rows("SELECT key FROM intentions") == []


@pytest.mark.parametrize("mode", ["live", "settling"])
def test_while_anything_begun_is_finished_acts_are_done(lane, work, order, mode):
    in_mode(lane, mode)
    vendor = Vendor()

    assert outward.once(work, act(order), perform=vendor.perform).result == "done"

    assert (vendor.done, decisions(lane)) == (["act"], [])


def test_that_a_vendor_tells_us_is_arranged_in_shadow_as_well(lane, work, order):
    in_mode(lane, "shadow")
    vendor = Vendor()

    outward.once(work, act(order, key="add_hook/1", kind="add_hook", subject="connection/c1"), perform=vendor.perform)

    assert (vendor.done, decisions(lane)) == (["act"], [])


def test_a_shop_with_an_act_of_unknown_end_does_not_only_watch_yet(lane, work, order):
    in_mode(lane, "live")
    outward.intend(work, act(order))

    with lane.shop.transaction() as session:
        begun = going_live.watch(session, lane.shop.tenant, by="person:Ann")
    assert [one.sentence for one in begun if "mark paid" in one.sentence]
    assert lane.shop.one("SELECT mode FROM tenants WHERE id = :t", t=lane.shop.tenant) == "settling"

    with work.writing() as session:
        outward.settle(session, work.tenant, f"mark_paid/{order}", "succeed")
    with lane.shop.transaction() as session:
        left = going_live.settle(session, lane.shop.tenant)
    assert [one.sentence for one in left] == ["A job is at work (verify order)."]

    with lane.shop.transaction() as session:
        claims.conclude(session, work.claim, state="done")
    with lane.shop.transaction() as session:
        assert list(going_live.settle(session, lane.shop.tenant)) == []
    assert lane.shop.one("SELECT mode FROM tenants WHERE id = :t", t=lane.shop.tenant) == "shadow"


def test_turning_to_shadow_waits_for_whoever_is_about_to_act(engine, lane, work, order):
    """Who has asked whether it may act holds the switch until its intention is committed."""
    in_mode(lane, "settling")
    with database.transaction(engine, lane.shop.tenant) as acting:
        assert not outward.may_not_act(acting, lane.shop.tenant)
        with engine.connect() as other:
            free = other.execute(
                text("SELECT pg_try_advisory_xact_lock(hashtextextended('packline mode/' || cast(:t AS text), 0))"),
                {"t": lane.shop.tenant},
            ).scalar_one()

    assert free is False
