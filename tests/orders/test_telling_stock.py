"""What a store is told of a movement: the plainest way from state to state, which always adds up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import StockState
from orders.telling_stock import steps

AVAILABLE, DAMAGED, SAFETY, _ = StockState
UNITS = st.integers(min_value=-1_000, max_value=1_000)

# (on hand, damaged, safety) as a movement changes them, and what the store is told.
CASES = {
    "nothing": ((0, 0, 0), []),
    "found": ((4, 0, 0), [(None, AVAILABLE, 4)]),
    "lost": ((-4, 0, 0), [(AVAILABLE, None, 4)]),
    "damaged": ((0, 3, 0), [(AVAILABLE, DAMAGED, 3)]),
    "mended": ((0, -3, 0), [(DAMAGED, AVAILABLE, 3)]),
    "kept back": ((0, 0, 2), [(AVAILABLE, SAFETY, 2)]),
    "thrown away": ((-3, -3, 0), [(DAMAGED, None, 3)]),
    "received, some broken": ((5, 1, 0), [(None, AVAILABLE, 4), (None, DAMAGED, 1)]),
    "kept back, then found broken": ((0, 2, -2), [(SAFETY, DAMAGED, 2)]),
}


@pytest.mark.parametrize("what", CASES)
def test_a_movement_is_told_in_the_plainest_way(what):
    changed, told = CASES[what]

    assert list(steps(*changed)) == told


@given(on_hand=UNITS, damaged=UNITS, safety=UNITS)
def test_what_is_told_adds_up_to_the_movement(on_hand, damaged, safety):
    after = dict.fromkeys(StockState, 0)
    for source, target, units in steps(on_hand, damaged, safety):
        assert units > 0
        if source is not None:
            after[source] -= units
        if target is not None:
            after[target] += units

    assert sum(after.values()) == on_hand
    assert (after[DAMAGED], after[SAFETY]) == (damaged, safety)
