"""From where an order leaves: what each rule prefers, what is told of it, and the same answer to the same question."""

from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import Address
from orders import distance
from orders.routing import decision
from orders.routing.question import Part, Place, Point, Question, Quote, Refused, Shelf, Want
from orders.routing.rules import RULES
from records.routing import RoutingRules
from tests.shop import ADA, AUSTIN, NEWARK, RENO

BAG, HAT = 10, 20
TODAY = date(2026, 11, 23)
PLACES = (
    Place(id=1, name="Newark", at=distance.point(NEWARK)),
    Place(id=2, name="Reno", at=distance.point(RENO)),
    Place(id=3, name="Austin", at=distance.point(AUSTIN)),
)


def want(line, units, variant=BAG, **more):
    return Want(line=line, variant=variant, units=units, **more)


def shelves(free, **more):
    return tuple(Shelf(variant=variant, place=place, units=units, **more) for (variant, place), units in free.items())


def question(wants, free, *order, places=PLACES, **more):
    rules = RoutingRules(order=order) if order else RoutingRules()
    shelf = free if isinstance(free, tuple) else shelves(free)
    return Question(wants=tuple(wants), to=distance.point(ADA), places=places, shelves=shelf, **{"rules": rules} | more)


def answer(*told, **more):
    return decision.decide(question(*told, **more))


def takings(decided):
    return [(one.line, one.units, one.place) for one in decided.chosen.takings] if decided.chosen else []


def placed(place, **more):
    """The three places, one of them otherwise."""
    return tuple(one.model_copy(update=more) if one.id == place else one for one in PLACES)


# ------------------------------------------------------------------------------------------- as it is without settings


@pytest.mark.parametrize(
    ("wants", "free", "taken", "short", "sentence"),
    [
        pytest.param(
            [want(1, 2)], {(BAG, 1): 9, (BAG, 2): 9}, [(1, 2, 2)], {},
            "From Reno: the nearest that had everything.", id="the-nearest",
        ),
        pytest.param(
            [want(1, 2)], {(BAG, 1): 9, (BAG, 2): 1}, [(1, 2, 1)], {},
            "From Newark: the only place that had everything.", id="one-place-with-all-before-a-nearer-one-with-some",
        ),
        pytest.param(
            [want(1, 5)], {(BAG, 1): 3, (BAG, 2): 2, (BAG, 3): 1}, [(1, 2, 2), (1, 3, 1)], {},
            "Split, because no place had everything: 2 from Reno, 3 from Newark.", id="split-into-as-few-as-will-do",
        ),
        pytest.param(
            [want(1, 6)], {(BAG, 1): 3, (BAG, 2): 2, (BAG, 3): 1}, [(1, 2, 2), (1, 1, 3), (1, 3, 1)], {},
            "Split, because no place had everything: 2 from Reno, 1 from Austin, 3 from Newark.", id="the-nearest-first",
        ),
        pytest.param(
            [want(1, 5)], {(BAG, 2): 2}, [(1, 2, 2)], {1: 3},
            "Only a part of it is there: 2 from Reno. Short: 3 units.", id="short",
        ),
        pytest.param([want(1, 5)], {}, [], {1: 5}, "No place has any of it. Short: 5 units.", id="nothing-anywhere"),
        pytest.param(
            [want(1, 2), want(2, 2)], {(BAG, 2): 3, (BAG, 1): 9}, [(1, 2, 1), (2, 2, 1)], {},
            "From Newark: the only place that had everything.", id="two-lines-of-one-variant-count-together",
        ),
        pytest.param(
            [want(1, 2), want(2, 2)], {(BAG, 2): 3}, [(1, 2, 2), (2, 1, 2)], {2: 1},
            "Only a part of it is there: 3 from Reno. Short: 1 unit.", id="units-are-given-out-once",
        ),
        pytest.param(
            [want(1, 7, None)], {}, [(1, 7, 2)], {},
            "From Reno: the nearest that had everything.", id="uncounted-lines-are-never-short",
        ),
        pytest.param(
            [want(1, 2), want(2, 1, HAT), want(3, 1, None)], {(BAG, 1): 2, (HAT, 2): 1},
            [(2, 1, 2), (3, 1, 2), (1, 2, 1)], {},
            "Split, because no place had everything: 2 from Reno, 2 from Newark.", id="each-line-where-it-lies",
        ),
    ],
)  # fmt: skip
def test_an_order_leaves_from(wants, free, taken, short, sentence):
    decided = answer(wants, free)

    assert (takings(decided), dict(decided.short), decided.sentence) == (taken, short, sentence)


