"""Webhooks are lost, late and out of order: after one comparison with each vendor, nothing is different any more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drills import books, losses
from drills.books import Ground
from jobs import reconcile
from tests.world import EASYPOST_KEY, SHOP, STRIPE_KEY, World, variant

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]


def ground(world: World) -> Ground:
    def compare() -> None:
        for vendor in ("shopify", "stripe", "easypost"):
            with world.reading() as session:
                assert reconcile.ask(session, world.tenant, world.connections[vendor], now=datetime.now(UTC))
            world.settle()

    return Ground(
        sandbox=world.sandbox,
        control=world.control,
        rows=world.rows,
        settle=world.settle,
        hurry=world.hurry_but_voids,
        compare=compare,
        tenant=world.tenant,
        domain=SHOP,
        sku="BAG",
        stripe_key=STRIPE_KEY,
        easypost_key=EASYPOST_KEY,
    )


# Far more is lost than on any real line, so that sixty orders lose something of every kind in every run.
def test_after_one_comparison_nothing_that_a_bad_line_lost_is_missing(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 1_000})])

    told = losses.tell(ground(world), orders=60, drop=0.35, late=0.2, seed=1)

    assert set(told.lost) == {"shopify", "stripe", "easypost"}
    assert told.differences == []
    assert told.untold == []
    assert told.found_again == []
    assert {"orders", "events", "parcels"} <= set(told.found)
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
