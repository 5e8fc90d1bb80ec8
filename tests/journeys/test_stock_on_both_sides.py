"""Stock is the same on both sides, whoever changes it: the store is read where it says so, and told of what is done here."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from jobs import runner, steps, stock_desk, tell_stock
from orders import stock_by_hand
from orders.stock_by_hand import Change, Said, Written
from tests.world import NEWARK, SHOP, World, variant

BOTH = {"Reno": 10, "Newark": 4}
BY_ANN = {"reason": "found", "reference": "", "by": "person:Ann"}


@pytest.fixture
def shop(world: World) -> World:
    world.open_shop(variants=[variant("BAG", stock=BOTH), variant("MUG", stock={"Reno": 5})])
    return world


def in_store(world: World, sku: str = "BAG", place: str = "Reno") -> dict[str, Any]:
    """The store's own count of a level."""
    levels = world.control("GET", f"/shopify/inventory?shop={SHOP}")["levels"]
    return next(level for level in levels if (level["sku"], level["location"]) == (sku, place))


def count_in_store(world: World, on_hand: int, sku: str = "BAG", place: str = "Reno", **more: Any) -> None:
    wish = {"shop": SHOP, "sku": sku, "location": place, "on_hand": on_hand}
    world.control("POST", "/shopify/inventory", wish | more)


def count_here(world: World, on_hand: int, sku: str = "BAG", place: str = "Reno") -> None:
    """Ann counts a level; the store is to be told."""
    with world.reading() as session:
        stock_desk.count(session, world.tenant, level_of(world, sku, place), on_hand, **BY_ANN)


def find_here(world: World, more: int, sku: str = "BAG", place: str = "Reno") -> None:
    """Ann corrects a level by so many units; the store is to be told."""
    with world.reading() as session:
        stock_desk.adjust(session, world.tenant, level_of(world, sku, place), more, **BY_ANN)


def level_of(world: World, sku: str = "BAG", place: str = "Reno") -> tuple[int, int]:
    (row,) = world.rows(
        "SELECT v.id AS variant, l.id AS place FROM variants v, locations l WHERE v.sku = :sku AND l.name = :place",
        sku=sku,
        place=place,
    )
    return (row.variant, row.place)


def ledger_is_the_levels(world: World) -> bool:
    return not world.rows(
        "SELECT 1 FROM stock_levels s LEFT JOIN (SELECT variant_id, location_id, sum(on_hand_change) AS hand, "
        "sum(damaged_change) AS damaged, sum(safety_change) AS safety FROM movements GROUP BY 1, 2) m "
        "USING (variant_id, location_id) WHERE s.on_hand <> coalesce(m.hand, 0) OR s.damaged <> coalesce(m.damaged, 0) "
        "OR s.safety <> coalesce(m.safety, 0)"
    )


def movements(world: World) -> list[tuple[str, str, int]]:
    return [
        (row.actor, row.cause, row.on_hand_change)
        for row in world.rows("SELECT actor, cause, on_hand_change FROM movements WHERE order_id IS NULL ORDER BY id")
    ]


# ------------------------------------------------------------------------------------------- heard


def test_what_is_counted_in_the_store_is_read_and_taken_over(shop: World):
    count_in_store(shop, 7)

    shop.gathered()

    assert shop.level("BAG", "Reno") == (7, 0)
    assert shop.level("BAG", "Newark") == (4, 0)
    assert shop.rows("SELECT 1 FROM outdated") == []
    assert ledger_is_the_levels(shop)


def test_the_number_in_a_webhook_is_never_taken(shop: World):
    shop.control("POST", "/deliveries/plan", {"paused": True, "shuffle": True})
    for on_hand in (3, 8, 6):
        count_in_store(shop, on_hand)
    shop.control("POST", "/deliveries/plan", {})

    shop.gathered()

    assert shop.level("BAG", "Reno") == (6, 0)
    assert movements(shop)[-1] == ("packline", "counted", -4)


def test_a_burst_of_webhooks_is_a_handful_of_readings(shop: World):
    before = len(shop.calls(operation="shop"))
    for on_hand in range(20, 80):
        count_in_store(shop, on_hand)
        count_in_store(shop, on_hand, sku="MUG")

    shop.gathered()

    heard = shop.rows("SELECT 1 FROM inbox_events WHERE topic = 'inventory_levels/update' AND state = 'taken'")
    asked = len(shop.calls(operation="shop")) - before
    assert len(heard) == 120
    assert 1 <= asked <= 3
    assert (shop.level("BAG", "Reno"), shop.level("MUG", "Reno")) == ((79, 0), (79, 0))


