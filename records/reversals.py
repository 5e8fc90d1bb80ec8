"""What is taken back of an order, step by step: cancellations, changed plans and labels that are bought anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey
from records.orders import of_an_order


class Reversal(Base):
    """One wish to take something back. States: under_way → done · given_up."""

    __tablename__ = "reversals"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_reversals_order", "tenant_id", "order_id"),
        Index(
            "uq_reversals_under_way",
            "tenant_id",
            "order_id",
            unique=True,
            postgresql_where=text("state = 'under_way'"),
        ),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    purpose: Mapped[str]
    """cancel (the whole order), cancel_lines (some units), replan (the store changed the order)."""
    state: Mapped[str] = mapped_column(server_default="under_way")
    wanted: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Units by order line id that are taken back; empty where that is everything."""
    reason: Mapped[str] = mapped_column(server_default="")
    note: Mapped[str] = mapped_column(server_default="")
    asked_by: Mapped[str]
    """`person:…`, `packline`, or the vendor that told us."""
    refund: Mapped[bool] = mapped_column(server_default=text("true"))
    tell_buyer: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class ReversalStep(Base):
    """One thing that a reversal does. States: due → done · skipped · dropped · refused · asks; see orders.lifecycle.

    A person skipped it; what happened meanwhile dropped it, and may call for it, or its like, again.
    """

    __tablename__ = "reversal_steps"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "reversal_id"], ["reversals.tenant_id", "reversals.id"]),
        Index("uq_reversal_steps_position", "tenant_id", "reversal_id", "position", unique=True),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    reversal_id: Mapped[int]
    position: Mapped[int]
    kind: Mapped[str]
    subject: Mapped[str]
    """`shipment/4`, `label/7`, `payment/3`, `order/1`: what the step is about."""
    remote_id: Mapped[str] = mapped_column(server_default="")
    """The storefront's fulfillment, where the step is about one."""
    units: Mapped[int] = mapped_column(server_default="0")
    amount_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="due")
    said: Mapped[str] = mapped_column(server_default="")
    """What came of it, as a sentence."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


def reversals_of(session: Session, tenant: int, order: int) -> list[Reversal]:
    """Oldest first."""
    return list(session.scalars(of_an_order(Reversal), {"tenant": tenant, "order": order}))


def under_way(session: Session, tenant: int, order: int) -> Reversal | None:
    return session.scalars(_UNDER_WAY, {"tenant": tenant, "order": order}).first()


_UNDER_WAY = of_an_order(Reversal).where(Reversal.state == "under_way")


def steps_of(session: Session, tenant: int, reversal: int) -> list[ReversalStep]:
    """In the order in which they are done."""
    return list(
        session.scalars(
            select(ReversalStep)
            .where(ReversalStep.tenant_id == tenant, ReversalStep.reversal_id == reversal)
            .order_by(ReversalStep.position)
        )
    )
