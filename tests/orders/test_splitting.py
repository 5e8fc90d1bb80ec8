"""Which shipments may be divided, and what stays where: pure choices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import rerating, splitting
from orders.rerating import Unlabelled
from orders.splitting import Divisible

PLANNED = {
    "order": "allocated", "shipment": "planned", "units": {1: 2, 2: 1}, "labels": (), "buying": False,
    "taken_back": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "apart", "said"),
    [
        ({}, {1: 1}, ""),
        ({"labels": ("failed", "intended")}, {2: 1}, ""),
        ({"order": "cancelled"}, {1: 1}, "The order is cancelled: there is nothing of it left to divide."),
        ({"order": "released"}, {1: 1}, "The order is released: there is nothing of it left to divide."),
        ({"taken_back": True}, {1: 1}, "Something of the order is being taken back: wait until that is done."),
        ({"shipment": "cancelled"}, {1: 1}, "The shipment was cancelled or divided already."),
        (
            {"shipment": "labelled"},
            {1: 1},
            "It is too late: a label is bought for this shipment. Give it back first, with another label or a cancel.",
        ),
        (
            {"labels": ("bought",)},
            {1: 1},
            "It is too late: a label is bought for this shipment. Give it back first, with another label or a cancel.",
        ),
        ({"buying": True}, {1: 1}, "It is too late: a label is being bought for this shipment at this moment."),
        ({}, {}, "Choose at least one unit that leaves apart."),
        ({}, {1: 0}, "Choose at least one unit that leaves apart."),
        ({}, {1: 3}, "More units were asked for than the shipment has."),
        ({}, {1: -1, 2: 1}, "More units were asked for than the shipment has."),
        ({}, {9: 1}, "More units were asked for than the shipment has."),
        ({}, {1: 2, 2: 1}, "At least one unit has to stay: all of them leave together already."),
    ],
)
def test_a_shipment_is_divided_while_nothing_is_bought_for_it(changed, apart, said):
    assert splitting.why_not(Divisible(**(PLANNED | changed)), apart) == said


@given(st.dictionaries(st.integers(1, 5), st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1))
def test_every_unit_leaves_exactly_once(lines):
    units = {line: count for line, (count, _) in lines.items()}
    apart = {line: min(moved, count) for line, (count, moved) in lines.items()}
    stays, moved = splitting.parts(units, apart)

    assert {line: stays.get(line, 0) + moved.get(line, 0) for line in units} == units
    assert 0 not in {*stays.values(), *moved.values()}


BARE = {"order": "allocated", "shipment": "planned", "label": "intended", "buying": False, "holds": ()}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"label": ""}, ""),
        ({"order": "closed"}, "The order is closed: no label is bought for it."),
        ({"label": "bought"}, "It has its label: ask for another label instead."),
        ({"shipment": "announced", "label": "bought"}, "It has its label: ask for another label instead."),
        ({"buying": True}, "A label is being bought for it at this moment."),
        ({"holds": ("address", "taken_back")}, "The order is on hold (address, taken back)."),
    ],
)
def test_new_rates_are_asked_for_while_nothing_is_bought(changed, said):
    assert rerating.why_not(Unlabelled(**(BARE | changed))) == said
