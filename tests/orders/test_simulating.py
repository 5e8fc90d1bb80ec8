"""Other rules tried on choices of the past: what would change, what it would come to, and what cannot be said."""

from dataclasses import replace

from orders.routing import decision
from orders.routing.question import Question, Quote
from orders.routing.simulating import Kept, replay, simulate
from records.routing import RoutingRules
from tests.orders.test_routing import ALL_THREE, BAG, QUOTES, placed, question, want


def kept(id: int, asked: Question) -> Kept:
    decided = decision.decide(asked)
    return Kept(
        id=id, order=100 + id, version=decision.VERSION, question=asked.model_dump(mode="json"),
        answer=decided.model_dump(mode="json"), digest=decision.digest(decided),
    )  # fmt: skip


NEAR = kept(1, question([want(1, 2)], ALL_THREE, "nearest", quotes=QUOTES))


def test_the_same_choice_again_is_the_same():
    assert (replay(NEAR).same, replay(NEAR).why) == (True, "")


def test_what_was_changed_afterwards_is_found_out():
    answer = dict(NEAR.answer) | {"sentence": "Because."}
    fewer = dict(NEAR.question) | {"shelves": []}

    assert replay(replace(NEAR, answer=answer)).why == "the answer is another one"
    assert replay(replace(NEAR, question=fewer)).why == "the answer is another one"
    assert replay(replace(NEAR, digest="0" * 64)).same is False
    assert replay(replace(NEAR, version=0)).why == "decided by version 0 of the rules"
    assert replay(replace(NEAR, question={})).why == "what was kept was emptied, or is no question"


def test_other_rules_say_what_would_change_and_what_it_would_come_to():
    short = kept(2, question([want(1, 3)], {(BAG, 1): 2}))
    only = kept(3, question([want(1, 1)], {(BAG, 2): 1}))
    emptied = replace(NEAR, question={}, answer={})

    found = simulate([NEAR, short, only, emptied], RoutingRules(order=("cheapest",)))

    assert (found.asked, found.left_out, found.priced, found.timed) == (3, 1, 1, 1)
    (changed,) = found.differences
    assert (changed.order, changed.before.places, changed.after.places) == (101, ("Reno",), ("Newark",))
    assert (changed.before.cost_minor, changed.after.cost_minor) == (900, 700)
    assert (found.before.cost_minor, found.after.cost_minor) == (900, 700)
    assert (found.before.days, found.after.days) == (1, 2)
    assert (found.before.short_units, found.after.short_units) == (1, 1)
    assert found.after.kilometres - found.before.kilometres == changed.after.kilometres - changed.before.kilometres


def test_an_order_that_would_leave_where_it_waited_differs():
    closed = tuple(one.model_copy(update={"room_today": 0}) for one in placed(1))
    waiting = kept(4, question([want(1, 1)], ALL_THREE, places=closed))
    split = kept(5, question([want(1, 2)], {(BAG, 1): 1, (BAG, 2): 1}))

    found = simulate([waiting, split], RoutingRules(most_shipments=1))

    assert [(one.order, one.before.shipments, one.after.shipments) for one in found.differences] == [(105, 2, 1)]
    assert (found.before.short_units, found.after.short_units) == (1, 2)


def test_what_it_costs_has_the_places_own_work_in_it_as_the_rule_has():
    asked = question([want(1, 1)], ALL_THREE, "nearest", quotes=QUOTES, places=placed(2, work_minor=500))

    found = simulate([kept(7, asked)], RoutingRules(order=("cheapest",)))

    assert [(one.before.cost_minor, one.after.cost_minor) for one in found.differences] == [(900 + 500, 700)]


def test_a_price_is_that_of_the_very_way():
    quotes = (*QUOTES, Quote(way=(1, 2), cost_minor=1))
    found = simulate(
        [kept(6, question([want(1, 2)], ALL_THREE, "nearest", quotes=quotes))], RoutingRules(order=("nearest",))
    )

    assert (found.before.cost_minor, found.differences) == (900, ())
