"""A supplier's word stands: what they promised and what has left is never lost, and no letter fails unseen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from test_drop_shipped import (
    cancel,
    edit,
    letters_to_supplier,
    link_in,
    press,
    purchase_orders,
    sofa_line,
    story,
    supplied,
)
from test_shadowed import ship_by_hand

from jobs import desk, drop_shipping, queue
from tests import patient
from tests.world import World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("SOFA", price="300.00", stock={"Reno": 0}, grams=20_000),
]


@pytest.fixture
def sofas(world: World) -> World:
    """A shop with bags of its own, and sofas that Sofas Inc ships."""
    world.open_shop(variants=GOODS)
    supplied(world)
    return world


def promised(world: World, *lines: tuple[str, int]) -> tuple[dict, str]:
    """An order whose supplier has accepted, and the supplier's link."""
    placed = world.place(*lines)
    world.settle()
    link = link_in(letters_to_supplier(world)[-1])
    press(world, link, "accept")
    assert purchase_orders(world)[-1] == "accepted"
    return placed, link


def compared(world: World, placed: dict) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
    world.settle()


def why(world: World) -> str:
    (hold,) = world.rows("SELECT kind, reason FROM holds WHERE state = 'open'")
    assert hold.kind == "supplier"
    return hold.reason


def no_mail_reaches(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE suppliers SET email = 'not a mailbox'"))


def shipped(world: World, placed: dict) -> list[list[str]]:
    """What the store shows as sent, by the numbers of each parcel."""
    return [[told["number"] for told in one["tracking"]] for one in world.fulfillments(placed)]


def untold(world: World) -> list[tuple[str, list]]:
    return [
        (row.state, row.fulfillments)
        for row in world.rows("SELECT state, fulfillments FROM shipments WHERE purchase_order_id IS NOT NULL")
    ]


def test_a_supplier_who_has_promised_is_not_told_to_stop_by_what_the_merchant_marks_as_sent(sofas: World):
    placed, link = promised(sofas, ("SOFA", 1))
    ship_by_hand(sofas, placed, "1ZPHONED")
    compared(sofas, placed)

    assert (purchase_orders(sofas), sofas.order(placed).state) == (["accepted"], "allocated")
    assert len(letters_to_supplier(sofas)) == 1
    assert "the store shows it as sent" in why(sofas)
    page = patient.get(link).text
    assert ("It has left: give the tracking" in page, "cancelled" in page) == (True, False)

    press(sofas, link, "ship", carrier="UPS", numbers="1ZPHONED")
    assert (purchase_orders(sofas), sofas.order(placed).state) == (["shipped"], "fulfilled")
    assert shipped(sofas, placed) == [["1ZPHONED"]]
    assert len(letters_to_supplier(sofas)) == 1


def test_an_order_whose_promise_is_called_off_is_closed_when_nothing_of_it_is_wanted(sofas: World):
    placed, _ = promised(sofas, ("SOFA", 1))
    ship_by_hand(sofas, placed)
    compared(sofas, placed)
    (row,) = sofas.rows("SELECT id FROM purchase_orders")
    with sofas.reading() as session:
        assert drop_shipping.call_off(session, sofas.tenant, row.id, by="person:Grace", now=datetime.now(UTC))
    sofas.settle()

    assert (purchase_orders(sofas), sofas.order(placed).state) == (["cancelled"], "closed")
    assert (sofas.open_holds(placed), len(letters_to_supplier(sofas))) == ([], 1)


def test_what_leaves_though_the_store_took_it_off_is_told_to_a_person_and_not_to_the_store(sofas: World):
    placed, link = promised(sofas, ("BAG", 1), ("SOFA", 1))
    edit(sofas, placed, ("SOFA", 0))
    assert sofas.order(placed).state == "fulfilled"
    assert "they must be asked" in why(sofas)
    press(sofas, link, "ship", carrier="UPS", numbers="1Z5")

    assert (purchase_orders(sofas), sofas.order(placed).state) == (["shipped"], "fulfilled")
    assert untold(sofas) == [("handed_over", [])]
    assert len(shipped(sofas, placed)) == 1
    assert "does not ask for it any more" in why(sofas)
    assert sofas.unfinished(but="send_notice") == []
    order = sofas.order(placed).id
    with sofas.reading() as session:
        desk.release_hold(session, sofas.tenant, order, "supplier", by="person:Grace", now=datetime.now(UTC))
    compared(sofas, placed)
    assert (sofas.open_holds(placed), sofas.order(placed).state) == ([], "fulfilled")


def test_of_units_of_which_some_are_not_wanted_only_the_others_are_told(sofas: World):
    placed, link = promised(sofas, ("SOFA", 2))
    edit(sofas, placed, ("SOFA", 1))
    press(sofas, link, "ship", carrier="UPS", numbers="1Z6")

    assert (purchase_orders(sofas), sofas.order(placed).state) == (["shipped"], "fulfilled")
    assert shipped(sofas, placed) == [["1Z6"]]
    assert sorted((state, bool(told)) for state, told in untold(sofas)) == [
        ("handed_over", False),
        ("handed_over", True),
    ]
    assert "1 × SOFA" in why(sofas)
    compared(sofas, placed)
    assert (len(purchase_orders(sofas)), len(untold(sofas))) == (1, 2)


def test_what_leaves_for_an_order_that_was_opened_again_is_told_to_the_store(sofas: World):
    placed, link = promised(sofas, ("SOFA", 1))
    with sofas.engine.begin() as connection:
        connection.execute(text("UPDATE orders SET state = 'released'"))
    press(sofas, link, "ship", carrier="UPS", numbers="1Z7")

    assert (sofas.order(placed).state, shipped(sofas, placed)) == ("fulfilled", [["1Z7"]])
    assert [state for state, _ in untold(sofas)] == ["handed_over"]


def test_a_number_that_stands_on_another_parcel_of_the_order_asks_for_no_third_sofa(sofas: World):
    placed, link = promised(sofas, ("SOFA", 2))
    line = f"units-{sofa_line(sofas)}"
    press(sofas, link, "ship", carrier="UPS", numbers="1ZSAME", **{line: "1"})
    press(sofas, link, "reject", reason="One is broken.")
    (row,) = sofas.rows("SELECT id FROM purchase_orders")
    with sofas.reading() as session:
        assert drop_shipping.settle(session, sofas.tenant, row.id, "asked_again", by="person:Grace")
    sofas.settle()
    second = link_in(letters_to_supplier(sofas)[-1])

    again = press(sofas, second, "ship", carrier="UPS", numbers="1ZSAME")
    assert (again.status_code, "another parcel of this order" in again.text) == (422, True)
    press(sofas, second, "ship", carrier="UPS", numbers="1ZOTHER")
    compared(sofas, placed)
    assert (purchase_orders(sofas), sofas.order(placed).state) == (["rejected", "shipped"], "fulfilled")
    assert shipped(sofas, placed) == [["1ZSAME"], ["1ZOTHER"]]


def test_a_question_to_stop_that_reaches_nobody_holds_the_cancelled_order(sofas: World):
    placed, link = promised(sofas, ("SOFA", 1))
    no_mail_reaches(sofas)
    cancel(sofas, placed)

    assert (sofas.order(placed).state, len(letters_to_supplier(sofas))) == ("cancelled", 1)
    assert "was not asked to stop" in why(sofas)
    press(sofas, link, "stop")
    assert (purchase_orders(sofas), sofas.open_holds(placed)) == (["cancelled"], [])


def test_a_cancellation_that_reaches_nobody_holds_the_cancelled_order(sofas: World):
    placed = sofas.place(("SOFA", 1))
    sofas.settle()
    no_mail_reaches(sofas)
    cancel(sofas, placed)

    assert (purchase_orders(sofas), sofas.order(placed).state) == (["cancelled"], "cancelled")
    assert "was not told that purchase order" in why(sofas)


def test_a_new_link_that_reaches_nobody_holds_the_order_and_the_yes_by_hand_lets_it_go(sofas: World):
    placed = sofas.place(("SOFA", 1))
    sofas.settle()
    no_mail_reaches(sofas)
    (row,) = sofas.rows("SELECT id FROM purchase_orders")
    with sofas.reading() as session:
        assert drop_shipping.send_again(session, sofas.tenant, row.id, by="person:Grace")
    sofas.settle()
    assert "their old link leads nowhere" in why(sofas)

    with sofas.reading() as session:
        assert drop_shipping.accept(session, sofas.tenant, row.id, by="person:Grace", now=datetime.now(UTC))
    assert sofas.open_holds(placed) == []
    with sofas.reading() as session:
        assert drop_shipping.send_again(session, sofas.tenant, row.id, by="person:Grace")
    sofas.settle()
    assert "their old link leads nowhere" in why(sofas)


def test_no_supplier_says_yes_to_an_order_that_is_on_hold(sofas: World):
    placed = sofas.place(("SOFA", 1))
    sofas.settle()
    order, link = sofas.order(placed).id, link_in(letters_to_supplier(sofas)[0])
    with sofas.reading() as session:
        assert desk.hold(session, sofas.tenant, order, reason="Is it real?", by="person:Grace") == ""

    answered = press(sofas, link, "accept")
    assert ("the shop asks you to wait" in answered.text, "Accept: we ship it" in answered.text) == (True, False)
    assert purchase_orders(sofas) == ["sent"]
    with sofas.reading() as session:
        desk.release_hold(session, sofas.tenant, order, "operator", by="person:Grace", now=datetime.now(UTC))
    sofas.settle()
    assert "you ship this" in press(sofas, link, "accept").text


def test_what_had_left_is_taken_though_the_order_is_on_hold(sofas: World):
    placed, link = promised(sofas, ("SOFA", 1))
    order = sofas.order(placed).id
    with sofas.reading() as session:
        assert desk.hold(session, sofas.tenant, order, reason="Is it real?", by="person:Grace") == ""

    assert "the shop asks you to wait" in patient.get(link).text
    press(sofas, link, "ship", carrier="UPS", numbers="1Z8")
    assert (purchase_orders(sofas), shipped(sofas, placed)) == (["shipped"], [])
    with sofas.reading() as session:
        desk.release_hold(session, sofas.tenant, order, "operator", by="person:Grace", now=datetime.now(UTC))
    sofas.settle()
    assert (shipped(sofas, placed), sofas.order(placed).state) == ([["1Z8"]], "fulfilled")


def test_the_yes_of_a_supplier_whom_no_mail_reached_settles_the_hold(world: World):
    world.open_shop(variants=GOODS)
    supplied(world)
    no_mail_reaches(world)
    placed = world.place(("SOFA", 1))
    world.settle()
    assert (purchase_orders(world), world.open_holds(placed)) == (["written"], ["supplier"])
    (row,) = world.rows("SELECT id FROM purchase_orders")
    with world.reading() as session:
        assert drop_shipping.accept(session, world.tenant, row.id, by="person:Grace", now=datetime.now(UTC))

    assert (purchase_orders(world), world.open_holds(placed)) == (["accepted"], [])
    assert story(world).count("was accepted.") == 1
