"""Counts what a shop wants to know first: is it working, and what needs me."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from orders import what_to_order as replenish
from records.inbox import InboxEvent
from records.jobs import Job
from records.orders import Hold, Order
from records.shipments import Label, Parcel
from records.tenants import Connection, Tenant
from web.queries import payments, wishes
from web.queries.wishes import DAYS
from web.show.next_step import TO_SHIP


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Things that wait for a person for one reason."""

    kind: str
    cause: str = ""
    count: int
    oldest_at: datetime


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Jobs that are due by now, and those that wait for a later time."""

    due: int
    later: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Spend:
    """Postage of one currency."""

    currency: str
    labels: int
    cost_minor: int


@dataclass(frozen=True, kw_only=True)
class Day:
    day: date
    labels: int


@dataclass(frozen=True, kw_only=True)
class ToShip:
    """Orders that still have to leave; the others are parts of `all`. `due` is by hours from now."""

    all: int
    late: int
    due: dict[int, int]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Orders with a promise of which a parcel was delivered in the last 30 days."""

    kept: int
    missed: int

    @property
    def percent(self) -> int | None:
        """Rounded down, so that 100 means every one; None where nothing was delivered."""
        whole = self.kept + self.missed
        return self.kept * 100 // whole if whole else None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands over everything else that a shop's home says."""

    mode: str
    closed_at: datetime | None
    consent_wanted_at: datetime | None
    """Since when a store refuses our secrets."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    standing: Standing
    to_ship: ToShip
    promise: Promise
    orders: dict[str, int]
    holds: Sequence[Waiting]
    parked: Sequence[Waiting]
    backlog: Backlog
    spend: Sequence[Spend]
    days: Sequence[Day]
    inbox_parked: int
    unmatched: int
    last_heard_at: datetime | None
    running_out: int
    """SKUs that are out, or run out before an order of today could be there."""

    @property
    def late(self) -> int:
        return self.to_ship.late


def overview(session: Session, tenant: int, *, now: datetime) -> Overview:
    since = now - timedelta(days=DAYS)
    return Overview(
        orders=_by_state(session, tenant),
        holds=_open_holds(session, tenant),
        parked=_parked_jobs(session, tenant),
        backlog=backlog(session, tenant),
        spend=_spend(session, tenant, since),
        days=_days(session, tenant, since, now),
        inbox_parked=_inbox_parked(session, tenant),
        unmatched=payments.unmatched_count(session, tenant),
        standing=_standing(session, tenant),
        to_ship=_to_ship(session, tenant, now),
        promise=_promise(session, tenant, since),
        last_heard_at=_last_heard(session, tenant),
        running_out=replenish.running_out(session, tenant, today=now.date()),
    )


def backlog(session: Session, tenant: int) -> Backlog:
    is_due = Job.due_at <= func.now()
    row = session.execute(
        select(
            func.count().filter(is_due).label("due"),
            func.count().filter(~is_due).label("later"),
            func.min(case((is_due, Job.due_at))).label("oldest_due_at"),
        ).where(Job.tenant_id == tenant, Job.state == "due")
    ).one()
    return Backlog(due=row.due, later=row.later, oldest_due_at=row.oldest_due_at)


def _by_state(session: Session, tenant: int) -> dict[str, int]:
    rows = session.execute(select(Order.state, func.count()).where(Order.tenant_id == tenant).group_by(Order.state))
    return dict(rows.all())


def _open_holds(session: Session, tenant: int) -> list[Waiting]:
    rows = session.execute(
        select(Hold.kind, func.count().label("many"), func.min(Hold.created_at).label("oldest_at"))
        .where(Hold.tenant_id == tenant, Hold.state == "open")
        .group_by(Hold.kind)
        .order_by(func.count().desc(), Hold.kind)
    )
    return [Waiting(kind=row.kind, count=row.many, oldest_at=row.oldest_at) for row in rows]


def _parked_jobs(session: Session, tenant: int) -> list[Waiting]:
    at = func.min(func.coalesce(Job.ended_at, Job.created_at)).label("oldest_at")
    rows = session.execute(
        select(Job.kind, Job.cause, func.count().label("many"), at)
        .where(Job.tenant_id == tenant, Job.state == "parked")
        .group_by(Job.kind, Job.cause)
        .order_by(func.count().desc(), Job.cause)
        .limit(50)
    )
    return [Waiting(kind=row.kind, cause=row.cause, count=row.many, oldest_at=row.oldest_at) for row in rows]


def _spend(session: Session, tenant: int, since: datetime) -> list[Spend]:
    rows = session.execute(
        select(Label.currency, func.count().label("labels"), func.coalesce(func.sum(Label.cost_minor), 0).label("cost"))
        .where(Label.tenant_id == tenant, Label.bought_at >= since, Label.state.in_(wishes.PAID_FOR))
        .group_by(Label.currency)
        .order_by(func.count().desc(), Label.currency)
    )
    return [Spend(currency=row.currency, labels=row.labels, cost_minor=int(row.cost)) for row in rows]


def _days(session: Session, tenant: int, since: datetime, now: datetime) -> list[Day]:
    """Labels bought on each of the last days, the empty days too; days are UTC's."""
    counted: dict[date, int] = dict(
        session.execute(
            select(func.date(Label.bought_at), func.count())
            .where(Label.tenant_id == tenant, Label.bought_at >= since, Label.state.in_(wishes.PAID_FOR))
            .group_by(text("1"))
        ).all()
    )
    days = [(now - timedelta(days=back)).date() for back in range(DAYS - 1, -1, -1)]
    return [Day(day=day, labels=counted.get(day, 0)) for day in days]


