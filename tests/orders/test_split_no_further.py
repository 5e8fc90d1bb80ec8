"""Into how many shipments what is left of an order may go: the whole order counts, and what stays by that is not short."""

import pytest

from orders import planning, shortage
from orders.routing import decision
from orders.routing.question import Question, Standing
from records.routing import RoutingRules
from records.tenants import Rules
from tests.orders.test_routing import BAG, HAT, answer, placed, question, takings, want

ONE, TWO = RoutingRules(most_shipments=1), RoutingRules(most_shipments=2)
FROM_FOUR = RoutingRules(split_from_units=4)
NEWARK_AND_AUSTIN = {(BAG, 1): 1, (BAG, 3): 1}


def stands(shipments, units, let_go=None):
    return Standing(shipments=shipments, units=units, let_go=let_go)


def nobody_has(asked):
    return shortage.missing(decision.decide(asked), asked)


@pytest.mark.parametrize(
    ("rules", "standing", "joins", "taken", "short"),
    [
        pytest.param(ONE, stands(1, 3), (), [], {1: 2}, id="not-a-second-where-none-is-split"),
        pytest.param(TWO, stands(1, 3), (), [(1, 1, 3)], {1: 1}, id="one-more-of-two"),
        pytest.param(TWO, stands(2, 3), (), [], {1: 2}, id="two-stand"),
        pytest.param(TWO, stands(3, 3), (), [], {1: 2}, id="a-person-has-divided-it-further"),
        pytest.param(RoutingRules(), stands(1, 3), (), [(1, 1, 3), (1, 1, 1)], {}, id="two-more-of-three"),
        pytest.param(ONE, stands(1, 3), (1,), [(1, 1, 1)], {1: 1}, id="what-joins-is-no-shipment-more"),
        pytest.param(TWO, stands(1, 3), (1,), [(1, 1, 1), (1, 1, 3)], {}, id="one-joins-and-one-more"),
        pytest.param(TWO, stands(2, 4), (1, 3), [(1, 1, 3), (1, 1, 1)], {}, id="both-join"),
        pytest.param(FROM_FOUR, stands(1, 3), (), [], {1: 2}, id="the-whole-order-is-too-small-to-split"),
        pytest.param(FROM_FOUR, stands(1, 4), (), [(1, 1, 3), (1, 1, 1)], {}, id="the-whole-order-is-large-enough"),
        pytest.param(FROM_FOUR, stands(0, 2), (), [(1, 1, 3)], {1: 1}, id="nothing-stands-of-a-small-one"),
        pytest.param(ONE, stands(1, 3, 7), (), [(1, 1, 3), (1, 1, 1)], {}, id="a-person-lets-the-rest-go"),
        pytest.param(FROM_FOUR, stands(1, 3, 7), (), [(1, 1, 3), (1, 1, 1)], {}, id="and-so-of-a-small-one"),
        pytest.param(ONE, None, (), [(1, 1, 3)], {1: 1}, id="an-older-question-counts-nothing-else"),
    ],
)  # fmt: skip
def test_what_is_left_may_leave_within_the_limit_of_the_whole(rules, standing, joins, taken, short):
    decided = answer([want(1, 2)], NEWARK_AND_AUSTIN, rules=rules, standing=standing, joins=joins)

    assert (takings(decided), dict(decided.short)) == (taken, short)


@pytest.mark.parametrize(
    ("wants", "free", "more", "lacking", "kept"),
    [
        pytest.param([want(1, 3)], {(BAG, 2): 2, (BAG, 1): 1}, {"standing": stands(0, 3)}, {}, {1: 1}, id="at-first"),
        pytest.param([want(1, 1)], {(BAG, 1): 1}, {"standing": stands(1, 3)}, {}, {1: 1}, id="of-the-rest"),
        pytest.param([want(1, 4)], {(BAG, 2): 2, (BAG, 1): 1}, {"standing": stands(0, 4)}, {1: 1}, {1: 1}, id="both"),
        pytest.param(
            [want(1, 1), want(2, 1, HAT)], {(BAG, 1): 1}, {"standing": stands(1, 3)}, {2: 1}, {1: 1}, id="of-two-lines"
        ),
        pytest.param([want(1, 3)], {(BAG, 2): 2}, {"standing": stands(0, 3)}, {1: 1}, {}, id="nobody-has-it"),
        pytest.param(
            [want(1, 3)], {(BAG, 2): 2, (BAG, 1): 1}, {"standing": stands(0, 3), "places": placed(1, only_to=("CA",))},
            {1: 1}, {}, id="who-has-it-may-not-send-it",
        ),
        pytest.param([want(1, 1)], {(BAG, 1): 1}, {"standing": stands(1, 3, 7)}, {}, {}, id="a-person-lets-it-go"),
        pytest.param(
            [want(1, 3)], {(BAG, 2): 2, (BAG, 1): 1},
            {"standing": stands(0, 3), "rules": RoutingRules(order=("nearest", "ships_all"))},
            {}, {1: 1}, id="the-rules-prefer-a-part-that-is-near",
        ),
    ],
)  # fmt: skip
def test_what_lies_free_somewhere_is_not_what_nobody_has(wants, free, more, lacking, kept):
    asked = question(wants, free, **{"rules": ONE} | more)

    assert nobody_has(asked) == lacking
    assert shortage.kept_back(decision.decide(asked), asked) == kept


