"""When planned shipments may leave together, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from orders import joining
from orders.joining import Joinable

TWO: dict[str, Any] = {"order": "allocated", "shipments": 2, "labels": (), "buying": False, "taken_back": False}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"order": "shipping", "shipments": 3, "labels": ("intended", "failed")}, ""),
        ({"order": "cancelled"}, "The order is cancelled: there is nothing of it left to send together."),
        ({"taken_back": True}, "Something of the order is being taken back: wait until that is done."),
        ({"shipments": 1}, "There is nothing else at this place that waits for a label."),
        ({"labels": ("intended", "bought")}, "It is too late: a label is bought for one of them."),
        ({"buying": True}, "It is too late: a label is being bought for one of them at this moment."),
        ({"torn_bundle": True}, "A bundle stands in several of them, and its parts may have changed in between."),
    ],
)
def test_shipments_leave_together_while_nothing_is_bought_for_any_of_them(changed: dict[str, Any], said: str) -> None:
    assert joining.why_not(Joinable(**(TWO | changed))) == said


def test_units_of_a_line_that_stands_in_several_are_added_up() -> None:
    assert joining.together([{1: 2, 2: 1}, {1: 3}, {}]) == {1: 5, 2: 1}


@pytest.mark.parametrize(
    ("bundles", "is_torn"), [((), False), ((1,), True), ((2,), False), ((2, 1), True), ((9,), False)]
)
def test_a_bundle_is_torn_where_it_stands_in_more_than_one(bundles: tuple[int, ...], is_torn: bool) -> None:
    assert joining.torn([{1: 2, 2: 1}, {1: 3}], bundles) is is_torn
