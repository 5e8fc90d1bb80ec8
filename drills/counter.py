"""What a drill's buyers pick up: a person at the counter says that it is ready, and that the buyer has it."""

from __future__ import annotations

from drills.shops import Placed, Shop
from jobs import desk
from records import database
from records.shipments import shipments_of

_BY = "person:drill"


def make_ready(shop: Shop, placed: Placed) -> None:
    with database.transaction(shop.engine, shop.tenant) as session:
        for shipment in shipments_of(session, shop.tenant, shop.order_number(session, placed)):
            desk.ready(session, shop.tenant, shipment.id, by=_BY)


def hand_over(shop: Shop, placed: Placed) -> None:
    with database.transaction(shop.engine, shop.tenant) as session:
        for shipment in shipments_of(session, shop.tenant, shop.order_number(session, placed)):
            desk.give(session, shop.tenant, shipment.id, by=_BY)