def test_what_is_told_while_it_is_read_is_read_once_more(shop: World, monkeypatch: pytest.MonkeyPatch):
    count_in_store(shop, 7)
    shop.heard()
    shop.work_off()
    told_again = []

    def told_meanwhile(name: str) -> None:
        if name == "called shopify ReadNamedVariants" and not told_again:
            told_again.append(name)
            count_in_store(shop, 9)
            shop.heard()
            runner.work_off(shop.services, shop.tenant, shop.due_lanes()[0])
        passed(name)

    passed = steps.passed
    monkeypatch.setattr(steps, "passed", told_meanwhile)
    shop.gathered()

    assert told_again == ["called shopify ReadNamedVariants"]
    assert shop.level("BAG", "Reno") == (9, 0)


def test_units_of_an_order_are_taken_once_though_the_store_takes_them_too(shop: World):
    placed = shop.place(("BAG", 3))
    shop.gathered()

    assert shop.order(placed).state == "fulfilled"
    assert shop.level("BAG", "Reno") == (7, 0)
    assert in_store(shop)["on_hand"] == 7
    assert [row for row in movements(shop) if row[2] < 0] == []
    assert ledger_is_the_levels(shop)


def test_damaged_units_in_the_store_are_not_sold_here(shop: World):
    count_in_store(shop, 10, damaged=4)

    shop.gathered()

    (level,) = shop.rows(
        "SELECT s.on_hand, s.damaged FROM stock_levels s JOIN locations l ON l.id = s.location_id "
        "JOIN variants v ON v.id = s.variant_id WHERE v.sku = 'BAG' AND l.name = 'Reno'"
    )
    assert tuple(level) == (10, 4)
    assert ledger_is_the_levels(shop)


def test_a_new_product_is_here_before_anybody_orders_it(shop: World):
    shop.control(
        "POST", "/shopify/products", {"shop": SHOP, "title": "Pot", "variants": [{"sku": "POT", "stock": {"Reno": 2}}]}
    )

    shop.gathered()

    assert shop.level("POT", "Reno") == (2, 0)


def product_of(world: World, sku: str) -> tuple[int, int]:
    """The store's numbers of a product and its variant."""
    (row,) = world.rows("SELECT product_remote_id, remote_id FROM variants WHERE sku = :sku", sku=sku)
    return (int(row.product_remote_id.rpartition("/")[2]), int(row.remote_id.rpartition("/")[2]))


@pytest.mark.parametrize("gone", ["product", "variant", "product, but for its webhook"])
def test_stock_of_what_the_store_sells_no_more_is_counted_out_with_the_reason(shop: World, gone: str):
    product, mug = product_of(shop, "MUG")
    if gone == "variant":
        shop.control("POST", f"/shopify/variants/{mug}/delete", {})
    else:
        shop.control("POST", "/deliveries/plan", {"drop": 1.0 if "but" in gone else 0.0})
        shop.control("POST", f"/shopify/products/{product}/delete", {})
        shop.control("POST", "/deliveries/plan", {})
    if "but" in gone:
        shop.read_catalogue()

    shop.gathered()

    deleted_all = gone != "variant"
    assert shop.level("MUG", "Reno") == (0, 0)
    assert shop.level("BAG", "Reno") == ((0, 0) if deleted_all else (10, 0))
    reasons = {row.reason for row in shop.rows("SELECT reason FROM movements WHERE on_hand_change < 0")}
    assert reasons == {"the store sells this no more"}
    assert ledger_is_the_levels(shop)


def test_units_that_orders_hold_of_what_is_gone_stay_theirs_and_a_person_is_told(shop: World):
    shop.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = shop.place(("MUG", 2))
    shop.settle()
    assert shop.level("MUG", "Reno") == (5, 2)
    shop.control("POST", f"/shopify/variants/{product_of(shop, 'MUG')[1]}/delete", {})

    shop.gathered()

    assert shop.level("MUG", "Reno") == (2, 2)
    (hold,) = shop.rows("SELECT kind, reason, remedy FROM holds WHERE state = 'open'")
    assert hold.kind == "stock_gone"
    assert "2 × MUG at Reno" in hold.reason
    assert "release the hold" in hold.remedy
    assert shop.open_holds(placed) == ["stock_gone"]


def place_number(world: World, name: str) -> int:
    (row,) = world.rows("SELECT remote_id FROM locations WHERE name = :name", name=name)
    return int(row.remote_id.rpartition("/")[2])


def ships(world: World, name: str) -> bool:
    (row,) = world.rows("SELECT ships FROM locations WHERE name = :name", name=name)
    return bool(row.ships)


