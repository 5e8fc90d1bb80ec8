"""Who ships is found for all that is sold, and what is held, paid for or taken back in time reaches no supplier."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from test_changed_by_the_buyer import link_to
from test_drop_shipped import (
    cancel,
    edit,
    letters_to_supplier,
    link_in,
    press,
    purchase_orders,
    sofa_line,
    supplied,
)
from test_reserved_unpaid import days_pass, pay

from jobs import desk, drop_shipping
from records.tenants import Rules
from tests import patient
from tests.world import World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("SOFA", price="300.00", tracked=False, grams=20_000),
]


@pytest.fixture
def uncounted(world: World) -> World:
    """A shop that does not count what its supplier ships."""
    world.open_shop(variants=GOODS)
    supplied(world)
    return world


def test_what_the_store_does_not_count_goes_to_its_supplier_and_gets_no_label_of_ours(uncounted: World):
    placed = uncounted.place(("BAG", 1), ("SOFA", 2))
    uncounted.settle()

    assert uncounted.rows("SELECT variant_id FROM order_lines WHERE sku = 'SOFA'")[0].variant_id is None
    assert (purchase_orders(uncounted), len(letters_to_supplier(uncounted))) == (["sent"], 1)
    assert len(uncounted.labels_bought()) == 1
    told = {"carrier": "UPS", "numbers": "1Z1", f"units-{sofa_line(uncounted)}": "2"}
    press(uncounted, link_in(letters_to_supplier(uncounted)[0]), "ship", **told)
    assert (purchase_orders(uncounted), uncounted.order(placed).state) == (["shipped"], "fulfilled")
    assert (len(uncounted.labels_bought()), uncounted.open_holds(placed)) == (1, [])


def test_what_a_supplier_has_accepted_cannot_be_cancelled_by_the_buyer(uncounted: World):
    placed = uncounted.place(("SOFA", 2))
    uncounted.settle()
    press(uncounted, link_in(letters_to_supplier(uncounted)[0]), "accept")

    link, sofas = link_to(uncounted, placed), f"units-{sofa_line(uncounted)}"
    assert "It is too late to change where it goes" in patient.get(link).text
    for form in ({"what": "cancel"}, {"what": "lines", sofas: "1"}):
        assert patient.post(link, data=form).status_code == 409
    uncounted.settle()
    assert (purchase_orders(uncounted), uncounted.rows("SELECT 1 FROM reversals")) == (["accepted"], [])
    assert uncounted.store_orders()[placed["name"]]["financial_status"] == "PAID"


def test_a_hold_stops_the_letter_to_a_supplier_and_its_release_sends_it(uncounted: World):
    placed = uncounted.place(("SOFA", 1))
    uncounted.settle()
    order, (row,) = uncounted.order(placed).id, uncounted.rows("SELECT id FROM purchase_orders")
    with uncounted.reading() as session:
        assert drop_shipping.send_again(session, uncounted.tenant, row.id, by="person:Grace")
        assert desk.hold(session, uncounted.tenant, order, reason="Is it real?", by="person:Grace") == ""
    uncounted.settle()
    assert len(letters_to_supplier(uncounted)) == 1

    with uncounted.reading() as session:
        desk.release_hold(session, uncounted.tenant, order, "operator", by="person:Grace", now=datetime.now(UTC))
    uncounted.settle()
    assert len(letters_to_supplier(uncounted)) == 2
    with uncounted.reading() as session:
        desk.hold(session, uncounted.tenant, order, reason="Is it real?", by="person:Grace")
        assert not drop_shipping.send_again(session, uncounted.tenant, row.id, by="person:Grace")


def test_nobody_is_asked_again_to_ship_an_order_that_is_over(uncounted: World):
    placed = uncounted.place(("SOFA", 1))
    uncounted.settle()
    press(uncounted, link_in(letters_to_supplier(uncounted)[0]), "accept")
    cancel(uncounted, placed)
    (row,) = uncounted.rows("SELECT id, state FROM purchase_orders")
    assert (row.state, uncounted.order(placed).state) == ("accepted", "cancelled")

    with uncounted.reading() as session:
        assert not drop_shipping.send_again(session, uncounted.tenant, row.id, by="person:Grace")
    uncounted.settle()
    subjects = [one["headers"]["subject"].split(" purchase")[0] for one in letters_to_supplier(uncounted)]
    assert subjects[1:] == ["Please stop"]


def test_what_a_supplier_has_not_accepted_is_taken_back_when_the_payment_does_not_come(world: World):
    world.open_shop(variants=GOODS, rules=Rules(ship_when="authorised", release_unpaid_days=3))
    supplied(world)
    placed = world.place(("SOFA", 1), financial_status="pending")
    world.settle()
    payment = pay(world, placed, "requires_capture")
    world.settle()
    assert purchase_orders(world) == ["sent"]
    world.next_second()
    world.control("POST", f"/stripe/payments/{payment['id']}/cancel", {})
    world.settle()
    assert (purchase_orders(world), world.open_holds(placed)) == (["sent"], ["payment"])

    days_pass(world)
    days_pass(world)

    assert purchase_orders(world) == ["cancelled"]
    assert [one["headers"]["subject"].partition(":")[0] for one in letters_to_supplier(world)][1:] == ["Cancelled"]
    pay(world, placed, "succeeded")
    world.settle()
    assert (purchase_orders(world), world.open_holds(placed)) == (["cancelled", "sent"], [])


def test_a_unit_less_of_what_was_rejected_asks_nobody_before_a_person_says_so(uncounted: World):
    placed = uncounted.place(("SOFA", 3))
    uncounted.settle()
    press(uncounted, link_in(letters_to_supplier(uncounted)[0]), "reject", reason="Sold out.")
    edit(uncounted, placed, ("SOFA", 2))
    assert (purchase_orders(uncounted), uncounted.open_holds(placed)) == (["rejected"], ["supplier"])
    assert len(letters_to_supplier(uncounted)) == 1

    (row,) = uncounted.rows("SELECT id FROM purchase_orders")
    with uncounted.reading() as session:
        assert drop_shipping.settle(session, uncounted.tenant, row.id, "asked_again", by="person:Grace")
    uncounted.settle()
    assert (purchase_orders(uncounted), uncounted.open_holds(placed)) == (["rejected", "sent"], [])
    asked = uncounted.rows("SELECT units FROM purchase_order_lines ORDER BY purchase_order_id")
    assert [line.units for line in asked] == [3, 2]


def days_without_word(world: World) -> None:
    """Let the last day to ship pass, and another one."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE purchase_orders SET created_at = created_at - interval '6 days'"))
    world.hurry()
    world.settle()