def test_with_no_place_that_ships_everything_is_short():
    decided = answer([want(1, 2), want(2, 1, None)], {(BAG, 1): 9}, places=())

    assert (decided.chosen, dict(decided.short)) == (None, {1: 2, 2: 1})


def test_the_only_place_is_named_as_such():
    decided = answer([want(1, 1)], {(BAG, 2): 1}, places=PLACES[1:2])

    assert decided.sentence == "From Reno: the only place that ships."


def test_nothing_leaves_in_part_where_all_is_wanted_at_once():
    decided = answer([want(1, 5)], {(BAG, 2): 2}, whole_or_nothing=True)

    assert (decided.chosen, dict(decided.short)) == (None, {1: 5})
    assert decided.sentence == "It waits until all of it is there. Short: 3 units."


# ------------------------------------------------------------------------------------------- each rule by itself

ALL_THREE = {(BAG, 1): 9, (BAG, 2): 9, (BAG, 3): 9}
QUOTES = (
    Quote(way=(1,), cost_minor=700, arrives_in_days=2),
    Quote(way=(2,), cost_minor=900, arrives_in_days=1),
    Quote(way=(3,), cost_minor=800, arrives_in_days=4),
)


@pytest.mark.parametrize(
    ("rule", "more", "chosen"),
    [
        ("nearest", {}, 2),
        ("cheapest", {"quotes": QUOTES}, 1),
        ("cheapest", {"quotes": QUOTES[1:]}, 3),
        ("cheapest", {"quotes": QUOTES, "places": placed(1, work_minor=150)}, 3),
        ("preferred", {"places": placed(3, preference=-1)}, 3),
        ("least_busy", {"places": placed(3, room_today=40)}, 3),
    ],
)
def test_a_rule_prefers(rule, more, chosen):
    decided = answer([want(1, 2)], ALL_THREE, rule, **more)

    assert decided.chosen.places == (chosen,)
    assert {one.dropped_by for one in decided.weighed[1:] if len(one.way.places) == 1} == {rule}


def test_what_arrives_soonest_counts_the_day_on_which_it_leaves():
    leaving = {1: TODAY, 2: TODAY + timedelta(days=3), 3: TODAY}
    places = tuple(one.model_copy(update={"leaves_on": leaving[one.id]}) for one in PLACES)

    decided = answer([want(1, 2)], ALL_THREE, "soonest", places=places, quotes=QUOTES)

    assert {one.way.places: one.scores["soonest"] for one in decided.weighed if one.scores} == {
        (1,): 2,
        (2,): 4,
        (3,): 4,
    }
    assert decided.chosen.places == (1,)


def test_the_stock_that_has_lain_longest_leaves_first():
    lain = {1: 3, 2: 80, 3: 20}
    shelf = tuple(Shelf(variant=BAG, place=place, units=9, oldest_days=days) for place, days in lain.items())

    assert answer([want(1, 2)], shelf, "oldest_stock").chosen.places == (2,)


def test_a_rule_that_knows_nothing_leaves_the_choice_to_the_next():
    decided = answer([want(1, 2)], ALL_THREE, "cheapest", "soonest", "oldest_stock", "least_busy", "nearest")

    assert decided.chosen.places == (2,)
    assert {one.dropped_by for one in decided.weighed[1:]} == {"nearest"}


def test_what_no_rule_tells_apart_goes_by_the_place_that_was_known_first():
    twins = tuple(Place(id=id, name=name, at=distance.point(RENO)) for id, name in ((5, "B"), (4, "A")))
    decided = answer([want(1, 1)], {(BAG, 4): 1, (BAG, 5): 1}, places=twins)

    assert decided.chosen.places == (4,)
    assert decided.sentence == "From A: nothing else told the places apart."


