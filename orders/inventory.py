"""Reserves stock for orders, gives it back, and takes it off the shelf: the only writer of stock levels.

Every change writes the movement that explains it in the same statement. Rows are locked in one order (variant, then
location), so that two orders never wait for each other in a ring.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from orders import reserving, taking_counts
from orders.allocation import Pick
from orders.reserving import Taken
from orders.taking_counts import CameBack
from records import database
from records.stock import Location


class Contended(Exception):
    """Somebody else took the units between looking and taking: look again."""


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A pick and the shipment that it is for."""

    pick: Pick
    shipment: int


def available(
    session: Session, tenant: int, variants: Collection[int], places: Collection[int]
) -> dict[tuple[int, int], int]:
    """Units free to promise, by (variant, location)."""
    if len(variants) == 1 and len(places) == 1:
        one = {"tenant": tenant, "variant": next(iter(variants)), "place": next(iter(places))}
        rows = database.ask_driver(session, _AVAILABLE_ONE, one)
    else:
        several = {"tenant": tenant, "variants": list(variants), "places": list(places)}
        rows = [tuple(row) for row in session.execute(_AVAILABLE, several)]
    return {(variant, place): free for variant, place, free in rows}


# PostgreSQL guesses that a list has ten entries. Of one that it is shown it knows better, and would plan this anew each
# time to find the guess too dear; behind a SELECT it sees neither, and keeps its plan.
_AVAILABLE = text("""
SELECT variant_id, location_id, on_hand - reserved - damaged - safety AS free FROM stock_levels
WHERE tenant_id = :tenant AND variant_id = ANY((SELECT cast(:variants AS bigint[]))::bigint[])
  AND location_id = ANY((SELECT cast(:places AS bigint[]))::bigint[])
""")
# Of one thing in a shop with one place: what a sale asks thousands of times.
_AVAILABLE_ONE = """
SELECT variant_id, location_id, on_hand - reserved - damaged - safety AS free FROM stock_levels
WHERE tenant_id = %(tenant)s AND variant_id = %(variant)s AND location_id = %(place)s
"""


def free_to_ship(session: Session, tenant: int, variants: Collection[int]) -> dict[tuple[int, int], int]:
    """The same at every location that orders leave from."""
    places = select(Location.id).where(Location.tenant_id == tenant, Location.ships)
    return available(session, tenant, variants, session.scalars(places).all())


def reserve(
    session: Session, tenant: int, order: int, holdings: Sequence[Holding], *, actor: str, elsewhere: bool = False
) -> bool:
    """Hold these units for an order; answers whether the store has to be told, which has not sold all of them.

    An order from `elsewhere` is one that the store does not have: it has sold none of them. Raises Contended, and holds
    nothing, where not all of them are free any more.

    It is one statement, and wants to be the last of its transaction: the rows of a popular variant stay locked only
    from here to the commit.
    """
    taken = [
        Taken(
            line=holding.pick.line,
            variant=variant,
            place=holding.pick.location,
            shipment=holding.shipment,
            units=holding.pick.units * each,
            each=each,
            unsold="bundle" if holding.pick.parts else "elsewhere" if elsewhere else "",
        )
        for holding in holdings
        for variant, each in holding.pick.taken()
    ]
    if not taken:
        return False
    wanted = len({(one.variant, one.place) for one in taken})
    given = reserving.take(session, tenant, order, taken, actor=actor)
    if given != wanted:
        raise Contended(f"order {order} of tenant {tenant}: {given} of {wanted} levels still had the units")
    return any(one.unsold for one in taken)


_MOVEMENTS = """movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor)
    SELECT :tenant, variant_id, location_id,"""
_WHOSE = ":order, CASE WHEN part THEN 'bundle' WHEN unsold THEN 'elsewhere' ELSE '' END, :actor"


# What a count did not find of what was promised is off the shelf when nobody holds it any more.
_TOLD_LOST = """told_lost AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, actor, reason)
    SELECT :tenant, variant_id, location_id, 'counted', -lost, 0, :order, :actor,
           'They were promised, and a count had not found them.'
    FROM summed WHERE lost > 0
)"""


