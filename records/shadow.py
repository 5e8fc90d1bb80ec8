"""What Packline would have done, for a shop that only watches: each decision beside what the merchant did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey

# The decision about the whole order: from where, in which boxes, with which service. Others are single acts and holds.
SHIP = "ship"


class ShadowDecision(Base):
    """One act that was decided and not done. `act` is the intention's kind; `key` tells one from another."""

    __tablename__ = "shadow_decisions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("uq_shadow_decisions_key", "tenant_id", "order_id", "key", unique=True),
        Index("ix_shadow_decisions_at", "tenant_id", "created_at"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    key: Mapped[str]
    act: Mapped[str]
    sentence: Mapped[str]
    decided: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """warehouse, carrier, service, cost_minor, currency, … as far as the act has them."""
    merchant_did: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """The same of what the merchant did, once the store tells."""
    compared_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


def record(
    session: Session,
    tenant: int,
    order: int,
    *,
    key: str,
    act: str,
    sentence: str,
    decided: Mapping[str, Any] | None = None,
) -> None:
    """Write a decision down, or what it is by now; one that stands beside what the merchant did stays as it was."""
    written = insert(ShadowDecision).values(
        tenant_id=tenant, order_id=order, key=key, act=act, sentence=sentence, decided=dict(decided or {})
    )
    session.execute(
        written.on_conflict_do_update(
            index_elements=["tenant_id", "order_id", "key"],
            set_={"act": act, "sentence": sentence, "decided": written.excluded.decided},
            where=ShadowDecision.compared_at.is_(None),
        )
    )


def find(session: Session, tenant: int, order: int, key: str) -> ShadowDecision | None:
    return session.scalars(
        select(ShadowDecision)
        .where(ShadowDecision.tenant_id == tenant, ShadowDecision.order_id == order, ShadowDecision.key == key)
        .execution_options(populate_existing=True)
    ).first()


def write_what_merchant_did(
    session: Session, tenant: int, order: int, did: Mapping[str, Any], *, compared_at: datetime | None
) -> None:
    """Put what the merchant did beside every decision about an order; `compared_at` is None while a part is left.

    A decision that was compared is over: it is decided no more, and takes no units.
    """
    session.execute(
        update(ShadowDecision)
        .where(ShadowDecision.tenant_id == tenant, ShadowDecision.order_id == order)
        .values(merchant_did=dict(did), compared_at=compared_at)
    )


def spoken_for(session: Session, tenant: int, *, but: int) -> dict[tuple[int, int], int]:
    """Units, by (variant, location), that watched orders would have taken and the merchant has not shipped yet.

    Nothing is reserved for them, so without these the same unit would be decided about for every order.
    """
    rows = session.execute(_SPOKEN_FOR, {"tenant": tenant, "but": but})
    return {(row.variant, row.location): int(row.units) for row in rows}


_SPOKEN_FOR = text("""
SELECT taken.variant, (pick ->> 'location')::bigint AS location,
       sum((pick ->> 'units')::bigint * taken.each) AS units
FROM shadow_decisions d
JOIN orders o ON o.tenant_id = d.tenant_id AND o.id = d.order_id AND o.state IN ('released', 'watched')
CROSS JOIN LATERAL jsonb_array_elements(d.decided -> 'picks') pick
CROSS JOIN LATERAL (
    SELECT (pick ->> 'variant')::bigint AS variant, 1 AS each WHERE pick ->> 'variant' IS NOT NULL
    UNION ALL
    SELECT (part ->> 0)::bigint, (part ->> 1)::bigint FROM jsonb_array_elements(pick -> 'parts') part
) taken
WHERE d.tenant_id = :tenant AND d.key = 'ship' AND d.order_id <> :but AND d.compared_at IS NULL
GROUP BY 1, 2
""")
