"""What a list of orders can be narrowed to, as conditions that an index answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select, union_all
from sqlalchemy.orm import Session

from records.jobs import Job
from records.orders import Hold, Order, OrderLine
from records.shipments import Label, Parcel, Shipment
from records.stock import Location
from web.show.next_step import TO_SHIP

# What costs money, or may yet come back.
PAID_FOR = ("bought", "void_requested", "void_refused", "spent")
# How far back a home page looks, and therefore the lists that its numbers lead to.
DAYS = 30
# Within which hours a promise falls due to be worth its own list.
DUE_WITHIN = (24, 72)
# The services of this many of the newest labels are offered as a filter: all of them, but for one that nobody buys.
_RECENT_LABELS = 500


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a list of orders is narrowed to; an empty field narrows nothing.

    `state` may be `to_ship`, which is every state before the last unit has left, `hold` and `parked` may be `any`.
    """

    search: str = ""
    state: str = ""
    hold: str = ""
    payment: str = ""
    parcel: str = ""
    shipment: str = ""
    warehouse: int = 0
    """The id of a location that sends some of it."""
    service: str = ""
    """`USPS Priority`: the carrier and service of a label that was bought for it."""
    parked: str = ""
    """The cause of a job of it that needs a person."""
    promise: str = ""
    """kept or missed: a parcel of it was delivered in the last 30 days, in time or not."""
    due_hours: int = 0
    """Promised to be at the door within so many hours, and not all of it has left."""
    late: bool = False
    labelled_days: int = 0


def conditions(tenant: int, wish: Wish, now: datetime) -> list[ColumnElement[bool]]:
    """Every condition of a wish, for a statement on orders that names the tenant itself."""
    asked: list[ColumnElement[bool]] = []
    if wish.search:
        asked.append(Order.id.in_(_matches(tenant, wish.search)))
    if wish.state:
        asked.append(Order.state.in_(TO_SHIP) if wish.state == "to_ship" else Order.state == wish.state)
    if wish.payment:
        asked.append(Order.standing == wish.payment)
    if wish.late:
        asked.append(is_late(now))
    if wish.due_hours:
        asked.append(is_due(now, wish.due_hours))
    return [*asked, *(Order.id.in_(one) for one in _by_parts(tenant, wish, now))]


def is_late(now: datetime) -> ColumnElement[bool]:
    """The same as next_step.is_late, for the database."""
    return Order.state.in_(TO_SHIP) & ((Order.deliver_by < now) | (Order.ship_by < now))


def is_due(now: datetime, hours: int) -> ColumnElement[bool]:
    return Order.state.in_(TO_SHIP) & Order.deliver_by.between(now, now + timedelta(hours=hours))


def locations(session: Session, tenant: int) -> list[tuple[int, str]]:
    """The places that ship, by name."""
    rows = session.execute(
        select(Location.id, Location.name)
        .where(Location.tenant_id == tenant, Location.ships)
        .order_by(Location.name, Location.id)
    )
    return [(row.id, row.name) for row in rows]


def services(session: Session, tenant: int) -> list[str]:
    """`USPS Priority`, …: what the newest labels were bought as."""
    newest = (
        select(Label.rate)
        .where(Label.tenant_id == tenant, Label.bought_at.is_not(None))
        .order_by(Label.bought_at.desc())
        .limit(_RECENT_LABELS)
        .subquery()
    )
    named = _named(newest.c.rate)
    found: Sequence[str | None] = session.scalars(select(named).distinct().order_by(named)).all()
    return [name for name in found if name]


def _by_parts(tenant: int, wish: Wish, now: datetime) -> list[Any]:
    """Orders by what hangs on them: each is a choice of order ids."""
    wanted: list[Any] = []
    if wish.hold:
        kind = [] if wish.hold == "any" else [Hold.kind == wish.hold]
        wanted.append(select(Hold.order_id).where(Hold.tenant_id == tenant, Hold.state == "open", *kind))
    if wish.parked:
        wanted.append(_parked(tenant, wish.parked))
    if wish.parcel:
        wanted.append(_of(Parcel, tenant).where(Parcel.carrier_status == wish.parcel))
    if wish.shipment:
        wanted.append(_of(Shipment, tenant).where(Shipment.state == wish.shipment))
    if wish.warehouse:
        wanted.append(
            _of(Shipment, tenant).where(Shipment.location_id == wish.warehouse, Shipment.state != "cancelled")
        )
    if wish.service:
        wanted.append(_of(Label, tenant).where(_named(Label.rate) == wish.service, Label.state.in_(PAID_FOR)))
    if wish.promise:
        wanted.append(_delivered(tenant, now, kept=wish.promise == "kept"))
    if wish.labelled_days:
        since = now - timedelta(days=wish.labelled_days)
        wanted.append(_of(Label, tenant).where(Label.bought_at >= since, Label.state.in_(PAID_FOR)))
    return wanted


def _of(table: Any, tenant: int) -> Select[Any]:
    return select(table.order_id).where(table.tenant_id == tenant)


def _parked(tenant: int, cause: str) -> Select[Any]:
    """Jobs that take an order on run in its lane."""
    lane = cast(func.split_part(Job.lane, "/", 2), BigInteger)
    named = [] if cause == "any" else [Job.cause == cause]
    return select(lane).where(Job.tenant_id == tenant, Job.state == "parked", Job.lane.like("order/%"), *named)


def _delivered(tenant: int, now: datetime, *, kept: bool) -> Select[Any]:
    """Orders with a promise, one parcel of which was delivered lately: in time, or too late."""
    promised = select(Order.deliver_by).where(Order.tenant_id == tenant, Order.id == Parcel.order_id).scalar_subquery()
    in_time = Parcel.delivered_at <= promised if kept else Parcel.delivered_at > promised
    return _of(Parcel, tenant).where(Parcel.delivered_at >= now - timedelta(days=DAYS), in_time)


def _named(rate: Any) -> ColumnElement[str]:
    return func.concat(
        func.jsonb_extract_path_text(rate, "carrier"), " ", func.jsonb_extract_path_text(rate, "service")
    )


def _matches(tenant: int, search: str) -> Any:
    """The ids of orders that a search finds: each branch is an index look-up, in the words that people have at hand."""
    bare = search.removeprefix("#")
    lower = search.lower()
    return union_all(
        select(Order.id).where(Order.tenant_id == tenant, Order.name.in_([search, bare, f"#{bare}"])),
        select(Order.id).where(Order.tenant_id == tenant, Order.email_as_searched == lower),
        select(Order.id).where(
            Order.tenant_id == tenant,
            # A prefix, so that "Ada" finds Ada Lovelace: from it on, and before it with the last character there is.
            # These two comparisons by bytes may use the index behind the wall, and LIKE may not.
            Order.buyer_as_searched.op("~>=~", is_comparison=True)(lower),
            Order.buyer_as_searched.op("~<~", is_comparison=True)(lower + chr(sys.maxunicode)),
        ),
        select(OrderLine.order_id).where(OrderLine.tenant_id == tenant, OrderLine.sku.in_([search, search.upper()])),
        select(Parcel.order_id).where(
            Parcel.tenant_id == tenant, Parcel.tracking_code.in_([search, search.replace(" ", "").upper()])
        ),
    )