def release(session: Session, tenant: int, order: int, *, actor: str) -> int:
    """Give back everything that is held for an order; answers the units that are free again."""
    return _end(session, tenant, order, None, "released", actor)


def release_shipment(session: Session, tenant: int, order: int, shipment: int, *, actor: str) -> int:
    """Give back what is held for one shipment; answers the units that are free again."""
    return _end(session, tenant, order, shipment, "released", actor)


def left_there(session: Session, tenant: int, order: int, shipment: int, gone: Mapping[int, int], *, actor: str) -> int:
    """Take units (by order line) off the shelf that were just given back for a shipment, and that the store has marked
    as shipped itself; answers how many. The store's next count says whether that was so.
    """
    values = {"tenant": tenant, "order": order, "shipment": shipment, "actor": actor}
    lists = {"lines": list(gone), "units": list(gone.values())}
    return int(session.execute(_LEFT_THERE, values | lists).scalar_one()) if gone else 0


_LEFT_THERE = text(f"""
WITH gone AS (
    SELECT r.variant_id, r.location_id, r.part, r.unsold, sum(least(r.units, g.units * r.each)) AS units
    FROM reservations r
    JOIN unnest(cast(:lines AS bigint[]), cast(:units AS bigint[])) AS g (line_id, units) USING (line_id)
    WHERE r.tenant_id = :tenant AND r.order_id = :order AND r.shipment_id = :shipment AND r.state = 'released'
      AND r.ended_at = now()
    GROUP BY r.variant_id, r.location_id, r.part, r.unsold
), levels AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.on_hand - level.reserved AS free FROM stock_levels level
    WHERE level.tenant_id = :tenant AND (level.variant_id, level.location_id) IN (
        SELECT variant_id, location_id FROM gone)
    ORDER BY level.variant_id, level.location_id
    FOR UPDATE
), counted_up AS (
    SELECT gone.*, levels.free,
           sum(gone.units) OVER (PARTITION BY variant_id, location_id ORDER BY part, unsold) - gone.units AS before
    FROM gone JOIN levels USING (variant_id, location_id)
), taken AS (
    SELECT variant_id, location_id, part, unsold, least(units, free - before) AS units
    FROM counted_up WHERE free > before
), summed AS (
    SELECT variant_id, location_id, sum(units) AS units FROM taken GROUP BY variant_id, location_id
), changed AS (
    UPDATE stock_levels level SET on_hand = level.on_hand - summed.units
    FROM summed
    WHERE level.tenant_id = :tenant AND level.variant_id = summed.variant_id AND level.location_id = summed.location_id
), told AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor, reason)
    SELECT :tenant, variant_id, location_id, 'shipped', -units, 0, {_WHOSE},
           'Somebody had marked them as shipped in the store.'
    FROM taken
)
SELECT coalesce(sum(units), 0) FROM summed
""")  # nosec B608 # composed of our own constants; every value is bound


def consume(session: Session, tenant: int, order: int, shipment: int, *, actor: str) -> int:
    """Take a shipment's units off the shelf for good; answers the units."""
    return _end(session, tenant, order, shipment, "shipped", actor)


def put_back(session: Session, tenant: int, order: int, shipment: int, *, actor: str) -> int:
    """Put the units of a shipment that did not leave after all back on the shelf; answers those that are free again.

    They were consumed when the storefront was told. Nothing else happens where that was undone before.
    """
    return int(
        session.execute(
            _PUT_BACK, {"tenant": tenant, "order": order, "shipment": shipment, "actor": actor}
        ).scalar_one()
    )