def test_a_supplier_who_says_nothing_is_reminded_once_and_a_person_is_told(uncounted: World):
    placed = uncounted.place(("SOFA", 1))
    uncounted.settle()
    uncounted.hurry()
    uncounted.settle()
    assert (len(letters_to_supplier(uncounted)), uncounted.open_holds(placed)) == (1, [])

    days_without_word(uncounted)
    days_without_word(uncounted)
    asked = letters_to_supplier(uncounted)
    assert [one["headers"]["subject"].split(":")[0].strip() for one in asked[1:]] == ["Reminder"]
    assert "has not answered purchase order" in said_by_the_hold(uncounted)
    press(uncounted, link_in(asked[1]), "accept")
    assert "has not shipped purchase order" in said_by_the_hold(uncounted)
    press(uncounted, link_in(asked[1]), "ship", carrier="UPS", numbers="1Z9")
    assert (uncounted.open_holds(placed), uncounted.order(placed).state) == ([], "fulfilled")


def test_a_supplier_who_ships_in_time_is_not_reminded(uncounted: World):
    placed = uncounted.place(("SOFA", 1))
    uncounted.settle()
    press(uncounted, link_in(letters_to_supplier(uncounted)[0]), "ship", carrier="UPS", numbers="1Z9")
    days_without_word(uncounted)

    assert (len(letters_to_supplier(uncounted)), uncounted.open_holds(placed)) == (1, [])
    assert uncounted.unfinished() == []


def said_by_the_hold(world: World) -> str:
    (hold,) = world.rows("SELECT kind, reason FROM holds WHERE state = 'open'")
    assert hold.kind == "supplier"
    return hold.reason
