"""What was given away by mail is not taken back by a press, and an order ends with it as with a parcel."""

from __future__ import annotations

import re

from sqlalchemy import text

from integrations.ports import Temporary
from jobs import desk, digital_desk, steps
from orders import export, readdressing
from orders.reversing import Wish
from records import notices
from records.notices import Notice
from records.tenants import Rules
from tests import patient
from tests.giving import given, mails, of, page_in, paste, sold
from tests.journeys.test_captured import authorise, taken, total_minor
from tests.journeys.test_shadowed import ship_by_hand
from tests.world import World

PATIENT = Rules(minutes_to_change=60)


def order_page(world: World, placed: dict) -> str:
    return world.services.links.leading_to("order").address(readdressing.link_of(world.order(placed)))


def test_a_buyer_who_has_their_code_cannot_cancel_and_may_take_the_parcel_off(world: World):
    sold(world, codes=("AAA-111",), rules=PATIENT)
    placed = world.place(("BAG", 2), ("GIFT", 1))
    world.settle()
    time_is_given(world)
    assert "AAA-111" in mails(world)[0]
    link = order_page(world, placed)

    page = patient.get(link).text
    late = patient.post(f"{link}/confirm", data={"what": "cancel"})
    pressed = patient.post(link, data={"what": "cancel", "plan": "0" * 32})

    assert "It is too late to cancel the order" in page
    assert "Cancel the whole order" not in page
    assert (late.status_code, pressed.status_code) == (409, 409)
    assert "was delivered to you while you were looking" in late.text
    world.settle()
    assert (world.order(placed).state, world.store_orders()[placed["name"]]["cancelled"]) == ("allocated", False)

    (bag,) = world.rows("SELECT id FROM order_lines WHERE sku = 'BAG'")
    (gift,) = world.rows("SELECT id FROM order_lines WHERE sku = 'GIFT'")
    assert patient.post(f"{link}/confirm", data={"what": "lines", f"units-{gift.id}": "1"}).status_code == 422
    off = {"what": "lines", f"units-{bag.id}": "1"}
    sure = patient.post(f"{link}/confirm", data=off).text
    plan = re.search(r'name="plan" value="(\w+)"', sure)
    assert plan is not None, sure
    assert patient.post(link, data=off | {"plan": plan[1]}).status_code == 303
    world.settle()
    units = {row.sku: row.units for row in world.rows("SELECT sku, units FROM order_lines")}
    assert (units, len(given(world))) == ({"BAG": 1, "GIFT": 1}, 1)


def time_is_given(world: World) -> None:
    """The buyer's hour goes by; the parcel's label is left waiting."""
    change(world, "UPDATE orders SET placed_at = placed_at - interval '2 hours'")
    change(world, "UPDATE jobs SET due_at = now() WHERE kind = 'deliver_digital' AND state = 'due'")
    world.settle()


def change(world: World, sql: str) -> None:
    with world.engine.begin() as connection:
        connection.execute(text(sql))


def stop(world: World, sku: str) -> None:
    with world.reading() as session:
        assert digital_desk.stop(session, world.tenant, of(world, sku))


def cancel(world: World, placed: dict, wanted: dict[int, int] | None = None) -> None:
    wish = Wish(purpose="cancel_lines" if wanted else "cancel", wanted=wanted or {})
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, wish, by="person:Olga")
    world.settle()


