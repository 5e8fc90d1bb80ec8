"""The statements by which orders.inventory holds units: levels, reservations and movements at once, or none of them.

Most orders of a sale take one thing from one place. Theirs is a statement of its own, of plain values and with nothing
to sort or to sum up: the row of a popular variant is locked while it runs. It is asked of the driver itself, as
nothing in it is for SQLAlchemy to compile or to convert.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from records import database


class Taken(NamedTuple):
    """Units of one variant that a line takes from one place: `each` of them for one unit of the line."""

    line: int
    variant: int
    place: int
    shipment: int
    units: int
    each: int
    part: bool
    """Of a bundle."""


class Held(NamedTuple):
    """How many levels had all that was wanted of them, and whether the store has to be told of any."""

    levels: int
    unsold: bool


def take(session: Session, tenant: int, order: int, taken: Sequence[Taken], *, actor: str) -> Held:
    """Hold these for an order, where their levels have all that is wanted of them."""
    whose = {"tenant": tenant, "order": order, "actor": actor}
    if len(taken) == 1:
        ((levels, unsold),) = database.ask_driver(session, _TAKE_ONE, whose | taken[0]._asdict())
        return Held(levels=levels, unsold=unsold)
    lists = dict(zip(_LISTS, map(list, zip(*taken, strict=True)), strict=True))
    levels, unsold = session.execute(_TAKE_ALL, whose | lists).one()
    return Held(levels=levels, unsold=unsold)


_TAKE_ONE = """
WITH given AS (
    UPDATE stock_levels SET reserved = reserved + %(units)s
    WHERE tenant_id = %(tenant)s AND variant_id = %(variant)s AND location_id = %(place)s
      AND on_hand - reserved - damaged - safety >= %(units)s
    RETURNING variant_id, location_id
), sold AS MATERIALIZED (
    SELECT given.variant_id, given.location_id,
           CASE WHEN %(part)s THEN 'bundle' WHEN v.connection_id <> o.connection_id THEN 'elsewhere' ELSE '' END AS how
    FROM given, variants v, orders o
    WHERE v.tenant_id = %(tenant)s AND v.id = %(variant)s AND o.tenant_id = %(tenant)s AND o.id = %(order)s
), held AS (
    INSERT INTO reservations
        (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, "each", part, unsold)
    SELECT %(tenant)s, %(order)s, %(line)s, variant_id, location_id, %(shipment)s, %(units)s, %(each)s, %(part)s,
           how <> ''
    FROM sold
), told AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor)
    SELECT %(tenant)s, variant_id, location_id, 'reserved', 0, %(units)s,
           %(order)s, how, %(actor)s
    FROM sold
)
SELECT count(*) AS levels, coalesce(bool_or(how <> ''), false) AS unsold FROM sold
"""
# In the order of what is taken.
_LISTS = ("lines", "variants", "places", "shipments", "units", "each", "part")
_TAKE_ALL = text("""
WITH picks AS (
    SELECT * FROM unnest(cast(:lines AS bigint[]), cast(:variants AS bigint[]), cast(:places AS bigint[]),
                         cast(:shipments AS bigint[]), cast(:units AS bigint[]), cast(:each AS bigint[]),
                         cast(:part AS boolean[]))
             AS p (line_id, variant_id, location_id, shipment_id, units, each, part)
), needed AS (
    SELECT variant_id, location_id, sum(units) AS units FROM picks GROUP BY variant_id, location_id
), locked AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, needed.units
    FROM stock_levels level JOIN needed USING (variant_id, location_id)
    WHERE level.tenant_id = :tenant
    ORDER BY level.variant_id, level.location_id
    FOR UPDATE OF level
), given AS (
    UPDATE stock_levels level SET reserved = level.reserved + locked.units
    FROM locked
    WHERE level.tenant_id = :tenant AND level.variant_id = locked.variant_id
      AND level.location_id = locked.location_id
      AND level.on_hand - level.reserved - level.damaged - level.safety >= locked.units
    RETURNING level.variant_id, level.location_id
), sold AS MATERIALIZED (
    SELECT picks.*,
           CASE WHEN part THEN 'bundle' WHEN v.connection_id <> o.connection_id THEN 'elsewhere' ELSE '' END AS how
    FROM picks JOIN given USING (variant_id, location_id)
    JOIN variants v ON v.tenant_id = :tenant AND v.id = variant_id
    JOIN orders o ON o.tenant_id = :tenant AND o.id = :order
), held AS (
    INSERT INTO reservations
        (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, "each", part, unsold)
    SELECT :tenant, :order, line_id, variant_id, location_id, shipment_id, units, each, part, how <> '' FROM sold
), told AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor)
    SELECT :tenant, variant_id, location_id, 'reserved', 0, sum(units), :order, how, :actor
    FROM sold GROUP BY variant_id, location_id, how
)
SELECT (SELECT count(*) FROM given) AS levels, coalesce((SELECT bool_or(how <> '') FROM sold), false) AS unsold
""")
