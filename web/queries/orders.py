"""Finds orders by what people know of them, a page at a time, with everything that a line of the list shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, Text, func, literal_column, or_, select, union_all
from sqlalchemy.orm import Session

from records import database
from records.jobs import Job
from records.orders import Hold, Order, OrderLine
from records.shipments import Label, Parcel
from web.queries import keyset
from web.queries.keyset import Cut, Page
from web.show.next_step import TO_SHIP

# What costs money, or may yet come back.
PAID_FOR = ("bought", "void_requested", "void_refused", "spent")
_FILE_CHUNK = 500
# Spelled exactly as the index spells it, or PostgreSQL does not see that they are the same.
_BUYER: ColumnElement[str] = literal_column("lower(orders.ship_to ->> 'name')", Text)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a list of orders is narrowed to; an empty field narrows nothing.

    `state` may be `to_ship`, which is every state before the last unit has left, and `hold` may be `any`.
    """

    search: str = ""
    state: str = ""
    hold: str = ""
    payment: str = ""
    parcel: str = ""
    late: bool = False
    labelled_days: int = 0


@dataclass(frozen=True, kw_only=True)
class OrderLook:
    """One line of the list."""

    order: Order
    units: int
    holds: Sequence[Hold] = field(default_factory=list)
    parcels: Sequence[Parcel] = field(default_factory=list)
    jobs: Sequence[Job] = field(default_factory=list)

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


def only_match(session: Session, tenant: int, search: str, *, now: datetime) -> int | None:
    """The id of the one order that a search finds; None where it finds several or none."""
    found = session.scalars(_statement(tenant, Wish(search=search), now).limit(2)).all()
    return found[0].id if len(found) == 1 else None


def existing(session: Session, tenant: int, ids: Sequence[int]) -> set[int]:
    """Which of these ids are orders of the tenant."""
    return set(session.scalars(select(Order.id).where(Order.tenant_id == tenant, Order.id.in_(ids))))


def _statement(tenant: int, wish: Wish, now: datetime) -> Select[Order]:
    return select(Order).where(Order.tenant_id == tenant, *_conditions(tenant, wish, now))


def _conditions(tenant: int, wish: Wish, now: datetime) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if wish.search:
        asked.append(Order.id.in_(_matches(tenant, wish.search)))
    if wish.state:
        asked.append(Order.state.in_(TO_SHIP) if wish.state == "to_ship" else Order.state == wish.state)
    if wish.hold:
        kind = [] if wish.hold == "any" else [Hold.kind == wish.hold]
        asked.append(Order.id.in_(select(Hold.order_id).where(Hold.tenant_id == tenant, Hold.state == "open", *kind)))
    if wish.payment:
        asked.append(Order.standing == wish.payment)
    if wish.parcel:
        asked.append(
            Order.id.in_(
                select(Parcel.order_id).where(Parcel.tenant_id == tenant, Parcel.carrier_status == wish.parcel)
            )
        )
    if wish.late:
        asked.append(is_late(now))
    if wish.labelled_days:
        asked.append(Order.id.in_(_labelled_since(tenant, now - timedelta(days=wish.labelled_days))))
    return asked


def is_late(now: datetime) -> ColumnElement[bool]:
    """The same as next_step.is_late, for the database."""
    return Order.state.in_(TO_SHIP) & (Order.deliver_by < now)


def _labelled_since(tenant: int, since: datetime) -> Select[int]:
    return select(Label.order_id).where(Label.tenant_id == tenant, Label.bought_at >= since, Label.state.in_(PAID_FOR))


def _matches(tenant: int, search: str) -> Any:
    """The ids of orders that a search finds: each branch is an index look-up, in the words that people have at hand."""
    bare = search.removeprefix("#")
    lower = search.lower()
    return union_all(
        select(Order.id).where(Order.tenant_id == tenant, Order.name.in_([search, bare, f"#{bare}"])),
        select(Order.id).where(Order.tenant_id == tenant, func.lower(Order.email) == lower),
        select(Order.id).where(
            Order.tenant_id == tenant,
            # A prefix, so that "Ada" finds Ada Lovelace; what people type is no pattern.
            _BUYER.like(_escaped(lower) + "%", escape="\\"),
        ),
        select(OrderLine.order_id).where(OrderLine.tenant_id == tenant, OrderLine.sku.in_([search, search.upper()])),
        select(Parcel.order_id).where(
            Parcel.tenant_id == tenant, Parcel.tracking_code.in_([search, search.replace(" ", "").upper()])
        ),
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _with_parts(session: Session, tenant: int, orders: Sequence[Order]) -> list[OrderLook]:
    ids = [order.id for order in orders]
    units = _units(session, tenant, ids)
    holds = _by_order(session.scalars(_of(Hold, tenant, ids).where(Hold.state == "open")))
    parcels = _by_order(session.scalars(_of(Parcel, tenant, ids)))
    jobs = _jobs(session, tenant, ids)
    return [
        OrderLook(
            order=order,
            units=units.get(order.id, 0),
            holds=holds[order.id],
            parcels=parcels[order.id],
            jobs=jobs[order.id],
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
