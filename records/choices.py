"""What a buyer was asked about the units that nobody has, until when, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey
from records.orders import of_an_order

OPEN = frozenset({"asked", "reminded"})
DECIDED = frozenset({"answered", "defaulted"})


class Choice(Base):
    """One question to the buyer of an order. States: asked → reminded → answered · defaulted · withdrawn."""

    __tablename__ = "choices"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_choices_order", "tenant_id", "order_id", "id"),
        Index(
            "uq_choices_open",
            "tenant_id",
            "order_id",
            unique=True,
            postgresql_where=text("state IN ('asked', 'reminded')"),
        ),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="asked")
    short: Mapped[dict[str, Any]]
    """Units that nobody has, by order line id."""
    unanswered: Mapped[str]
    """What happens at the deadline without an answer, as the buyer was told: wait, refund, ship_rest."""
    answers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """`wait`, `refund` or `swap/` with a variant's id, by order line id; empty until it was decided."""
    rest: Mapped[str] = mapped_column(server_default="")
    """`now`: what is there leaves without the others; `together`: it waits for them."""
    link_version: Mapped[int] = mapped_column(server_default="1")
    """The links of an older version lead nowhere."""
    created_at: Mapped[CreatedAt]
    remind_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    answered_by: Mapped[str] = mapped_column(server_default="")
    """`person:the buyer`, another person, `packline` at the deadline, `stock` where the units came first."""
    reason: Mapped[str] = mapped_column(server_default="")
    """Why a person of the shop answered in the buyer's place."""
    answered_at: Mapped[datetime | None]
    acted_at: Mapped[datetime | None]
    """Since when the answer cannot be changed any more."""
    over_at: Mapped[datetime | None]
    """Since when nothing of the order was short any more: what is short after that was never asked about."""


class Swap(Base):
    """Another variant in the place of what is short of a line. States: asked → written · refused."""

    __tablename__ = "swaps"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "choice_id"], ["choices.tenant_id", "choices.id"]),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"]),
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        Index("ix_swaps_order", "tenant_id", "order_id", "id"),
        Index("uq_swaps_asked", "tenant_id", "line_id", unique=True, postgresql_where=text("state = 'asked'")),
        CheckConstraint("units > 0", name="units_positive"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    choice_id: Mapped[int]
    line_id: Mapped[int]
    variant_id: Mapped[int]
    """What is sent instead."""
    units: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="asked")
    line_units: Mapped[int | None]
    """Units that the store's order had of the line before the store was told; None until that was read."""
    variant_units: Mapped[int | None]
    """The same of the other variant, in all lines."""
    said: Mapped[str] = mapped_column(server_default="")
    """Why the store refused it, or why it was given up."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


def swaps_of(session: Session, tenant: int, order: int) -> list[Swap]:
    return list(session.scalars(of_an_order(Swap), {"tenant": tenant, "order": order}))


def find(session: Session, tenant: int, choice: int, *, lock: bool = False) -> Choice | None:
    return session.get(Choice, (tenant, choice), with_for_update=lock or None, populate_existing=lock)


def latest_of(session: Session, tenant: int, order: int) -> Choice | None:
    """What the buyer of an order was asked last."""
    return session.scalars(_LATEST, {"tenant": tenant, "order": order}).first()


_LATEST = of_an_order(Choice).order_by(None).order_by(Choice.id.desc()).limit(1)


def of_order(session: Session, tenant: int, order: int) -> list[Choice]:
    return list(session.scalars(of_an_order(Choice), {"tenant": tenant, "order": order}))
