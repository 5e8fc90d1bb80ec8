"""Forecasts of a shop, made from weeks that a story gives: what the pages about ordering are tested on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from seeds import Shop

from orders import foreseeing
from orders.demand import History
from records.replenishing import DemandDay, Forecast
from records.stock import Arrival
from records.tenants import rules_of


def foresee(shop: Shop, sku: str, place: str, weeks: Sequence[int], *, catches: bool = True) -> Forecast:
    """The forecast of one thing that was ordered so much in each of the last whole weeks, oldest first."""
    today = shop.now.date()
    begins = today - timedelta(days=today.weekday(), weeks=len(weeks))
    where = {"tenant_id": shop.tenant, "variant_id": shop.variants[sku], "location_id": shop.locations[place]}
    shop.session.add_all(
        DemandDay(**where, day=begins + timedelta(weeks=number, days=number % 6), units=units)
        for number, units in enumerate(weeks)
        if units
    )
    history = History(begins=begins, weeks=tuple(weeks)) if weeks else None
    row = Forecast(**where, catches=catches, made_at=shop.now - timedelta(hours=2), **foreseeing.columns(history, {}))
    shop.session.add(row)
    shop.session.flush()
    foreseeing.write_points(
        shop.session, shop.tenant, shop.variants[sku], rules_of(shop.session, shop.tenant).replenishing
    )
    return row


def arrival(shop: Shop, sku: str, place: str, units: int, due_on: date | None, state: str = "expected") -> None:
    shop.session.add(
        Arrival(
            tenant_id=shop.tenant,
            variant_id=shop.variants[sku],
            location_id=shop.locations[place],
            units=units,
            due_on=due_on,
            reference="PO-1",
            state=state,
            actor="person:Grace",
        )
    )
    shop.session.flush()


def foresee_all(shop: Shop) -> None:
    """Something of every kind: out, running out, to be ordered, enough, too much, not known."""
    foresee(shop, "BAG", "Reno", [31, 44, 28, 39, 52, 33, 41, 47, 36, 40, 58, 37, 45, 42])
    foresee(shop, "BAG", "Newark", [2, 0, 3, 0, 1, 0, 4, 2, 0, 1], catches=False)
    foresee(shop, "TENT", "Reno", [3, 0, 0, 2, 4, 0, 1, 0, 3])
    foresee(shop, "MUG", "Newark", [1, 2])
    shop.stock("LAMP", "Lantern, brass, with a very long name that has to wrap somewhere", {"Reno": (900, 0)})
    foresee(shop, "LAMP", "Reno", [0] * 30)
    arrival(shop, "TENT", "Reno", 12, shop.now.date() + timedelta(days=30))