def _inbox_parked(session: Session, tenant: int) -> int:
    return session.execute(
        select(func.count()).select_from(InboxEvent).where(InboxEvent.tenant_id == tenant, InboxEvent.state == "parked")
    ).scalar_one()


def _standing(session: Session, tenant: int) -> Standing:
    shop = session.get_one(Tenant, tenant)
    refused = session.scalars(
        select(func.min(Connection.consent_wanted_at)).where(
            Connection.tenant_id == tenant, Connection.ended_at.is_(None)
        )
    ).one()
    return Standing(mode=shop.mode, closed_at=shop.closed_at, consent_wanted_at=refused)


def _to_ship(session: Session, tenant: int, now: datetime) -> ToShip:
    """One look at the orders that have not left: their number is the work in hand, however long the history is."""
    row = session.execute(
        select(
            func.count().label("all"),
            func.count().filter((Order.deliver_by < now) | (Order.ship_by < now)).label("late"),
            *(func.count().filter(wishes.is_due(now, hours)).label(f"due_{hours}") for hours in wishes.DUE_WITHIN),
        ).where(Order.tenant_id == tenant, Order.state.in_(TO_SHIP))
    ).one()
    return ToShip(all=row.all, late=row.late, due={hours: getattr(row, f"due_{hours}") for hours in wishes.DUE_WITHIN})


def _promise(session: Session, tenant: int, since: datetime) -> Promise:
    """Counted by order, as the lists that the numbers lead to are; one with a late and a timely parcel is in both."""
    in_time = Parcel.delivered_at <= Order.deliver_by
    row = session.execute(
        select(
            func.count(Order.id.distinct()).filter(in_time).label("kept"),
            func.count(Order.id.distinct()).filter(~in_time).label("missed"),
        )
        .select_from(Order)
        .join(Parcel, (Parcel.tenant_id == Order.tenant_id) & (Parcel.order_id == Order.id))
        .where(Order.tenant_id == tenant, Parcel.delivered_at >= since, Order.deliver_by.is_not(None))
    ).one()
    return Promise(kept=row.kept, missed=row.missed)


def _last_heard(session: Session, tenant: int) -> datetime | None:
    return session.scalars(
        select(InboxEvent.received_at).where(InboxEvent.tenant_id == tenant).order_by(InboxEvent.id.desc()).limit(1)
    ).first()
