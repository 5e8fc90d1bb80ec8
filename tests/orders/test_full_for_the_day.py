"""A place that is full for the day keeps nothing from its buyer: the order leaves from elsewhere, or on another day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from orders import promising
from orders.routing import decision, later
from orders.routing.decision import Decision, decide
from orders.routing.question import Place, Question, Standing, Want
from records.routing import RoutingRules, Sending
from tests.orders.test_routing import BAG, HAT, PLACES, shelves, want
from tests.orders.test_routing import question as asked

MON = date(2026, 11, 23)
TUE, FRI, NEXT_MON = MON + timedelta(days=1), MON + timedelta(days=4), MON + timedelta(days=7)
NEWARK, RENO, AUSTIN = (
    one.model_copy(update={"leaves_on": MON, "room_today": 5}) for one in PLACES
)  # fmt: skip


def full(place: Place, until: date = TUE) -> Place:
    return place.model_copy(update={"room_today": 0, "next_room_on": until})


def answered(
    wants: list[Want], free: dict[tuple[int, int], int], *places: Place, **more: object
) -> tuple[Question, Decision]:
    opened = later.opened(asked(wants, shelves(free), places=places, names_bans=True, **more))
    return opened, decide(opened)


def test_where_every_place_with_the_goods_is_full_it_leaves_on_the_next_day_with_room_and_nothing_is_short():
    question, decided = answered([want(1, 2)], {(BAG, 1): 9}, full(NEWARK), RENO)

    assert (question.later, question.places[0].leaves_on) == ((1,), TUE)
    assert decided.chosen is not None
    assert (decided.chosen.places, decided.short, decided.left_out) == ((1,), {}, ())
    assert decided.sentence == "From Newark: the only place that had everything. Newark has no room before 24 November."


def test_it_leaves_from_elsewhere_where_that_has_everything():
    places = (NEWARK, full(RENO))
    question, decided = answered([want(1, 2)], {(BAG, 1): 9, (BAG, 2): 9}, *places)

    assert (question.later, question.places) == ((), places)  # Reno is nearer, and its day is what it was
    assert decided.chosen is not None
    assert (decided.chosen.places, [one.rule for one in decided.left_out]) == ((1,), ["room_today"])


def test_what_only_a_full_place_has_follows_on_another_day():
    question, decided = answered([want(1, 1), want(2, 1, HAT)], {(BAG, 1): 1, (HAT, 2): 1}, NEWARK, full(RENO))

    assert (question.later, {place.id: place.leaves_on for place in question.places}) == ((2,), {1: MON, 2: TUE})
    assert decided.chosen is not None
    assert (sorted(decided.chosen.places), decided.short) == ([1, 2], {})
    assert decided.sentence.endswith("Reno has no room before 24 November.")


def test_it_is_not_split_for_want_of_room_where_it_is_split_into_one_at_most():
    rules = RoutingRules(most_shipments=1)
    free = {(BAG, 1): 1, (BAG, 2): 1, (HAT, 2): 1}
    _, decided = answered(
        [want(1, 1), want(2, 1, HAT)], free, NEWARK, full(RENO), rules=rules, standing=Standing(shipments=0, units=2)
    )

    assert decided.chosen is not None
    assert (decided.chosen.places, decided.short) == ((2,), {})


def test_what_nobody_has_is_short_all_the_same_and_no_full_place_is_asked_for_it():
    question, decided = answered([want(1, 2), want(2, 1, HAT)], {(BAG, 1): 2, (BAG, 2): 5}, NEWARK, full(RENO))

    assert (question.later, decided.short, decided.chosen and decided.chosen.places) == ((), {2: 1}, (1,))


def test_a_place_that_may_not_send_it_is_not_asked_for_another_day():
    barred = full(NEWARK).model_copy(update={"never_to": ("US",)})
    question, decided = answered([want(1, 1)], {(BAG, 1): 1}, barred)

    assert (question.later, decided.chosen, [one.rule for one in decided.left_out]) == ((), None, ["never_to"])


def test_the_answer_is_the_same_to_the_byte_when_it_is_asked_again():
    question, decided = answered([want(1, 2)], {(BAG, 1): 9}, full(NEWARK), full(AUSTIN))
    again = Question.model_validate_json(decision.canonical(question))

    assert decision.canonical(decide(again)) == decision.canonical(decided)
    assert b"later" not in decision.canonical(asked([want(1, 1)], {(BAG, 1): 1}))  # what kept its bytes
    assert b"next_room_on" not in decision.canonical(asked([want(1, 1)], {(BAG, 1): 1}))


@pytest.mark.parametrize(
    ("sending", "planned", "day"),
    [
        pytest.param({}, {}, TUE, id="tomorrow"),
        pytest.param({}, {TUE: 1}, TUE, id="with-room-for-one-more"),
        pytest.param({}, {TUE: 2, TUE + timedelta(days=1): 3}, MON + timedelta(days=3), id="after-two-full-days"),
        pytest.param({"closed_on": (TUE,)}, {}, MON + timedelta(days=2), id="after-a-holiday"),
        pytest.param({"working_days": (0,)}, {}, NEXT_MON, id="a-week-later"),
        pytest.param({"closed_on": tuple(MON + timedelta(days=day) for day in range(500))}, {}, None, id="never"),
    ],
)
def test_the_next_day_with_room(sending, planned, day):
    assert promising.next_room_on(MON, Sending(shipments_a_day=2, **sending), planned) == day


def test_after_a_full_friday_comes_monday():
    assert promising.next_room_on(FRI, Sending(shipments_a_day=1), {FRI: 1}) == NEXT_MON


def test_only_the_full_place_that_is_needed_is_asked_for_another_day():
    free = {(BAG, 1): 1, (BAG, 3): 1, (HAT, 2): 1}
    question, decided = answered([want(1, 1), want(2, 1, HAT)], free, NEWARK, full(RENO), full(AUSTIN))

    assert question.later == (2,)
    assert decided.chosen is not None
    assert sorted(decided.chosen.places) == [1, 2]  # Austin is nearer than Newark, and is left for its own day
