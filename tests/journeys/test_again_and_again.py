"""However often and in whatever order the vendors tell it, everything happens once."""

from tests.world import STRIPE_KEY, World, variant


def test_two_hundred_webhooks_five_times_each_shuffled_end_as_one_delivery_would(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 500}), variant("MUG", stock={"Newark": 500})])
    placed = []
    for number in range(40):
        unpaid = number % 5 == 4
        order = world.place(
            ("BAG", 1 + number % 2),
            *([("MUG", 1)] if number % 4 == 0 else []),
            financial_status="pending" if unpaid else "paid",
        )
        if unpaid:
            world.control("POST", "/stripe/payments", {
                "key": STRIPE_KEY, "amount": round(float(order["total_price"]) * 100), "currency": "usd",
                "metadata": {"order_name": order["name"]}, "outcome": "succeeded"})  # fmt: skip
        placed.append(order)
    world.settle()
    delivered = world.control("GET", "/deliveries")["count"]
    assert delivered >= 200
    before = state_of(world)

    world.control("POST", "/deliveries/replay", {"times": 5, "shuffle": True})
    world.settle()

    assert {world.order(order).state for order in placed} == {"fulfilled"}
    assert state_of(world) == before
    parcels = world.rows("SELECT count(*) AS n FROM parcels")[0].n
    assert len(world.labels_bought()) == parcels == 50
    shipments = world.rows("SELECT count(*) AS n FROM shipments")[0].n
    assert sum(len(order["fulfillments"]) for order in world.store_orders().values()) == shipments == 50
    assert len(world.calls(vendor="shopify", operation="orderMarkAsPaid", effect="true")) == 8


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
