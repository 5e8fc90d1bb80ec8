"""What is added to an order before its label is bought leaves with the rest of it, in one parcel."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from jobs import desk
from records import decisions
from records.shipments import Shipment
from records.tenants import Rules
from tests.journeys.test_changed import edit
from tests.journeys.test_made_to_order import takes
from tests.world import NEWARK, RENO, SHOP, World, variant

PATIENT = Rules(minutes_to_change=60)


@pytest.fixture
def shop(world: World) -> World:
    """A shop whose orders wait an hour for their labels."""
    world.open_shop(rules=PATIENT, variants=[variant("BAG", stock={"Reno": 5}), variant("MUG", stock={"Reno": 5})])
    return world


def shipments(world: World) -> list[Any]:
    return [tuple(row) for row in world.rows(
        "SELECT s.state, coalesce(string_agg(l.units || ' ' || o.sku, ' ' ORDER BY o.sku), '') FROM shipments s"
        " LEFT JOIN shipment_lines l ON l.tenant_id = s.tenant_id AND l.shipment_id = s.id"
        " LEFT JOIN order_lines o ON o.tenant_id = l.tenant_id AND o.id = l.line_id GROUP BY s.id, s.state ORDER BY s.id"
    )]  # fmt: skip


def held(world: World) -> list[Any]:
    """What is held, by shipment: the newest last."""
    return [tuple(row) for row in world.rows(
        "SELECT v.sku, r.units FROM reservations r JOIN variants v ON v.tenant_id = r.tenant_id AND v.id = r.variant_id"
        " WHERE r.state = 'held' AND r.shipment_id = (SELECT max(id) FROM shipments) ORDER BY 1"
    )]  # fmt: skip


def time_is_over(world: World) -> None:
    """As the shop's rule says from now on, whatever the store says of when the order was placed."""
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tenants SET rules = jsonb_set(rules, '{minutes_to_change}', '0')")
    world.hurry()
    world.settle()


def joined(world: World) -> str:
    with world.reading() as session:
        (row,) = world.rows("SELECT min(id) AS id FROM shipments WHERE state = 'planned'")
        refusal = desk.join(session, world.tenant, row.id, by="person:Olga")
        session.commit()
    return refusal


def divided(world: World, units: int) -> None:
    with world.reading() as session:
        (row,) = world.rows(
            "SELECT s.id, l.line_id FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id WHERE s.state = 'planned'"
        )
        assert desk.split(session, world.tenant, row.id, {row.line_id: units}, by="person:Olga") == ""
        session.commit()


def test_a_line_that_is_added_before_the_label_is_bought_leaves_in_the_same_parcel(shop: World):
    placed = shop.place(("BAG", 1))
    shop.settle()

    edit(shop, placed, ("MUG", 2))

    assert shipments(shop) == [("cancelled", "1 BAG"), ("planned", "1 BAG 2 MUG")]
    assert held(shop) == [("BAG", 1), ("MUG", 2)]
    assert (shop.level("BAG", "Reno"), shop.level("MUG", "Reno")) == ((5, 1), (5, 2))
    time_is_over(shop)
    assert shop.order(placed).state == "fulfilled"
    assert len(shop.labels_bought()) == 1
    assert (shop.level("BAG", "Reno"), shop.level("MUG", "Reno")) == ((4, 0), (3, 0))


def test_more_units_of_a_line_are_held_with_those_that_it_had(shop: World):
    placed = shop.place(("BAG", 1))
    shop.settle()

    edit(shop, placed, ("BAG", 3))

    assert shipments(shop) == [("cancelled", "1 BAG"), ("planned", "3 BAG")]
    assert (held(shop), shop.level("BAG", "Reno")) == ([("BAG", 3)], (5, 3))
    assert [row.reserved_change for row in shop.rows("SELECT reserved_change FROM movements WHERE reserved_change > 0 ORDER BY id")] \
        == [1, 2]  # fmt: skip
    time_is_over(shop)
    assert (shop.order(placed).state, len(shop.labels_bought()), shop.level("BAG", "Reno")) == ("fulfilled", 1, (2, 0))


