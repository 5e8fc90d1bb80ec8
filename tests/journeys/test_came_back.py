"""What a buyer sends back and the store restocks is told as returned, with its order, and counted once, however it is heard."""

from __future__ import annotations

import pytest

from jobs import desk, runner, stock_desk
from orders.stock_by_hand import Refused, Written
from tests.journeys.test_stock_on_both_sides import in_store, ledger_is_the_levels, level_of
from tests.world import World, variant

REFUND, LEVEL = "refunds/create", "inventory_levels/update"


@pytest.fixture
def sold(world: World) -> dict:
    """Three of ten are sold and have left."""
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10}), variant("MUG", stock={"Reno": 5})])
    placed = world.place(("BAG", 3))
    world.gathered()
    assert (world.order(placed).state, on_hand(world)) == ("fulfilled", 7)
    return placed


def sends_back(world: World, placed: dict, units: int = 2, **more: object) -> None:
    """The merchant takes units back in the store, and its webhooks arrive at the door; nothing reads them yet."""
    world.next_second()
    wish = {"lines": [{"sku": "BAG", "quantity": units}], "location": "Reno"}
    world.control("POST", f"/shopify/orders/{placed['id']}/take-back", wish | more)
    world.heard()


def events(world: World, topic: str) -> list[int]:
    asked = "SELECT id FROM inbox_events WHERE topic = :t AND state = 'received' ORDER BY id"
    return [row.id for row in world.rows(asked, t=topic)]


def hear(world: World, topic: str) -> None:
    """Read the deliveries of this topic, and do all that comes of them, before any other is looked at."""
    waiting = events(world, topic)
    assert waiting
    for event in waiting:
        runner.work_off(world.services, world.tenant, f"event/{event}")
    read(world)


def read(world: World) -> None:
    """The seconds are over in which what the store tells of its stock is gathered."""
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET due_at = now() WHERE kind = 'read_stock' AND state = 'due'")
    runner.work_off(world.services, world.tenant, f"connection/{world.connections['shopify']}")


def lose(world: World, topic: str) -> None:
    """The deliveries of this topic never came."""
    lost = events(world, topic)
    assert lost
    with world.engine.begin() as connection:
        for event in lost:
            connection.exec_driver_sql("DELETE FROM jobs WHERE subject = %(s)s", {"s": f"event/{event}"})
            connection.exec_driver_sql("DELETE FROM inbox_events WHERE id = %(i)s", {"i": event})


def on_hand(world: World, sku: str = "BAG") -> int:
    variant, place = level_of(world, sku)
    (row,) = world.rows(
        "SELECT on_hand FROM stock_levels WHERE variant_id = :v AND location_id = :p", v=variant, p=place
    )
    return int(row.on_hand)


def since_it_left(world: World) -> list[tuple[str, int, str]]:
    """Why the level changed since: cause, units, whose."""
    rows = world.rows(
        "SELECT m.cause, m.on_hand_change AS units, coalesce(o.name, '') AS whose FROM movements m"
        " LEFT JOIN orders o ON o.id = m.order_id WHERE m.id > (SELECT max(id) FROM movements WHERE cause = 'shipped')"
        " AND m.variant_id = :v ORDER BY m.id",
        v=level_of(world)[0],
    )
    return [tuple(row) for row in rows]


def settled(world: World, units: int) -> None:
    """Both sides say so, the ledger adds up, and to read everything again changes nothing."""
    world.gathered()
    assert (on_hand(world), in_store(world)["on_hand"], ledger_is_the_levels(world)) == (units, units, True)
    before = since_it_left(world)
    with world.reading() as session:
        desk.read_catalogue(session, world.tenant, world.connections["shopify"])
    world.gathered()
    assert since_it_left(world) == before


def test_units_that_a_refund_restocks_are_returned_with_their_order(world: World, sold: dict):
    sends_back(world, sold)
    settled(world, 9)

    assert since_it_left(world) == [("returned", 2, sold["name"])]


def test_a_refund_that_is_heard_first_has_the_count_read_and_explains_it(world: World, sold: dict):
    sends_back(world, sold)
    hear(world, REFUND)
    assert since_it_left(world) == [("returned", 2, sold["name"])]

    hear(world, LEVEL)
    settled(world, 9)
    assert since_it_left(world) == [("returned", 2, sold["name"])]


def test_a_count_that_is_heard_first_is_explained_afterwards_and_the_units_are_there_once(world: World, sold: dict):
    sends_back(world, sold)
    hear(world, LEVEL)
    assert since_it_left(world) == [("counted", 2, "")]

    hear(world, REFUND)
    assert since_it_left(world) == [("counted", 2, ""), ("returned", 2, sold["name"]), ("counted", -2, "")]
    settled(world, 9)
    (row,) = world.rows("SELECT reason FROM movements WHERE on_hand_change = -2 AND cause = 'counted'")
    assert row.reason == "What came back had been counted already, or has left again."


