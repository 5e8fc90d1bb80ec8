"""Decides what a store is told of a movement: which units go from which state to which.

It is told of what a person does here, and of what our orders hold and it has not sold: the parts of bundles, as it sold
the bundle alone, and what came from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from integrations.nouns import StockChange, StockState
from records.intentions import Intention
from records.stock import Location, Movement, Variant


@dataclass(frozen=True, kw_only=True)
class Told:
    """A movement as the store is told of it, and by which connection."""

    connection: str
    changes: tuple[StockChange, ...]
    counted: bool = False
    """Somebody counted what is there: the store is to have that number, whatever the change was from."""


def of_unsold(session: Session, tenant: int, order: int) -> list[int]:
    """The movements of what the store has not sold that were made for an order in this very transaction."""
    return list(session.scalars(_OF_UNSOLD, {"tenant": tenant, "order": order}))


_OF_UNSOLD = text("""
SELECT id FROM movements
WHERE tenant_id = :tenant AND order_id = :order AND reference IN ('bundle', 'elsewhere') AND at = now() ORDER BY id
""")


_UNSOLD = frozenset({"bundle", "elsewhere"})


def is_from_elsewhere(session: Session, tenant: int, order: int) -> bool:
    """Whether the store that counts what an order wants does not have the order itself: another connection has it."""
    return bool(session.execute(_FROM_ELSEWHERE, {"tenant": tenant, "order": order}).scalar_one())


_FROM_ELSEWHERE = text("""
SELECT EXISTS (
    SELECT 1 FROM orders o
    JOIN order_lines line ON line.tenant_id = :tenant AND line.order_id = o.id
    JOIN variants v ON v.tenant_id = :tenant AND v.id = line.variant_id
    WHERE o.tenant_id = :tenant AND o.id = :order AND v.connection_id <> o.connection_id)
""")


def of_movement(session: Session, tenant: int, movement: int) -> Told | None:
    """What the store is to be told; None where it counts nothing of the kind."""
    return of_movements(session, tenant, [movement]).get(movement)


def of_movements(session: Session, tenant: int, movements: Iterable[int]) -> dict[int, Told]:
    """What the store is to be told of each, the oldest first; without those of what it does not count."""
    wanted = sorted(movements)
    if not wanted:
        return {}
    rows = session.execute(
        select(Movement, Variant.connection_id, Variant.inventory_remote_id, Location.remote_id)
        .join(Variant, (Variant.tenant_id == Movement.tenant_id) & (Variant.id == Movement.variant_id))
        .join(Location, (Location.tenant_id == Movement.tenant_id) & (Location.id == Movement.location_id))
        .where(Movement.tenant_id == tenant, Movement.id.in_(wanted), Variant.tracked)
        .where(Location.connection_id == Variant.connection_id)
        .order_by(Movement.id)
    )
    return {
        moved.id: Told(connection=connection, changes=_changes(moved, thing, place), counted=moved.cause == "counted")
        for moved, connection, thing, place in rows
    }


def _changes(moved: Movement, inventory_remote_id: str, location_remote_id: str) -> tuple[StockChange, ...]:
    promised = moved.reserved_change if moved.reference in _UNSOLD else 0
    way = tuple(steps(moved.on_hand_change, moved.damaged_change, moved.safety_change, promised))
    if not way and moved.cause == "counted":  # our number stays, and the store's may be another: see `of_count`
        way = ((None, StockState.AVAILABLE, 1),)
    return tuple(
        StockChange(
            inventory_remote_id=inventory_remote_id,
            location_remote_id=location_remote_id,
            taken_from=taken_from,
            put_to=put_to,
            units=units,
            cause=moved.cause,
            document=f"gid://packline/Movement/{moved.id}",
        )
        for taken_from, put_to, units in way
    )


def counted_units(session: Session, tenant: int, movement: int) -> int:
    """What the store is to have on hand after a count: ours now, without what it is told of after that count."""
    return int(session.execute(_COUNTED_UNITS, {"tenant": tenant, "movement": movement}).scalar_one())


_COUNTED_UNITS = text("""
SELECT level.on_hand - coalesce((
    SELECT sum(later.on_hand_change) FROM movements later
    JOIN jobs ON jobs.tenant_id = :tenant AND jobs.kind = 'tell_stock' AND jobs.subject = 'movement/' || later.id
     AND jobs.state IN ('due', 'running', 'parked')
    WHERE later.tenant_id = :tenant AND later.variant_id = m.variant_id AND later.location_id = m.location_id
      AND later.id > m.id), 0)
FROM movements m JOIN stock_levels level USING (tenant_id, variant_id, location_id)
WHERE m.tenant_id = :tenant AND m.id = :movement
""")


def of_count(change: StockChange, units: int) -> StockChange | None:
    """The change by so many units, fewer where it is less than nothing; None where there is nothing to change. Pure."""
    if not units:
        return None
    ends = {
        "taken_from": StockState.AVAILABLE if units < 0 else None,
        "put_to": StockState.AVAILABLE if units > 0 else None,
    }
    return change.model_copy(update=ends | {"units": abs(units)})


def waits_for(session: Session, tenant: int, movement: int) -> str | None:
    """The state of the job that tells of an earlier change of the same level, one that waits for a person before all
    others; None where there is none.
    """
    return session.scalars(_WAITS_FOR, {"tenant": tenant, "movement": movement}).first()


_WAITS_FOR = text("""
WITH telling AS MATERIALIZED (
    SELECT subject, state FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'due'
    UNION SELECT subject, state FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'running'
    UNION SELECT subject, state FROM jobs WHERE tenant_id = :tenant AND kind = 'tell_stock' AND state = 'parked'
)
SELECT telling.state
FROM telling
JOIN movements earlier ON earlier.tenant_id = :tenant
 AND earlier.id = cast(split_part(telling.subject, '/', 2) AS bigint)
JOIN movements m USING (tenant_id, variant_id, location_id)
WHERE m.id = :movement AND earlier.id < m.id
ORDER BY telling.state = 'parked' DESC LIMIT 1
""")


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
    units: int | None = None
    """By how many units a count was told; None of what is no count."""


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
    return [_attempt(row, row.key.removeprefix(begins)) for row in rows if row.key.startswith(begins)]


def _attempt(row: Intention, decided: str) -> Attempt:
    seen, _, units = decided.partition("/")
    return Attempt(
        key=row.key, seen=int(seen), state=row.state, keyed_at=row.keyed_at, units=int(units) if units else None
    )


def key_of(movement: int, step: int, seen: int | str, units: int | None = None) -> str:
    """The key of one decision: other units in the store call for another one, and so does another number of a count."""
    return f"tell_stock/{movement}/{step}/{seen}" + ("" if units is None else f"/{units}")
