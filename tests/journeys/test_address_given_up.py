"""A wish for another address that a person gave up, or that only a broken connection stopped, is not lost and not late."""

from __future__ import annotations

from datetime import UTC, datetime

from test_changed_by_the_buyer import NEW_YORK, acts, change, placed, store_sends_to, time_is_up

from jobs import changing, desk
from tests.world import World

GRACE = "person:Grace"


def change_states(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM address_changes ORDER BY id")]


def parked(world: World) -> list[int]:
    return [row.id for row in world.rows("SELECT id FROM jobs WHERE kind = 'change_address' AND state = 'parked'")]


def test_a_connection_that_is_refused_waits_for_a_person_and_the_address_is_told_then(world: World):
    order = placed(world)
    world.fault(vendor="shopify", kind="5xx", operation="orderUpdate", status=403, times=1)
    change(world, order, what="address", **NEW_YORK)
    world.settle()

    assert (change_states(world), world.open_holds(order)) == (["asked"], ["change"])
    (job,) = parked(world)
    with world.reading() as session:
        assert desk.retry(session, world.tenant, job, by=GRACE)
    world.settle()
    assert (change_states(world), world.open_holds(order)) == (["written"], [])
    assert store_sends_to(world, order).city == "New York"


def test_a_change_that_was_given_up_lets_the_order_go_where_it_went(world: World):
    order = placed(world)
    world.fault(vendor="shopify", kind="5xx", operation="orderUpdate", status=403, times=1)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    (job,) = parked(world)
    with world.reading() as session:
        assert desk.discard(session, world.tenant, job, reason="They wrote again.", by=GRACE)
    world.settle()

    assert (change_states(world), world.open_holds(order)) == (["withdrawn"], [])
    with world.reading() as session:
        assert changing.look(session, world.tenant, world.order(order).id).address


def test_a_hold_that_is_released_takes_the_wish_back_before_the_store_hears_of_it(world: World):
    order = placed(world)
    change(world, order, what="address", **NEW_YORK)
    with world.reading() as session:
        id = world.order(order).id
        assert desk.release_hold(session, world.tenant, id, "change", by=GRACE, now=datetime.now(UTC))
    world.settle()
    time_is_up(world)

    assert (change_states(world), acts(world, "orderUpdate"), len(world.labels_bought())) == (["withdrawn"], 0, 1)
    assert store_sends_to(world, order).city == "San Francisco"