def test_two_shipments_are_better_than_one_where_they_are_cheaper_and_the_merchant_says_so():
    quotes = (*QUOTES, Quote(way=(2, 1), cost_minor=500))
    decided = answer([want(1, 2), want(2, 1, HAT)], ALL_THREE | {(HAT, 1): 1, (HAT, 2): 0, (HAT, 3): 1},
                     "ships_all", "cheapest", quotes=quotes)  # fmt: skip

    assert decided.chosen.places == (2, 1)
    assert decided.sentence == "Split: 2 from Reno, 1 from Newark."


# ------------------------------------------------------------------------------------------- who may not


@pytest.mark.parametrize(
    ("wants", "place", "why"),
    [
        ([want(1, 1)], {"never_to": ("US",)}, "it sends nothing to US"),
        ([want(1, 1)], {"room_today": 0}, "it has no room left today"),
    ],
)  # fmt: skip
def test_a_place_is_left_out_and_it_is_said_why(wants, place, why):
    decided = answer(wants, ALL_THREE, places=placed(2, **place))

    assert decided.chosen.places == (3,)
    assert [(one.place, one.why) for one in decided.left_out] == [(2, why)]


@pytest.mark.parametrize("rule", ["nearest", "preferred"])
def test_a_part_is_not_preferred_to_the_whole_for_being_near(rule):
    free = {(BAG, 1): 5, (BAG, 2): 1}

    assert answer([want(1, 5)], free, rule, rules=RoutingRules(order=(rule,), most_shipments=1)).short == {}
    first = RoutingRules(order=("nearest", "ships_all"), most_shipments=1)
    assert dict(answer([want(1, 5)], free, rules=first).short) == {1: 4}


def test_an_order_is_split_into_no_more_shipments_than_the_merchant_wants():
    free = {(BAG, 1): 1, (BAG, 2): 1, (BAG, 3): 1}

    def shipped(**rules):
        decided = answer([want(1, 3)], free, rules=RoutingRules(**rules))
        return len(decided.chosen.places), sum(decided.short.values())

    assert shipped(most_shipments=3) == (3, 0)
    assert shipped(most_shipments=2) == (2, 1)
    assert shipped(most_shipments=1) == (1, 2)
    assert shipped(split_from_units=4) == (1, 2)
    assert shipped(split_from_units=3) == (3, 0)


# ------------------------------------------------------------------------------------------- rates are asked for few


@pytest.mark.parametrize(
    ("free", "joins", "taken", "sentence"),
    [
        # Newark is far, and the rest of the order leaves from there.
        ({(BAG, 1): 2, (BAG, 2): 2}, (1,), [(1, 2, 1)], "From Newark: more of the order leaves from there."),
        ({(BAG, 1): 2, (BAG, 2): 2}, (), [(1, 2, 2)], "From Reno: the nearest that had everything."),
        # Where it leaves from has a part alone: a shipment more is needed either way, and the nearer has all of it.
        ({(BAG, 1): 1, (BAG, 2): 2}, (1,), [(1, 2, 2)], "From Reno: the nearest that had everything."),
        # Both have shipments of it already.
        ({(BAG, 1): 1, (BAG, 3): 1, (BAG, 2): 2}, (1, 3), [(1, 1, 3), (1, 1, 1)], ""),
    ],
)  # fmt: skip
def test_what_joins_a_planned_shipment_is_no_shipment_more(free, joins, taken, sentence):
    decided = answer([want(1, 2)], free, joins=joins, rules=RoutingRules(split_from_units=2, most_shipments=2))

    assert takings(decided) == taken
    assert decided.sentence == (sentence or decided.sentence)


def test_a_question_without_anything_to_join_is_kept_as_it_always_was():
    assert b"joins" not in decision.canonical(question([want(1, 1)], {(BAG, 1): 1}))


def test_carriers_are_asked_about_the_best_ways_only():
    rules = RoutingRules(order=("ships_all", "cheapest"), ask_rates_for=2)

    asked = decision.to_be_priced(question([want(1, 2)], ALL_THREE, rules=rules))

    assert [way.places for way in asked] == [(2,), (3,)]


