"""Reads what would have been done for a shop that only watches, beside what its merchant did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from records.orders import Order
from records.shadow import SHIP, ShadowDecision
from web.queries import keyset
from web.queries.keyset import Cut, Page


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The decisions of one currency: how many, what they would have cost, and what buyers paid for shipping."""

    currency: str
    orders: int
    cost_minor: int
    paid_orders: int
    paid_minor: int


def page(session: Session, tenant: int, *, about: str, cut: Cut) -> Page[ShadowDecision]:
    """Decisions, newest first. `about` is `ship` (whole orders), `hold` (what would wait) or `act` (single acts)."""
    statement = select(ShadowDecision).where(ShadowDecision.tenant_id == tenant)
    if about == SHIP:
        statement = statement.where(ShadowDecision.key == SHIP)
    elif about == "hold":
        statement = statement.where(ShadowDecision.act == "hold")
    else:
        statement = statement.where(ShadowDecision.act != "hold", ShadowDecision.key != SHIP)
    return keyset.newest_first(session, statement, ShadowDecision.id, cut)


def orders_of(session: Session, tenant: int, decisions: Sequence[ShadowDecision]) -> Mapping[int, Order]:
    ids = {decision.order_id for decision in decisions}
    return {row.id: row for row in session.scalars(select(Order).where(Order.tenant_id == tenant, Order.id.in_(ids)))}


def sums(session: Session, tenant: int) -> Sequence[Sum]:
    return [Sum(**row) for row in session.execute(_SUMS, {"tenant": tenant}).mappings()]


def compared(session: Session, tenant: int) -> int:
    """Of how many orders it is known what the merchant did."""
    return session.execute(
        select(func.count())
        .select_from(ShadowDecision)
        .where(ShadowDecision.tenant_id == tenant, ShadowDecision.key == SHIP, ShadowDecision.compared_at.is_not(None))
    ).scalar_one()


_SUMS = text("""
SELECT decided ->> 'currency' AS currency, count(*) AS orders,
       sum((decided ->> 'cost_minor')::bigint)::bigint AS cost_minor,
       count(merchant_did ->> 'shipping_paid_minor') FILTER (
           WHERE merchant_did ->> 'shipping_paid_currency' = decided ->> 'currency') AS paid_orders,
       coalesce(sum((merchant_did ->> 'shipping_paid_minor')::bigint) FILTER (
           WHERE merchant_did ->> 'shipping_paid_currency' = decided ->> 'currency'), 0)::bigint AS paid_minor
FROM shadow_decisions
WHERE tenant_id = :tenant AND key = 'ship' AND decided ->> 'cost_minor' IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC
""")
