"""The table of states, and the one way to move along it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from orders import lifecycle
from orders.lifecycle import LIVES, move
from records.orders import Order
from tests.shop import Said, open_shop

# Where a thing may rest although a move leads on from there: what may still happen to it, if anything.
RESTS_WITH_A_WAY_ON = {
    # Until something was done, whoever came too late may still choose, and an order that is over ends the choice.
    "choice": {"answered", "defaulted"},
    "order": {"closed"},  # the store asks for more of it, or cancels it
    "shipment": {"handed_over"},  # by hand, unless the store does not show it any more
    "address_change": {"withdrawn"},  # the store had heard of it before it was given up
    "label": {"bought", "failed"},  # used, unless it is given back; not bought, unless the carrier sold it after all
    "reservation": {"consumed"},  # its units left the shelf, unless the store is told that they did not
    "inbox_event": {"taken", "ignored"},  # a person may replay it
    "privacy_request": {"done"},  # a store that came back and left anew asks for the same once more
}


def ways_out(life, state):
    return {name for name, (sources, target) in life.moves.items() if state in sources and target != state}


@pytest.mark.parametrize("thing", LIVES)
def test_every_state_is_reached_from_the_start(thing):
    life = LIVES[thing]
    reached, before = {life.start}, set()
    while reached != before:
        before = set(reached)
        reached |= {target for sources, target in life.moves.values() if sources & reached}

    assert reached == set(life.states)
    assert {source for sources, _ in life.moves.values() for source in sources} <= life.states


@pytest.mark.parametrize("thing", LIVES)
def test_every_state_that_is_no_end_has_a_way_out(thing):
    life = LIVES[thing]

    assert {state for state in life.states if not ways_out(life, state)} <= life.ends
    assert life.ends <= life.states


@pytest.mark.parametrize("thing", LIVES)
def test_no_move_leads_out_of_an_end_but_where_it_is_said(thing):
    life = LIVES[thing]

    assert {state for state in life.ends if ways_out(life, state)} == RESTS_WITH_A_WAY_ON.get(thing, set())


@pytest.mark.parametrize("thing", LIVES)
def test_every_state_that_is_no_end_leads_to_an_end(thing):
    life = LIVES[thing]
    leading, before = set(life.ends), set()
    while leading != before:
        before = set(leading)
        leading |= {source for sources, target in life.moves.values() if target in leading for source in sources}

    assert leading >= life.states


@pytest.mark.parametrize("thing", LIVES)
def test_a_new_row_stands_at_the_start_of_its_life(thing):
    life = LIVES[thing]

    assert life.table.__table__.c.state.server_default.arg == life.start


def test_a_move_that_starts_elsewhere_moves_nothing_and_says_so_in_one_line(shop, monkeypatch):
    order = shop.order((None, 1), state="released")
    monkeypatch.setattr(lifecycle, "log", said := Said())

    with shop.transaction() as session:
        assert move(session, shop.tenant, "order", order, "fulfil") is False

    assert shop.state("orders", order) == "released"
    (line,) = said.lines
    assert (line["event"], line["id"], line["tenant"], line["found"], line["wanted"]) == (
        "not moved", order, shop.tenant, "released", ["shipping"],
    )  # fmt: skip


def test_a_move_sets_what_goes_with_it_in_the_same_statement(shop):
    order = shop.order((None, 1), state="verified")

    with shop.transaction() as session:
        assert move(session, shop.tenant, "order", order, "release", risk="accept")

    assert shop.one("SELECT state, risk FROM orders WHERE id = :id", id=order) == ("released", "accept")


@pytest.mark.parametrize("also", [{}, {"risk": "accept"}])
def test_a_row_that_is_in_hand_is_told_and_stays_readable_when_its_session_is_over(shop, also):
    id = shop.order((None, 1), state="verified")

    with shop.transaction() as session:
        order = session.get(Order, (shop.tenant, id))
        move(session, shop.tenant, "order", id, "release", **also)

    assert (order.state, order.currency) == ("released", "USD")


def test_a_row_that_is_in_hand_shows_what_was_set_with_the_move(shop):
    id = shop.order((None, 1), state="verified")

    with shop.transaction() as session:
        order = session.get(Order, (shop.tenant, id))
        order.phone = "4155550100"  # not written yet
        move(session, shop.tenant, "order", id, "release", risk="accept")
        assert (order.state, order.risk, order.phone) == ("released", "accept", "4155550100")

    assert shop.one("SELECT state, risk, phone FROM orders") == ("released", "accept", "4155550100")


def test_another_tenant_s_thing_is_not_moved(shop, engine):
    order = shop.order((None, 1), state="verified")
    stranger = open_shop(engine, name="Other")

    with stranger.transaction() as session:
        assert move(session, stranger.tenant, "order", order, "release") is False

    assert shop.state("orders", order) == "verified"


def test_of_many_who_move_at_once_one_wins(shop):
    order = shop.order((None, 1), state="verified")
    start = Barrier(8)

    def race(_):
        with shop.transaction() as session:
            session.execute(text("SELECT 1"))
            start.wait(10)
            return move(session, shop.tenant, "order", order, "release")

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(race, range(8)))

    assert sorted(won) == [False] * 7 + [True]
    assert shop.state("orders", order) == "released"


def test_a_move_that_is_rolled_back_leaves_the_way_to_the_next(shop):
    order = shop.order((None, 1), state="verified")

    with pytest.raises(ZeroDivisionError), shop.transaction() as session:  # noqa: PT012 - both belong to the story
        assert move(session, shop.tenant, "order", order, "release")
        raise ZeroDivisionError

    with shop.transaction() as session:
        assert move(session, shop.tenant, "order", order, "release")