@pytest.mark.parametrize("when_short", ["ship_what_is_there", "wait_for_all"])
def test_what_stays_by_the_rule_holds_the_rest_back_by_the_shop_s_word_and_not_as_a_question_to_the_buyer(when_short):
    asked = question([want(1, 3)], {(BAG, 2): 2, (BAG, 1): 1}, rules=ONE, standing=stands(0, 3))
    rules = Rules(when_short=when_short, ask_when_short=True, while_asked="hold_back")

    chosen, lacking = planning.decided_for(asked, None, rules)

    assert lacking == {}
    assert takings(chosen.decision) == ([(1, 2, 2)] if when_short == "ship_what_is_there" else [])


@pytest.mark.parametrize(
    ("wants", "more", "sentence"),
    [
        ([want(1, 3)], {"standing": stands(0, 3)},
         "Only a part of it leaves: 2 from Reno. By your rule (no order is split) these stay: 1 in Newark."),
        ([want(1, 4)], {"standing": stands(0, 4)},
         ("Only a part of it leaves: 2 from Reno. By your rule (no order is split) these stay: 1 in Newark."
         " Short: 1 unit.")),
        ([want(1, 3)], {"standing": stands(0, 3), "whole_or_nothing": True},
         "It waits until all of it may leave. By your rule (no order is split) these stay: 1 in Newark."),
        ([want(1, 3)], {"standing": stands(0, 3), "rules": FROM_FOUR},
         ("Only a part of it leaves: 2 from Reno. By your rule (no order of fewer than 4 units is split) these stay: "
         "1 in Newark.")),
        ([want(1, 1)], {"standing": stands(2, 3), "rules": TWO},
         "Nothing more of it leaves. By your rule (an order is split into at most 2 shipments) these stay: 1 in Reno."),
        ([want(1, 3)], {"standing": stands(0, 3), "rules": RoutingRules(order=("nearest", "ships_all"))},
         ("Only a part of it leaves: 2 from Reno. By your rule (the order in which your rules are asked) these stay: "
         "1 in Newark.")),
        ([want(1, 1)], {"standing": stands(1, 3, 7)},
         "From Reno: the nearest that had everything. A person let it leave though no order is split."),
        ([want(1, 2)], {"standing": stands(0, 2)}, "From Reno: the only place that had everything."),
        ([want(1, 3)], {}, "Only a part of it is there: 2 from Reno. Short: 1 unit."),
    ],
)  # fmt: skip
def test_it_is_told_what_stays_and_by_which_rule(wants, more, sentence):
    assert answer(wants, {(BAG, 2): 2, (BAG, 1): 1}, **{"rules": ONE} | more).sentence == sentence


@pytest.mark.parametrize(("rules", "rule"), [(ONE, "most_shipments"), (FROM_FOUR, "split_from_units")])
def test_the_places_that_would_be_a_shipment_more_are_left_out_by_the_rule_s_name(rules, rule):
    decided = answer([want(1, 1)], NEWARK_AND_AUSTIN, rules=rules, standing=stands(1, 3), joins=(2,))

    assert [(one.place, one.rule) for one in decided.left_out] == [(3, rule)]
    assert decided.left_out[0].why.startswith("it would be a shipment more, and no order")


def test_a_question_of_which_nothing_is_known_to_stand_is_kept_as_it_always_was():
    older = question([want(1, 1)], {(BAG, 1): 1})
    newer = question([want(1, 1)], {(BAG, 1): 1}, standing=stands(1, 2))

    assert b"standing" not in decision.canonical(older)
    assert b"let_go" not in decision.canonical(newer)
    for asked in (older, newer, question([want(1, 1)], {(BAG, 1): 1}, standing=stands(1, 2, 7))):
        again = Question.model_validate_json(decision.canonical(asked))
        assert decision.digest(decision.decide(again)) == decision.digest(decision.decide(asked))
