"""Leases are kept while their jobs run, and not a moment longer."""

import threading
from dataclasses import replace

import pytest

from jobs import bell, leases
from jobs.leases import LeaseKeeper
from records import database
from tests.shop import Said
from tests.world import eventually


@pytest.fixture
def keeper(engine):
    return LeaseKeeper(engine, 0.3)


@pytest.fixture
def claim(lane):
    lane.add()
    return lane.claim(lease_s=60)


def shorten(lane):
    """Put the end of the lease back, so that a renewal can be seen."""
    lane.shop.run("UPDATE jobs SET lease_until = now()")


def renewed(lane):
    return lane.job("lease_until > now()")


def test_a_lease_is_renewed_again_and_again(lane, keeper, claim):
    with keeper.keeping(claim):
        for _ in range(3):
            shorten(lane)
            eventually(lambda: renewed(lane))


def test_a_lease_that_was_given_back_is_renewed_no_more(keeper, claim, monkeypatch):
    renewals = []
    monkeypatch.setattr(leases.claims, "renew", lambda engine, kept, lease_s: renewals.append(kept) or True)
    other = replace(claim, id=claim.id + 1)

    with keeper.keeping(claim):
        eventually(lambda: claim in renewals)
    with keeper.keeping(other):
        eventually(lambda: renewals.count(other) >= 2)

    assert claim not in renewals[renewals.index(other) :]


def test_a_lease_that_was_taken_over_is_let_go(lane, keeper, claim):
    with keeper.keeping(claim):
        lane.expire()
        second = lane.claim(worker="w2", lease_s=60)
        eventually(lambda: not keeper._kept)

    assert lane.job("worker", "fence") == ("w2", second.fence)


def test_a_database_that_is_away_for_a_moment_does_not_end_the_keeping(lane, claim, base_settings, monkeypatch):
    monkeypatch.setattr(leases, "log", said := Said())
    own = database.connect(base_settings.database_url, pool_size=1, role="keeper")
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'packline-keeper'"

    with LeaseKeeper(own, 0.3).keeping(claim):
        shorten(lane)
        eventually(lambda: renewed(lane))
        assert lane.shop.one(cut) == 1
        eventually(lambda: said.lines)
        shorten(lane)
        eventually(lambda: renewed(lane))

    assert {line["event"] for line in said.lines} == {"lease not renewed"}
    own.dispose()


def test_one_thread_keeps_all_leases_of_a_process(lane, keeper, claim):
    before = {thread.ident for thread in threading.enumerate()}
    with keeper.keeping(claim), keeper.keeping(replace(claim, fence=99)):
        new = [thread.name for thread in threading.enumerate() if thread.ident not in before]

    assert new == ["leases"]


def test_a_forked_process_keeps_its_leases_with_a_thread_of_its_own(lane, keeper, claim):
    with keeper.keeping(claim):
        pass
    keeper._pid = -1  # as a forked child finds it

    shorten(lane)
    with keeper.keeping(claim):
        eventually(lambda: renewed(lane))


def test_a_job_that_is_stuck_is_kept_no_longer_and_its_process_is_told(lane, keeper, claim, monkeypatch):
    monkeypatch.setattr(leases, "log", Said())
    monkeypatch.setattr(leases, "STUCK_AFTER_S", 0.4)
    told = []
    keeper.when_stuck = lambda: told.append(1)

    with keeper.keeping(claim):
        eventually(lambda: told)
        assert not keeper._kept
        lane.expire()
        assert lane.claim(worker="w2").fence == 2

    assert told == [1]


def test_leases_are_given_up_only_after_the_alarm_has_rung_in_vain():
    assert leases.STUCK_AFTER_S == bell.LONGEST_RUN_S + 60
