"""When a failed job is tried again."""

import random

from hypothesis import given
from hypothesis import strategies as st

from jobs.outcomes import wait_before
from jobs.queue import KINDS, Kind

KIND = Kind(name="any", queue="orders", rank=0, tries=9, first_wait_s=2.0, longest_wait_s=900.0)


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_never_longer_than_its_bound_and_never_nothing(tries, seed):
    wait_s = wait_before(tries, KIND, told_s=None, chance=random.Random(seed))

    assert 0.2 <= wait_s <= min(900.0, 2.0 * 2 ** min(tries - 1, 30))


@given(st.integers(1, 100), st.floats(0, 3600), st.integers())
def test_the_vendor_s_own_wish_is_honoured_and_spread_by_a_tenth(tries, told_s, seed):
    wait_s = wait_before(tries, KIND, told_s=told_s, chance=random.Random(seed))

    assert told_s <= wait_s <= told_s * 1.1


def test_jobs_that_failed_together_come_back_spread_over_the_whole_bound():
    waits = [wait_before(6, KIND, told_s=None, chance=random.Random(seed)) for seed in range(200)]

    assert min(waits) < 4
    assert max(waits) > 60


def test_the_tries_of_every_kind_outlast_the_outages_that_vendors_report():
    for kind in KINDS.values():
        bounds = [min(kind.longest_wait_s, kind.first_wait_s * 2 ** (tries - 1)) for tries in range(1, kind.tries)]
        assert sum(bounds) / 2 > 7200, kind.name
