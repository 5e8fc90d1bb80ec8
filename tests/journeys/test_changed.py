"""An order that changes in the store after Packline has it is looked at again, as far as it has not left."""

from datetime import UTC, datetime

from jobs import desk
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


def test_units_that_are_not_wanted_any_more_hold_what_was_planned_with_them(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 3))
    world.settle()
    assert world.order(placed).state == "allocated"

    edit(world, placed, ("BAG", 1))
    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("allocated", ["edit"])
    assert world.labels_bought() == []


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
