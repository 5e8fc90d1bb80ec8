"""A cancelled order stops where it is: stock comes back, and a label that was not used goes back."""

from tests.world import World


def cancel(world: World, placed: dict) -> None:
    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()


def test_an_order_that_waits_is_cancelled_and_nothing_more_happens(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()

    cancel(world, placed)

    assert (world.order(placed).state, world.open_holds(placed)) == ("cancelled", [])
    assert world.labels_bought() == []
    assert world.unfinished() == []


def test_reserved_stock_comes_back(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(("BAG", 3))
    world.settle()
    assert world.level("BAG", "Reno") == (100, 3)

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert world.level("BAG", "Reno") == (100, 0)
    moved = world.rows("SELECT * FROM movements WHERE order_id > 0 ORDER BY id")
    assert [(row.cause, row.reserved_change) for row in moved] == [
        ("reserved", 3),
        ("released", -3),
    ]


def test_a_label_that_was_not_used_goes_back(world: World):
    world.open_shop()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(("BAG", 1))
    world.settle()
    (label,) = world.labels_bought()
    assert world.fulfillments(placed) == []

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["void_requested"]
    assert [one["refund_status"] for one in world.labels_bought()] == ["submitted"]
    assert world.fulfillments(placed) == []
    assert world.level("BAG", "Reno") == (100, 0)

    world.control("POST", f"/easypost/refunds/{label['id']}/settle", {"result": "refunded"})
    world.settle()

    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["voided"]
    assert [row.state for row in world.rows("SELECT state FROM intentions WHERE kind = 'void_label'")] == ["succeeded"]


def test_a_label_that_may_have_been_bought_is_found_and_given_back(world: World):
    """The carrier did it, the answer was lost, and the order was cancelled before anybody could look."""
    world.open_shop()
    world.fault(vendor="easypost", kind="timeout_after", operation="shipment.buy", times=1, delay_s=0.1)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.retrieve", times=None)
    placed = world.place(("BAG", 1))
    world.settle()
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["intended"]
    assert len(world.labels_bought()) == 1
    world.control("DELETE", "/faults")

    cancel(world, placed)

    assert world.order(placed).state == "cancelled"
    assert [one["refund_status"] for one in world.labels_bought()] == ["submitted"]
    (label,) = world.labels_bought()
    assert [row.tracking_code for row in world.rows("SELECT tracking_code FROM parcels")] == [label["tracking_code"]]
    assert [row.state for row in world.rows("SELECT state FROM intentions WHERE kind = 'buy_label'")] == ["adopted"]
