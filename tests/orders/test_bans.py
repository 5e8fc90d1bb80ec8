"""Who may not send what: countries, hazardous goods, the rule that is named, and answers from before it was."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from orders import banning
from orders.planning import decided
from orders.routing import bans, decision
from orders.routing.question import Question, Refused
from orders.routing.simulating import Kept, replay, simulate
from records.routing import Bans, RoutingRules
from tests.orders.test_routing import ALL_THREE, BAG, HAT, PLACES, placed, question, takings, want
from tests.shop import open_shop

BEFORE = json.loads((Path(__file__).parent / "kept_before_bans.json").read_text())


def ask(wants, free=ALL_THREE, places=PLACES, **more) -> Question:
    return question(wants, free, places=places, names_bans=True, **more)


def kept_out(asked: Question) -> list[tuple[int, str, int | None]]:
    return [(one.place, one.rule, one.line) for one in decision.decide(asked).left_out]


@pytest.mark.parametrize(
    ("place", "goods", "rule", "why", "line"),
    [
        ({"never_to": ("CA", "US")}, {}, "never_to", "it sends nothing to US", None),
        ({"only_to": ("CA", "DE")}, {}, "only_to", "it sends only to CA, DE", None),
        ({"room_today": 0}, {}, "room_today", "it has no room left today", None),
    ],
)
def test_a_place_that_may_not_send_there_is_left_out_by_a_named_rule(place, goods, rule, why, line):
    decided = decision.decide(ask([want(1, 2, **goods)], places=placed(2, **place)))

    assert decided.chosen is not None
    assert decided.chosen.places == (3,)
    assert [(one.place, one.rule, one.why, one.line) for one in decided.left_out] == [(2, rule, why, line)]


@pytest.mark.parametrize(
    ("place", "goods"),
    [
        ({"only_to": ("US",)}, {}),
        ({"never_to": ("CA",)}, {}),
        ({"sends_hazmat": True}, {"hazmat": True}),
        ({}, {"never_to": ("CA", "AU")}),
        ({"sends_hazmat": False}, {}),
    ],
)
def test_what_may_be_sent_there_is(place, goods):
    decided = decision.decide(ask([want(1, 2, **goods)], places=placed(2, **place)))

    assert decided.chosen is not None
    assert decided.chosen.places == (2,)


def test_hazardous_goods_leave_from_where_they_may_and_the_rest_from_nearby():
    free = {(BAG, 2): 9, (HAT, 2): 9, (BAG, 1): 9, (HAT, 1): 9}
    places = placed(1, sends_hazmat=True)

    decided = decision.decide(ask([want(1, 1, hazmat=True), want(2, 1, HAT)], free, places))
    split = decision.decide(
        ask([want(1, 1, hazmat=True), want(2, 1, HAT)], {(BAG, 2): 9, (BAG, 1): 9, (HAT, 2): 9}, places)
    )

    assert takings(decided) == [(1, 1, 1), (2, 1, 1)]
    assert takings(split) == [(2, 1, 2), (1, 1, 1)]
    assert [(one.place, one.rule, one.line) for one in decided.left_out] == [(2, "hazmat", 1), (3, "hazmat", 1)]


def test_what_nobody_may_send_is_barred_and_not_merely_short():
    asked = ask([want(1, 2, hazmat=True), want(2, 1, HAT, never_to=("US",)), want(3, 1, None)], ALL_THREE)

    assert {line: [one.rule for one in kept] for line, kept in bans.barred(asked).items()} == {
        1: ["hazmat"] * 3,
        2: ["not_sent_to"] * 3,
    }
    assert banning.apart(asked, {1: 2, 2: 1, 3: 1}) == ({3: 1}, {1: 2, 2: 1})


def test_what_one_place_may_send_and_has_not_got_is_short_and_not_barred():
    asked = ask([want(1, 2, hazmat=True)], {(BAG, 2): 9}, placed(1, sends_hazmat=True))

    assert bans.barred(asked) == {}
    assert decision.decide(asked).sentence == "No place has any of it. Short: 2 units."


def test_without_any_place_nothing_is_barred():
    assert bans.barred(ask([want(1, 1, hazmat=True)], places=())) == {}


def test_what_has_no_room_today_is_not_barred_for_good():
    full = tuple(one.model_copy(update={"room_today": 0}) for one in PLACES)

    assert bans.barred(ask([want(1, 1)], places=full)) == {}


@pytest.mark.parametrize(
    ("wants", "free", "of_goods", "lacking", "not_sent"),
    [
        pytest.param([want(1, 2)], {(BAG, 1): 2}, False, {}, {1: 2}, id="all-of-it-lies-where-it-was-closed"),
        pytest.param([want(1, 2)], {(BAG, 1): 1}, False, {1: 1}, {1: 1}, id="some-of-it-is-nowhere"),
        pytest.param([want(1, 2)], {}, False, {1: 2}, {}, id="none-of-it-is-anywhere"),
        pytest.param([want(1, 2)], {(BAG, 1): 2}, True, {1: 2}, {}, id="it-could-not-find-them"),
        pytest.param([want(1, 1), want(2, 1)], {(BAG, 1): 1}, False, {2: 1}, {1: 1}, id="one-unit-counts-once"),
    ],
)
@pytest.mark.parametrize("places", [PLACES, PLACES[:1]], ids=["several-places", "one-place"])
def test_what_lies_where_somebody_said_no_is_in_stock_and_what_does_not_is_not(
    wants, free, of_goods, lacking, not_sent, places
):
    refused = tuple(Refused(place=1, line=one.line, why="it was closed", of_goods=of_goods) for one in wants)
    asked = ask(wants, free, places, refused=refused)

    assert banning.apart(asked, {one.line: one.units for one in wants}) == (lacking, not_sent)
    assert {
        (line, one.place, one.why) for line, (_, kept) in bans.not_sent(asked, not_sent).items() for one in kept
    } == {(line, 1, "it was closed") for line in not_sent}


def test_what_another_place_sends_is_not_asked_of_where_somebody_said_no():
    closed = Refused(place=1, line=1, why="it was closed", of_goods=False)
    asked = ask([want(1, 2)], {(BAG, 1): 1, (BAG, 2): 1}, refused=(closed,))

    assert banning.apart(asked, {1: 1}) == ({}, {1: 1})


def test_what_leaves_for_another_line_does_not_lie_where_somebody_said_no():
    closed = Refused(place=1, line=1, why="it was closed", of_goods=False)
    chosen = decided(ask([want(1, 1), want(2, 1)], {(BAG, 1): 1}, PLACES[:1], refused=(closed,)))

    assert [(pick.line, pick.location, pick.units) for pick in chosen.picks] == [(2, 1, 1)]
    assert banning.apart(chosen.question, chosen.missing, chosen.spoken_for) == ({1: 1}, {})


def test_what_stays_by_the_merchants_rules_does_not_lie_where_somebody_said_no():
    closed = Refused(place=1, line=1, why="it was closed", of_goods=False)
    rules = RoutingRules(most_shipments=1)
    free = {(BAG, 1): 1, (HAT, 2): 2}
    chosen = decided(ask([want(1, 1), want(2, 1), want(3, 2, HAT)], free, PLACES[:2], refused=(closed,), rules=rules))

    assert ([pick.line for pick in chosen.picks], chosen.kept) == ([3], {2: 1})
    assert banning.apart(chosen.question, chosen.missing, chosen.spoken_for) == ({1: 1}, {})


def test_what_a_place_could_not_find_lies_there_for_no_other_reason_either():
    closed = Refused(place=1, line=1, why="it was closed", of_goods=False)
    empty = Refused(place=1, line=1, why="it could not find the goods")

    for refused in ((closed, empty), (empty, closed)):
        asked = ask([want(1, 2)], {(BAG, 1): 2}, PLACES[:1], refused=refused)
        assert banning.apart(asked, {1: 2}) == ({1: 2}, {})


def test_nobody_may_send_any_of_it_is_said_so():
    decided = decision.decide(ask([want(1, 2, hazmat=True)]))

    assert (decided.chosen, decided.sentence) == (None, "No place may send any of it. Short: 2 units.")


def test_places_that_may_send_none_of_it_do_not_stand_in_the_way_of_those_that_may():
    """Sets are built of the eight nearest: nine that are barred would leave room for nobody."""
    barred = [PLACES[1].model_copy(update={"id": 10 + n, "only_to": (), "sends_hazmat": False}) for n in range(9)]
    far = [one.model_copy(update={"sends_hazmat": True}) for one in (PLACES[0], PLACES[2])]
    asked = ask([want(1, 2, hazmat=True)], {(BAG, 1): 1, (BAG, 3): 1}, tuple(barred + far))

    assert sorted(takings(decision.decide(asked))) == [(1, 1, 1), (1, 1, 3)]


@pytest.mark.parametrize("record", BEFORE, ids=["some-left-out", "nobody-sends-there"])
def test_a_choice_that_was_kept_before_is_made_again_to_the_byte(record):
    kept = Kept(id=1, order=1, version=decision.VERSION, **record)

    again = decision.decide(Question.model_validate(kept.question))
    assert replay(kept).same
    assert json.loads(decision.canonical(again)) == record["answer"]
    assert (again.left_out, [one.rule for one in again.left_out if one.rule]) == (again.left_out, [])


def test_a_choice_with_named_rules_is_made_again_to_the_byte():
    asked = ask([want(1, 2, hazmat=True), want(2, 1, HAT)], places=placed(1, sends_hazmat=True))
    decided = decision.decide(asked)
    kept = Kept(
        id=1, order=1, version=decision.VERSION, question=json.loads(decision.canonical(asked)),
        answer=json.loads(decision.canonical(decided)), digest=decision.digest(decided),
    )  # fmt: skip

    assert replay(kept).same
    assert '"rule":"hazmat"' in decision.canonical(decided).decode()


def test_no_other_rules_would_send_what_may_not_be_sent():
    asked = ask([want(1, 2, hazmat=True)], places=placed(1, sends_hazmat=True))
    decided = decision.decide(asked)
    kept = Kept(
        id=1, order=1, version=decision.VERSION, question=asked.model_dump(mode="json"),
        answer=decided.model_dump(mode="json"), digest=decision.digest(decided),
    )  # fmt: skip

    found = simulate([kept], RoutingRules(order=("nearest", "ships_all")))

    assert (found.differences, found.before.places, found.after.short_units) == ((), (), 0)


def test_of_a_bundle_the_marks_of_everything_in_it_count(engine: Engine):
    shop = open_shop(engine)
    kit, fuel, mat = (shop.variant(sku) for sku in ("KIT", "FUEL", "MAT"))
    shop.run('UPDATE variants SET bans = \'{"hazmat": true, "never_to": ["AU"]}\' WHERE id = :v', v=fuel)
    shop.run('UPDATE variants SET store_bans = \'{"never_to": ["CA"]}\' WHERE id = :v', v=kit)
    for part in (fuel, mat):
        shop.run(
            "INSERT INTO bundle_parts (tenant_id, bundle_id, part_id, units) VALUES (:t, :b, :p, 1)",
            t=shop.tenant, b=kit, p=part,
        )  # fmt: skip
    order = shop.order((kit, 1), (mat, 1))
    first, second = (row[0] for row in shop.rows("SELECT id FROM order_lines WHERE order_id = :o ORDER BY id", o=order))
    for line, variant in ((first, kit), (second, mat)):
        shop.run(
            "UPDATE order_lines SET variant_remote_id = (SELECT remote_id FROM variants WHERE id = :v) WHERE id = :l",
            v=variant, l=line,
        )  # fmt: skip

    with shop.transaction() as session:
        found = banning.bans_in(session, shop.tenant, order)
        alone = banning.bans_of(session, shop.tenant, kit), banning.bans_of(session, shop.tenant, mat)

    assert found == {first: Bans(hazmat=True, never_to=("AU", "CA")), second: Bans()}
    assert alone == (Bans(hazmat=True, never_to=("AU", "CA")), Bans())
