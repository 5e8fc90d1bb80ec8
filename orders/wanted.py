"""Writes how many units of each line are to leave, and in which way, by the storefront's own answer of now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder
from orders import by_hand, digital, progress
from records.orders import Order, OrderLine, lines_of
from records.shipments import BY_HAND, parcels_of


def write(session: Session, tenant: int, order: int, store: StoreOrder, *, only_carried: bool = False) -> None:
    """What the store still asks for, and what it knows is gone. Set, never counted down: it may be written twice.

    `only_carried` leaves out what buyers pick up and the shop brings itself.
    """
    lines = lines_of(session, tenant, order)
    asked = carried(store)
    here = {} if only_carried else _by_hand(session, tenant, order, store)
    # What somebody took back in the store is asked for again there; it is the same units, not more of them.
    gone = progress.announced(session, tenant, order, but=gone_and_asked_for(session, tenant, order, store))
    some = any(line.by_hand.parts for line in lines)
    taken = by_hand.in_shipments(session, tenant, order, states=progress.GONE) if some else {}
    to_deliver = _to_deliver(session, tenant, order, store, [line for line in lines if not line.needs_shipping])
    for line in lines:
        spots = Counter(here.get(line.remote_id, {}))
        to_ship = asked.get(line.remote_id, 0) + spots.total() + gone.get(line.id, 0)
        spots.update(taken.get(line.id, {}))
        now: dict[str, Any] = {
            "to_ship": to_ship,
            "by_hand": by_hand.written(spots),
            "to_deliver": to_deliver.get(line.id, 0),
        }
        if now != {name: getattr(line, name) for name in now}:
            session.execute(
                update(OrderLine)
                .where(OrderLine.tenant_id == tenant, OrderLine.id == line.id)
                .values(now)
                .execution_options(synchronize_session=False)
            )
    session.expire_all()


def carried(store: StoreOrder) -> Mapping[str, int]:
    """Units that the store wants sent in parcels, by its line ids. Pure."""
    asked: Counter[str] = Counter()
    for line in store.asked:
        if line.ships:
            asked[line.line_remote_id] += line.units
    return asked


def _by_hand(session: Session, tenant: int, order: int, store: StoreOrder) -> dict[str, dict[by_hand.Spot, int]]:
    """What buyers pick up at places of ours and the shop brings itself; nothing is looked up for the usual order."""
    if all(line.way.value not in BY_HAND for line in store.asked):
        return {}
    connection = session.get_one(Order, (tenant, order)).connection_id
    return by_hand.asked(store, by_hand.places_of(session, tenant, connection))


def _to_deliver(
    session: Session, tenant: int, order: int, store: StoreOrder, unshipped: Sequence[OrderLine]
) -> dict[int, int]:
    """What is never shipped and still open in the store, and what we gave: the merchant delivered the rest by hand."""
    if not unshipped:
        return {}
    open_there: Counter[str] = Counter()
    for asked in store.asked:
        open_there[asked.line_remote_id] += asked.units
    given, told = digital.units_given(session, tenant, order), digital.units_given(session, tenant, order, told=True)
    # What was given and not told yet is open there as well, unless the answer to it was lost.
    return {
        line.id: max(open_there[line.remote_id] + told.get(line.id, 0), given.get(line.id, 0)) for line in unshipped
    }


def gone_and_asked_for(session: Session, tenant: int, order: int, store: StoreOrder) -> set[int]:
    """The shipments whose announcement somebody cancelled in the store, which asks for their units again."""
    if not store.taken_back:
        return set()
    asked = {line.line_remote_id for line in store.asked if line.units}
    wanting = {str(line.id) for line in lines_of(session, tenant, order) if line.remote_id in asked}
    theirs = {shipment.id for shipment in progress.taken_back(session, tenant, order, store.taken_back)}
    parcels = parcels_of(session, tenant, order)
    return {one.shipment_id for one in parcels if one.shipment_id in theirs and wanting & set(one.contents)}
