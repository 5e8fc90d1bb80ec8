"""A wish for another address that is given up while the store may have heard of it: the order goes where the store says."""

from __future__ import annotations

from datetime import UTC, datetime

from test_address_given_up import GRACE, change_states, parked
from test_changed_by_the_buyer import NEW_YORK, acts, change, placed, store_sends_to, time_is_up

from jobs import desk
from tests.world import World


def intention(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM intentions WHERE kind = 'change_address'")]


def gives_up(world: World, order) -> None:
    with world.reading() as session:
        id = world.order(order).id
        assert desk.release_hold(session, world.tenant, id, "change", by=GRACE, now=datetime.now(UTC))


def test_what_the_store_took_before_the_wish_was_given_up_is_where_the_label_goes(world: World):
    order = placed(world)
    world.fault(vendor="shopify", kind="timeout_after", operation="orderUpdate", times=1, delay_s=0.1)
    world.fault(vendor="shopify", kind="5xx", match="ReadAddress", skip=1, times=None)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    assert (change_states(world), intention(world)) == (["asked"], ["intended"])
    world.control("DELETE", "/faults")
    gives_up(world, order)
    time_is_up(world)

    assert (change_states(world), intention(world), world.open_holds(order)) == (["written"], ["adopted"], [])
    assert (world.order(order).ship_to.city, len(world.labels_bought())) == ("New York", 1)
    assert acts(world, "orderUpdate") == 1


def test_what_the_store_never_heard_of_is_given_up_whole(world: World):
    order = placed(world)
    world.fault(vendor="shopify", kind="timeout_before", operation="orderUpdate", times=None, delay_s=0.1)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    assert (change_states(world), intention(world)) == (["asked"], ["intended"])
    world.control("DELETE", "/faults")
    gives_up(world, order)
    time_is_up(world)

    assert (change_states(world), intention(world), world.open_holds(order)) == (["withdrawn"], ["abandoned"], [])
    assert store_sends_to(world, order).city == "San Francisco"
    assert (world.order(order).ship_to.city, len(world.labels_bought())) == ("San Francisco", 1)
    assert acts(world, "orderUpdate") == 0


def test_a_job_that_is_given_up_twice_leaves_nothing_in_doubt(world: World):
    order = placed(world)
    world.fault(vendor="shopify", kind="timeout_before", operation="orderUpdate", times=None, delay_s=0.1)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    world.fault(vendor="shopify", kind="5xx", match="ReadOrder", status=403, times=None)
    gives_up(world, order)
    world.hurry()
    world.settle()
    (job,) = parked(world)
    with world.reading() as session:
        assert desk.discard(session, world.tenant, job, reason="I looked in the store.", by=GRACE)

    assert (change_states(world), intention(world)) == (["withdrawn"], ["abandoned"])


def test_an_order_that_is_cancelled_asks_for_no_address_any_more(world: World):
    order = placed(world)
    world.fault(vendor="shopify", kind="5xx", operation="orderUpdate", status=403, times=1)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    assert len(parked(world)) == 1
    world.control("POST", f"/shopify/orders/{order['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()

    assert (world.order(order).state, change_states(world), parked(world)) == ("cancelled", ["withdrawn"], [])
    assert "intended" not in intention(world)
