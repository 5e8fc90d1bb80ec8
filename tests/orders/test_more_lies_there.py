"""An order may wait where no more lies anywhere than it has left lying, and looks again where more does."""

import pytest

from orders.allocation import Pick
from orders.backorders import more_lies_there
from orders.inventory import Holding

RENO, NEWARK = (7, 1), (7, 2)


def takes(units, *, parts=()):
    pick = Pick(line=3, variant=None if parts else 7, location=1, units=units, parts=parts)
    return [Holding(pick=pick, shipment=9)]


@pytest.mark.parametrize(
    ("before", "now", "held", "more"),
    [
        ({RENO: 0}, {RENO: 0}, [], False),
        ({RENO: 0}, {RENO: 5}, [], True),
        ({}, {NEWARK: 1}, [], True),
        ({RENO: 3}, {RENO: 3}, [], False),
        ({RENO: 3}, {RENO: 0}, takes(3), False),
        ({RENO: 3}, {RENO: 1}, takes(3), True),
        ({RENO: 3}, {RENO: 0}, [], False),
        ({RENO: -4}, {RENO: -1}, [], False),
        ({RENO: 4}, {RENO: 0}, takes(2, parts=((7, 2),)), False),
        ({RENO: 4}, {RENO: 1}, takes(2, parts=((7, 2),)), True),
        ({RENO: 0, NEWARK: 2}, {RENO: 0, NEWARK: 3}, [], True),
    ],
)
def test_more_lies_there_than_was_left(before, now, held, more):
    assert more_lies_there(before, now, held) is more