@pytest.mark.parametrize("lost", [REFUND, LEVEL])
def test_where_one_of_the_two_is_lost_the_number_is_right_all_the_same(world: World, sold: dict, lost: str):
    sends_back(world, sold)
    lose(world, lost)
    settled(world, 9)

    told = [("counted", 2, "")] if lost == REFUND else [("returned", 2, sold["name"])]
    assert since_it_left(world) == told


@pytest.mark.parametrize("first", [REFUND, LEVEL])
def test_what_is_told_again_and_again_is_counted_once(world: World, sold: dict, first: str):
    sends_back(world, sold)
    hear(world, first)
    world.gathered()
    before = since_it_left(world)
    assert sum(units for _, units, _ in before) == 2

    world.control("POST", "/deliveries/replay", {"times": 2, "shuffle": True})
    settled(world, 9)
    assert since_it_left(world) == before
    assert world.rows("SELECT count(*) AS n FROM returned_units") == [(1,)]


def test_the_rest_of_the_difference_is_counted(world: World, sold: dict):
    sends_back(world, sold)
    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "BAG", "location": "Reno", "on_hand": 14}
    )
    settled(world, 14)

    assert since_it_left(world) == [("returned", 2, sold["name"]), ("counted", 5, "")]


def test_two_returns_of_one_order_are_two(world: World, sold: dict):
    sends_back(world, sold, 1)
    world.gathered()
    sends_back(world, sold, 1)
    settled(world, 9)

    assert since_it_left(world) == [("returned", 1, sold["name"]), ("returned", 1, sold["name"])]


def test_money_alone_and_what_is_thrown_away_moves_nothing(world: World, sold: dict):
    sends_back(world, sold, restock="no_restock", location=None)
    settled(world, 7)

    assert (since_it_left(world), world.rows("SELECT 1 FROM returned_units")) == ([], [])


def test_what_packline_itself_had_taken_back_moves_nothing_when_the_store_tells_of_it(world: World, sold: dict):
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest, mark)"
            " VALUES (%(t)s, 'step/9', 'refund_in_store', 'order/1', 1, '', 'c0ffee00-0000-4000-8000-000000000001')",
            {"t": world.tenant},
        )
    sends_back(world, sold, note="Taken back by Ann (c0ffee00-0000-4000-8000-000000000001)")
    hear(world, REFUND)

    assert (since_it_left(world), world.rows("SELECT 1 FROM returned_units")) == ([], [])
    assert world.rows("SELECT state FROM inbox_events WHERE topic = :t", t=REFUND) == [("taken",)]


def test_a_count_that_began_before_the_refund_was_heard_does_not_explain_it(world: World, sold: dict, monkeypatch):
    """The store was asked, then the units came back: what was answered does not have them."""
    from integrations.storefronts.shopify.storefront import ShopifyStorefront

    read_before = ShopifyStorefront.read_variants

    def slow(self, *asked):
        found = list(read_before(self, *asked))
        monkeypatch.setattr(ShopifyStorefront, "read_variants", read_before)
        sends_back(world, sold)
        for event in events(world, REFUND):
            runner.work_off(world.services, world.tenant, f"event/{event}")
        return iter(found)

    monkeypatch.setattr(ShopifyStorefront, "read_variants", slow)
    with world.reading() as session:
        desk.read_catalogue(session, world.tenant, world.connections["shopify"])
    runner.work_off(world.services, world.tenant, f"connection/{world.connections['shopify']}")
    assert since_it_left(world) in ([], [("returned", 2, sold["name"])])

    settled(world, 9)
    assert since_it_left(world) == [("returned", 2, sold["name"])]


# ------------------------------------------------------------------------------------------- by hand


def take_back(world: World, order: str, units: int = 2, sku: str = "BAG") -> Written | Refused:
    with world.reading() as session:
        return stock_desk.take_back(
            session, world.tenant, level_of(world, sku), units, order=order, reason="too small", by="person:Ann"
        )


def test_what_is_taken_back_by_hand_is_returned_with_its_order_and_told_to_the_store(world: World, sold: dict):
    assert isinstance(take_back(world, sold["name"].removeprefix("#")), Written)
    settled(world, 9)

    assert since_it_left(world) == [("returned", 2, sold["name"])]
    (row,) = world.rows("SELECT actor, reason FROM movements WHERE cause = 'returned'")
    assert (row.actor, row.reason) == ("person:Ann", "too small")


@pytest.mark.parametrize(
    ("order", "sku", "said"),
    [("#4711", "BAG", "There is no order #4711."), ("", "MUG", "has nothing of this in it.")],
)
def test_an_order_that_is_none_or_has_none_of_it_takes_nothing_back(world: World, sold: dict, order, sku, said):
    answer = take_back(world, order or sold["name"], sku=sku)

    assert isinstance(answer, Refused)
    assert (said in answer.reason, answer.field) == (True, "order")
    settled(world, 7)