@pytest.fixture
def coasts(world: World) -> World:
    """Bags lie in Newark, far from the buyer, which sends one shipment a day; mugs lie there and nearer."""
    world.open_shop(
        rules=PATIENT,
        variants=[variant("BAG", stock={"Newark": 5}), variant("MUG", stock={"Reno": 5, "Newark": 5})],
        locations=[RENO, NEWARK],
    )
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE locations SET sending = sending || '{\"shipments_a_day\": 1}' WHERE name = 'Newark'"
        )
    return world


def test_what_is_added_leaves_from_where_the_rest_does_though_another_place_is_nearer(coasts: World):
    placed = coasts.place(("BAG", 1))
    coasts.settle()

    edit(coasts, placed, ("MUG", 2))

    assert shipments(coasts) == [("cancelled", "1 BAG"), ("planned", "1 BAG 2 MUG")]
    assert (coasts.level("MUG", "Newark"), coasts.level("MUG", "Reno")) == ((5, 2), (5, 0))
    with coasts.reading() as session:
        why = decisions.sentence_of(session, coasts.tenant, coasts.order(placed).id)
    assert why == "From Newark: more of the order leaves from there."
    time_is_over(coasts)
    assert (coasts.order(placed).state, len(coasts.labels_bought())) == ("fulfilled", 1)


@pytest.mark.parametrize(("minutes", "leaves_from"), [(60, "Newark"), (0, "Reno")])
def test_what_comes_in_later_joins_the_rest_while_that_has_no_label(world: World, minutes: int, leaves_from: str):
    world.open_shop(
        rules=Rules(minutes_to_change=minutes),
        variants=[variant("BAG", stock={"Newark": 5}), variant("MUG", stock={"Reno": 0, "Newark": 0})],
    )
    world.place(("BAG", 1), ("MUG", 1))
    world.settle()
    assert len(world.labels_bought()) == (0 if minutes else 1)

    for place in ("Reno", "Newark"):
        world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "MUG", "location": place, "on_hand": 1})
    world.read_catalogue()
    world.settle()

    taken = [row.name for row in world.rows(
        "SELECT l.name FROM reservations r JOIN variants v ON v.id = r.variant_id JOIN locations l ON l.id = r.location_id"
        " WHERE v.sku = 'MUG'"
    )]  # fmt: skip
    assert taken == [leaves_from]


def test_what_is_added_after_the_label_leaves_in_a_parcel_of_its_own(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5}), variant("MUG", stock={"Reno": 0})])
    placed = world.place(("BAG", 1), ("MUG", 1))
    world.settle()
    assert len(world.labels_bought()) == 1

    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "MUG", "location": "Reno", "on_hand": 1}
    )
    world.read_catalogue()
    world.settle()

    assert shipments(world) == [("announced", "1 BAG"), ("announced", "1 MUG")]
    assert (world.order(placed).state, len(world.labels_bought())) == ("fulfilled", 2)


def test_what_a_person_has_divided_stays_apart_until_a_person_has_it_sent_together(shop: World):
    placed = shop.place(("BAG", 3))
    shop.settle()
    divided(shop, 1)

    edit(shop, placed, ("MUG", 1))

    assert [state for state, _ in shipments(shop)] == ["cancelled", "planned", "planned", "planned"]
    assert joined(shop) == ""
    assert shipments(shop)[-1] == ("planned", "3 BAG 1 MUG")
    assert [state for state, _ in shipments(shop)].count("planned") == 1
    assert held(shop) == [("BAG", 3), ("MUG", 1)]
    assert joined(shop) == "There is nothing else at this place that waits for a label."
    time_is_over(shop)
    assert (shop.order(placed).state, len(shop.labels_bought())) == ("fulfilled", 1)
    assert (shop.level("BAG", "Reno"), shop.level("MUG", "Reno")) == ((2, 0), (4, 0))