@pytest.mark.parametrize(
    ("free", "order"), [({(BAG, 2): 9}, ("cheapest",)), (ALL_THREE, ("nearest", "cheapest")), (ALL_THREE, ("nearest",))]
)
def test_carriers_are_not_asked_where_their_answer_would_change_nothing(free, order):
    assert decision.to_be_priced(question([want(1, 2)], free, rules=RoutingRules(order=order, most_shipments=1))) == []


# ------------------------------------------------------------------------------------------- always

places_of_any_kind = st.lists(
    st.builds(
        Place, id=st.integers(1, 6), name=st.just("Here"),
        at=st.builds(Point, country=st.sampled_from(["US", "CA"]), latitude=st.floats(-80, 80).map(lambda d: round(d, 1)),
                     longitude=st.floats(-170, 170).map(lambda d: round(d, 1))),
        preference=st.integers(0, 2), room_today=st.none() | st.integers(0, 3),
    ),
    max_size=5, unique_by=lambda place: place.id,
)  # fmt: skip
wanted = st.lists(
    st.builds(Want, line=st.integers(1, 4), variant=st.none() | st.sampled_from([BAG, HAT]), units=st.integers(1, 5))
    | st.builds(
        Want, line=st.integers(1, 4), variant=st.none(), units=st.integers(1, 3),
        parts=st.lists(
            st.builds(Part, variant=st.sampled_from([BAG, HAT]), units=st.integers(1, 3)),
            min_size=1, max_size=2, unique_by=lambda part: part.variant,
        ).map(tuple),
    ),
    min_size=1, max_size=4, unique_by=lambda one: one.line,
)  # fmt: skip
shelf_of_any_kind = st.dictionaries(
    st.tuples(st.sampled_from([BAG, HAT]), st.integers(1, 6)), st.integers(0, 6), max_size=8
)
orders_of_rules = st.lists(
    st.sampled_from(["ships_all", "fewest_shipments", "nearest", "cheapest", "preferred", "least_busy"]),
    unique=True, max_size=6,
)  # fmt: skip


@given(wanted, shelf_of_any_kind, places_of_any_kind, orders_of_rules)
def test_nobody_sends_what_is_not_there_and_everything_is_sent_or_short(wants, free, places, order):
    decided = answer(wants, free, places=tuple(places), rules=RoutingRules(order=tuple(order)))

    sent = decided.chosen.takings if decided.chosen else ()
    for one in wants:
        assert sum(t.units for t in sent if t.line == one.line) + decided.short.get(one.line, 0) == one.units
    from_one_unit = {one.line: dict(one.taken()) for one in wants}
    for (variant, place), there in free.items():
        assert sum(t.units * from_one_unit[t.line].get(variant, 0) for t in sent if t.place == place) <= there
    assert all(t.units > 0 for t in sent)
    assert {t.place for t in sent} <= {place.id for place in places if place.room_today != 0}


@given(wanted, shelf_of_any_kind, places_of_any_kind, orders_of_rules)
def test_the_same_question_has_the_same_answer_to_the_byte_however_it_was_kept(wants, free, places, order):
    asked = question(wants, free, places=tuple(places), rules=RoutingRules(order=tuple(order)))
    kept = Question.model_validate_json(decision.canonical(asked))

    assert decision.canonical(decision.decide(kept)) == decision.canonical(decision.decide(asked))
    assert decision.digest(kept) == decision.digest(asked)


def test_the_order_in_which_places_are_named_changes_nothing():
    free = {(BAG, 1): 1, (BAG, 2): 1, (BAG, 3): 1}
    said = {
        takings_of: decision.decide(question([want(1, 2)], free, places=order)).sentence
        for order in permutations(PLACES)
        if (takings_of := tuple(one.id for one in order))
    }

    assert len(set(said.values())) == 1


# ------------------------------------------------------------------------------------------- distance


def test_a_distance_is_measured_between_the_middles_of_zip_codes_where_nothing_better_is_known():
    unmeasured = {"latitude": None, "longitude": None}
    reno, ada = (distance.point(one.model_copy(update=unmeasured)) for one in (RENO, ADA))

    assert None not in (reno.latitude, ada.latitude)
    assert 270 < distance.between(reno, ada) < 330


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        (Point(country="CA", region="ON"), Point(country="CA", region="ON"), 150),
        (Point(country="CA", region="ON"), Point(country="CA", region="BC"), 1_500),
        (Point(country="CA"), Point(country="CA"), 1_500),
        (Point(country="CA"), Point(country="US", latitude=40.0, longitude=-100.0), 8_000),
    ],
)
def test_a_distance_is_guessed_where_a_point_is_unknown(one, other, kilometres):
    assert distance.between(one, other) == distance.between(other, one) == kilometres