def test_a_closed_location_ships_nothing_and_an_opened_one_is_read_again(shop: World):
    newark = place_number(shop, "Newark")
    shop.control("POST", f"/shopify/locations/{newark}/close", {})

    shop.gathered()

    assert (ships(shop, "Newark"), ships(shop, "Reno")) == (False, True)
    assert (shop.level("BAG", "Newark"), shop.level("BAG", "Reno")) == ((0, 0), (10, 0))
    (gone,) = shop.rows("SELECT reason FROM movements WHERE on_hand_change < 0")
    assert gone.reason == "the store has closed this location"

    shop.control("POST", f"/shopify/locations/{newark}/open", {})
    shop.gathered()

    assert ships(shop, "Newark")
    assert shop.level("BAG", "Newark") == (4, 0)


def test_a_deleted_location_whose_webhook_was_lost_is_found_by_the_next_reading(shop: World):
    newark = place_number(shop, "Newark")
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    shop.control("POST", f"/shopify/locations/{newark}/close", {})
    shop.control("POST", f"/shopify/locations/{newark}/delete", {})
    shop.control("POST", "/deliveries/plan", {})

    shop.read_catalogue()

    assert not ships(shop, "Newark")
    assert shop.level("BAG", "Newark") == (0, 0)


def test_a_new_location_is_here_with_what_lies_there(shop: World):
    shop.control("POST", "/shopify/locations", {"shop": SHOP, **(NEWARK | {"name": "Boston"})})
    count_in_store(shop, 3, place="Boston")

    shop.gathered()

    assert ships(shop, "Boston")
    assert shop.level("BAG", "Boston") == (3, 0)


def test_what_is_kept_at_a_location_no_more_is_counted_out_there_alone(shop: World):
    shop.control("POST", "/shopify/inventory/disconnect", {"shop": SHOP, "sku": "BAG", "location": "Newark"})

    shop.gathered()

    assert (shop.level("BAG", "Newark"), shop.level("BAG", "Reno")) == ((0, 0), (10, 0))
    (gone,) = shop.rows("SELECT reason FROM movements WHERE on_hand_change < 0")
    assert gone.reason == "the store keeps this at this location no more"


# ------------------------------------------------------------------------------------------- told


def test_what_a_person_counts_here_is_told_and_its_own_webhook_changes_nothing(shop: World):
    count_here(shop, 14)
    shop.settle()
    assert in_store(shop)["available"] == 14
    before = movements(shop)
    told = len(shop.calls(operation="inventoryAdjustQuantities"))

    shop.gathered()
    shop.gathered()

    heard = shop.rows("SELECT state FROM inbox_events WHERE topic = 'inventory_levels/update'")
    assert [row.state for row in heard] == ["taken"]
    assert movements(shop) == before
    assert (told, len(shop.calls(operation="inventoryAdjustQuantities"))) == (1, 1)
    assert shop.level("BAG", "Reno") == (14, 0)


def test_what_the_store_sells_meanwhile_is_not_overwritten(shop: World):
    """Ann found four more; the store has sold three somewhere else in between."""
    shop.control("POST", "/deliveries/plan", {"paused": True})
    find_here(shop, 4)
    count_in_store(shop, 7)
    shop.control("POST", "/deliveries/plan", {})

    shop.gathered()

    assert in_store(shop)["on_hand"] == 11
    assert shop.level("BAG", "Reno") == (11, 0)
    assert ledger_is_the_levels(shop)


def test_a_count_that_comes_before_the_telling_keeps_the_change_on_top(shop: World):
    count_in_store(shop, 7)
    shop.heard()
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() WHERE kind = 'read_stock'"))
    find_here(shop, 4)
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = 'tell_stock'"))
    shop.read_catalogue()

    assert shop.level("BAG", "Reno") == (11, 0)
    assert in_store(shop)["on_hand"] == 7

    shop.hurry()
    shop.gathered()

    assert in_store(shop)["on_hand"] == 11
    assert shop.level("BAG", "Reno") == (11, 0)
    assert ledger_is_the_levels(shop)


def test_stock_that_moves_between_looking_and_telling_is_looked_at_again(shop: World, monkeypatch: pytest.MonkeyPatch):
    passed, moved = steps.passed, []

    def sold_in_between(name: str) -> None:
        if name == "called shopify ReadUnits" and not moved:
            moved.append(name)
            count_in_store(shop, 8)
        passed(name)

    monkeypatch.setattr(steps, "passed", sold_in_between)
    find_here(shop, 2)

    shop.gathered()

    keys = [row.key.rpartition("/")[2] for row in shop.rows("SELECT key FROM intentions ORDER BY id")]
    states = [row.state for row in shop.rows("SELECT state FROM intentions ORDER BY id")]
    assert (keys, states) == (["10", "8"], ["refused", "succeeded"])
    sent = shop.calls(operation="inventoryAdjustQuantities")
    assert len({call["key"] for call in sent}) == 2
    assert in_store(shop)["on_hand"] == 10
    assert shop.level("BAG", "Reno") == (10, 0)


