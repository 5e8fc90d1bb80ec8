"""Holds an order for the units that are free and stay where they are, because the merchant's rules split it no further.

Nobody waits for stock and the buyer is not asked: the merchant lets it leave, or it leaves once it is no shipment more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import holds
from orders.holds import Problem
from orders.routing.decision import Decision
from orders.routing.question import Question, Standing, Want
from orders.routing.ways import Way, beyond, kept_by
from records.orders import OrderLine
from records.shipments import BY_HAND

HOLD = "not_split"
_REMEDY = (
    "Release this hold to send it all the same, in a shipment more: that counts once, for this order. It goes on by "
    "itself where it can leave with more of the order. Else cancel these lines in the store."
)


def standing(session: Session, tenant: int, order: int, wants: Sequence[Want]) -> Standing:
    """What stands of the whole order while these are still wanted of it."""
    of = {"tenant": tenant, "order": order, "kind": HOLD, "by_hand": sorted(BY_HAND)}
    there = session.execute(_STANDING, of).one()
    wanted = sum(want.units for want in wants)
    return Standing(shipments=there.shipments, units=there.units + wanted, let_go=there.let_go)


def note(
    session: Session, tenant: int, order: int, question: Question | None, decision: Decision | None,
    lines: Mapping[int, OrderLine], *, now: datetime,
) -> bool:  # fmt: skip
    """Hold an order for what stays by the merchant's rules, or let it go where nothing does; answers whether it is
    held.
    """
    problem = _problem(question, decision, lines) if question and decision else None
    if problem is None:
        holds.release(session, tenant, order, HOLD, by="packline", now=now)
        return False
    holds.place(session, tenant, order, problem, by="packline")
    return True


def _problem(question: Question, decision: Decision, lines: Mapping[int, OrderLine]) -> Problem | None:
    best = decision.weighed[0].way if decision.weighed else None
    if best is not None and not best.short:
        return None
    rest = beyond(question, best)
    if not rest.takings:
        return None
    reason = f"Not split by your rule ({kept_by(question, best, rest)}): {_told(question, rest, lines)}."
    return Problem(kind=HOLD, reason=reason, remedy=_REMEDY)


def _told(question: Question, rest: Way, lines: Mapping[int, OrderLine]) -> str:
    names = {place.id: place.name for place in question.places}
    by_place: dict[int, list[str]] = {}
    for one in rest.takings:
        line = lines[one.line]
        by_place.setdefault(one.place, []).append(f"{one.units} × {line.sku or line.title}")
    return "; ".join(f"{', '.join(goods)} could leave from {names[place]}" for place, goods in by_place.items())


# `let_go` is the newest hold of the kind, where a person released it and nothing has left by that yet: it counts once.
_STANDING = text("""
SELECT count(DISTINCT shipment.id) AS shipments, coalesce(sum(line.units), 0)::int AS units, (
    SELECT hold.id FROM (
        SELECT id, state, released_by FROM holds
        WHERE tenant_id = :tenant AND order_id = :order AND kind = :kind ORDER BY id DESC LIMIT 1
    ) hold
    WHERE hold.state = 'released' AND hold.released_by LIKE 'person:%' AND NOT EXISTS (
        SELECT FROM routing_decisions made
        WHERE made.tenant_id = :tenant AND made.order_id = :order
          AND made.question #>> '{standing,let_go}' = hold.id::text AND made.answer ->> 'chosen' IS NOT NULL
    )
) AS let_go
FROM shipments shipment
LEFT JOIN shipment_lines line ON line.tenant_id = shipment.tenant_id AND line.shipment_id = shipment.id
WHERE shipment.tenant_id = :tenant AND shipment.order_id = :order AND shipment.state <> 'cancelled'
  AND shipment.location_id IS NOT NULL AND shipment.way <> ALL(:by_hand)
""")