def intentions(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM intentions WHERE kind = 'deliver_digital'")]


def test_a_code_waits_as_long_as_a_label_for_what_its_buyer_may_change(world: World):
    sold(world, codes=("AAA-111",), rules=PATIENT)
    placed = world.place(("GIFT", 1))
    world.settle()

    assert (mails(world), given(world), world.order(placed).state) == ([], [], "released")
    assert "Cancel the whole order" in patient.get(order_page(world, placed)).text
    time_is_given(world)
    assert (len(mails(world)), len(given(world)), world.order(placed).state) == (1, 1, "closed")
    assert "was delivered to you" in patient.get(order_page(world, placed)).text


def test_a_delivery_that_the_store_shows_unknown_to_us_does_not_stop_the_cancelling(world: World):
    sold(world, codes=("AAA-111",))
    placed = world.place(("GIFT", 1))
    lost = False

    def listener(boundary: str) -> None:
        nonlocal lost
        lost = lost or boundary.startswith("called shopify Announce")
        if lost and boundary.startswith("called shopify"):
            raise Temporary("The answer was lost.", code="lost", outcome_unknown=True)

    steps.listen(listener)
    try:
        world.settle()
    finally:
        steps.listen(None)
    assert intentions(world) == ["intended"]
    assert len(world.fulfillments(placed)) == 1

    cancel(world, placed)
    world.hurry()
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert world.store_orders()[placed["name"]]["cancelled"] is True
    assert intentions(world) == ["adopted"]
    assert world.rows("SELECT id FROM jobs WHERE state IN ('due', 'parked') AND kind = 'reverse_order'") == []


def test_goods_that_are_stopped_before_the_payment_comes_leave_no_order_open(world: World):
    sold(world, codes=("AAA-111",), rules=Rules(ship_when="authorised"))
    placed = world.place(("GIFT", 1), financial_status="pending")
    world.settle()
    stop(world, "GIFT")
    world.settle()
    assert world.order(placed).state == "verified"

    authorise(world, placed, total_minor(placed))  # the store is told nothing, so nothing has it looked at anew
    world.settle()

    assert (world.order(placed).state, mails(world), given(world)) == ("closed", [], [])
    said = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries")]
    assert "Nothing in this order is shipped by Packline, so it is closed here." in said
    assert not [sentence for sentence in said if "delivered" in sentence]


def test_the_money_is_taken_of_an_order_that_ends_with_its_code_alone(world: World):
    sold(world, codes=("AAA-111",), rules=Rules(ship_when="authorised", capture_when_shipped=True))
    placed = world.place(("BAG", 11), ("GIFT", 1), financial_status="pending")
    authorise(world, placed, total_minor(placed))
    world.settle()
    assert (world.open_holds(placed), taken(world), len(mails(world))) == (["stock"], [0], 1)

    (bag,) = world.rows("SELECT id FROM order_lines WHERE sku = 'BAG'")
    cancel(world, placed, {bag.id: 11})

    assert (world.order(placed).state, world.open_holds(placed)) == ("closed", [])
    assert world.order(placed).total_minor > 0
    assert taken(world) == [world.order(placed).total_minor]


def test_what_no_mail_told_its_buyer_of_is_shown_to_a_person_until_it_is_sent(world: World):
    sold(world, codes=("AAA-111",))
    world.fault(vendor="mail", kind="refused", times=1)
    placed = world.place(("GIFT", 1))
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed), mails(world)) == ("closed", ["not_mailed"], [])
    (hold,) = world.rows("SELECT reason, remedy FROM holds WHERE state = 'open'")
    assert hold.reason.startswith("The buyer was not sent what they bought digitally. ")
    assert "send it again" in hold.remedy
    (row,) = world.rows("SELECT id, created_at FROM digital_deliveries")
    with world.reading() as session:
        digital_desk.send_again(session, world.tenant, row.id, seen=1, anew=False, by="person:Olga", now=row.created_at)
    world.settle()

    assert (world.open_holds(placed), len(mails(world)), len(given(world))) == ([], 1, 1)


def test_what_the_merchant_delivered_by_hand_is_given_to_nobody_twice(world: World):
    sold(world)
    paste(world, "AAA-111")
    unpaid = world.place(("GIFT", 1), financial_status="pending")
    short = world.place(("GIFT", 2))
    world.settle()
    assert (world.open_holds(short), mails(world)) == (["digital"], [])

    for placed in (unpaid, short):
        ship_by_hand(world, placed)
    world.control("POST", f"/shopify/orders/{unpaid['id']}/pay", {})
    world.settle()
    paste(world, "BBB-222", "CCC-333")
    world.settle()

    assert (mails(world), given(world)) == ([], [])
    assert [world.order(placed).state for placed in (unpaid, short)] == ["closed", "closed"]
    assert [world.open_holds(placed) for placed in (unpaid, short)] == [[], []]


def test_a_link_of_what_was_taken_off_opens_no_more(world: World):
    sold(world, link=True)
    placed = world.place(("BOOK", 1))
    world.settle()
    page = page_in(mails(world)[0])
    (line,) = world.rows("SELECT id FROM digital_lines")
    change(world, "UPDATE order_lines SET units = 0")

    refused = patient.post(f"{page}/open/{line.id}")

    assert (refused.status_code, refused.headers.get("location")) == (410, None)
    assert "You do not have this any more." in refused.text
    assert world.rows("SELECT openings FROM digital_lines")[0].openings == 0
    assert world.order(placed).state == "closed"


def test_ending_a_buyers_links_ends_the_one_to_their_codes_and_the_next_lasts(world: World):
    sold(world, codes=("AAA-111",))
    placed = world.place(("GIFT", 1))
    world.settle()
    page = page_in(mails(world)[0])
    assert patient.get(page).status_code == 200

    with world.reading() as session:
        desk.end_links(session, world.tenant, world.order(placed).id, by="person:Olga")
    assert patient.get(page).status_code == 404
    (row,) = world.rows("SELECT id, created_at FROM digital_deliveries")
    with world.reading() as session:
        digital_desk.send_again(session, world.tenant, row.id, seen=1, anew=False, by="person:Olga", now=row.created_at)
    world.settle()
    assert patient.get(page_in(mails(world)[1])).status_code == 200

    change(world, "UPDATE orders SET placed_at = placed_at - interval '200 days'")
    order = world.order(placed)
    links = world.services.links.leading_to("order")
    assert patient.get(links.address(readdressing.link_of(order, given_at=row.created_at))).status_code == 200
    assert patient.get(links.address(readdressing.link_of(order))).status_code == 410


def test_a_buyers_export_names_no_supplier(world: World):
    sold(world, codes=("AAA-111",))
    placed = world.place(("GIFT", 1))
    world.settle()
    with world.reading() as session:
        order = world.order(placed).id
        notice = notices.want(session, world.tenant, order, "purchase_order/7", "ordered")
        session.get_one(Notice, (world.tenant, notice)).address = "desk@supplier.example"
    with world.reading() as session:
        held = export.gather(session, world.tenant, [order], [])

    assert "desk@supplier.example" not in export.as_text(held)
    assert [one["subject"] for one in held["orders"][0]["notices"]] == ["delivery/1"]
