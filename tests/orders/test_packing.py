"""How many boxes, and what lies in each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.packing import Packable, pack
from records.tenants import ParcelSize

BOX = ParcelSize(length_mm=300, width_mm=200, height_mm=100, empty_grams=100, max_content_grams=1000)


def lying(packables):
    return [(box.contents, box.shape.weight_grams) for box in pack(packables, BOX)]


@pytest.mark.parametrize(
    ("packables", "boxes"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([Packable(line=1, units=3, unit_grams=200)], [({1: 3}, 700)], id="one-box"),
        pytest.param([Packable(line=1, units=5, unit_grams=200)], [({1: 5}, 1100)], id="full-to-the-gram"),
        pytest.param([Packable(line=1, units=6, unit_grams=200)], [({1: 5}, 1100), ({1: 1}, 300)], id="one-unit-over"),
        pytest.param(
            [Packable(line=1, units=2, unit_grams=300), Packable(line=2, units=1, unit_grams=700)],
            [({2: 1, 1: 1}, 1100), ({1: 1}, 400)], id="the-heaviest-first",
        ),
        pytest.param(
            [Packable(line=1, units=2, unit_grams=5000), Packable(line=2, units=1, unit_grams=10)],
            [({1: 1}, 5100), ({1: 1}, 5100), ({2: 1}, 110)], id="what-is-too-heavy-travels-alone",
        ),
        pytest.param([Packable(line=1, units=2, unit_grams=0)], [({1: 2}, 100)], id="weightless-units"),
        pytest.param([Packable(line=1, units=0, unit_grams=200)], [], id="no-units"),
    ],
)  # fmt: skip
def test_units_are_packed_into(packables, boxes):
    assert lying(packables) == boxes


def test_a_box_has_the_outer_sizes_of_the_shop_s_box():
    (box,) = pack([Packable(line=1, units=1, unit_grams=200)], BOX)

    assert (box.shape.length_mm, box.shape.width_mm, box.shape.height_mm) == (300, 200, 100)


def test_a_parcel_weighs_at_least_a_gram():
    weightless = BOX.model_copy(update={"empty_grams": 0})

    assert pack([Packable(line=1, units=1, unit_grams=0)], weightless)[0].shape.weight_grams == 1


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 1500)), max_size=5))
def test_every_unit_lies_in_one_box_and_no_box_is_too_heavy_but_for_a_single_unit(wanted):
    packables = [Packable(line=line, units=units, unit_grams=grams) for line, (units, grams) in enumerate(wanted)]
    grams = {one.line: one.unit_grams for one in packables}

    boxes = pack(packables, BOX)

    for one in packables:
        assert sum(box.contents.get(one.line, 0) for box in boxes) == one.units
    for box in boxes:
        content = sum(grams[line] * units for line, units in box.contents.items())
        assert box.shape.weight_grams == content + 100
        assert content <= 1000 or sum(box.contents.values()) == 1
