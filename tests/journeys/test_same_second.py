"""A store's times have whole seconds: two versions of one second hold an order only until the store is asked again."""

from __future__ import annotations

from sqlalchemy import text

from jobs import queue
from tests.world import BUYER, World


def test_two_versions_of_one_second_hold_the_order_for_five(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), ship_to=BUYER | {"zip": ""})
    world.settle()
    before = world.order(placed)
    assert world.open_holds(placed) == ["address"]
    with world.reading() as session:
        session.execute(text("UPDATE orders SET total_minor = total_minor + 100, content_digest = 'another'"))
        queue.add(session, world.tenant, "verify_order", f"order/{before.id}")

    world.work_off()
    held = world.open_holds(placed)
    world.settle()

    assert (held, world.open_holds(placed)) == (["address", "mismatch"], ["address"])
    assert world.order(placed).total_minor == before.total_minor
    assert world.labels_bought() == []
