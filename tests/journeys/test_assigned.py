"""The store ships from where we ship: its work is moved there, and its stock goes down where ours does."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jobs import queue
from tests.world import AUSTIN, NEWARK, RENO, SHOP, World, variant


def open_shop(world: World, **stock: int) -> None:
    """The store gives every order to its first location that has it, whoever is near."""
    world.open_shop(locations=[NEWARK, RENO, AUSTIN], variants=[variant("BAG", stock=stock)])


def shelves(world: World) -> dict[str, tuple[int, int]]:
    """Of the store: (on hand, committed) by location."""
    found = world.control("GET", f"/shopify/inventory?shop={SHOP}")
    return {one["location"]: (one["on_hand"], one["committed"]) for one in found["levels"]}


def work_of(world: World, placed) -> dict[str, int]:
    """Units of the store's open work, by location."""
    found: dict[str, int] = {}
    for one in world.store_orders()[placed["name"]]["fulfillment_orders"]:
        left = sum(line["remaining"] for line in one["lines"])
        if left and one["status"] in {"OPEN", "IN_PROGRESS"}:
            found[one["location"]] = found.get(one["location"], 0) + left
    return found


def told(world: World, placed) -> list[str]:
    order = world.order(placed).id
    rows = world.rows("SELECT sentence FROM timeline_entries WHERE order_id = :o ORDER BY id", o=order)
    return [row.sentence for row in rows]


def test_the_store_s_stock_goes_down_where_ours_does(world: World):
    open_shop(world, Newark=9, Reno=9, Austin=9)
    placed = world.place(("BAG", 2))

    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert shelves(world) == {"Newark": (9, 0), "Reno": (7, 0), "Austin": (9, 0)}
    assert {place: world.level("BAG", place) for place in ("Newark", "Reno")} == {"Newark": (9, 0), "Reno": (7, 0)}
    assert len(world.fulfillments(placed)) == 1
    assert "The store moved 2 units to where they leave from." in told(world, placed)


def test_a_split_order_is_split_in_the_store_alike(world: World):
    open_shop(world, Newark=9, Reno=2, Austin=1)
    world.place(("BAG", 3))
    world.settle()

    # From one place that has everything; the store had it there already.
    assert shelves(world)["Newark"] == (6, 0)
    assert [call for call in world.calls(vendor="shopify") if call["operation"] == "fulfillmentOrderMove"] == []

    other = world.place(("BAG", 8))
    world.settle()
    assert world.order(other).state == "fulfilled"
    assert shelves(world) == {"Newark": (0, 0), "Reno": (0, 0), "Austin": (1, 0)}
    assert {place: world.level("BAG", place) for place in ("Newark", "Reno", "Austin")} == {
        "Newark": (0, 0), "Reno": (0, 0), "Austin": (1, 0),
    }  # fmt: skip


def test_units_that_nobody_ships_yet_stay_where_the_store_has_them(world: World):
    open_shop(world, Newark=0, Reno=2, Austin=0)
    placed = world.place(("BAG", 3))
    world.settle()

    assert shelves(world)["Reno"] == (0, 1)
    assert sum(work_of(world, placed).values()) == 1
    assert world.open_holds(placed) == ["stock"]


def test_what_the_store_refuses_to_move_leaves_all_the_same_and_is_told(world: World):
    """The store stocks the bag at Newark alone; somebody counted bags at Austin in our books."""
    open_shop(world, Newark=9)
    with world.engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO stock_levels (tenant_id, variant_id, location_id, on_hand) SELECT l.tenant_id, v.id, l.id, 5 "
            "FROM locations l, variants v WHERE l.name = 'Austin'"
        ))  # fmt: skip
        connection.execute(text("UPDATE stock_levels SET on_hand = 0 WHERE on_hand = 9"))
    placed = world.place(("BAG", 1))

    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert [one for one in told(world, placed) if one.startswith("The store keeps another location")] != []
    assert world.rows("SELECT 1 FROM jobs WHERE state = 'parked'") == []
    assert len(world.fulfillments(placed)) == 1


@pytest.mark.parametrize("kind", ["5xx", "cut_after", "429"])
def test_a_store_that_is_away_is_asked_again_and_moves_nothing_twice(world: World, kind: str):
    open_shop(world, Newark=9, Reno=9)
    world.fault(vendor="shopify", kind=kind, operation="fulfillmentOrderMove", times=1, retry_after=1, delay_s=0.01)
    placed = world.place(("BAG", 2))

    world.settle()
    world.hurry()
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert world.rows("SELECT state FROM jobs WHERE kind = 'assign_work'")[-1].state in {"done", "cancelled"}
    assert len(world.fulfillments(placed)) == 1
    assert sum(on_hand for on_hand, _ in shelves(world).values()) == 16


def test_our_own_move_comes_back_as_a_webhook_and_changes_nothing(world: World):
    open_shop(world, Newark=9, Reno=9)
    placed = world.place(("BAG", 2))
    world.settle()
    acts = len(world.calls(effect="true"))
    lines = len(told(world, placed))

    with world.reading() as session:
        queue.add(session, world.tenant, "assign_work", f"order/{world.order(placed).id}")
    world.control("POST", "/deliveries/replay", {"times": 1, "shuffle": True})
    world.heard()
    world.settle()

    assert len(world.calls(effect="true")) == acts
    assert len(told(world, placed)) == lines


def test_a_store_with_one_location_is_not_asked(world: World):
    world.open_shop(locations=[RENO], variants=[variant("BAG", stock={"Reno": 5})])
    world.place(("BAG", 1))
    world.settle()

    assert [call for call in world.calls(vendor="shopify") if call["operation"] == "fulfillmentOrderMove"] == []
    assert world.rows("SELECT 1 FROM intentions WHERE kind = 'assign_work'") == []
