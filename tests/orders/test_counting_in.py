"""What comes off an order is counted in where the store's own work for it is."""

from __future__ import annotations

import pytest

from integrations.nouns import AskedLine
from orders import counting_in


def work(location: str, units: int) -> AskedLine:
    return AskedLine(line_remote_id="line", units=units, location_remote_id=location)


@pytest.mark.parametrize(
    ("units", "open_work", "lay", "found"),
    [
        (2, [work("newark", 2)], "reno", {"newark": 2}),
        (1, [work("newark", 1), work("reno", 1)], "reno", {"reno": 1}),
        (3, [work("newark", 1), work("reno", 2)], "", {"newark": 1, "reno": 2}),
        (2, [work("newark", 1), work("newark", 1)], "", {"newark": 2}),
        (2, [], "reno", {"reno": 2}),
        (2, [], "", {"first": 2}),
        (2, [work("", 2)], "", {"first": 2}),
        (3, [work("newark", 2)], "", {"newark": 3}),
    ],
    ids=["moved there", "where it lay", "at both", "two works of a place", "none, it lay", "none", "a place that is gone",
         "more than is asked for"],
)  # fmt: skip
def test_units_go_where_the_store_has_them_committed(
    units: int, open_work: list[AskedLine], lay: str, found: dict[str, int]
):
    assert counting_in.places(units, open_work, lay=lay, otherwise="first") == found
