"""Of what is held for swaps, what is planned leaves, and the rest stays held to the unit."""

import pytest

from orders.allocation import Pick
from orders.routing.question import Want
from orders.swapping import NO_SHIPMENT, held_on

RED, BLUE, HERE, THERE = 7, 8, 1, 2


def pick(units, *, variant=RED, place=HERE, line=5):
    return Pick(line=line, variant=variant, location=place, units=units)


@pytest.mark.parametrize(
    ("freed", "taken", "stays"),
    [
        pytest.param([pick(2)], [], [(HERE, 2)], id="nothing-is-planned"),
        pytest.param([pick(2)], [pick(2, line=9)], [], id="all-of-it-is-planned"),
        pytest.param([pick(2)], [pick(1, line=9)], [(HERE, 1)], id="one-of-two-is-planned"),
        pytest.param([pick(2)], [pick(2, line=9, place=THERE)], [], id="it-leaves-from-elsewhere"),
        pytest.param(
            [pick(1, place=HERE), pick(1, place=THERE, line=6)], [pick(1, line=9, place=THERE)], [(HERE, 1)],
            id="of-two-places-the-one-it-leaves-from",
        ),
        pytest.param([pick(1)], [pick(1, variant=BLUE, line=9)], [(HERE, 1)], id="another-variant-is-planned"),
        pytest.param(
            [pick(2)], [Pick(line=9, variant=None, location=HERE, units=1, parts=((RED, 2), (BLUE, 1)))], [],
            id="a-bundle-takes-it-as-a-part",
        ),
    ],
)  # fmt: skip
def test_what_was_freed_and_is_in_no_pick_stays_held(freed, taken, stays):
    held = held_on(freed, taken)

    assert [(one.pick.location, one.pick.units) for one in held] == stays
    assert {one.shipment for one in held} <= {NO_SHIPMENT}


@pytest.mark.parametrize(
    ("freed", "taken", "wants", "stays"),
    [
        pytest.param([pick(1)], [pick(2, line=3, place=THERE)], {3: 2, 9: 1}, [(HERE, 1)], id="another-line-leaves"),
        pytest.param([pick(2)], [pick(1, line=3, place=THERE)], {3: 1, 9: 1}, [(HERE, 1)], id="one-is-wanted-still"),
        pytest.param([pick(1)], [pick(3, line=9, place=THERE)], {3: 2, 9: 1}, [], id="all-that-is-wanted-leaves"),
        pytest.param([pick(2)], [pick(1, line=9)], {3: 4, 9: 1}, [(HERE, 1)], id="no-more-than-was-held"),
    ],
)  # fmt: skip
def test_what_leaves_from_elsewhere_for_another_line_frees_nothing_that_is_wanted_still(freed, taken, wants, stays):
    held = held_on(freed, taken, [Want(line=line, variant=RED, units=units) for line, units in wants.items()])

    assert [(one.pick.location, one.pick.units) for one in held] == stays