def test_an_answer_that_is_lost_after_the_effect_adds_nothing_twice(shop: World):
    shop.fault(vendor="shopify", kind="cut_after", operation="inventoryAdjustQuantities", times=1)
    count_here(shop, 14)
    shop.settle()
    assert in_store(shop)["on_hand"] == 14
    count_in_store(shop, 13)

    shop.hurry()
    shop.gathered()

    assert in_store(shop)["on_hand"] == 13
    assert shop.level("BAG", "Reno") == (13, 0)
    assert [row.state for row in shop.rows("SELECT state FROM intentions")] == ["succeeded"]
    assert ledger_is_the_levels(shop)


def test_a_counted_number_is_the_store_s_too_though_our_own_was_old(shop: World):
    """The till has sold three that we have not read of; Ann counts what is really there."""
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    count_in_store(shop, 7)
    shop.control("POST", "/deliveries/plan", {})
    count_here(shop, 7)

    shop.gathered()
    shop.read_catalogue()

    assert shop.calls(operation="inventoryAdjustQuantities") == []
    assert in_store(shop)["on_hand"] == 7
    assert shop.level("BAG", "Reno") == (7, 0)
    assert ledger_is_the_levels(shop)


def test_a_counted_number_that_is_yet_to_be_told_stands_and_what_was_found_since_is_on_top(shop: World):
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    count_in_store(shop, 7)
    shop.control("POST", "/deliveries/plan", {})
    count_here(shop, 8)
    find_here(shop, 2)
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = 'tell_stock'"))
    shop.read_catalogue()

    assert shop.level("BAG", "Reno") == (10, 0)

    shop.hurry()
    shop.gathered()
    shop.read_catalogue()

    assert in_store(shop)["on_hand"] == 10
    assert shop.level("BAG", "Reno") == (10, 0)
    assert ledger_is_the_levels(shop)


def test_a_count_whose_answer_is_lost_is_told_again_with_the_same_number(shop: World):
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    count_in_store(shop, 7)
    shop.control("POST", "/deliveries/plan", {})
    shop.fault(vendor="shopify", kind="cut_after", operation="inventoryAdjustQuantities", times=1)
    count_here(shop, 8)
    shop.settle()

    shop.hurry()
    shop.gathered()

    assert len({call["key"] for call in shop.calls(operation="inventoryAdjustQuantities")}) == 1
    assert in_store(shop)["on_hand"] == 8
    assert shop.level("BAG", "Reno") == (8, 0)


def test_a_level_of_which_nobody_knows_what_the_store_was_told_is_left(shop: World):
    shop.fault(vendor="shopify", kind="cut_after", operation="inventoryAdjustQuantities", times=1)
    count_here(shop, 14)
    for lane in shop.due_lanes():  # once each: a second round may be late enough for the next try
        runner.work_off(shop.services, shop.tenant, lane)
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = 'tell_stock'"))
    count_in_store(shop, 12)

    shop.read_catalogue()

    assert shop.level("BAG", "Reno") == (14, 0)
    shop.hurry()
    shop.gathered()
    shop.read_catalogue()
    assert shop.level("BAG", "Reno") == (12, 0)


def test_what_the_store_refuses_waits_for_a_person_and_the_store_s_number_counts(shop: World):
    shop.control("POST", "/deliveries/plan", {"drop": 1.0})
    shop.control("POST", f"/shopify/variants/{product_of(shop, 'MUG')[1]}/delete", {})
    shop.control("POST", "/deliveries/plan", {})
    count_here(shop, 9, sku="MUG")
    shop.settle()

    (parked,) = shop.rows("SELECT kind, reason, remedy FROM jobs WHERE state = 'parked'")
    assert parked.kind == "tell_stock"
    assert "discard this job" in parked.remedy
    assert shop.level("MUG", "Reno") == (9, 0)

    shop.read_catalogue()
    shop.gathered()

    assert shop.level("MUG", "Reno") == (0, 0)
    assert ledger_is_the_levels(shop)


