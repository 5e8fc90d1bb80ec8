"""The merchant ships in the store's admin what is planned here: no label is bought, and no unit is counted twice."""

from __future__ import annotations

from tests.world import World, variant


def test_a_planned_parcel_that_the_merchant_ships_gets_no_label_and_leaves_the_shelf_once(world: World) -> None:
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5})])
    world.fault(vendor="easypost", kind="429", operation="shipment.buy", times=1, retry_after=5)
    order = world.place(("BAG", 2))
    world.settle()
    world.next_second()
    world.control("POST", f"/shopify/orders/{order['id']}/fulfil", {})
    world.heard()
    world.work_off()
    world.hurry()
    world.settle()
    world.hurry()
    world.settle()

    assert len(world.labels_bought()) == 0
    print(world.level("BAG", "Reno"), world.rows("SELECT state FROM shipments"), world.rows("SELECT sentence FROM timeline_entries"))
