"""Writes how many units of each line are to be shipped, by the storefront's own answer of now."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder
from orders import progress
from records.orders import OrderLine, lines_of
from records.shipments import parcels_of


def write(session: Session, tenant: int, order: int, store: StoreOrder) -> None:
    """What the store still asks for, and what it knows is gone. Set, never counted down: it may be written twice."""
    wanted: dict[str, int] = {}
    # What somebody took back in the store is asked for again there; it is the same units, not more of them.
    gone = progress.announced(session, tenant, order, but=gone_and_asked_for(session, tenant, order, store))
    for asked in store.asked:
        if asked.ships:
            wanted[asked.line_remote_id] = wanted.get(asked.line_remote_id, 0) + asked.units
    for line in lines_of(session, tenant, order):
        units = wanted.get(line.remote_id, 0) + gone.get(line.id, 0)
        if line.to_ship != units:
            session.execute(
                update(OrderLine).where(OrderLine.tenant_id == tenant, OrderLine.id == line.id).values(to_ship=units)
            )
    session.expire_all()


def gone_and_asked_for(session: Session, tenant: int, order: int, store: StoreOrder) -> set[int]:
    """The shipments whose announcement somebody cancelled in the store, which asks for their units again."""
    asked = {line.line_remote_id for line in store.asked if line.units}
    wanting = {str(line.id) for line in lines_of(session, tenant, order) if line.remote_id in asked}
    theirs = {shipment.id for shipment in progress.taken_back(session, tenant, order, store.taken_back)}
    parcels = parcels_of(session, tenant, order)
    return {one.shipment_id for one in parcels if one.shipment_id in theirs and wanting & set(one.contents)}
