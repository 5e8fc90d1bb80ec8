"""Webhooks are lost, late and out of order: after one comparison with each vendor, nothing is different any more."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from drills import books, losses
from tests.ground import ground
from tests.world import STRIPE_KEY, World, variant

pytestmark = [pytest.mark.drill, pytest.mark.long, pytest.mark.timeout(900)]


# Far more is lost than on any real line, so that sixty orders lose something of every kind in every run.
def test_after_one_comparison_nothing_that_a_bad_line_lost_is_missing(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1_000})])

    told = losses.tell(ground(world), orders=60, drop=0.35, late=0.2, seed=1)

    assert set(told.lost) == {"shopify", "stripe", "easypost"}
    assert told.differences == []
    assert told.untold == []
    assert told.found_again == []
    assert {"orders", "events", "parcels"} <= set(told.found)
    assert told.given_back > 0
    assert told.failed > 0
    assert world.rows("SELECT kind, subject, reason FROM jobs WHERE state = 'parked'") == []


def test_the_books_are_compared_so_that_a_difference_shows(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1_000})])
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    placed = world.place(("BAG", 1))
    world.control("POST", "/stripe/payments", {"key": STRIPE_KEY, "amount": 500, "currency": "usd"})
    world.settle()

    lost, unpaid = books.differences(ground(world))

    assert lost == f"{placed['name']}: is not here"
    assert unpaid.endswith(": is not here")


def test_a_refund_that_our_records_do_not_have_shows_in_the_books(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1_000})])
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    wish = {"key": STRIPE_KEY, "amount": 1700, "currency": "usd", "metadata": {"order_name": placed["name"]}}
    payment = world.control("POST", "/stripe/payments", wish)["id"]
    world.settle()
    assert books.differences(ground(world)) == []
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    world.control("POST", f"/stripe/payments/{payment}/refund", {"amount": 500})
    world.settle()

    assert books.differences(ground(world)) == [f"{payment}: 500 given back there, 0 here"]

    with world.engine.begin() as connection:  # as if we had said that we gave it back, and had not
        connection.execute(text("UPDATE payments SET refunded_minor = 500"))
        connection.execute(
            text(
                "INSERT INTO reversals (tenant_id, order_id, purpose, asked_by) VALUES (:tenant, :order, 'cancel', 'a')"
            ),
            {"tenant": world.tenant, "order": world.order(placed).id},
        )
        connection.execute(
            text(
                "INSERT INTO reversal_steps (tenant_id, reversal_id, position, kind, subject, amount_minor, state) "
                "SELECT p.tenant_id, r.id, 1, 'refund_payment', 'payment/' || p.id, 800, 'done' "
                "FROM payments p, reversals r"
            )
        )
    assert books.differences(ground(world)) == [f"{payment}: of 800 that we gave back, 500 are there"]
