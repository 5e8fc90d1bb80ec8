"""What routing has to find: a split however many empty places are near, bundles, one parcel's price, the last arrival."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from orders.routing import decision, later, simulating
from orders.routing.decision import decide
from orders.routing.question import Part, Place, Point, Question, Quote, Shelf, Standing, Want
from orders.routing.ways import beyond
from records.routing import RoutingRules

BAG, HAT, MUG = 10, 20, 30
MON = date(2026, 11, 23)
BUYER = Point(country="US", latitude=40.0, longitude=-100.0)


def place(number: int, **more: object) -> Place:
    """So many degrees east of the buyer."""
    at = Point(country="US", latitude=40.0, longitude=-100.0 + number)
    return Place(id=number, name=f"P{number}", at=at, **({"leaves_on": MON} | more))


def question(
    wants: dict[int, tuple[int, int]] | tuple[Want, ...], free: dict[tuple[int, int], int], *rules: str, **more: object
) -> Question:
    """What is wanted by line is a variant and its units."""
    if isinstance(wants, dict):
        wants = tuple(Want(line=line, variant=variant, units=units) for line, (variant, units) in wants.items())
    shelves = tuple(Shelf(variant=variant, place=at, units=units) for (variant, at), units in free.items())
    places = tuple(place(number) for number in sorted({at for _, at in free}))
    asked = RoutingRules(order=rules) if rules else RoutingRules()
    given = {"places": places, "rules": asked, "revision": 2}
    return Question(wants=wants, to=BUYER, shelves=shelves, **(given | more))


@pytest.mark.parametrize("empty", [0, 8, 30])
def test_a_split_is_found_however_many_places_without_the_goods_are_nearer(empty: int):
    places = tuple(place(number) for number in range(1, empty + 3))
    asked = question(
        {1: (BAG, 1), 2: (HAT, 1)}, {(BAG, empty + 1): 1, (HAT, empty + 2): 1}, places=places,
        standing=Standing(shipments=0, units=2),
    )  # fmt: skip
    decided = decide(asked)

    assert decided.chosen is not None
    assert (set(decided.chosen.places), decided.short) == ({empty + 1, empty + 2}, {})


@pytest.mark.parametrize("bundle_first", [True, False])
def test_what_a_bundle_needs_of_one_place_is_not_given_to_a_line_that_may_leave_from_another(bundle_first: bool):
    plain = Want(line=1, variant=BAG, units=1)
    bundle = Want(line=2, variant=None, units=1, parts=(Part(variant=BAG, units=1), Part(variant=HAT, units=1)))
    wants = (bundle, plain) if bundle_first else (plain, bundle)
    asked = question(wants, {(BAG, 1): 1, (HAT, 1): 1, (BAG, 2): 1})

    decided = decide(asked)
    assert decided.chosen is not None
    assert (sorted((one.line, one.place) for one in decided.chosen.takings), decided.short) == ([(1, 2), (2, 1)], {})
    assert {one.line for one in beyond(asked, None).takings} == {1, 2}


def test_more_is_taken_by_lines_of_their_own_where_a_bundle_would_leave_more_of_them_short():
    plain = Want(line=1, variant=BAG, units=2)
    bundle = Want(line=2, variant=None, units=1, parts=(Part(variant=BAG, units=2),))
    decided = decide(question((bundle, plain), {(BAG, 1): 2}))

    assert decided.short == {2: 1}


def test_carriers_are_asked_about_one_parcel_though_three_splits_are_nearer():
    free = {(BAG, 1): 1, (HAT, 1): 1, (BAG, 2): 1, (MUG, 2): 1, (HAT, 3): 1, (MUG, 3): 1} | {
        (variant, 9): 1 for variant in (BAG, HAT, MUG)
    }
    asked = question({1: (BAG, 1), 2: (HAT, 1), 3: (MUG, 1)}, free, "ships_all", "cheapest")
    priced = [set(way.places) for way in decision.to_be_priced(asked)]

    assert (len(priced), {9} in priced) == (asked.rules.ask_rates_for, True)
    quotes = tuple(
        Quote(way=tuple(sorted(way)), cost_minor=900 if way == {9} else 1400, currency="USD", arrives_in_days=3)
        for way in priced
    )
    decided = decide(asked.model_copy(update={"quotes": quotes}))
    assert decided.chosen is not None
    assert decided.chosen.places == (9,)


def test_what_joins_a_parcel_has_no_way_and_no_work_of_its_own():
    places = (place(1, work_minor=0), place(5, work_minor=500))
    quotes = tuple(Quote(way=(id,), cost_minor=700, currency="USD", arrives_in_days=2) for id in (1, 5))
    standing = Standing(shipments=1, units=2)
    free = {(BAG, 1): 1, (BAG, 5): 1}
    for rule in ("nearest", "cheapest"):
        asked = question({1: (BAG, 1)}, free, rule, places=places, quotes=quotes, joins=(5,), standing=standing)
        decided = decide(asked)
        scores = {one.way.places: one.scores[rule] for one in decided.weighed}
        assert scores[5,] == (0 if rule == "nearest" else 700)


def test_the_last_arrival_is_that_of_a_place_and_its_own_carrier():
    places = (place(1), place(2, leaves_on=MON + timedelta(days=3)), place(9, leaves_on=MON + timedelta(days=1)))
    free = {(BAG, 1): 1, (HAT, 2): 1, (BAG, 9): 1, (HAT, 9): 1}
    quotes = (
        Quote(way=(1, 2), cost_minor=900, currency="USD", arrives_in_days=5, by_place={1: 5, 2: 1}),
        Quote(way=(9,), cost_minor=900, currency="USD", arrives_in_days=5, by_place={9: 5}),
    )
    asked = question(
        {1: (BAG, 1), 2: (HAT, 1)}, free, "ships_all", "soonest", places=places, quotes=quotes,
        deliver_by=MON + timedelta(days=5),
    )  # fmt: skip
    decided = decide(asked)

    assert decided.chosen is not None
    scores = {one.way.places: one.scores.get("soonest") for one in decided.weighed}
    assert (scores[1, 2], scores[9,]) == (5, 7)
    assert set(decided.chosen.places) == {1, 2}
    assert simulating.measure(asked, decided.chosen, {}).late_days == 0


def test_older_questions_keep_their_bytes_and_their_answers():
    places = tuple(place(number) for number in range(1, 11))
    asked = question({1: (BAG, 1), 2: (HAT, 1)}, {(BAG, 9): 1, (HAT, 10): 1}, places=places, revision=1)

    assert b"revision" not in decision.canonical(asked)
    assert decide(asked).short == {2: 1}  # as it was answered then
    assert b"by_place" not in decision.canonical(Quote(way=(1,), cost_minor=1, arrives_in_days=2))


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_bundles_with_a_common_part_the_one_that_needs_the_first_place_gets_it(swapped: bool):
    parts = [
        (Part(variant=BAG, units=1), Part(variant=HAT, units=1)),
        (Part(variant=BAG, units=1), Part(variant=MUG, units=1)),
    ]
    wants = tuple(
        Want(line=line, variant=None, units=1, parts=made)
        for line, made in enumerate(reversed(parts) if swapped else parts)
    )
    decided = decide(question(wants, {(BAG, 1): 1, (HAT, 1): 1, (MUG, 1): 1, (BAG, 2): 1, (HAT, 2): 1}))

    assert (decided.short, len(decided.chosen.takings if decided.chosen else ())) == ({}, 2)


def full(number: int) -> Place:
    return place(number, room_today=0, next_room_on=MON + timedelta(days=1))


@pytest.mark.parametrize("number", [1, 30])
def test_a_full_place_that_has_all_of_it_sends_it_tomorrow_wherever_it_is(number: int):
    free = {(BAG, 5): 1, (HAT, 6): 1, (BAG, number): 1, (HAT, number): 1}
    asked = later.opened(
        question(
            {1: (BAG, 1), 2: (HAT, 1)}, free, places=(place(5), place(6), full(number)),
            standing=Standing(shipments=0, units=2), rules=RoutingRules(most_shipments=1),
        )
    )  # fmt: skip
    decided = decide(asked)

    assert decided.chosen is not None
    assert (decided.chosen.places, decided.short) == ((number,), {})


def test_a_simulation_asks_full_places_by_the_rules_that_are_tried():
    free = {(BAG, 5): 1, (HAT, 6): 1, (BAG, 7): 1, (HAT, 7): 1}
    asked = question(
        {1: (BAG, 1), 2: (HAT, 1)}, free, places=(place(5), place(6), full(7)), standing=Standing(shipments=0, units=2)
    )
    kept = []
    for number, most in enumerate((3, 1)):
        opened = later.opened(asked.model_copy(update={"rules": RoutingRules(most_shipments=most)}))
        answer = decide(opened)
        told = {"question": opened.model_dump(mode="json"), "answer": answer.model_dump(mode="json")}
        kept.append(simulating.Kept(id=number, order=number, version=1, digest="", **told))

    changed = {
        most: [one.after.places for one in simulating.simulate(kept, RoutingRules(most_shipments=most)).differences]
        for most in (1, 3)
    }
    assert changed == {1: [("P7",)], 3: [("P5", "P6")]}


def test_a_place_without_a_limit_is_less_busy_than_one_with_little_room_and_no_rule_where_nobody_has_one():
    free = {(BAG, 1): 1, (BAG, 2): 1}
    decided = decide(question({1: (BAG, 1)}, free, "least_busy", places=(place(1, room_today=1), place(2))))
    assert decided.chosen is not None
    assert decided.chosen.places == (2,)

    nobody = decide(question({1: (BAG, 1)}, free, "least_busy", "nearest"))
    assert [one.scores.get("least_busy") for one in nobody.weighed] == [None, None]


def test_who_arrives_on_a_sunday_and_who_on_the_monday_after_arrive_as_soon():
    friday, free = MON + timedelta(days=4), {(BAG, 1): 1, (BAG, 2): 1}
    quotes = tuple(
        Quote(way=(id,), cost_minor=cost, currency="USD", arrives_in_days=days, by_place={id: days})
        for id, cost, days in ((1, 5000, 2), (2, 500, 3))
    )
    places = (place(1, leaves_on=friday), place(2, leaves_on=friday))
    decided = decide(question({1: (BAG, 1)}, free, "soonest", "cheapest", places=places, quotes=quotes))
    assert decided.chosen is not None
    assert decided.chosen.places == (2,)


def test_what_a_simulation_counts_is_what_the_rules_weigh():
    places = (place(5, work_minor=500),)
    quotes = (Quote(way=(5,), cost_minor=700, currency="USD", arrives_in_days=2),)
    asked = question(
        {1: (BAG, 1)}, {(BAG, 5): 1}, places=places, quotes=quotes, joins=(5,), standing=Standing(shipments=1, units=2)
    )
    decided = decide(asked)
    measured = simulating.measure(asked, decided.chosen, {})
    assert (measured.cost_minor, measured.kilometres) == (700, 0)
