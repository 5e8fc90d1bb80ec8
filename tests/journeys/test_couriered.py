"""A courier of the shop's own brings what is near, where the rules or a person say so, and no label is bought."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from jobs import desk, queue, runner
from orders.routing.decision import decide, digest
from orders.routing.question import Question
from records.couriers import Courier
from records.routing import RoutingRules
from records.tenants import Rules
from tests.dying import work_off_until
from tests.world import EASTERN_BUYER, World, variant

ANN = "person:Ann"


@pytest.fixture
def shop(world: World) -> World:
    world.open_shop(variants=[variant("BAG", stock={"Reno": 3, "Newark": 0})])
    return world


def courier(world: World, **said: Any) -> int:
    given = {"name": "Bob's Bikes", "phone": "555", "radius_km": 400, "price_minor": 100, "currency": "USD"}
    with world.reading() as session:
        row = Courier(tenant_id=world.tenant, **{"most_grams": 5_000, "days": 0} | given | said)
        session.add(row)
        session.commit()
        return row.id


def placed(world: World, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    order = world.place(*(lines or (("BAG", 1),)), **more)
    world.settle()
    return order


def shipments(world: World, order: dict[str, Any]) -> list[tuple[str, str]]:
    """Who brings each, and how far it is."""
    rows = world.rows(
        "SELECT courier ->> 'name' AS who, state FROM shipments WHERE order_id = :order ORDER BY id",
        order=world.order(order).id,
    )
    return [(row.who or "", row.state) for row in rows]


def say(world: World, order: dict[str, Any], what: Any, **more: Any) -> str:
    (row,) = world.rows(
        "SELECT id FROM shipments WHERE order_id = :order AND state <> 'cancelled'", order=world.order(order).id
    )
    with world.reading() as session:
        refusal: str = what(session, world.tenant, row.id, by=ANN, **more)
        session.commit()
    return refusal


def choose(world: World, order: dict[str, Any], id: int) -> str:
    (row,) = world.rows(
        "SELECT id FROM shipments WHERE order_id = :order AND state <> 'cancelled'", order=world.order(order).id
    )
    with world.reading() as session:
        refusal = desk.give_to_courier(session, world.tenant, row.id, id, by=ANN, now=world.order(order).created_at)
        session.commit()
    return refusal


def verify(world: World, order: dict[str, Any]) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(order).id}")
        session.commit()
    world.settle()


def created(world: World) -> int:
    return len(world.calls(vendor="shopify", operation="fulfillmentCreate", effect="true"))


def test_the_cheapest_courier_brings_it_and_no_label_is_bought(shop: World) -> None:
    courier(shop)
    order = placed(shop)

    assert (shop.order(order).state, shipments(shop, order)) == ("allocated", [("Bob's Bikes", "planned")])
    assert (shop.labels_bought(), created(shop), shop.level("BAG", "Reno")) == ([], 0, (3, 1))
    (label,) = shop.rows("SELECT state, choice, rates, rate FROM labels")
    assert label.state == "failed"
    assert label.choice.startswith("Bob's Bikes courier for 1.00 USD: cheapest of ")
    assert [rate["carrier"] for rate in label.rates][-1] == "Bob's Bikes"
    assert len(label.rates) > 1
    assert shop.unfinished() == []

    assert say(shop, order, desk.delivered, now=shop.order(order).created_at).startswith("The courier does not have it")
    assert [say(shop, order, desk.give) for _ in range(2)] == ["", "It was handed over already."]
    shop.settle()
    assert (shop.order(order).state, shipments(shop, order)) == ("fulfilled", [("Bob's Bikes", "handed_over")])
    (made,) = shop.fulfillments(order)
    assert [(one["company"], one["number"]) for one in made["tracking"]] == [("Bob's Bikes", None)]
    assert (created(shop), shop.level("BAG", "Reno"), shop.labels_bought()) == (1, (2, 0), [])

    now = shop.order(order).created_at
    assert [say(shop, order, desk.delivered, now=now) for _ in range(2)] == ["", "It was delivered already."]
    shop.settle()
    (made,) = shop.fulfillments(order)
    assert [event["status"] for event in made["events"]] == ["DELIVERED"]
    (parcel,) = shop.rows("SELECT carrier_status, delivered_at FROM parcels")
    assert (parcel.carrier_status, parcel.delivered_at is None) == ("delivered", False)


def test_of_several_couriers_one_is_weighed_beside_the_carriers_and_a_person_may_choose_another(shop: World) -> None:
    ann = courier(shop, name="Ann's Vans", price_minor=200)
    courier(shop)
    courier(shop, name="Carl Too Near", price_minor=1, radius_km=1)
    order = placed(shop)

    assert shipments(shop, order) == [("Bob's Bikes", "planned")]
    (label,) = shop.rows("SELECT rates FROM labels")
    assert [rate["carrier"] for rate in label.rates if rate["service"] == "courier"] == ["Bob's Bikes"]
    assert choose(shop, order, ann) == ""
    assert shipments(shop, order) == [("Ann's Vans", "planned")]


@pytest.mark.parametrize(
    "said",
    [{"radius_km": 100}, {"most_grams": 100}, {"price_minor": 99_00}, {"currency": "CAD"}],
    ids=["too-far", "too-heavy", "too-dear", "another-currency"],
)
def test_else_the_carriers_label_is_bought_as_before(shop: World, said: dict[str, Any]) -> None:
    courier(shop, **said)
    order = placed(shop)

    assert (shop.order(order).state, shipments(shop, order)) == ("fulfilled", [("", "announced")])
    assert len(shop.labels_bought()) == 1


def test_what_leaves_in_several_boxes_is_weighed_among_carriers(world: World) -> None:
    world.open_shop(variants=[variant("BAG", grams=15_000, stock={"Reno": 3, "Newark": 0})])
    courier(world, most_grams=900_000)
    order = placed(world, ("BAG", 2))

    assert (len(world.labels_bought()), shipments(world, order)) == (2, [("", "announced")])


def test_cancelled_before_it_is_given_it_is_free_again(shop: World) -> None:
    courier(shop)
    order = placed(shop)
    shop.control("POST", f"/shopify/orders/{order['id']}/cancel", {})
    shop.settle()

    assert (shop.order(order).state, shipments(shop, order)) == ("cancelled", [("Bob's Bikes", "cancelled")])
    assert (shop.level("BAG", "Reno"), created(shop), shop.labels_bought()) == ((3, 0), 0, [])
    with shop.reading() as session:
        (row,) = shop.rows("SELECT id FROM shipments")
        assert desk.give(session, shop.tenant, row.id, by=ANN) == "It is not wanted any more."


def test_a_person_gives_it_to_a_courier_and_to_a_carrier_again(shop: World) -> None:
    dear = courier(shop, price_minor=99_00)
    courier(shop, name="Zoe's Vans")
    order = placed(shop)
    assert shipments(shop, order) == [("Zoe's Vans", "planned")]

    assert say(shop, order, desk.by_carrier) == ""
    assert shipments(shop, order) == [("", "planned")]
    assert choose(shop, order, dear) == ""
    shop.settle()
    assert (shipments(shop, order), shop.labels_bought()) == ([("Bob's Bikes", "planned")], [])

    assert say(shop, order, desk.by_carrier) == ""
    shop.settle()
    assert (len(shop.labels_bought()), shipments(shop, order)) == (1, [("", "announced")])
    assert choose(shop, order, dear) == "The order is fulfilled: nothing of it is given to anybody."


def test_of_what_a_carrier_brings_after_all_every_box_has_its_label_before_the_store_is_told(world: World) -> None:
    world.open_shop(variants=[variant("BAG", grams=15_000, stock={"Reno": 3, "Newark": 0})])
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    order = placed(world, ("BAG", 2))
    assert choose(world, order, courier(world, most_grams=900_000)) == ""
    assert world.order(order).arrives_on is not None

    assert say(world, order, desk.by_carrier) == ""
    assert world.rows("SELECT 1 FROM shipments WHERE courier IS NOT NULL") == []
    assert (world.order(order).arrives_on, shipments(world, order)) == (None, [("", "planned")])
    world.control("DELETE", "/faults")
    world.fault(vendor="easypost", kind="5xx", operation="shipment.buy", times=1, retry_after=3600)
    work_off_what_is_due(world)

    assert (len(world.labels_bought()), created(world)) == (1, 0)
    world.hurry()
    world.settle()
    assert (len(world.labels_bought()), created(world), shipments(world, order)) == (2, 1, [("", "announced")])


def work_off_what_is_due(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() WHERE state = 'due' AND kind = 'buy_label'"))
    for row in world.rows("SELECT DISTINCT lane FROM jobs WHERE kind = 'buy_label' AND state = 'due'"):
        runner.work_off(world.services, world.tenant, row.lane)


def test_what_a_courier_brings_is_divided_only_once_a_carrier_brings_it(shop: World) -> None:
    courier(shop)
    order = placed(shop, ("BAG", 2))
    (line,) = shop.rows("SELECT id FROM order_lines")

    refused = say(shop, order, lambda *of, **by: desk.split(*of, {line.id: 1}, **by))

    assert refused == "Bob's Bikes brings it: have a carrier bring it first, and divide it then."
    assert shipments(shop, order) == [("Bob's Bikes", "planned")]


def test_while_something_else_of_the_order_is_being_taken_back_the_courier_gets_the_rest(shop: World) -> None:
    shop.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    order = placed(shop)
    courier(shop)
    with shop.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO reversals (tenant_id, order_id, purpose, wanted, reason, note, asked_by, refund, tell_buyer)"
                 " SELECT tenant_id, id, 'cancel_lines', '{}', 'buyer', '', 'person:Ann', true, false FROM orders")
        )  # fmt: skip
    shop.control("DELETE", "/faults")
    shop.hurry()
    shop.settle()

    assert shipments(shop, order) == [("Bob's Bikes", "planned")]
    assert shop.labels_bought() == []


def test_it_was_not_given_after_all(shop: World) -> None:
    courier(shop)
    order = placed(shop)
    assert say(shop, order, desk.give) == ""
    assert say(shop, order, desk.not_given) == ""
    shop.settle()

    assert (shipments(shop, order), created(shop)) == ([("Bob's Bikes", "planned")], 0)
    assert (shop.level("BAG", "Reno"), shop.unfinished()) == ((3, 1), [])


def test_who_brings_what_was_cancelled_in_the_store_is_named(shop: World) -> None:
    courier(shop)
    order = placed(shop)
    assert say(shop, order, desk.give) == ""
    shop.settle()
    (row,) = shop.rows("SELECT fulfillments FROM shipments")
    shop.storefront().cancel_shipped(row.fulfillments[0])
    verify(shop, order)

    (hold,) = shop.rows("SELECT reason, remedy FROM holds WHERE kind = 'taken_back'")
    assert hold.reason == "What Bob's Bikes brings was cancelled in the store, and was given to them here."
    assert "Ask Bob's Bikes" in hold.remedy
    assert "label" not in hold.reason + hold.remedy


def test_a_lost_answer_of_the_store_leads_to_one_fulfillment(shop: World) -> None:
    courier(shop)
    order = placed(shop)
    shop.fault(vendor="shopify", operation="fulfillmentCreate", kind="cut_after", times=1)
    assert say(shop, order, desk.give) == ""
    shop.settle()
    shop.hurry()
    shop.settle()

    assert (len(shop.fulfillments(order)), created(shop)) == (1, 1)
    assert shipments(shop, order) == [("Bob's Bikes", "handed_over")]


def test_who_is_taken_off_the_list_meanwhile_is_given_nothing(shop: World) -> None:
    id = courier(shop)
    order = placed(shop)
    assert say(shop, order, desk.by_carrier) == ""
    with shop.reading() as session:
        session.get_one(Courier, (shop.tenant, id)).ended_at = shop.order(order).created_at
        session.commit()

    assert choose(shop, order, id).startswith("They do not bring it")


def test_another_address_is_weighed_anew(shop: World) -> None:
    courier(shop)
    order = placed(shop)
    shop.next_second()
    shop.control("POST", f"/shopify/orders/{order['id']}/edit", {"ship_to": EASTERN_BUYER})
    shop.settle()

    assert shipments(shop, order) == [("Bob's Bikes", "cancelled"), ("", "announced")]
    assert len(shop.labels_bought()) == 1


def test_where_it_leaves_is_weighed_with_the_courier_and_replays_to_the_byte(world: World) -> None:
    rules = Rules(routing=RoutingRules(order=("cheapest",)))
    world.open_shop(variants=[variant("BAG", stock={"Reno": 3, "Newark": 3})], rules=rules)
    courier(world)
    order = placed(world)

    assert shipments(world, order) == [("Bob's Bikes", "planned")]
    (row,) = world.rows("SELECT question, digest FROM routing_decisions")
    question = Question.model_validate(row.question)
    assert 100 in {quote.cost_minor for quote in question.quotes}
    assert digest(decide(question)) == row.digest


def test_wherever_a_worker_dies_the_courier_has_it_once_and_no_label_is_bought(world: World) -> None:
    world.open_shop(variants=[variant("BAG", stock={"Reno": 900, "Newark": 0})])
    courier(world)
    boundary, orders = 0, []
    for boundary in range(1, 60):
        order = world.place(("BAG", 1))
        orders.append(order)
        world.heard()
        while not (lanes := [lane for lane in world.due_lanes() if lane.startswith("order/")]):
            runner.work_off(world.services, world.tenant, world.due_lanes()[0])
        passed = work_off_until(world, lanes[0], boundary)
        free(world)
        world.settle()
        assert shipments(world, order) == [("Bob's Bikes", "planned")], boundary
        if passed < boundary:
            break

    assert boundary > 15
    assert (world.labels_bought(), created(world)) == ([], 0)
    assert world.level("BAG", "Reno") == (900, len(orders))
    for place, order in enumerate(orders[:12], start=1):
        assert say(world, order, desk.give) == ""
        work_off_until(world, f"order/{world.order(order).id}", place)
        free(world)
        world.settle()
        assert (len(world.fulfillments(order)), shipments(world, order)) == (1, [("Bob's Bikes", "handed_over")])
    assert (created(world), world.labels_bought()) == (12, [])


def free(world: World) -> None:
    """The lease of whoever died runs out."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due', lease_until = NULL WHERE state = 'running'"))
