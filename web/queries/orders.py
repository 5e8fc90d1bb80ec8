"""Finds orders by what people know of them, a page at a time, with everything that a line of the list shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, func, or_, select
from sqlalchemy.orm import Session

from orders import handed_over
from records import database
from records.jobs import Job
from records.orders import Hold, Order, OrderLine
from records.shipments import BY_HAND, Parcel, Shipment
from web.queries import keyset, wishes
from web.queries.keyset import Cut, Page
from web.queries.wishes import Wish

_FILE_CHUNK = 500
# A list says how many orders fit it up to here; counting on would cost more than the number is worth.
MOST_COUNTED = 10_000


@dataclass(frozen=True, kw_only=True)
class OrderLook:
    """One line of the list."""

    order: Order
    units: int
    holds: Sequence[Hold] = field(default_factory=list)
    parcels: Sequence[Parcel] = field(default_factory=list)
    jobs: Sequence[Job] = field(default_factory=list)
    waiting: Sequence[Shipment] = field(default_factory=list)
    """What its buyer has not come for, or was not brought yet."""

    @property
    def id(self) -> int:
        return self.order.id


def page(session: Session, tenant: int, wish: Wish, cut: Cut, *, now: datetime) -> Page[OrderLook]:
    """One page of the orders that are wished for, newest first."""
    found = keyset.newest_first(session, _statement(tenant, wish, now), Order.id, cut)
    return Page(rows=_with_parts(session, tenant, found.rows), older=found.older, newer=found.newer)


def each(engine: Engine, tenant: int, wish: Wish, *, now: datetime) -> Iterator[OrderLook]:
    """Every order that is wished for, newest first; a transaction for each chunk and none between them."""
    cut = Cut(size=_FILE_CHUNK)
    while True:
        with database.transaction(engine, tenant) as session:
            chunk = page(session, tenant, wish, cut, now=now)
        yield from chunk.rows
        if chunk.older is None:
            return
        cut = replace(cut, before=chunk.older)


def count(session: Session, tenant: int, wish: Wish, *, now: datetime) -> int:
    """How many orders are wished for; one more than MOST_COUNTED stands for every number beyond it."""
    some = _statement(tenant, wish, now).with_only_columns(Order.id).limit(MOST_COUNTED + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def ids_below(session: Session, tenant: int, wish: Wish, *, newest: int | None, limit: int, now: datetime) -> list[int]:
    """The ids of orders that are wished for, newest first, from this one down."""
    statement = _statement(tenant, wish, now).with_only_columns(Order.id)
    if newest is not None:
        statement = statement.where(Order.id <= newest)
    return list(session.scalars(statement.order_by(Order.id.desc()).limit(limit)))


def names(session: Session, tenant: int, ids: Sequence[int]) -> dict[int, str]:
    """What people call these orders, by id; those of another tenant are left out."""
    rows = session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(ids)))
    return {row.id: row.name or f"order {row.id}" for row in rows}


def only_match(session: Session, tenant: int, search: str, *, now: datetime) -> int | None:
    """The id of the one order that a search finds; None where it finds several or none."""
    found = session.scalars(_statement(tenant, Wish(search=search), now).limit(2)).all()
    return found[0].id if len(found) == 1 else None


def _statement(tenant: int, wish: Wish, now: datetime) -> Select[Order]:
    return select(Order).where(Order.tenant_id == tenant, *wishes.conditions(tenant, wish, now))


def _with_parts(session: Session, tenant: int, orders: Sequence[Order]) -> list[OrderLook]:
    ids = [order.id for order in orders]
    units = _units(session, tenant, ids)
    holds = _by_order(session.scalars(_of(Hold, tenant, ids).where(Hold.state == "open")))
    parcels = _by_order(session.scalars(_of(Parcel, tenant, ids)))
    jobs = _jobs(session, tenant, ids)
    at_the_door = {parcel.shipment_id for rows in parcels.values() for parcel in rows if parcel.delivered_at}
    by_hand = Shipment.way.in_(BY_HAND) & Shipment.state.in_(handed_over.WAITS)
    couriered = Shipment.courier.is_not(None) & (Shipment.state != "cancelled") & Shipment.id.not_in(at_the_door)
    waiting = _by_order(session.scalars(_of(Shipment, tenant, ids).where(by_hand | couriered)))
    return [
        OrderLook(
            order=order,
            units=units.get(order.id, 0),
            holds=holds[order.id],
            parcels=parcels[order.id],
            jobs=jobs[order.id],
            waiting=waiting[order.id],
        )
        for order in orders
    ]


def _units(session: Session, tenant: int, ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(OrderLine.order_id, func.sum(OrderLine.units))
        .where(OrderLine.tenant_id == tenant, OrderLine.order_id.in_(ids))
        .group_by(OrderLine.order_id)
    )
    return {order: int(units) for order, units in rows}


def _of(table: Any, tenant: int, ids: Sequence[int]) -> Any:
    return select(table).where(table.tenant_id == tenant, table.order_id.in_(ids)).order_by(table.id)


def _by_order(rows: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.order_id].append(row)
    return found


def _jobs(session: Session, tenant: int, ids: Sequence[int]) -> dict[int, list[Job]]:
    """What waits, runs or needs a person, by order: every job that takes an order on runs in the order's own lane."""
    found: dict[int, list[Job]] = defaultdict(list)
    rows = session.scalars(
        select(Job)
        .where(
            Job.tenant_id == tenant,
            Job.lane.in_([f"order/{id}" for id in ids]),
            or_(Job.state == "due", Job.state == "running", Job.state == "parked"),
        )
        .order_by(Job.id)
    )
    for job in rows:
        found[int(job.lane.removeprefix("order/"))].append(job)
    return found