def test_units_that_go_where_the_store_did_not_stock_them_are_stocked_there(shop: World):
    mug, reno = level_of(shop, "MUG")
    _, newark = level_of(shop, "MUG", "Newark")
    with shop.reading() as session:
        stock_desk.move(session, shop.tenant, mug, reno, newark, 2, reason="nearer", by="person:Ann")

    shop.gathered()
    shop.read_catalogue()

    assert [row.state for row in shop.rows("SELECT state FROM jobs WHERE kind = 'tell_stock'")] == ["done", "done"]
    assert (in_store(shop, "MUG")["on_hand"], in_store(shop, "MUG", "Newark")["on_hand"]) == (3, 2)
    assert (shop.level("MUG", "Reno"), shop.level("MUG", "Newark")) == ((3, 0), (2, 0))


@pytest.mark.parametrize("state", ["due", "parked"])
def test_units_that_the_store_could_not_be_told_of_yet_are_not_counted_out(shop: World, state: str):
    find_here(shop, 2, "MUG", "Newark")
    tell_later(shop, state)

    shop.read_catalogue()

    assert shop.level("MUG", "Newark") == (2, 0)


@pytest.mark.parametrize(("state", "why"), [("due", "is being told"), ("parked", "waits for a person")])
def test_the_store_is_told_of_one_level_in_the_order_in_which_it_changed(shop: World, state: str, why: str):
    find_here(shop, 2)
    tell_later(shop, state)
    find_here(shop, -3)

    shop.settle()

    *_, later = shop.rows("SELECT state, cause, reason FROM jobs WHERE kind = 'tell_stock' ORDER BY id")
    assert (later.state, later.cause) == ("due", "one_before")
    assert why in later.reason
    assert in_store(shop)["on_hand"] == 10

    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due' WHERE state = 'parked'"))
    for _ in range(2):
        shop.hurry()
        shop.settle()

    assert [row.state for row in shop.rows("SELECT state FROM jobs WHERE kind = 'tell_stock'")] == ["done", "done"]
    assert in_store(shop)["on_hand"] == 9


def tell_later(world: World, state: str) -> None:
    """What is to be told is put off, or waits for a person."""
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET state = :s, due_at = now() + interval '1 hour' WHERE kind = 'tell_stock'"),
            {"s": state},
        )


def test_a_shop_that_only_watches_tells_nothing(shop: World):
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET mode = 'shadow'"))
    count_here(shop, 14)

    shop.gathered()

    assert shop.calls(operation="inventoryAdjustQuantities") == []
    assert in_store(shop)["on_hand"] == 10


# What a movement changes here (on hand, damaged, safety), and what the store has afterwards of ten.
MOVES = {
    "damaged": ((0, 3, 0), {"available": 7, "damaged": 3, "safety_stock": 0, "on_hand": 10}),
    "kept back": ((0, 0, 4), {"available": 6, "damaged": 0, "safety_stock": 4, "on_hand": 10}),
    "received, some broken": ((5, 1, 0), {"available": 14, "damaged": 1, "safety_stock": 0, "on_hand": 15}),
    "thrown away": ((-2, 0, 0), {"available": 8, "damaged": 0, "safety_stock": 0, "on_hand": 8}),
}


@pytest.mark.parametrize("what", MOVES)
def test_what_is_set_aside_here_is_set_aside_there(shop: World, what: str):
    change, there = MOVES[what]
    move_by_hand(shop, *change)

    shop.gathered()

    shown = in_store(shop)
    assert {name: shown[name] for name in there} == there
    assert [row.state for row in shop.rows("SELECT state FROM jobs WHERE kind = 'tell_stock'")] == ["done"]
    shop.read_catalogue()
    assert ledger_is_the_levels(shop)
    (row,) = shop.rows(
        "SELECT on_hand, damaged, safety FROM stock_levels WHERE variant_id = :v AND location_id = :l",
        **dict(zip("vl", level_of(shop), strict=True)),
    )
    assert tuple(row) == (there["on_hand"], there["damaged"], there["safety_stock"])


def test_damaged_units_that_are_thrown_away_are_no_others(shop: World):
    move_by_hand(shop, 0, 3, 0)
    shop.gathered()

    move_by_hand(shop, -3, -3, 0)
    shop.gathered()

    shown = in_store(shop)
    assert (shown["available"], shown["damaged"], shown["on_hand"]) == (7, 0, 7)


def move_by_hand(world: World, on_hand: int, damaged: int, safety: int) -> None:
    """Ann changes several numbers of a level at once; the store is to be told."""
    change = Change(level=level_of(world), on_hand=on_hand, damaged=damaged, safety=safety, reason="by hand")
    with world.reading() as session:
        written = stock_by_hand.write(session, world.tenant, [change], Said(cause="adjusted", actor="person:Ann"))
        assert isinstance(written, Written)
        tell_stock.ask(session, world.tenant, written.movements.values())