@pytest.mark.parametrize("postcode", ["", "²9434", "9434", "00000", "K1A 0B1"])
def test_what_is_no_zip_code_has_no_middle(postcode):
    assert distance.point(Address(country="US", postcode=postcode)).latitude is None


def test_a_point_does_not_tell_where_a_buyer_lives():
    point = distance.point(ADA)

    assert (point.latitude, point.longitude) == (37.8, -122.4)
    assert "postcode" not in point.model_dump()


# ------------------------------------------------------------------------------------------- whatever rule is asked

EVERY_RULE = (
    "ships_all",
    "fewest_shipments",
    "nearest",
    "cheapest",
    "soonest",
    "oldest_stock",
    "preferred",
    "least_busy",
)
# By every one of the rules, the first of the places would be chosen.
BEST = tuple(
    one.model_copy(
        update={"preference": number, "room_today": 50 - number, "leaves_on": TODAY + timedelta(days=number),
                "at": distance.point((ADA, RENO, NEWARK)[number])}
    )
    for number, one in enumerate(PLACES)
)  # fmt: skip
BEST_SHELVES = tuple(Shelf(variant=BAG, place=id, units=9, oldest_days=90 - id) for id in (1, 2, 3))
BEST_QUOTES = tuple(Quote(way=(id,), cost_minor=100 * id, arrives_in_days=id) for id in (1, 2, 3))


def asked_of_the_best(rule, more=None, **of_the_first):
    places = (BEST[0].model_copy(update=of_the_first), *BEST[1:])
    return answer(
        [want(1, 2)],
        BEST_SHELVES,
        *dict.fromkeys((rule, "preferred")),
        places=places,
        quotes=BEST_QUOTES,
        **(more or {}),
    )


def test_the_rules_that_are_tried_here_are_all_that_there_are():
    assert set(EVERY_RULE) == set(RULES)


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_by_every_rule_a_place_that_may_not_send_is_left_out(rule):
    assert asked_of_the_best(rule).chosen.places == (1,)
    assert asked_of_the_best(rule, never_to=("US",)).chosen.places == (2,)
    assert asked_of_the_best(rule, room_today=0).chosen.places == (2,)
    refused = (Refused(place=1, line=1, why="it could not find the goods on 2026-11-20"),)
    decided = asked_of_the_best(rule, {"refused": refused})
    assert decided.chosen.places == (2,)
    assert [(one.place, one.why) for one in decided.left_out] == [(1, "it could not find the goods on 2026-11-20")]


@pytest.mark.parametrize("rule", [rule for rule in EVERY_RULE if rule != "preferred"])
def test_what_a_rule_cannot_tell_apart_goes_to_the_place_that_the_merchant_prefers(rule):
    alike = tuple(one.model_copy(update={"at": PLACES[0].at, "preference": 3 - one.id}) for one in PLACES)
    assert answer([want(1, 2)], ALL_THREE, rule, "preferred", places=alike).chosen.places == (3,)


def test_a_place_that_could_not_send_one_line_still_sends_another():
    free = {(BAG, 2): 9, (HAT, 2): 9, (BAG, 1): 9}
    refused = (Refused(place=2, line=1, why="it was closed on 2026-11-20"),)

    decided = answer([want(1, 1), want(2, 1, HAT)], free, refused=refused)

    assert sorted(takings(decided)) == [(1, 1, 1), (2, 1, 2)]
    assert decided.left_out == ()


@pytest.mark.parametrize("rule", ["ships_all", "fewest_shipments"])
def test_one_place_with_all_of_it_is_preferred_to_nearer_ones_with_a_part(rule):
    assert answer([want(1, 2)], {(BAG, 1): 2, (BAG, 2): 1, (BAG, 3): 1}, rule).chosen.places == (1,)