_PUT_BACK = text(f"""
WITH levels AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.missing FROM stock_levels level
    WHERE level.tenant_id = :tenant AND (level.variant_id, level.location_id) IN (
        SELECT variant_id, location_id FROM reservations
        WHERE tenant_id = :tenant AND order_id = :order AND shipment_id = :shipment AND state = 'consumed')
    ORDER BY level.variant_id, level.location_id
    FOR UPDATE
), back AS (
    UPDATE reservations SET state = 'released', ended_at = now()
    WHERE tenant_id = :tenant AND order_id = :order AND shipment_id = :shipment AND state = 'consumed'
      AND (SELECT count(*) FROM levels) > 0
    RETURNING variant_id, location_id, units, part, unsold
), summed AS (
    SELECT variant_id, location_id, sum(units) AS units, least(sum(units), max(missing)) AS lost
    FROM back JOIN levels USING (variant_id, location_id) GROUP BY variant_id, location_id
), changed AS (
    UPDATE stock_levels level SET on_hand = level.on_hand + summed.units - summed.lost,
                                  missing = level.missing - summed.lost
    FROM summed
    WHERE level.tenant_id = :tenant AND level.variant_id = summed.variant_id AND level.location_id = summed.location_id
), told AS (
    INSERT INTO {_MOVEMENTS} 'put_back', sum(units), 0, {_WHOSE}
    FROM back GROUP BY variant_id, location_id, part, unsold
), {_TOLD_LOST}
SELECT coalesce(sum(units - lost), 0) FROM summed
""")  # nosec B608 # composed of our own constants; every value is bound


# What a reservation becomes, and whether its units leave the shelf with it.
_ENDS = {"released": ("released", 0), "shipped": ("consumed", 1)}


def _end(session: Session, tenant: int, order: int, shipment: int | None, cause: str, actor: str) -> int:
    state, shelf = _ENDS[cause]
    values = {"tenant": tenant, "order": order, "shipment": shipment, "cause": cause, "actor": actor}
    return int(session.execute(_END, values | {"state": state, "shelf": shelf}).scalar_one())


_END = text(f"""
WITH levels AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.missing FROM stock_levels level
    WHERE level.tenant_id = :tenant AND (level.variant_id, level.location_id) IN (
        SELECT variant_id, location_id FROM reservations
        WHERE tenant_id = :tenant AND order_id = :order AND state = 'held'
          AND (cast(:shipment AS bigint) IS NULL OR shipment_id = :shipment))
    ORDER BY level.variant_id, level.location_id
    FOR UPDATE
), ended AS (
    UPDATE reservations SET state = :state, ended_at = now()
    WHERE tenant_id = :tenant AND order_id = :order AND state = 'held'
      AND (cast(:shipment AS bigint) IS NULL OR shipment_id = :shipment)
      AND (SELECT count(*) FROM levels) > 0
    RETURNING variant_id, location_id, units, part, unsold
), summed AS (
    SELECT variant_id, location_id, sum(units) AS units, least(sum(units), max(missing)) * (1 - :shelf) AS lost
    FROM ended JOIN levels USING (variant_id, location_id) GROUP BY variant_id, location_id
), changed AS (
    UPDATE stock_levels level SET reserved = level.reserved - summed.units,
                                  on_hand = level.on_hand - summed.units * :shelf - summed.lost,
                                  missing = least(level.missing - summed.lost, level.reserved - summed.units)
    FROM summed
    WHERE level.tenant_id = :tenant AND level.variant_id = summed.variant_id AND level.location_id = summed.location_id
), told AS (
    INSERT INTO {_MOVEMENTS} :cause, -sum(units) * :shelf, -sum(units), {_WHOSE}
    FROM ended GROUP BY variant_id, location_id, part, unsold
), {_TOLD_LOST}
SELECT coalesce(sum(units - lost), 0) FROM summed
""")  # nosec B608 # composed of our own constants; every value is bound


def count(
    session: Session,
    tenant: int,
    levels: Mapping[tuple[int, int], int],
    *,
    actor: str,
    as_of: datetime | None = None,
    reason: str = "",
    came_back: Sequence[CameBack] = (),
) -> int:
    """Set what is on hand, by (variant, location), as somebody counted it; answers how many levels changed.

    `as_of` is when the counting began: a level that we have taken units off or put units back on since, or are telling
    the store of, is left for the next count, as nobody can tell whether the number has those units in it. A count below
    what is reserved leaves the reserved units standing: they are promised, and a person has to decide.
    """
    return taking_counts.take(session, tenant, levels, came_back, actor=actor, as_of=as_of, reason=reason)
