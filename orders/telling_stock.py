"""Decides what a store is told of a movement: which units go from which state to which.

It is told of what a person does here, and of the parts of bundles: the store has sold the bundle, and knows nothing of
what it is put together from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from integrations.nouns import StockChange, StockState
from records.intentions import Intention
from records.stock import Location, Movement, Variant

# What people do on the shelf. What orders do there the store learns from its orders.
CAUSES = frozenset({"counted", "adjusted", "moved", "received", "set_aside", "returned"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """A movement as the store is told of it, and by which connection."""

    connection: str
    changes: tuple[StockChange, ...]


def made_now(session: Session, tenant: int) -> list[int]:
    """The movements that a person made in this very transaction, and that a store is to be told of."""
    return list(
        session.scalars(
            select(Movement.id)
            .where(
                Movement.tenant_id == tenant,
                Movement.at == func.now(),
                Movement.order_id.is_(None),
                Movement.cause.in_(sorted(CAUSES)),
                Movement.actor.startswith("person:"),
            )
            .order_by(Movement.id)
        )
    )


def of_bundles(session: Session, tenant: int, order: int) -> list[int]:
    """The movements of bundles' parts that were made for an order in this very transaction."""
    return list(session.scalars(_OF_BUNDLES, {"tenant": tenant, "order": order}))


_OF_BUNDLES = text("""
SELECT id FROM movements
WHERE tenant_id = :tenant AND order_id = :order AND reference = 'bundle' AND at = now() ORDER BY id
""")


def of_movement(session: Session, tenant: int, movement: int) -> Told | None:
    """What the store is to be told; None where it counts nothing of the kind."""
    row = session.execute(
        select(Movement, Variant, Location.remote_id)
        .join(Variant, (Variant.tenant_id == Movement.tenant_id) & (Variant.id == Movement.variant_id))
        .join(Location, (Location.tenant_id == Movement.tenant_id) & (Location.id == Movement.location_id))
        .where(Movement.tenant_id == tenant, Movement.id == movement, Variant.tracked)
        .where(Location.connection_id == Variant.connection_id)
    ).first()
    if row is None:
        return None
    moved, variant, place = row
    changes = tuple(
        StockChange(
            inventory_remote_id=variant.inventory_remote_id,
            location_remote_id=place,
            taken_from=taken_from,
            put_to=put_to,
            units=units,
            cause=moved.cause,
            document=f"gid://packline/Movement/{moved.id}",
        )
        for taken_from, put_to, units in steps(
            moved.on_hand_change,
            moved.damaged_change,
            moved.safety_change,
            moved.reserved_change if moved.reference == "bundle" else 0,
        )
    )
    return Told(connection=variant.connection_id, changes=changes)


def steps(
    on_hand: int, damaged: int, safety: int, promised: int = 0
) -> Iterator[tuple[StockState | None, StockState | None, int]]:
    """The plainest way from a movement's numbers to units that go from state to state. Pure.

    What leaves one state and comes to another is moved; what is left over is new, or gone.
    """
    deltas = {
        StockState.AVAILABLE: on_hand - damaged - safety - promised,
        StockState.DAMAGED: damaged,
        StockState.SAFETY: safety,
        StockState.PROMISED: promised,
    }
    for source, target in permutations(deltas, 2):
        units = min(-deltas[source], deltas[target])
        if units > 0:
            deltas[source] += units
            deltas[target] -= units
            yield source, target, units
    for state, left in deltas.items():
        if left < 0:
            yield state, None, -left
        elif left > 0:
            yield None, state, left


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One time that a change was, or may have been, told: what the store counted then."""

    key: str
    seen: int
    state: str
    keyed_at: datetime


def attempts(session: Session, tenant: int, movement: int, step: int) -> list[Attempt]:
    """Every time that this step of a movement was to be told, oldest first."""
    begins = key_of(movement, step, "")
    rows = session.scalars(
        select(Intention)
        .where(
            Intention.tenant_id == tenant, Intention.kind == "tell_stock", Intention.subject == f"movement/{movement}"
        )
        .order_by(Intention.id)
    )
    return [
        Attempt(key=row.key, seen=int(row.key.removeprefix(begins)), state=row.state, keyed_at=row.keyed_at)
        for row in rows
        if row.key.startswith(begins)
    ]


def key_of(movement: int, step: int, seen: int | str) -> str:
    """The key of one decision: other units in the store call for another one."""
    return f"tell_stock/{movement}/{step}/{seen}"
