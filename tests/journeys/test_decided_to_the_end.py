"""What a watching shop decides is decided to its end: no price is lost on the way, and no unit is promised twice."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from integrations.nouns import ShippedLine, TrackingLabel
from jobs import runner
from tests.dying import work_off_until
from tests.journeys.test_shadowed import decision, only_watch, ship_by_hand
from tests.world import World, variant


@pytest.fixture
def watching(world: World) -> World:
    world.open_shop(variants=[variant("BAG"), variant("STOOL", stock={"Reno": 2})])
    only_watch(world)
    return world


def edited(world: World, *, units: int) -> dict:
    """An order that was decided, and is changed in the store."""
    placed = world.place(("BAG", 1))
    world.settle()
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"lines": [{"sku": "BAG", "quantity": units}]})
    return placed


def until_decided(world: World, *, run: Callable[[str], None]) -> None:
    """Let all be done up to the decision, and have that one run as is told."""
    for _ in range(60):
        world.heard()
        lanes = world.due_lanes()
        if not lanes:
            continue
        next_up = world.rows(
            "SELECT kind FROM jobs WHERE state = 'due' AND due_at <= now() AND lane = :l ORDER BY rank, id", l=lanes[0]
        )
        if next_up[0].kind == "reserve_stock":
            return run(lanes[0])
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(runner, "JOBS_IN_A_ROW", 1)
            runner.work_off(world.services, world.tenant, lanes[0])
    raise AssertionError("nothing was decided")


def die_at(world: World, lane: str, boundary: int) -> bool:
    """Work a lane off until the n-th boundary, and be gone; answers whether it got that far."""
    died = work_off_until(world, lane, boundary) == boundary
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due', due_at = now() WHERE state = 'running'"))
    return died


def test_a_carrier_that_is_away_while_an_order_is_decided_anew_costs_no_price(watching: World):
    placed = edited(watching, units=40)
    watching.fault(vendor="easypost", kind="5xx", operation="*", times=3)

    for _ in range(6):
        watching.settle()
        watching.hurry()

    made = decision(watching, placed)
    assert made.decided["cost_minor"] > 640
    assert "no price" not in made.sentence
    assert watching.unfinished() == []


def test_wherever_a_run_dies_the_decision_has_its_price_in_the_end(watching: World):
    boundary, died = 0, True
    while died:
        boundary += 1
        placed = edited(watching, units=40)
        ended: list[bool] = []
        until_decided(watching, run=lambda lane, at=boundary, told=ended: told.append(die_at(watching, lane, at)))
        watching.settle()

        died = ended[0]
        assert decision(watching, placed).decided["cost_minor"] > 640, boundary
        assert watching.order(placed).state == "watched"
        ship_by_hand(watching, placed)
        watching.settle()
    assert boundary > 6


def test_what_is_decided_and_priced_is_not_asked_about_again(watching: World):
    placed = watching.place(("BAG", 1))
    watching.settle()
    before = len(watching.calls(vendor="easypost"))

    with watching.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due', due_at = now() WHERE kind = 'reserve_stock'"))
    watching.settle()

    assert len(watching.calls(vendor="easypost")) == before
    assert decision(watching, placed).decided["priced"] is True


def test_what_the_merchant_has_shipped_in_part_is_decided_about_the_rest_and_promised_to_nobody_else(watching: World):
    first = watching.place(("STOOL", 2))
    watching.settle()
    assert watching.order(first).state == "watched"

    watching.next_second()
    line = watching.rows("SELECT remote_id FROM order_lines")[0].remote_id
    watching.storefront().announce(
        first["admin_graphql_api_id"], [ShippedLine(line_remote_id=line, units=1)],
        TrackingLabel(carrier="UPS", numbers=("1Z1",)), tell_buyer=False,
    )  # fmt: skip
    watching.settle()
    watching.read_catalogue()
    assert watching.level("STOOL", "Reno") == (1, 0)
    second = watching.place(("STOOL", 1))
    watching.settle()

    assert decision(watching, first).merchant_did["numbers"] == ["1Z1"]
    assert [pick["units"] for pick in decision(watching, first).decided["picks"]] == [1]
    assert (watching.order(first).state, watching.order(second).state) == ("watched", "released")
    assert watching.open_holds(second) == ["stock"]

    ship_by_hand(watching, first, "1Z2")
    watching.settle()
    assert watching.order(first).state == "closed"
    assert decision(watching, first).merchant_did["numbers"] == ["1Z1", "1Z2"]
    assert watching.rows("SELECT order_id FROM shadow_decisions WHERE key = 'ship' AND compared_at IS NULL") == []
