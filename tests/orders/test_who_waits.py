"""Who waits for units that a count did not find: the youngest, as many as it takes, and none more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.not_found import who_waits


@pytest.mark.parametrize(
    ("missing", "unlabelled", "waiting"),
    [
        (0, {1: 2, 2: 2}, set()),
        (2, {1: 2, 2: 2}, {2}),
        (1, {1: 2, 2: 2}, {2}),
        (3, {1: 2, 2: 2}, {1, 2}),
        (9, {1: 2, 2: 2}, {1, 2}),
        (2, {7: 1, 3: 1, 5: 1}, {5, 7}),
        (2, {1: 2, 2: 0}, {1}),
        (-1, {1: 2}, set()),
        (2, {}, set()),
    ],
)
def test_the_youngest_wait_until_their_units_make_up_for_what_is_missing(missing, unlabelled, waiting):
    assert who_waits(missing, unlabelled) == waiting


@given(st.integers(0, 30), st.dictionaries(st.integers(1, 99), st.integers(1, 9)))
def test_nobody_waits_whose_units_are_not_needed_and_no_older_one_before_a_younger(missing, unlabelled):
    waiting = who_waits(missing, unlabelled)

    together = sum(unlabelled[order] for order in waiting)
    assert together >= min(missing, sum(unlabelled.values()))
    assert not waiting or together - unlabelled[min(waiting)] < missing
    assert all(order < min(waiting) for order in unlabelled.keys() - waiting if waiting)
