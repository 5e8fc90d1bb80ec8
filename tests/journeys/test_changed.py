"""An order that changes in the store after Packline has it is looked at again, as far as it has not left."""

from datetime import UTC, datetime

import pytest

from jobs import desk, queue
from tests.world import BUYER, EASTERN_BUYER, World, variant

TORONTO = BUYER | {"city": "Toronto", "province_code": "ON", "zip": "M5V 3L9", "country_code": "CA"}


def edit(world: World, placed: dict, *lines: tuple[str, int], **more: object) -> None:
    wish = {"lines": [{"sku": sku, "quantity": units} for sku, units in lines]}
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", wish | more)
    world.settle()


def test_a_short_line_that_is_removed_in_the_store_lets_the_rest_go(world: World):
    world.open_shop(variants=[variant("BAG"), variant("KNIFE", stock={"Reno": 0})])
    placed = world.place(("BAG", 1), ("KNIFE", 1))
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("shipping", ["stock"])

    edit(world, placed, ("KNIFE", 0))

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert len(world.labels_bought()) == 1


def test_fewer_units_of_an_order_that_waits_for_stock_are_reserved(world: World):
    world.open_shop(variants=[variant("STOOL", stock={"Reno": 0})])
    placed = world.place(("STOOL", 3))
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("released", ["stock"])
    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "STOOL", "location": "Reno", "on_hand": 1}
    )

    edit(world, placed, ("STOOL", 1))
    world.read_catalogue()
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert world.level("STOOL", "Reno") == (0, 0)


def reversals(world: World) -> list[tuple[str, str]]:
    return [(row.purpose, row.state) for row in world.rows("SELECT purpose, state FROM reversals ORDER BY id")]


def standing(world: World, placed: dict) -> list[str]:
    """The fulfillments that the store shows."""
    return [one["status"].lower() for one in world.fulfillments(placed) if one["status"].lower() != "cancelled"]


def labelled(world: World, *lines: tuple[str, int], **more: object) -> dict:
    """An order with its label, of which the store cannot be told yet."""
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=None, retry_after=3600)
    placed = world.place(*lines, **more)
    world.settle()
    return placed


def go_on(world: World) -> None:
    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()


def test_fewer_units_of_a_planned_order_are_planned_anew(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 3))
    world.settle()
    assert (world.order(placed).state, world.level("BAG", "Reno")) == ("allocated", (100, 3))

    edit(world, placed, ("BAG", 1))
    assert world.level("BAG", "Reno") == (100, 1)
    go_on(world)

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert (len(world.labels_bought()), world.level("BAG", "Reno")) == (1, (99, 0))
    assert reversals(world) == [("replan", "done")]
    told = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries")]
    assert "The order changed in the store: shipment 1 is planned anew." in told


def test_fewer_units_of_a_labelled_order_get_a_label_of_their_own(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 3))

    edit(world, placed, ("BAG", 2))
    go_on(world)

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert sorted(str(one["refund_status"]) for one in world.labels_bought()) == ["None", "submitted"]
    assert world.level("BAG", "Reno") == (98, 0)
    assert standing(world, placed) == ["success"]


def test_more_units_are_planned_beside_what_was(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 1))

    edit(world, placed, ("BAG", 3))
    go_on(world)

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert [str(one["refund_status"]) for one in world.labels_bought()] == ["None", "None"]
    assert world.level("BAG", "Reno") == (97, 0)
    assert reversals(world) == []


def test_another_address_on_a_labelled_order_gets_another_label(world: World):
    world.open_shop()
    placed = labelled(world, ("BAG", 1))

    edit(world, placed, ship_to=EASTERN_BUYER)
    go_on(world)

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert sorted(str(one["refund_status"]) for one in world.labels_bought()) == ["None", "submitted"]
    assert len({row.consignment_digest for row in world.rows("SELECT consignment_digest FROM labels")}) == 2
    assert standing(world, placed) == ["success"]


