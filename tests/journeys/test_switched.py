"""A shop turns to watching and back in the middle of things: no order is lost, taken twice, or taken from before."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import going_live, unknown_places
from records import database
from tests.world import STRIPE_KEY, World


def only_watch(world: World) -> None:
    with world.reading() as session:
        going_live.watch(session, world.tenant, by="person:Ann")


def go_live(world: World, *, since: datetime | None = None) -> int:
    with world.reading() as session:
        return going_live.go_live(session, world.tenant, since=since, by="person:Ann", now=datetime.now(UTC))


def yesterday() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


def mode(world: World) -> str:
    return world.rows("SELECT mode FROM tenants")[0].mode


def run(world: World, sql: str) -> None:
    with world.engine.begin() as connection:
        connection.exec_driver_sql(sql)


def test_an_order_from_before_the_day_of_which_only_the_id_was_known_is_left_alone(world: World):
    world.open_shop()
    only_watch(world)
    placed = world.place(("BAG", 1))
    world.settle()
    # As a word about its payment or its work makes it, where that comes before the order's own.
    run(world, "UPDATE orders SET state = 'received', placed_at = NULL, remote_updated_at = NULL, content_digest = ''")
    world.next_second()

    assert go_live(world) == 0
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("closed", [])
    assert (world.labels_bought(), world.fulfillments(placed)) == ([], [])


def test_an_order_of_which_only_the_id_was_known_ships_when_its_day_is_not_before(world: World):
    world.open_shop()
    only_watch(world)
    placed = world.place(("BAG", 1))
    world.settle()
    run(world, "UPDATE orders SET state = 'received', placed_at = NULL, remote_updated_at = NULL, content_digest = ''")

    go_live(world, since=yesterday())
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1


@pytest.mark.parametrize("settles", [True, False], ids=["seen by who turns", "claimed while somebody turns"])
def test_an_order_in_hand_when_the_shop_turns_to_watching_is_watched(
    world: World, monkeypatch: pytest.MonkeyPatch, settles: bool
):
    world.open_shop()
    unknown, modes = unknown_places.read, []

    def turned_meanwhile(*given):
        if not modes:
            only_watch(world) if settles else run(world, "UPDATE tenants SET mode = 'shadow'")
            modes.append(mode(world))
        return unknown(*given)

    monkeypatch.setattr(unknown_places, "read", turned_meanwhile)
    placed = world.place(("BAG", 1))
    world.settle()
    world.hurry()
    world.settle()
    with database.across_tenants(world.engine, why="the clock's chore") as session:
        going_live.settle_all(session)

    assert modes == ["settling" if settles else "shadow"]
    assert (world.order(placed).state, mode(world)) == ("watched", "shadow")
    assert [row.key for row in world.rows("SELECT key FROM shadow_decisions")] == ["ship"]
    assert world.unfinished() == []
    assert world.labels_bought() == []


def test_money_that_came_while_the_shop_watched_is_told_to_the_store_when_it_goes_live(world: World):
    world.open_shop()
    only_watch(world)
    placed = world.place(("BAG", 1), financial_status="pending")
    world.control(
        "POST",
        "/stripe/payments",
        {
            "key": STRIPE_KEY, "amount": 1700, "currency": "usd", "outcome": "succeeded",
            "metadata": {"order_name": placed["name"]},
        },
    )  # fmt: skip
    world.settle()
    assert world.order(placed).state == "watched"
    assert world.calls(vendor="shopify", operation="orderMarkAsPaid") == []

    go_live(world, since=yesterday())
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.calls(vendor="shopify", operation="orderMarkAsPaid", effect="true")) == 1


def test_scans_that_came_while_the_shop_watched_are_told_to_the_store_when_it_goes_live(world: World):
    world.open_shop()
    placed, still = world.place(("BAG", 1)), world.place(("BAG", 1))
    world.settle()
    only_watch(world)
    assert mode(world) == "shadow"
    code = world.rows("SELECT tracking_code FROM parcels WHERE order_id = :o", o=world.order(placed).id)[0][0]
    world.control("POST", f"/easypost/trackers/{code}/move", {"status": "in_transit"})
    world.settle()
    assert [made["events"] for made in world.fulfillments(placed)] == [[]]

    go_live(world)
    world.settle()

    told = [[event["status"] for event in made["events"]] for made in world.fulfillments(placed)]
    assert told == [["IN_TRANSIT"]]
    asked = world.rows("SELECT subject FROM jobs WHERE kind = 'report_parcel' AND state = 'done'")
    assert len(asked) == 1
    assert [made["events"] for made in world.fulfillments(still)] == [[]]
