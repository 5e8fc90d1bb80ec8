"""What is free, and not split further by the merchant's rule, is the merchant's to let go: no buyer is asked about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs import desk
from orders.routing import decision
from orders.routing.question import Question
from records.routing import RoutingRules
from records.tenants import Rules
from tests.journeys.test_changed import edit
from tests.journeys.test_made_to_order import takes
from tests.world import SHOP, World, variant


def open_shop(world: World, *, minutes: int = 0, **routing: Any) -> None:
    """Bags for an order lie in two places, mugs nowhere; buyers are asked about what is short, and refunded."""
    world.open_shop(
        variants=[variant("BAG", stock={"Reno": 2, "Newark": 1}), variant("MUG", stock={"Reno": 0, "Newark": 0})],
        rules=Rules(
            routing=RoutingRules(**routing), ask_when_short=True, while_asked="ship_what_is_there",
            when_unanswered="refund", minutes_to_change=minutes,
        ),
    )  # fmt: skip


def lands(world: World, sku: str, place: str, units: int) -> None:
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": sku, "location": place, "on_hand": units})
    world.read_catalogue()
    world.settle()


def let_go(world: World, placed: dict[str, Any]) -> None:
    with world.reading() as session:
        order = world.order(placed).id
        assert desk.release_hold(session, world.tenant, order, "not_split", by="person:Ann", now=datetime.now(UTC))
    world.settle()


def holds(world: World) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in world.rows("SELECT kind, state FROM holds ORDER BY id")]


def left(world: World) -> list[tuple[str, str, int]]:
    """What leaves in shipments that stand: from where, and how many units of which line."""
    return [
        tuple(row)
        for row in world.rows(
            "SELECT l.name, line.sku, sl.units FROM shipments s JOIN locations l ON l.id = s.location_id"
            " JOIN shipment_lines sl ON sl.shipment_id = s.id JOIN order_lines line ON line.id = sl.line_id"
            " WHERE s.state <> 'cancelled' ORDER BY s.id, line.id"
        )
    ]


def asked_and_written(world: World) -> tuple[int, int]:
    """Buyers' questions, and letters to them."""
    return len(world.rows("SELECT 1 FROM choices")), len(world.letters())


def replays(world: World) -> bool:
    rows = world.rows("SELECT question, digest FROM routing_decisions")
    return bool(rows) and all(
        decision.digest(decision.decide(Question.model_validate(row.question))) == row.digest for row in rows
    )


@pytest.mark.parametrize(
    ("routing", "said"),
    [
        ({"most_shipments": 1}, "no order is split"),
        ({"split_from_units": 4}, "no order of fewer than 4 units is split"),
    ],
)
def test_the_rest_stays_until_a_person_lets_it_leave_and_its_buyer_hears_nothing(world: World, routing, said):
    open_shop(world, **routing)
    placed = world.place(("BAG", 3))
    world.settle()

    (hold,) = world.rows("SELECT kind, state, reason FROM holds")
    assert tuple(hold) == ("not_split", "open", f"Not split by your rule ({said}): 1 × BAG could leave from Newark.")
    assert (left(world), world.order(placed).state) == ([("Reno", "BAG", 2)], "shipping")
    (kept,) = world.rows("SELECT sentence FROM routing_decisions ORDER BY id LIMIT 1")
    assert kept.sentence == f"Only a part of it leaves: 2 from Reno. By your rule ({said}) these stay: 1 in Newark."

    lands(world, "MUG", "Reno", 7)

    assert (left(world), len(world.labels_bought())) == ([("Reno", "BAG", 2)], 1)
    assert (holds(world), asked_and_written(world)) == ([("not_split", "open")], (0, 0))
    assert world.rows("SELECT sentence FROM routing_decisions ORDER BY id DESC LIMIT 1") == [
        (f"Nothing more of it leaves. By your rule ({said}) these stay: 1 in Newark.",)
    ]

    let_go(world, placed)

    assert left(world) == [("Reno", "BAG", 2), ("Newark", "BAG", 1)]
    assert (world.order(placed).state, len(world.labels_bought())) == ("fulfilled", 2)
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((0, 0), (0, 0))
    assert (holds(world), asked_and_written(world)) == ([("not_split", "released")], (0, 0))
    (last,) = world.rows("SELECT sentence FROM routing_decisions ORDER BY id DESC LIMIT 1")
    assert last.sentence == f"From Newark: the only place that had everything. A person let it leave though {said}."
    assert replays(world)


