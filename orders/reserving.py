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
    unsold: str
    """Why the store, which has not sold it, has to be told: `bundle` or `elsewhere`; empty where it has sold it."""


def take(session: Session, tenant: int, order: int, taken: Sequence[Taken], *, actor: str) -> int:
    """Hold these for an order, where their levels have all that is wanted of them; answers how many levels had."""
    whose = {"tenant": tenant, "order": order, "actor": actor}
    if len(taken) == 1:
        ((levels,),) = database.ask_driver(session, _TAKE_ONE, whose | taken[0]._asdict())
        return int(levels)
    lists = dict(zip(_LISTS, map(list, zip(*taken, strict=True)), strict=True))
    return int(session.execute(_TAKE_ALL, whose | lists).scalar_one())


_TAKE_ONE = """
WITH given AS (
    UPDATE stock_levels SET reserved = reserved + %(units)s
    WHERE tenant_id = %(tenant)s AND variant_id = %(variant)s AND location_id = %(place)s
      AND on_hand - reserved - damaged - safety >= %(units)s
    RETURNING variant_id, location_id
), held AS (
    INSERT INTO reservations
        (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, "each", part, unsold)
    SELECT %(tenant)s, %(order)s, %(line)s, variant_id, location_id, %(shipment)s, %(units)s, %(each)s,
           %(unsold)s = 'bundle', %(unsold)s <> ''
    FROM given
), told AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor)
    SELECT %(tenant)s, variant_id, location_id, 'reserved', 0, %(units)s,
           %(order)s, %(unsold)s, %(actor)s
    FROM given
)
SELECT count(*) FROM given
"""
# In the order of what is taken.
_LISTS = ("lines", "variants", "places", "shipments", "units", "each", "unsold")
_TAKE_ALL = text("""
WITH picks AS (
    SELECT * FROM unnest(cast(:lines AS bigint[]), cast(:variants AS bigint[]), cast(:places AS bigint[]),
                         cast(:shipments AS bigint[]), cast(:units AS bigint[]), cast(:each AS bigint[]),
                         cast(:unsold AS text[]))
             AS p (line_id, variant_id, location_id, shipment_id, units, each, unsold)
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
), held AS (
    INSERT INTO reservations
        (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, "each", part, unsold)
    SELECT :tenant, :order, line_id, variant_id, location_id, shipment_id, units, each, unsold = 'bundle', unsold <> ''
    FROM picks JOIN given USING (variant_id, location_id)
), told AS (
    INSERT INTO movements
        (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, reference, actor)
    SELECT :tenant, variant_id, location_id, 'reserved', 0, sum(units), :order, unsold, :actor
    FROM picks JOIN given USING (variant_id, location_id) GROUP BY variant_id, location_id, unsold
)
SELECT count(*) FROM given
""")
