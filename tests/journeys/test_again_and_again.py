"""However often and in whatever order the vendors tell it, everything happens once."""

from tests.world import STRIPE_KEY, World, variant


def test_two_hundred_webhooks_five_times_each_shuffled_end_as_one_delivery_would(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 500}), variant("MUG", stock={"Newark": 500})])
    world.control("POST", "/deliveries/plan", {"paused": True})
    placed = [place(world, number) for number in range(40)]
    assert world.control("GET", "/deliveries?state=queued")["count"] >= 150

    world.control("POST", "/deliveries/plan", {"shuffle": True, "seed": 11, "duplicates": 4})
    world.settle()
    every_order_ended_once(world, placed)
    before = state_of(world)
    assert world.control("GET", "/deliveries")["count"] >= 200

    world.control("POST", "/deliveries/replay", {"times": 5, "shuffle": True})
    world.settle()

    every_order_ended_once(world, placed)
    assert state_of(world) == before


def place(world: World, number: int) -> dict:
    """Two of three orders are paid in the store, every fifth by Stripe, every fourth from two warehouses."""
    unpaid = number % 5 == 4
    lines = [("BAG", 1 + number % 2), *([("MUG", 1)] if number % 4 == 0 else [])]
    order = world.place(*lines, financial_status="pending" if unpaid else "paid")
    if unpaid:
        wish = {"key": STRIPE_KEY, "amount": round(float(order["total_price"]) * 100), "currency": "usd"}
        world.control(
            "POST", "/stripe/payments", wish | {"metadata": {"order_name": order["name"]}, "outcome": "succeeded"}
        )
    return order


def every_order_ended_once(world: World, placed: list[dict]) -> None:
    assert {world.order(order).state for order in placed} == {"fulfilled"}
    assert world.rows("SELECT count(*) AS n FROM parcels")[0].n == 50
    assert len(world.labels_bought()) == 50
    assert world.rows("SELECT count(*) AS n FROM shipments")[0].n == 50
    assert sum(len(order["fulfillments"]) for order in world.store_orders().values()) == 50
    assert len(world.calls(vendor="shopify", operation="orderMarkAsPaid", effect="true")) == 8
    sold = sum(1 + number % 2 for number in range(40))
    assert world.level("BAG", "Reno") == (500 - sold, 0)
    assert world.level("MUG", "Newark") == (490, 0)


def test_paid_before_placed_works(world: World):
    world.open_shop()
    world.control("POST", "/deliveries/plan", {"paused": True})
    placed = world.place(("BAG", 1))
    queued = world.control("GET", "/deliveries?state=queued")["deliveries"]
    assert {"orders/create", "orders/paid"} <= {one["topic"] for one in queued}

    world.control("POST", "/deliveries/plan", {"shuffle": True, "seed": 3})
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1


def state_of(world: World) -> list[tuple]:
    rows = world.rows("""
        SELECT o.name, o.state, o.standing,
               (SELECT array_agg(tracking_code ORDER BY tracking_code) FROM parcels p WHERE p.order_id = o.id) AS codes,
               (SELECT sum(units) FROM reservations r WHERE r.order_id = o.id AND r.state = 'consumed') AS units
        FROM orders o ORDER BY o.name
    """)
    levels = world.rows("SELECT variant_id, location_id, on_hand, reserved FROM stock_levels ORDER BY 1, 2")
    return [tuple(row) for row in (*rows, *levels)]
