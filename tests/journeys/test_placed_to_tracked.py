"""A paid order comes in as a signed webhook, and its tracking number ends in the store."""

from tests.world import World


def test_a_paid_order_gets_one_label_and_its_number_stands_in_the_store(world: World):
    world.open_shop()

    placed = world.place(("BAG", 2))
    world.settle()

    assert world.order(placed).state == "fulfilled"
    (label,) = world.labels_bought()
    (fulfillment,) = world.store_orders()[placed["name"]]["fulfillments"]
    assert [one["number"] for one in fulfillment["tracking"]] == [label["tracking_code"]]
    assert fulfillment["lines"] == [{"sku": "BAG", "quantity": 2}]
    (level,) = world.rows(
        "SELECT on_hand, reserved FROM stock_levels JOIN locations l ON l.id = location_id WHERE l.name = 'Reno'"
    )
    assert tuple(level) == (98, 0)
    assert world.rows("SELECT id, kind, reason FROM jobs WHERE state = 'parked'") == []
