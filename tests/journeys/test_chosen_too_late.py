"""A choice whose order is over, or whose answer is not done yet: nothing is mailed, refunded or sent by mistake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from jobs import desk
from orders import taking_back
from records.tenants import Rules
from tests import patient
from tests.journeys.test_chosen import asked, choice, choose, land, later, link_in, shipped
from tests.world import World

REFUNDING = Rules(ask_when_short=True, when_unanswered="refund")


def sent_by_hand(world: World, placed: dict) -> None:
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/fulfil", {"company": "UPS", "number": "1Z999"})
    world.settle()


def refunds(world: World) -> list[dict]:
    return [
        *world.calls(vendor="shopify", operation="refundCreate", effect="true"),
        *world.calls(vendor="shopify", operation="orderCancel", effect="true"),
    ]


def test_what_the_merchant_sent_by_hand_is_no_question_any_more(world: World):
    placed = asked(world, REFUNDING)

    sent_by_hand(world, placed)
    assert (world.order(placed).state, choice(world).state) == ("closed", "withdrawn")
    later(world, remind_at="2 seconds", answer_by="1 second")
    world.settle()

    assert (len(world.letters()), refunds(world)) == (1, [])
    assert "nothing left to choose" in patient.get(link_in(world.letters()[0])).text


def with_an_open_choice(world: World, placed: dict) -> None:
    """The merchant has sent it, and nothing has ended the question."""
    sent_by_hand(world, placed)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE choices SET state = 'asked', acted_at = NULL, answered_at = NULL"))


@pytest.mark.parametrize("moment", [{"remind_at": "1 second"}, {"remind_at": "2 seconds", "answer_by": "1 second"}])
def test_the_clock_of_a_choice_looks_at_its_order(world: World, moment: dict[str, str]):
    placed = asked(world, REFUNDING)
    with_an_open_choice(world, placed)

    later(world, **moment)
    world.settle()

    assert (choice(world).state, len(world.letters()), refunds(world)) == ("withdrawn", 1, [])


def test_a_click_on_an_order_that_is_over_takes_nothing_off(world: World):
    placed = asked(world)
    with_an_open_choice(world, placed)

    link, line = link_in(world.letters()[0]), next(iter(choice(world).short))
    answered = patient.post(link, data={f"line-{line}": "refund", "rest": "now"}, follow_redirects=True)
    world.settle()

    assert "nothing left to choose" in answered.text
    assert (choice(world).state, refunds(world), world.order(placed).state) == ("withdrawn", [], "closed")


def give_up(world: World) -> None:
    """A person says that the missing line is refunded; nothing is done about it yet."""
    line = int(next(iter(choice(world).short)))
    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, choice(world).id, {line: "refund"}, ship_rest=True, by="person:Olga", reason="phoned"
        )


def test_units_that_come_before_the_money_went_back_are_not_sent_as_well(world: World):
    placed = asked(world)
    give_up(world)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = 'ask_buyer'"))

    land(world, "AXE", 5)

    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 30.0
    assert (world.order(placed).state, world.level("AXE", "Reno")) == ("fulfilled", (5, 0))


def test_what_could_not_be_taken_off_waits_for_a_person_and_is_not_called_refunded(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    placed = asked(world)
    refusal = taking_back.NotPossible(reason="The till is shut.")
    monkeypatch.setattr(taking_back, "begin", lambda *_, **__: refusal)

    shown = choose(world, link_in(world.letters()[0]), "refund")

    assert "Is being refunded the way you paid" in shown.text
    assert (choice(world).state, choice(world).acted_at, refunds(world)) == ("answered", None, [])
    assert set(world.open_holds(placed)) == {"operator", "stock"}
    monkeypatch.undo()
    with world.reading() as session:
        order = world.order(placed).id
        assert desk.release_hold(session, world.tenant, order, "operator", by="person:Olga", now=datetime.now(UTC))
    world.settle()
    assert "Refunded the way you paid" in patient.get(link_in(world.letters()[0])).text
    assert (len(refunds(world)), shipped(world, placed)) == (1, [{"BAG": 1, "MUG": 2}])
