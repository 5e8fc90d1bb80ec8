"""Tells whose the units of a level are that somebody would take away, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

Level = tuple[int, int]
"""A variant and a location."""

# Of so many orders the name is told.
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Promised:
    """Units of one level that one order holds."""

    order: int
    name: str
    units: int


def words(on_hand: int, reserved: int, promised: Sequence[Promised]) -> str:
    """Why units cannot go that orders have been promised, and what to do. Pure."""
    named = [f"{one.name or 'order ' + str(one.order)} ({one.units:,})" for one in promised[:_NAMED]]
    more = f" and {len(promised) - _NAMED:,} more orders" if len(promised) > _NAMED else ""
    whose = f" to {', '.join(named)}{more}" if named else ""
    are = "is" if reserved == 1 else "are"
    return (
        f"Of {on_hand:,} on hand, {reserved:,} {are} promised{whose}. Nothing was changed, because that would take "
        "units from them. Cancel or change those orders first, or put units there from another location."
    )


def held_for(session: Session, tenant: int, level: Level) -> tuple[Promised, ...]:
    """The orders that hold units of a level, first come first."""
    rows = session.execute(_HELD, {"tenant": tenant, "variant": level[0], "place": level[1]})
    return tuple(Promised(order=row.order_id, name=row.name, units=int(row.units)) for row in rows)


_HELD = text("""
SELECT held.order_id, orders.name, sum(held.units) AS units
FROM reservations held JOIN orders ON orders.tenant_id = held.tenant_id AND orders.id = held.order_id
WHERE held.tenant_id = :tenant AND held.variant_id = :variant AND held.location_id = :place AND held.state = 'held'
GROUP BY held.order_id, orders.name ORDER BY min(held.id)
""")
