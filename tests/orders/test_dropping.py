"""Who ships what is left of a line, and which purchase orders still fit the order: pure, by tables and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import dropping
from orders.dropping import Asked, Split

LINE = 7


def asked(id: int, state: str, units: int, settled: str = "", *, elsewhere: bool = False, since: int = 0) -> Asked:
    return Asked(
        id=id, state=state, settled=settled, units={LINE: units}, elsewhere=elsewhere, sent_here_since={LINE: since}
    )


@pytest.mark.parametrize(
    ("supplied", "here", "there", "purchase_orders", "split"),
    [
        (False, 0, 0, [], (3, 0)),
        (True, 0, 0, [], (0, 3)),
        (True, 0, 1, [], (0, 2)),
        (True, 0, 0, [asked(1, "sent", 3)], (0, 0)),
        (True, 0, 1, [asked(1, "accepted", 2)], (0, 0)),
        (True, 0, 0, [asked(1, "cancelled", 3)], (0, 3)),
        (True, 0, 0, [asked(1, "rejected", 3)], (0, 0)),
        (True, 0, 0, [asked(1, "rejected", 3, "own_stock")], (3, 0)),
        (True, 0, 0, [asked(1, "rejected", 2, "own_stock")], (2, 1)),
        # What left from us before the rejection was never meant; what did since is what a person kept.
        (True, 2, 0, [asked(1, "rejected", 2, "own_stock")], (1, 0)),
        (True, 2, 0, [asked(1, "rejected", 2, "own_stock", since=2)], (0, 1)),
        (True, 1, 0, [asked(1, "rejected", 1, "own_stock", since=1), asked(2, "rejected", 1, "own_stock")], (1, 1)),
        (
            True,
            1,
            0,
            [asked(1, "rejected", 1, "own_stock", since=1), asked(2, "rejected", 1, "own_stock", since=1)],
            (1, 1),
        ),
        (True, 0, 0, [asked(1, "rejected", 3, "asked_again")], (0, 3)),
        # The merchant ships it again: what the supplier has, stays with them.
        (False, 0, 0, [asked(1, "accepted", 2)], (1, 0)),
        (False, 0, 0, [asked(1, "rejected", 3)], (0, 0)),
    ],
)
def test_each_unit_that_is_left_is_given_to_one_of_them(supplied, here, there, purchase_orders, split):
    found = dropping.split(LINE, to_ship=3, sent_here=here, sent_there=there, supplied=supplied, asked=purchase_orders)
    assert found == Split(here=split[0], there=split[1])


states = st.sampled_from(["written", "sent", "accepted", "shipped", "rejected", "cancelled"])
settled = st.sampled_from(["", "own_stock", "asked_again", "unwanted"])
counts = st.integers(0, 9)


@given(counts, counts, counts, st.booleans(), st.lists(st.tuples(states, counts, settled), max_size=4))
def test_nothing_is_asked_for_twice_and_nothing_beyond_what_is_wanted(to_ship, here, there, supplied, rows):
    purchase_orders = [asked(id, state, units, said) for id, (state, units, said) in enumerate(rows)]
    found = dropping.split(
        LINE, to_ship=to_ship, sent_here=here, sent_there=there, supplied=supplied, asked=purchase_orders
    )
    with_them = sum(one.units[LINE] for one in purchase_orders if one.counts)
    assert found.here >= 0
    assert found.there >= 0
    assert found.here + found.there == max(0, to_ship - here - there - with_them)
    assert supplied or found.there == 0


@pytest.mark.parametrize(
    ("room", "purchase_orders", "misfits"),
    [
        (3, [asked(1, "sent", 3)], []),
        (2, [asked(1, "sent", 3)], [1]),
        (2, [asked(1, "sent", 1), asked(2, "sent", 2)], [2]),
        (2, [asked(1, "sent", 1), asked(2, "accepted", 2)], [1]),
        (1, [asked(1, "accepted", 2)], [1]),
        (1, [asked(1, "rejected", 1), asked(2, "sent", 1)], [1]),
        (1, [asked(1, "rejected", 1, elsewhere=True)], []),
        # As long as any of it is wanted, a person has to say what becomes of that.
        (1, [asked(1, "rejected", 3)], []),
        (0, [asked(1, "rejected", 3)], [1]),
        (3, [asked(1, "sent", 3, elsewhere=True)], [1]),
        (0, [asked(1, "cancelled", 3), asked(2, "shipped", 0), asked(3, "rejected", 2, "own_stock")], []),
    ],
)
def test_what_does_not_fit_any_more_is_found(room, purchase_orders, misfits):
    assert [one.id for one in dropping.misfits({LINE: room}, purchase_orders)] == misfits
