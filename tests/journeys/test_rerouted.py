"""A place that cannot send an order is left out of it: the order leaves from elsewhere, once, and says why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from jobs import desk, rerouting, reshaping, stock_desk
from tests.world import SHOP, World, variant


def open_shop(world: World, **stock: int) -> None:
    world.open_shop(variants=[variant("BAG", stock=stock or {"Reno": 50, "Newark": 50})])


def cannot_send(world: World, shipment: int, why: str = "no_goods") -> str:
    with world.reading() as session:
        return desk.cannot_send(
            session, world.tenant, shipment, why=why, note="", by="person:Grace", now=datetime.now(UTC)
        )


def shipments(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT l.name, s.state FROM shipments s JOIN locations l ON l.id = s.location_id ORDER BY s.id")
    return [(row.name, row.state) for row in rows]


def sentences(world: World) -> list[str]:
    return [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id")]


def test_what_the_store_shows_as_sent_is_taken_back_and_leaves_from_elsewhere(world: World):
    open_shop(world)
    placed = world.place(("BAG", 2))
    world.settle()
    assert shipments(world) == [("Reno", "announced")]
    (first,) = world.labels_bought()

    (shipment,) = world.rows("SELECT id FROM shipments")
    assert cannot_send(world, shipment.id) == ""
    world.settle()
    world.hurry()
    world.settle()

    assert shipments(world) == [("Reno", "cancelled"), ("Newark", "announced")]
    assert world.order(placed).state == "fulfilled"
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((50, 0), (48, 0))
    standing = [one for one in world.fulfillments(placed) if one["status"] == "SUCCESS"]
    assert len(standing) == 1
    assert standing[0]["tracking"][0]["number"] != first["tracking_code"]
    labels = world.rows("SELECT state FROM labels ORDER BY id")
    assert [row.state for row in labels][1:] == ["bought"]
    assert labels[0].state in {"void_requested", "voided"}
    (_, again) = world.rows("SELECT sentence, answer FROM routing_decisions ORDER BY id")
    (said,) = world.rows("SELECT at AT TIME ZONE 'UTC' AS at FROM refusals")
    assert [one["why"] for one in again.answer["left_out"]] == [f"it could not find the goods on {said.at:%Y-%m-%d}"]
    assert any("Reno cannot send shipment" in one for one in sentences(world))
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []


def test_a_shipment_without_a_label_is_planned_elsewhere_and_nothing_is_bought_for_it(world: World):
    open_shop(world)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 1))
    world.settle()
    (shipment,) = world.rows("SELECT id, state FROM shipments")
    assert shipment.state == "planned"

    assert cannot_send(world, shipment.id, "closed") == ""
    world.control("DELETE", "/faults")
    world.settle()
    world.hurry()
    world.settle()

    assert shipments(world) == [("Reno", "cancelled"), ("Newark", "announced")]
    assert len(world.labels_bought()) == 1
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((50, 0), (49, 0))
    assert world.order(placed).state == "fulfilled"


def test_each_part_of_what_was_split_is_taken_from_a_place_that_cannot_send_it(world: World):
    open_shop(world)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 4))
    world.settle()
    (whole,) = world.rows("SELECT s.id, l.line_id FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id")
    with world.reading() as session:
        assert reshaping.split(session, world.tenant, whole.id, {whole.line_id: 2}, by="person:Grace") == ""
    world.settle()
    one, other = world.rows("SELECT id FROM shipments WHERE state = 'planned' ORDER BY id")

    for shipment in (one, other):
        assert cannot_send(world, shipment.id) == ""
        world.settle()
    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()

    assert {place for place, state in shipments(world) if state != "cancelled"} == {"Newark"}
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((50, 0), (46, 0))
    assert world.order(placed).state == "fulfilled"


def test_where_nobody_else_has_it_the_order_waits_and_the_place_may_be_asked_again(world: World):
    open_shop(world, Reno=5)
    placed = world.place(("BAG", 1))
    world.settle()
    (shipment,) = world.rows("SELECT id, location_id FROM shipments")

    assert cannot_send(world, shipment.id) == ""
    world.settle()
    world.hurry()
    world.settle()
    assert world.open_holds(placed) == ["stock"]
    assert world.level("BAG", "Reno") == (5, 0)

    with world.reading() as session:
        assert desk.ask_again(session, world.tenant, world.order(placed).id, shipment.location_id, by="person:Grace")
        assert not rerouting.ask_again(
            session, world.tenant, world.order(placed).id, shipment.location_id, by="person:Grace"
        )
    world.settle()
    assert shipments(world) == [("Reno", "cancelled"), ("Reno", "announced")]
    assert world.open_holds(placed) == []


def test_who_could_not_find_the_goods_is_asked_again_once_more_of_them_have_come(world: World):
    open_shop(world, Reno=5)
    placed = world.place(("BAG", 1))
    world.settle()
    (shipment,) = world.rows("SELECT id, location_id FROM shipments")
    (bag,) = world.rows("SELECT id FROM variants WHERE sku = 'BAG'")
    assert cannot_send(world, shipment.id) == ""
    world.settle()
    world.hurry()
    world.settle()
    assert world.open_holds(placed) == ["stock"]

    with world.reading() as session:
        came = {"reason": "A pallet was found.", "reference": "", "by": "person:Ann"}
        stock_desk.adjust(session, world.tenant, (bag.id, shipment.location_id), 3, **came)
    world.settle()

    assert shipments(world) == [("Reno", "cancelled"), ("Reno", "announced")]
    assert (world.open_holds(placed), world.level("BAG", "Reno")) == ([], (7, 0))


def test_a_place_that_was_closed_is_not_asked_again_because_stock_came(world: World):
    open_shop(world, Reno=5)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = rules || '{\"ask_when_short\": true}'"))
    placed = world.place(("BAG", 1))
    world.settle()
    (shipment,) = world.rows("SELECT id, location_id FROM shipments")
    (bag,) = world.rows("SELECT id FROM variants WHERE sku = 'BAG'")
    assert cannot_send(world, shipment.id, "closed") == ""
    world.settle()
    with world.reading() as session:
        came = {"reason": "A pallet came.", "reference": "", "by": "person:Ann"}
        stock_desk.adjust(session, world.tenant, (bag.id, shipment.location_id), 3, **came)
    world.settle()
    world.hurry()
    world.settle()

    assert (shipments(world), world.open_holds(placed)) == ([("Reno", "cancelled")], ["barred"])
    (hold,) = world.rows("SELECT reason FROM holds WHERE kind = 'barred'")
    assert hold.reason.startswith("No location may send 1 × BAG to US: Reno: it was closed on ")
    assert world.rows("SELECT 1 FROM choices") == []  # it is in stock: its buyer is asked nothing, and refunded nothing
    with world.reading() as session:
        assert desk.ask_again(session, world.tenant, world.order(placed).id, shipment.location_id, by="person:Grace")
    world.settle()
    assert (shipments(world)[-1], world.open_holds(placed)) == (("Reno", "announced"), [])


def test_nobody_is_offered_as_the_rest_what_no_place_may_send(world: World):
    open_shop(world, Reno=2)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = rules || '{\"ask_when_short\": true}'"))
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 2))
    world.settle()
    (shipment,) = world.rows("SELECT id FROM shipments")
    told = {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": 1}
    world.control("POST", "/shopify/inventory", told)
    world.read_catalogue()
    assert cannot_send(world, shipment.id, "closed") == ""
    world.settle()

    assert world.open_holds(placed) == ["barred", "stock"]
    (asked,) = world.rows("SELECT short FROM choices")
    assert list(asked.short.values()) == [1]
    (letter,) = world.letters()
    assert "we wait for what is missing" in letter["text"]
    assert "together" not in letter["text"]
    assert "rest" not in letter["text"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE shipments SET state = 'handed_over'", "It is too late: the carrier has it."),
        ("UPDATE shipments SET state = 'cancelled'", "The shipment does not leave any more already."),
        ("UPDATE parcels SET carrier_status = 'in_transit'", "It is too late: the carrier has it."),
        ("UPDATE orders SET state = 'cancelling'", "The order is cancelling: nothing of it is to leave."),
        ("UPDATE tenants SET mode = 'shadow'", "Packline only watches this shop: nothing of it is to leave."),
    ],
)
def test_what_is_out_of_our_hands_stays_with_its_place(world: World, change, told):
    open_shop(world)
    world.place(("BAG", 1))
    world.settle()
    (shipment,) = world.rows("SELECT id FROM shipments")
    with world.engine.begin() as connection:
        connection.execute(text(change))

    assert cannot_send(world, shipment.id) == told
    assert world.rows("SELECT id FROM refusals") == []
    assert world.rows("SELECT id FROM reversals") == []
