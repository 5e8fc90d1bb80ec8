"""The store may show a parcel whose announcement nobody knows the end of: it is asked before anything is decided."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from integrations.ports import Temporary
from jobs import announcements, desk, queue, steps
from orders.reversing import Wish
from tests.world import BUYER, World, variant

ANN = "person:Ann"
CANCEL = Wish(purpose="cancel", reason="buyer")


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    yield
    steps.listen(None)


def in_doubt(world: World, *lines: tuple[str, int]) -> dict:
    """An order that the store shows as shipped, of which neither the answer nor any reading reached us."""
    lost = False

    def listener(boundary: str) -> None:
        nonlocal lost
        lost = lost or boundary.startswith("called shopify Announce")
        if lost and boundary.startswith("called shopify"):
            raise Temporary("The answer was lost.", code="lost", outcome_unknown=True)

    steps.listen(listener)
    placed = world.place(*lines)
    world.settle()
    steps.listen(None)
    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["labelled"]
    assert shown(world, placed) == [("success", tracking_codes(world))]
    later(world)
    return placed


def later(world: World) -> None:
    """Let the next try of telling the store lie ahead."""
    change(world, "UPDATE jobs SET due_at = now() + interval '1 hour' WHERE state = 'due' AND kind = 'push_tracking'")


def never_arrived(world: World, *lines: tuple[str, int]) -> dict:
    """An order whose process died before the store was told anything."""
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(*lines)
    world.settle()
    assert [row.state for row in announced(world)] == ["abandoned"]  # a plain no leaves no doubt
    change(world, "UPDATE intentions SET state = 'intended', ended_at = NULL WHERE kind = 'push_tracking'")
    return placed


def change(world: World, sql: str) -> None:
    with world.engine.begin() as connection:
        connection.execute(text(sql))


def time_passes(world: World) -> None:
    """More of it than a store may be at work on what it was told."""
    ago = f"now() - interval '{announcements.MAY_TAKE.total_seconds() + 1} s'"
    change(world, f"UPDATE intentions SET keyed_at = {ago} WHERE kind = 'push_tracking'")
    change(world, f"UPDATE jobs SET started_at = {ago} WHERE kind = 'push_tracking'")
    world.hurry_but_voids()
    world.settle()


def begin(world: World, placed: dict, wish: Wish = CANCEL) -> None:
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, wish, by=ANN)
    world.settle()


def one_bag_less(world: World) -> Wish:
    (line,) = world.rows("SELECT id FROM order_lines")
    return Wish(purpose="cancel_lines", wanted={line.id: 1}, reason="buyer")


def verify(world: World, placed: dict) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
    world.settle()


def announced(world: World) -> list:
    return world.rows("SELECT key, state FROM intentions WHERE kind = 'push_tracking' ORDER BY id")


def tracking_codes(world: World) -> list[str]:
    return [row.tracking_code for row in world.rows("SELECT tracking_code FROM parcels ORDER BY id")]


def shown(world: World, placed: dict) -> list[tuple[str, list[str]]]:
    """What the buyer sees: the standing of each fulfillment, and its numbers."""
    return [(one["status"].lower(), [told["number"] for told in one["tracking"]]) for one in world.fulfillments(placed)]


def given_back(world: World) -> list[str]:
    return [one["tracking_code"] for one in world.labels_bought() if one["refund_status"]]


def step_states(world: World) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in world.rows("SELECT kind, state FROM reversal_steps ORDER BY position")]


def jobs(world: World, kind: str) -> list[tuple[str, str]]:
    return [
        (row.state, row.cause) for row in world.rows("SELECT * FROM jobs WHERE kind = :kind ORDER BY id", kind=kind)
    ]


# ------------------------------------------------------------------------------------------- an order looked at anew


@pytest.mark.parametrize("address_edited", [False, True])
def test_an_order_that_is_looked_at_in_between_waits_until_the_store_has_said_what_it_shows(
    world: World, address_edited: bool
):
    world.open_shop()
    placed = in_doubt(world, ("BAG", 3))
    (code,) = tracking_codes(world)

    if address_edited:
        world.next_second()
        world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"ship_to": BUYER | {"address1": "1 Market St"}})
        world.settle()
    else:
        verify(world, placed)
    assert world.rows("SELECT id FROM reversals") == []
    assert world.level("BAG", "Reno") == (100, 3)
    for _ in range(2):
        world.hurry_but_voids()
        world.settle()

    assert world.order(placed).state == "fulfilled"
    assert [row.to_ship for row in world.rows("SELECT to_ship FROM order_lines")] == [3]
    assert (shown(world, placed), given_back(world)) == ([("success", [code])], [])
    assert len(world.labels_bought()) == 1
    assert world.level("BAG", "Reno") == (97, 0)
    assert world.open_holds(placed) == (["edit"] if address_edited else [])
    assert world.rows("SELECT id FROM reversals") == []


@pytest.mark.parametrize("because", ["parked", "held"])
def test_where_telling_the_store_cannot_go_on_it_is_asked_itself(world: World, because: str):
    world.open_shop()
    placed = in_doubt(world, ("BAG", 3))
    if because == "parked":
        change(world, "UPDATE jobs SET state = 'parked', cause = 'lost' WHERE kind = 'push_tracking'")
    else:
        with world.reading() as session:
            desk.hold(session, world.tenant, world.order(placed).id, reason="Wait.", by=ANN)

    verify(world, placed)

    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["announced"]
    assert world.order(placed).state == "fulfilled"
    assert world.level("BAG", "Reno") == (97, 0)
    assert given_back(world) == []
    assert jobs(world, "verify_order")[-1][0] == "done"


def test_what_never_reached_the_store_is_given_up_only_when_it_cannot_arrive_any_more(world: World):
    world.open_shop()
    placed = never_arrived(world, ("BAG", 3))
    change(world, "UPDATE jobs SET state = 'parked', cause = 'lost' WHERE kind = 'push_tracking'")

    verify(world, placed)
    assert jobs(world, "verify_order")[-1] == ("due", "early")
    assert [row.state for row in announced(world)] == ["intended"]
    time_passes(world)

    assert jobs(world, "verify_order")[-1][0] == "done"
    assert world.order(placed).state == "fulfilled"  # it was told once more, as the order goes on
    assert shown(world, placed) == [("success", tracking_codes(world))]


# ------------------------------------------------------------------------------------------- an order taken back


def test_a_whole_order_whose_announcement_is_in_doubt_is_taken_back_like_one_that_was_announced(world: World):
    world.open_shop()
    placed = in_doubt(world, ("BAG", 3))
    (code,) = tracking_codes(world)

    begin(world, placed)

    assert world.order(placed).state == "cancelled"
    assert (shown(world, placed), given_back(world)) == ([("cancelled", [code])], [code])
    assert [kind for kind, state in step_states(world) if state == "done"] == [
        "stop_work", "settle_announcement", "cancel_fulfillment", "put_back_stock", "void_label", "cancel_in_store",
    ]  # fmt: skip
    assert world.level("BAG", "Reno") == (100, 0)
    assert world.store_orders()[placed["name"]]["cancelled"] is True
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []


def test_a_part_is_taken_back_and_the_units_that_stay_leave_with_a_number_of_their_own(world: World):
    world.open_shop()
    placed = in_doubt(world, ("BAG", 3))
    (first,) = tracking_codes(world)
    world.next_second()

    begin(world, placed, one_bag_less(world))
    world.hurry_but_voids()
    world.settle()

    _, second = tracking_codes(world)
    assert shown(world, placed) == [("cancelled", [first]), ("success", [second])]
    assert given_back(world) == [first]
    assert [(row.units, row.to_ship) for row in world.rows("SELECT units, to_ship FROM order_lines")] == [(2, 2)]
    assert (world.order(placed).state, world.level("BAG", "Reno")) == ("fulfilled", (98, 0))


def test_what_never_reached_the_store_is_waited_for_before_its_label_goes_back(world: World):
    world.open_shop()
    placed = never_arrived(world, ("BAG", 3))

    begin(world, placed)
    assert jobs(world, "reverse_order") == [("due", "early")]
    assert (given_back(world), world.level("BAG", "Reno")) == ([], (100, 3))
    time_passes(world)

    assert world.order(placed).state == "cancelled"
    assert (shown(world, placed), given_back(world)) == ([], tracking_codes(world))
    assert [kind for kind, state in step_states(world) if state == "done"] == [
        "stop_work", "settle_announcement", "release_stock", "void_label", "cancel_in_store",
    ]  # fmt: skip
    assert [row.state for row in announced(world)] == ["abandoned"]


# ------------------------------------------------------------------------------------------- half of a shipment


def half_told(world: World) -> dict:
    """A shipment of two boxes with two carriers, of which the store was told the first box only."""
    world.open_shop(variants=[variant("ANVIL", grams=15_000)])
    labelled = False

    def listener(boundary: str) -> None:
        nonlocal labelled
        if boundary.startswith("called shopify Announce"):
            raise Crash
        if not labelled and world.rows("SELECT 1 FROM shipments WHERE state = 'labelled'"):
            labelled = True
            change(world, "UPDATE parcels SET carrier = 'UPS' WHERE id = (SELECT max(id) FROM parcels)")

    steps.listen(listener)
    placed = world.place(("ANVIL", 2))
    with pytest.raises(Crash):
        world.settle()
    steps.listen(None)
    change(world, "UPDATE jobs SET state = 'due' WHERE state = 'running'")
    later(world)
    assert shown(world, placed) == [("success", tracking_codes(world)[:1])]
    return placed


def test_a_shipment_that_the_store_shows_by_half_is_taken_back_as_a_whole(world: World):
    placed = half_told(world)

    begin(world, placed)

    assert world.order(placed).state == "cancelled"
    assert shown(world, placed) == [("cancelled", tracking_codes(world)[:1])]
    assert sorted(given_back(world)) == sorted(tracking_codes(world))
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []


def test_half_of_a_shipment_is_a_matter_for_a_person_where_telling_the_rest_was_given_up(world: World):
    placed = half_told(world)
    change(world, "UPDATE jobs SET state = 'parked', cause = 'lost' WHERE kind = 'push_tracking'")

    verify(world, placed)
    assert jobs(world, "verify_order")[-1] == ("parked", "half_announced")
    assert given_back(world) == []

    (parked,) = world.rows("SELECT id FROM jobs WHERE kind = 'push_tracking' AND state = 'parked'")
    with world.reading() as session:
        assert desk.retry(session, world.tenant, parked.id, by=ANN)
    world.settle()
    assert shown(world, placed) == [("success", [code]) for code in tracking_codes(world)]
    assert world.order(placed).state == "fulfilled"


def test_a_part_of_a_half_told_shipment_has_the_rest_told_before_it_is_taken_back(world: World):
    placed = half_told(world)
    world.next_second()

    begin(world, placed, one_bag_less(world))
    world.hurry_but_voids()
    world.settle()

    codes = tracking_codes(world)
    assert shown(world, placed) == [("cancelled", [one]) for one in codes[:2]] + [("success", [codes[2]])]
    assert sorted(given_back(world)) == sorted(codes[:2])
    assert world.order(placed).state == "fulfilled"