def test_what_a_person_let_go_counts_once(world: World):
    open_shop(world, most_shipments=1)
    placed = world.place(("BAG", 3), ("MUG", 1))
    world.settle()
    assert holds(world) == [("stock", "open"), ("not_split", "open")]
    assert [row.short for row in world.rows("SELECT short FROM choices")] == [
        {str(row.id): 1 for row in world.rows("SELECT id FROM order_lines WHERE sku = 'MUG'")}
    ]

    let_go(world, placed)
    assert left(world) == [("Reno", "BAG", 2), ("Newark", "BAG", 1)]

    lands(world, "MUG", "Newark", 1)

    assert left(world) == [("Reno", "BAG", 2), ("Newark", "BAG", 1)]
    assert holds(world) == [("stock", "released"), ("not_split", "released"), ("not_split", "open")]
    assert [row.answered_by for row in world.rows("SELECT answered_by FROM choices")] == ["stock"]

    let_go(world, placed)

    assert left(world)[2:] == [("Newark", "MUG", 1)]
    assert (world.order(placed).state, len(world.labels_bought())) == ("fulfilled", 3)


def test_it_goes_on_by_itself_where_it_can_leave_with_the_rest(world: World):
    open_shop(world, minutes=60, most_shipments=1)
    world.place(("BAG", 3))
    world.settle()
    assert (left(world), holds(world)) == ([("Reno", "BAG", 2)], [("not_split", "open")])

    lands(world, "BAG", "Reno", 3)

    assert (left(world), holds(world)) == ([("Reno", "BAG", 3)], [("not_split", "released")])
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((3, 3), (1, 0))


def test_a_shop_that_sends_all_at_once_or_nothing_sends_nothing_until_a_person_lets_it_be_split(world: World):
    world.open_shop(
        variants=[variant("BAG", stock={"Reno": 2, "Newark": 1})],
        rules=Rules(routing=RoutingRules(most_shipments=1), ask_when_short=True, when_short="wait_for_all"),
    )
    placed = world.place(("BAG", 3))
    world.settle()
    assert (left(world), holds(world), asked_and_written(world)) == ([], [("not_split", "open")], (0, 0))

    let_go(world, placed)

    assert sorted(left(world)) == [("Newark", "BAG", 1), ("Reno", "BAG", 2)]
    assert (world.order(placed).state, holds(world)) == ("fulfilled", [("not_split", "released")])


def test_what_is_given_up_in_the_store_is_held_no_more(world: World):
    open_shop(world, most_shipments=1)
    placed = world.place(("BAG", 3))
    world.settle()

    edit(world, placed, ("BAG", 2))

    assert (world.order(placed).state, left(world)) == ("fulfilled", [("Reno", "BAG", 2)])
    assert holds(world) == [("not_split", "released")]


def test_what_is_to_be_made_first_leaves_with_the_rest_where_it_would_be_a_shipment_too_many(world: World):
    world.open_shop(
        variants=[variant("BAG", stock={"Reno": 2}), variant("MUG", stock={"Reno": 2})],
        rules=Rules(routing=RoutingRules(most_shipments=1), minutes_to_change=60),
    )
    takes(world, "MUG", 10)
    placed = world.place(("BAG", 1))
    world.settle()

    edit(world, placed, ("MUG", 1))

    assert (left(world), holds(world)) == ([("Reno", "BAG", 1), ("Reno", "MUG", 1)], [])
    assert len(world.rows("SELECT 1 FROM shipments WHERE state <> 'cancelled'")) == 1
