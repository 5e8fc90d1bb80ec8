"""An order ships when its money is good, wherever the money is."""

from sqlalchemy import text

from jobs import queue
from records.tenants import Rules
from tests.world import STRIPE_KEY, World, variant


def pay(world: World, name: str, minor: int, outcome: str = "succeeded", **metadata: str) -> dict:
    wish = {"key": STRIPE_KEY, "amount": minor, "currency": "usd", "outcome": outcome}
    return world.control("POST", "/stripe/payments", wish | {"metadata": metadata or {"order_name": name}})


def total_minor(placed: dict) -> int:
    return round(float(placed["total_price"]) * 100)


def test_an_unpaid_order_waits_and_ships_when_it_is_paid_in_the_store(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("verified", ["payment"])
    assert world.labels_bought() == []

    world.control("POST", f"/shopify/orders/{placed['id']}/pay", {})
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])


def test_a_stripe_payment_releases_its_order_and_the_store_is_told_once(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()

    pay(world, placed["name"], total_minor(placed))
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert world.store_orders()[placed["name"]]["financial_status"].lower() == "paid"
    assert len(world.calls(vendor="shopify", operation="orderMarkAsPaid", effect="true")) == 1


def test_a_payment_that_arrives_before_its_order_waits_and_is_matched(world: World):
    world.open_shop()
    pay(world, "#7001", 1700)
    world.settle()
    assert [row.order_id for row in world.rows("SELECT order_id FROM payments")] == [None]

    placed = world.place(("BAG", 1), financial_status="pending", name="#7001")
    world.settle()

    assert total_minor(placed) == 1700
    assert world.order(placed).state == "fulfilled"
    assert [row.order_id for row in world.rows("SELECT order_id FROM payments")] == [world.order(placed).id]


def test_a_payment_finds_its_order_by_id_and_by_its_check_out_session(world: World):
    world.open_shop()
    by_id = world.place(("BAG", 1), financial_status="pending")
    by_session = world.place(("BAG", 1), financial_status="pending")
    world.settle()

    pay(world, "", total_minor(by_id), order_id=str(by_id["id"]))
    world.control("POST", "/stripe/checkouts", {
        "key": STRIPE_KEY, "amount": total_minor(by_session), "currency": "usd", "outcome": "succeeded",
        "client_reference_id": by_session["name"]})  # fmt: skip
    world.settle()

    assert [world.order(placed).state for placed in (by_id, by_session)] == ["fulfilled", "fulfilled"]


def test_too_little_money_ships_nothing(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()

    pay(world, placed["name"], total_minor(placed) - 1)
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("verified", ["payment"])
    assert world.calls(vendor="shopify", operation="orderMarkAsPaid") == []
    assert world.labels_bought() == []


def test_an_authorisation_is_enough_only_where_the_shop_says_so(world: World):
    world.open_shop(rules=Rules(ship_when="authorised"))
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()

    pay(world, placed["name"], total_minor(placed), outcome="requires_capture")
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert world.calls(vendor="shopify", operation="orderMarkAsPaid") == []


def test_a_dispute_stops_what_has_not_left(world: World):
    world.open_shop(variants=None)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.buy", times=None)
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    payment = pay(world, placed["name"], total_minor(placed))
    world.settle()
    assert world.order(placed).state == "allocated"

    world.control("POST", f"/stripe/payments/{payment['id']}/dispute", {})
    world.settle()
    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("allocated", ["dispute"])
    assert world.labels_bought() == []


def test_a_dispute_that_is_told_before_its_payment_holds_the_order_all_the_same(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    world.control("POST", "/deliveries/plan", {"paused": True})
    payment = pay(world, placed["name"], total_minor(placed))
    world.control("POST", f"/stripe/payments/{payment['id']}/dispute", {})
    told = [one["topic"] for one in world.control("GET", "/deliveries?state=queued")["deliveries"]]
    assert "charge.dispute.created" in told

    world.control("POST", "/deliveries/plan", {"shuffle": True, "seed": 2})
    world.settle()

    assert "dispute" in world.open_holds(placed)
    assert world.labels_bought() == []


def test_money_that_is_taken_back_stops_what_waits_for_stock(world: World):
    world.open_shop(variants=[variant("STOOL", stock={"Reno": 0})])
    placed = world.place(("STOOL", 1), financial_status="pending")
    world.settle()
    payment = pay(world, placed["name"], total_minor(placed))
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("released", ["stock"])

    world.next_second()
    world.control("POST", f"/stripe/payments/{payment['id']}/refund", {})
    with world.reading() as session:
        session.execute(text("UPDATE orders SET standing = 'refunded'"))
        queue.add(session, world.tenant, "check_payment", f"order/{world.order(placed).id}")
    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "STOOL", "location": "Reno", "on_hand": 5}
    )
    world.read_catalogue()
    world.settle()

    assert "payment" in world.open_holds(placed)
    assert world.labels_bought() == []
