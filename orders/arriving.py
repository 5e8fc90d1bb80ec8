"""Says of goods that nobody has ordered yet when they would arrive, honestly: where nobody can say, it says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import banning, bundles, making, planning, promising
from orders.routing import asking
from orders.routing.question import Want
from records import tenants
from records.stock import Variant
from records.suppliers import SuppliedVariant

_ONE_LINE = 1


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """When it would leave and arrive, or `why` nobody can say: unknown_sku, not_shipped, not_in_stock, not_sent_there,
    no_day. Where from is not in it.
    """

    leaves_on: date | None = None
    arrives_on: date | None = None
    why: str = ""


def say(session: Session, tenant: int, connection: str, *, sku: str, units: int, to: Address, now: datetime) -> Arrival:
    """What can be said now. It reserves nothing and asks nobody, so that it is an estimate."""
    goods = session.scalars(
        select(Variant)
        .where(Variant.tenant_id == tenant, Variant.sku == sku, Variant.connection_id == connection)
        .order_by(Variant.id)
        .limit(1)
    ).first()
    if goods is None:
        return Arrival(why="unknown_sku")
    if not goods.needs_shipping:
        return Arrival(why="not_shipped")
    if session.get(SuppliedVariant, (tenant, goods.id)) is not None:
        return Arrival(why="no_day")  # it leaves a place that we know nothing of, when its supplier says so
    want = _wanted(session, tenant, goods, units)
    rules = tenants.rules_of(session, tenant)
    chosen = planning.decided(asking.ask(session, tenant, [want], to, rules, now=now))
    if chosen.short or not chosen.picks:
        everybody = {place.id for place in chosen.question.places}
        nobody = everybody <= {one.place for one in chosen.decision.left_out}
        return Arrival(why="not_sent_there" if nobody else "not_in_stock")
    return _of(session, tenant, chosen)


def _wanted(session: Session, tenant: int, goods: Variant, units: int) -> Want:
    parts = bundles.parts_of(session, tenant, goods.id)
    days = making.days_of(session, tenant, goods.id)
    variant = goods.id if goods.tracked and parts is None else None
    marked = banning.bans_of(session, tenant, goods.id)
    return Want(
        line=_ONE_LINE, variant=variant, units=units, parts=parts or (), making_days=days,
        hazmat=marked.hazmat, never_to=marked.never_to,
    )  # fmt: skip


def _of(session: Session, tenant: int, chosen: planning.Chosen) -> Arrival:
    places = {pick.location for pick in chosen.picks}
    leaving = [place.leaves_on for place in chosen.question.places if place.id in places]
    parts = [planning.promise(session, tenant, chosen, place) for place in places]
    arrives_on = promising.together(parts, ()).arrives_on
    if arrives_on is None:
        return Arrival(why="no_day")
    return Arrival(leaves_on=max(day for day in leaving if day is not None), arrives_on=arrives_on)