def test_another_address_on_an_announced_order_asks_for_another_label(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.settle()

    edit(world, placed, ship_to=EASTERN_BUYER)

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", ["edit"])
    (hold,) = world.rows("SELECT reason, remedy FROM holds WHERE state = 'open'")
    assert "parcel 1 has a label for another address or content" in hold.reason
    assert hold.remedy.startswith("Buy another label for parcel 1")
    assert len(world.labels_bought()) == 1
    assert standing(world, placed) == ["success"]

    with world.reading() as session:
        assert desk.relabel(session, world.tenant, 1, by="person:Ann", reason="moved house") == ""
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert sorted(str(one["refund_status"]) for one in world.labels_bought()) == ["None", "submitted"]
    assert standing(world, placed) == ["success"]


def test_an_added_line_opens_an_order_again_that_was_complete(world: World):
    world.open_shop(variants=[variant("BAG"), variant("HAT", price="0.00")])
    placed = world.place(("BAG", 1))
    world.settle()
    assert world.order(placed).state == "fulfilled"

    edit(world, placed, ("HAT", 1))

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert (len(world.labels_bought()), standing(world, placed)) == (2, ["success", "success"])
    assert world.level("HAT", "Reno") == (99, 0)


def test_an_added_line_that_is_not_paid_for_waits_for_its_money(world: World):
    world.open_shop(variants=[variant("BAG"), variant("HAT")])
    placed = world.place(("BAG", 1))
    world.settle()

    edit(world, placed, ("HAT", 1))

    assert (world.order(placed).state, world.open_holds(placed)) == ("released", ["payment"])
    assert len(world.labels_bought()) == 1


def test_an_order_of_which_the_store_wants_nothing_any_more_is_closed(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 3))
    world.settle()

    edit(world, placed, ("BAG", 0))
    go_on(world)

    assert (world.order(placed).state, world.open_holds(placed)) == ("closed", [])
    assert (world.labels_bought(), world.level("BAG", "Reno")) == ([], (100, 0))


def test_what_we_announce_makes_no_work_when_the_store_tells_us_of_it(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.settle()
    assert world.order(placed).state == "fulfilled"

    verified = world.rows("SELECT count(*) AS n FROM jobs WHERE kind = 'verify_order'")[0].n
    assert verified <= 2  # placed, and routed


def test_an_address_that_changes_during_an_outage_gets_rates_and_a_label_of_its_own(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.buy", times=None)
    placed = world.place(("BAG", 1))
    world.settle()

    edit(world, placed, ship_to=EASTERN_BUYER)
    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()

    assert world.order(placed).state == "fulfilled"
    (label,) = world.labels_bought()
    quoted = world.rows("SELECT shipment_ref FROM labels")
    assert [row.shipment_ref for row in quoted] == [label["id"]]
    assert len(world.calls(vendor="easypost", operation="shipment.create", effect="true")) == 2


def test_a_customs_hold_that_a_person_releases_ships_the_goods_as_made_at_home(world: World):
    world.open_shop(variants=[variant("MYSTERY", origin_country=None)])
    placed = world.place(("MYSTERY", 1), ship_to=TORONTO)
    world.settle()
    assert world.open_holds(placed) == ["customs"]

    with world.reading() as session:
        order = world.order(placed).id
        assert desk.release_hold(session, world.tenant, order, "customs", by="person:Olga", now=datetime.now(UTC))
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert len(world.labels_bought()) == 1


def test_a_cancellation_that_arrives_before_its_order_ships_nothing(world: World):
    world.open_shop()
    world.control("POST", "/deliveries/plan", {"paused": True})
    placed = world.place(("BAG", 1))
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})

    world.control("POST", "/deliveries/plan", {"shuffle": True, "seed": 5})
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert world.labels_bought() == []
    assert world.level("BAG", "Reno") == (100, 0)


@pytest.mark.parametrize("units", [1, 3])
def test_an_announcement_that_somebody_cancelled_in_the_store_is_no_order_for_more(world: World, units: int):
    """Shopify asks for the units again: a person has to say whether the parcel still goes; nothing is bought twice."""
    world.open_shop()
    placed = world.place(("BAG", units))
    world.settle()
    assert world.order(placed).state == "fulfilled"

    ((announced,),) = (row.fulfillments for row in world.rows("SELECT fulfillments FROM shipments"))
    world.storefront().cancel_shipped(announced)
    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
    world.settle()

    assert world.open_holds(placed) == ["taken_back"]
    assert len(world.labels_bought()) == 1
    assert [row.to_ship for row in world.rows("SELECT to_ship FROM order_lines")] == [units]
    assert world.rows("SELECT count(*) AS n FROM shipments")[0].n == 1
    assert world.level("BAG", "Reno") == (100 - units, 0)


def test_two_edits_of_one_second_contradict_each_other_only_until_the_store_is_asked_again(world: World):
    world.open_shop()
    world.control("POST", "/deliveries/plan", {"paused": True})
    world.next_second()
    placed = world.place(("BAG", 3))
    for units in (4, 3):
        world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"lines": [{"sku": "BAG", "quantity": units}]})
    world.control("POST", "/deliveries/plan", {})
    world.settle()

    world.hurry()
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert [row.to_ship for row in world.rows("SELECT to_ship FROM order_lines")] == [3]
    assert len(world.labels_bought()) == 1
