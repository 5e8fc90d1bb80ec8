"""Reads what was, or is being, taken back of an order, with every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.reversals import Reversal, ReversalStep, reversals_of, steps_of


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    row: Reversal
    steps: Sequence[ReversalStep]


def of_order(session: Session, tenant: int, order: int) -> list[TakenBack]:
    """Newest first."""
    return [
        TakenBack(row=row, steps=steps_of(session, tenant, row.id))
        for row in reversed(reversals_of(session, tenant, order))
    ]


def step_of_order(session: Session, tenant: int, order: int, step: int) -> ReversalStep | None:
    """A step of this very order's."""
    return session.scalars(
        select(ReversalStep)
        .join(Reversal, (Reversal.tenant_id == ReversalStep.tenant_id) & (Reversal.id == ReversalStep.reversal_id))
        .where(ReversalStep.tenant_id == tenant, ReversalStep.id == step, Reversal.order_id == order)
    ).first()
