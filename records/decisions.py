"""Why an order leaves from where it does: the question and the answer, kept so that both can be read and repeated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey

_AT_ONCE = 500


class RoutingDecision(Base):
    """One choice of locations for an order, of which there may be several: each for what was open at its moment.

    Nothing in it tells who bought: a destination is a country, a region and a point rounded to some ten kilometres.
    """

    __tablename__ = "routing_decisions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_routing_decisions_order", "tenant_id", "order_id"),
        Index("ix_routing_decisions_at", "tenant_id", "at", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    at: Mapped[CreatedAt]
    version: Mapped[int]
    """Of the rules that decided; those of another version are read and not repeated."""
    question: Mapped[dict[str, Any]]
    answer: Mapped[dict[str, Any]]
    digest: Mapped[str]
    """SHA-256 of the answer as it is written canonically."""
    sentence: Mapped[str]


class Refusal(Base):
    """A location that could not send a line of an order: it is asked no more for that line."""

    __tablename__ = "refusals"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index("uq_refusals_line", "tenant_id", "order_id", "line_id", "location_id", "shipment_id", unique=True),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    line_id: Mapped[int]
    location_id: Mapped[int]
    shipment_id: Mapped[int]
    """The shipment that was not sent."""
    why: Mapped[str]
    """no_goods, damaged, closed, no_room, other."""
    note: Mapped[str] = mapped_column(server_default="")
    """What a person added."""
    actor: Mapped[str]
    at: Mapped[CreatedAt]


def refusals_of(session: Session, tenant: int, order: int) -> list[Refusal]:
    """The oldest first."""
    return list(
        session.scalars(
            select(Refusal).where(Refusal.tenant_id == tenant, Refusal.order_id == order).order_by(Refusal.id)
        )
    )


def sentence_of(session: Session, tenant: int, order: int) -> str:
    """What was last decided, in a sentence; empty where nothing is kept."""
    found = session.scalars(
        select(RoutingDecision.sentence)
        .where(RoutingDecision.tenant_id == tenant, RoutingDecision.order_id == order)
        .order_by(RoutingDecision.id.desc())
        .limit(1)
    ).first()
    return found or ""


def of_order(session: Session, tenant: int, order: int) -> list[RoutingDecision]:
    """The newest first."""
    return list(
        session.scalars(
            select(RoutingDecision)
            .where(RoutingDecision.tenant_id == tenant, RoutingDecision.order_id == order)
            .order_by(RoutingDecision.id.desc())
        )
    )


def since(session: Session, tenant: int, moment: datetime, *, most: int) -> Iterator[RoutingDecision]:
    """Those since a moment, the oldest first, up to so many, a lot at a time."""
    last, left = 0, most
    while left > 0:
        lot = session.scalars(
            select(RoutingDecision)
            .where(RoutingDecision.tenant_id == tenant, RoutingDecision.at >= moment, RoutingDecision.id > last)
            .order_by(RoutingDecision.id)
            .limit(min(_AT_ONCE, left))
        ).all()
        if not lot:
            return
        yield from lot
        last, left = lot[-1].id, left - len(lot)
        session.expunge_all()
