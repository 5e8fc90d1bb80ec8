"""Finds jobs by how they stand and why, in groups that can be mended at once and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from records.inbox import InboxEvent
from records.jobs import Job
from records.orders import Order, Payment
from records.shipments import Label, Parcel, Shipment
from web.queries import keyset
from web.queries.keyset import Cut, Page

STATES = ("parked", "due", "running", "done", "cancelled")
# How many groups of alike failures a page can carry; more than these are one failure in many disguises.
_GROUPS = 100


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a list of jobs is narrowed to. `cause` narrows nothing where it is None; an empty one is a cause too."""

    state: str = ""
    kind: str = ""
    cause: str | None = None
    queue: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Jobs of one kind that wait or were parked for one cause."""

    state: str
    cause: str
    kind: str
    count: int
    first_at: datetime
    last_at: datetime
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class About:
    """The order that a job belongs to."""

    id: int
    name: str


def groups(session: Session, tenant: int) -> list[Group]:
    """What was parked, and what failed and tries again by itself: by cause and kind, the largest parked group first."""
    parked = _grouped(tenant, Job.state == "parked", func.coalesce(Job.ended_at, Job.created_at))
    # A job that is only too early has a cause too (`early`); nothing is wrong with it.
    failing = _grouped(tenant, Job.state == "due", func.coalesce(Job.started_at, Job.created_at)).where(
        Job.cause.not_in(("", "early"))
    )
    return [
        Group(**row._mapping)  # noqa: SLF001 - its public name
        for statement in (parked, failing)
        for row in session.execute(statement.limit(_GROUPS))
    ]


def group_count(session: Session, tenant: int, *, cause: str, kind: str) -> int:
    """How many jobs are parked for this cause."""
    return session.execute(
        select(func.count())
        .select_from(Job)
        .where(Job.tenant_id == tenant, Job.state == "parked", Job.cause == cause, Job.kind == kind)
    ).scalar_one()


def page(session: Session, tenant: int, wish: Wish, cut: Cut) -> Page[Job]:
    statement = select(Job).where(Job.tenant_id == tenant)
    if wish.state:
        statement = statement.where(Job.state == wish.state)
    if wish.kind:
        statement = statement.where(Job.kind == wish.kind)
    if wish.cause is not None:
        statement = statement.where(Job.cause == wish.cause)
    if wish.queue:
        statement = statement.where(Job.queue == wish.queue)
    return keyset.newest_first(session, statement, Job.id, cut)


def one(session: Session, tenant: int, id: int) -> Job | None:
    return session.get(Job, (tenant, id))


def runs(session: Session, tenant: int, job: Job) -> list[Job]:
    """Every time that this work was asked for, the newest first."""
    return list(
        session.scalars(
            select(Job)
            .where(Job.tenant_id == tenant, Job.lane == job.lane, Job.subject == job.subject, Job.kind == job.kind)
            .order_by(Job.id.desc())
            .limit(20)
        )
    )


def orders_of(session: Session, tenant: int, jobs: Sequence[Job]) -> dict[int, About]:
    """The orders that these jobs belong to, by job id, in a handful of queries for any number of jobs."""
    owners = {job.id: _split(job) for job in jobs}
    found: dict[tuple[str, int], int] = {owner: owner[1] for owner in owners.values() if owner[0] == "order"}
    for thing, table in (("parcel", Parcel), ("shipment", Shipment), ("label", Label), ("payment", Payment)):
        found |= _orders_by(session, tenant, thing, table, [id for kind, id in owners.values() if kind == thing])
    found |= _orders_by_event(session, tenant, [id for kind, id in owners.values() if kind == "event"])
    named = select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(set(found.values())))
    names = dict(session.execute(named).all())
    return {
        job: About(id=order, name=names[order])
        for job, owner in owners.items()
        if (order := found.get(owner)) is not None and order in names
    }


def _grouped(tenant: int, which: Any, at: Any) -> Select[Any]:
    return (
        select(
            Job.state,
            Job.cause,
            Job.kind,
            func.count().label("count"),
            func.min(at).label("first_at"),
            func.max(at).label("last_at"),
            # One of them speaks for all: alike failures differ in their numbers only.
            func.max(Job.reason).label("reason"),
            func.max(Job.remedy).label("remedy"),
        )
        .where(Job.tenant_id == tenant, which)
        .group_by(Job.state, Job.cause, Job.kind)
        .order_by(func.count().desc(), Job.cause, Job.kind)
    )


def _split(job: Job) -> tuple[str, int]:
    thing, _, number = job.subject.partition("/")
    return thing, int(number) if number.isdigit() else 0


def _orders_by(session: Session, tenant: int, thing: str, table: Any, ids: Sequence[int]) -> dict[tuple[str, int], int]:
    if not ids:
        return {}
    rows = session.execute(select(table.id, table.order_id).where(table.tenant_id == tenant, table.id.in_(ids)))
    return {(thing, row.id): row.order_id for row in rows if row.order_id is not None}


def _orders_by_event(session: Session, tenant: int, ids: Sequence[int]) -> dict[tuple[str, int], int]:
    if not ids:
        return {}
    rows = session.execute(
        select(InboxEvent.id, InboxEvent.subject).where(InboxEvent.tenant_id == tenant, InboxEvent.id.in_(ids))
    )
    return {
        ("event", row.id): int(row.subject.removeprefix("order/")) for row in rows if row.subject.startswith("order/")
    }