def test_what_is_gone_is_not_sent_together_with_anything(shop: World):
    shop.place(("BAG", 1))
    shop.settle()
    time_is_over(shop)

    with shop.reading() as session:
        (row,) = session.query(Shipment).where(Shipment.tenant_id == shop.tenant)
        refusal = desk.join(session, shop.tenant, row.id, by="person:Olga")
    assert refusal == "It is too late: the shipment is announced."
    assert shipments(shop) == [("announced", "1 BAG")]


def days_to_leave(world: World) -> list[date]:
    return [row.day for row in world.rows(
        "SELECT ship_by::date AS day FROM shipments WHERE state <> 'cancelled' ORDER BY id"
    )]  # fmt: skip


def test_what_is_ready_does_not_wait_for_what_is_to_be_made_first_unless_a_person_says_so(shop: World):
    takes(shop, "MUG", 10)
    placed = shop.place(("BAG", 1))
    shop.settle()

    edit(shop, placed, ("MUG", 1))

    assert shipments(shop) == [("planned", "1 BAG"), ("planned", "1 MUG")]
    soon, later = days_to_leave(shop)
    assert soon < later
    assert shop.order(placed).ship_by.date() == soon
    assert joined(shop) == ""
    assert days_to_leave(shop) == [later]
    assert shop.order(placed).ship_by.date() == later
    told = [row.sentence for row in shop.rows("SELECT sentence FROM timeline_entries ORDER BY id")]
    assert any("as its parts leave together" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("making", "planned"),
    [(0, [("cancelled", "1 BAG"), ("planned", "1 BAG 1 MUG")]), (10, [("planned", "1 BAG"), ("planned", "1 MUG")])],
    ids=["what is ready joins it", "what is to be made first does not"],
)
def test_what_should_have_left_yesterday_does_not_wait_for_what_is_to_be_made_first(
    shop: World, making: int, planned: list[tuple[str, str]]
):
    takes(shop, "MUG", making)
    placed = shop.place(("BAG", 1))
    shop.settle()
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE shipments SET ship_by = now() - interval '1 day'")

    edit(shop, placed, ("MUG", 1))

    assert shipments(shop) == planned


def test_what_is_to_be_made_first_is_promised_no_earlier_for_what_is_added(shop: World):
    takes(shop, "MUG", 10)
    placed = shop.place(("MUG", 1))
    shop.settle()
    (before,) = days_to_leave(shop)
    arrives = shop.order(placed).arrives_on

    edit(shop, placed, ("BAG", 1))

    assert shipments(shop) == [("cancelled", "1 MUG"), ("planned", "1 BAG 1 MUG")]
    assert days_to_leave(shop) == [before]
    assert (shop.order(placed).ship_by.date(), shop.order(placed).arrives_on) == (before, arrives)


def test_a_label_that_is_being_bought_at_this_moment_is_not_disturbed(shop: World):
    shop.place(("BAG", 2))
    shop.settle()
    divided(shop, 1)
    with shop.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE jobs SET state = 'running', worker = 'w', lease_until = now() + interval '1 minute'"
            " WHERE id = (SELECT min(id) FROM jobs WHERE kind = 'buy_label' AND state = 'due')"
        )

    assert joined(shop) == "It is too late: a label is being bought for one of them at this moment."
    assert [state for state, _ in shipments(shop)] == ["cancelled", "planned", "planned"]


def test_units_of_a_bundle_that_was_planned_before_stay_in_their_own_shipment(world: World):
    world.open_shop(rules=PATIENT, variants=[variant("BAG", stock={"Reno": 9}), variant("SET", tracked=False)])
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO bundle_parts (tenant_id, bundle_id, part_id, units) SELECT s.tenant_id, s.id, p.id, 2"
            " FROM variants s JOIN variants p ON p.tenant_id = s.tenant_id AND p.sku = 'BAG' WHERE s.sku = 'SET'"
        )
    placed = world.place(("SET", 1))
    world.settle()
    with world.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM bundle_parts")

    edit(world, placed, ("SET", 2))

    assert shipments(world) == [("planned", "1 SET"), ("planned", "1 SET")]
    assert world.level("BAG", "Reno") == (9, 2)
