"""Which location ships which units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.allocation import Pick, Place, Want, allocate, distance_km
from tests.shop import ADA, AUSTIN, NEWARK, RENO

PLACES = (
    Place(id=1, name="Newark", address=NEWARK),
    Place(id=2, name="Reno", address=RENO),
    Place(id=3, name="Austin", address=AUSTIN),
)
BAG, HAT = 10, 20


def want(line, units, variant=BAG):
    return Want(line=line, variant=variant, units=units)


def pick(line, units, at, variant=BAG):
    return Pick(line=line, variant=variant, location=at, units=units)


@pytest.mark.parametrize(
    ("wants", "free", "picks", "short", "sentence"),
    [
        pytest.param(
            [want(1, 2)], {(BAG, 1): 9, (BAG, 2): 9}, [pick(1, 2, at=2)], {},
            "From Reno: the nearest that had everything.", id="the-nearest",
        ),
        pytest.param(
            [want(1, 2)], {(BAG, 1): 9, (BAG, 2): 1}, [pick(1, 2, at=1)], {},
            "From Newark: the nearest that had everything.", id="one-place-with-all-before-a-nearer-one-with-some",
        ),
        pytest.param(
            [want(1, 5)], {(BAG, 1): 3, (BAG, 2): 2, (BAG, 3): 1},
            [pick(1, 2, at=2), pick(1, 1, at=3), pick(1, 2, at=1)], {},
            "Split, because no place had everything: 2 from Reno, 1 from Austin, 2 from Newark.",
            id="split-nearest-first",
        ),
        pytest.param(
            [want(1, 5)], {(BAG, 2): 2}, [pick(1, 2, at=2)], {1: 3},
            "Split, because no place had everything: 2 from Reno. Short: 3 units.", id="short",
        ),
        pytest.param([want(1, 5)], {}, [], {1: 5}, "No place has any of it. Short: 5 units.", id="nothing-anywhere"),
        pytest.param(
            [want(1, 2), want(2, 2)], {(BAG, 2): 3, (BAG, 1): 9}, [pick(1, 2, at=1), pick(2, 2, at=1)], {},
            "From Newark: the nearest that had everything.", id="two-lines-of-one-variant-count-together",
        ),
        pytest.param(
            [want(1, 2), want(2, 2)], {(BAG, 2): 3}, [pick(1, 2, at=2), pick(2, 1, at=2)], {2: 1},
            "Split, because no place had everything: 3 from Reno. Short: 1 units.", id="units-are-given-out-once",
        ),
        pytest.param(
            [want(1, 7, variant=None)], {}, [pick(1, 7, at=2, variant=None)], {},
            "From Reno: the nearest that had everything.", id="uncounted-lines-are-never-short",
        ),
        pytest.param(
            [want(1, 2), want(2, 1, HAT), want(3, 1, None)], {(BAG, 1): 2, (HAT, 2): 1},
            [pick(2, 1, at=2, variant=HAT), pick(3, 1, at=2, variant=None), pick(1, 2, at=1)], {},
            "Split, because no place had everything: 2 from Reno, 2 from Newark.", id="each-line-where-it-lies",
        ),
    ],
)  # fmt: skip
def test_an_allocation_takes_units_from(wants, free, picks, short, sentence):
    allocation = allocate(wants, free, PLACES, to=ADA)

    assert list(allocation.picks) == picks
    assert allocation.short == short
    assert allocation.sentence == sentence


def test_with_no_place_that_ships_everything_is_short():
    allocation = allocate([want(1, 2), want(2, 1, None)], {(BAG, 1): 9}, [], to=ADA)

    assert (allocation.picks, allocation.short) == ((), {1: 2, 2: 1})


def test_the_only_place_is_named_as_such():
    assert (
        allocate([want(1, 1)], {(BAG, 2): 1}, PLACES[1:2], to=ADA).sentence == "From Reno: the only place that ships."
    )


def test_places_equally_far_are_tried_in_the_order_of_their_ids():
    twins = (Place(id=5, name="B", address=RENO), Place(id=4, name="A", address=RENO))

    assert allocate([want(1, 1)], {(BAG, 4): 1, (BAG, 5): 1}, twins, to=ADA).picks == (pick(1, 1, at=4),)


NOWHERE = {"latitude": None, "longitude": None}


@pytest.mark.parametrize(
    ("place", "kilometres"),
    [
        pytest.param(ADA, 150, id="the-same-state"),
        pytest.param(RENO, 600, id="one-zip-digit-away"),
        pytest.param(NEWARK, 4_200, id="from-coast-to-coast"),
        pytest.param(RENO.model_copy(update={"postcode": ""}), 1_500, id="the-same-country"),
        pytest.param(RENO.model_copy(update={"postcode": "²9434"}), 1_500, id="a-digit-that-is-no-number"),
        pytest.param(RENO.model_copy(update={"country": "CA"}), 8_000, id="abroad"),
    ],
)
def test_a_distance_is_guessed_where_a_coordinate_is_unknown(place, kilometres):
    assert distance_km(place.model_copy(update=NOWHERE), ADA) == kilometres
    assert distance_km(ADA, place.model_copy(update=NOWHERE)) == kilometres


def test_a_distance_is_measured_where_both_coordinates_are_known():
    assert 270 < distance_km(RENO, ADA) < 330
    assert 4_000 < distance_km(NEWARK, ADA) < 4_200
    assert distance_km(ADA, ADA) == 0


@given(
    units=st.lists(st.tuples(st.sampled_from([BAG, HAT, None]), st.integers(1, 9)), min_size=1, max_size=5),
    free=st.dictionaries(st.tuples(st.sampled_from([BAG, HAT]), st.integers(1, 3)), st.integers(0, 12)),
)
def test_every_unit_is_picked_or_short_and_none_is_given_out_twice(units, free):
    wants = [want(line, count, variant) for line, (variant, count) in enumerate(units)]

    allocation = allocate(wants, free, PLACES, to=ADA)

    for one in wants:
        picked = sum(pick.units for pick in allocation.picks if pick.line == one.line)
        assert picked + allocation.short.get(one.line, 0) == one.units
    for level, there in free.items():
        assert sum(p.units for p in allocation.picks if (p.variant, p.location) == level) <= there
    assert all(pick.units > 0 for pick in allocation.picks)
    for line in allocation.short:
        variant = wants[line].variant
        assert sum(there for (one, _), there in free.items() if one == variant) < sum(
            one.units for one in wants if one.variant == variant
        )
