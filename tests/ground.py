"""The world of a test as a drill sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from drills.books import Ground
from jobs import reconcile
from tests.world import EASYPOST_KEY, SHOP, STRIPE_KEY, World


def ground(world: World, vendors: Sequence[str] = ("shopify", "stripe", "easypost")) -> Ground:
    """Where a drill is played: a comparison is one with each of these vendors."""

    def compare() -> None:
        for vendor in vendors:
            with world.reading() as session:
                assert reconcile.ask(session, world.tenant, world.connections[vendor], now=datetime.now(UTC))
            world.settle()

    return Ground(
        sandbox=world.sandbox,
        control=world.control,
        rows=world.rows,
        engine=world.engine,
        settle=world.settle,
        hurry=world.hurry_but_voids,
        compare=compare,
        tenant=world.tenant,
        domain=SHOP,
        sku="BAG",
        stripe_key=STRIPE_KEY,
        easypost_key=EASYPOST_KEY,
    )
