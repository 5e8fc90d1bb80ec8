"""Puts planned shipments in the place of others, while no label is bought for any of them.

The units stay reserved all the time: only the shipment that they are for changes.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from orders import lifecycle, packing
from orders.packing import Box, Packable
from orders.promising import Promise
from records.orders import OrderLine
from records.shipments import LIVE_LABEL, Label, Parcel, Shipment, ShipmentLine
from records.tenants import Rules


def give_up_quotes(session: Session, tenant: int, shipment: int) -> None:
    """Nothing was bought for a shipment's boxes, and they are no more."""
    quoted = session.scalars(
        select(Label.id)
        .join(Parcel, (Parcel.tenant_id == Label.tenant_id) & (Parcel.id == Label.parcel_id))
        .where(Label.tenant_id == tenant, Parcel.shipment_id == shipment, Label.state.in_(LIVE_LABEL))
    ).all()
    for label in quoted:
        lifecycle.move(session, tenant, "label", label, "fail")


def plan(
    session: Session,
    tenant: int,
    like: Shipment,
    part: Mapping[int, int],
    said: Promise,
    *,
    by_carrier: bool | None = None,
) -> int:
    """A shipment from the place of another with these units (by order line) and this promise; without boxes yet."""
    made = session.execute(
        insert(Shipment)
        .values(
            tenant_id=tenant, order_id=like.order_id, location_id=like.location_id,
            ship_by=said.ship_by, arrives_on=said.arrives_on, arrival_said_by=said.said_by,
            by_carrier=like.by_carrier if by_carrier is None else by_carrier,
        )
        .returning(Shipment.id)
    ).scalar_one()  # fmt: skip
    session.execute(
        insert(ShipmentLine),
        [{"tenant_id": tenant, "shipment_id": made, "line_id": line, "units": count} for line, count in part.items()],
    )
    return made


def hold_for(session: Session, tenant: int, *, old: int, new: int, part: Mapping[int, int]) -> None:
    """Let a part's reserved units be held for its new shipment. No level changes: the same units stay reserved."""
    values = {"tenant": tenant, "old": old, "new": new, "lines": list(part), "units": list(part.values())}
    session.execute(_WHOLE_LINES, values)
    session.execute(_SOME_OF_A_LINE, values)


_PART = "unnest(cast(:lines AS bigint[]), cast(:units AS bigint[])) AS part (line_id, units)"
_SOME_OF_A_LINE = text(f"""
WITH less AS (
    UPDATE reservations held SET units = held.units - part.units * held.each FROM {_PART}
    WHERE held.tenant_id = :tenant AND held.shipment_id = :old AND held.state = 'held'
      AND held.line_id = part.line_id AND held.units > part.units * held.each
    RETURNING held.order_id, held.line_id, held.variant_id, held.location_id, part.units * held.each AS units,
              held.each, held.part, held.unsold
)
INSERT INTO reservations
    (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, "each", part, unsold)
SELECT :tenant, order_id, line_id, variant_id, location_id, :new, units, each, part, unsold FROM less
""")  # nosec B608 # composed of our own constants; every value is bound
_WHOLE_LINES = text(f"""
UPDATE reservations held SET shipment_id = :new FROM {_PART}
WHERE held.tenant_id = :tenant AND held.shipment_id = :old AND held.state = 'held'
  AND held.line_id = part.line_id AND held.units = part.units * held.each
""")  # nosec B608 # composed of our own constants; every value is bound


def fold(session: Session, tenant: int, *, old: int, new: int) -> None:
    """Let all that is held for one shipment be held for another, which may have some of the same lines already."""
    values = {"tenant": tenant, "old": old, "new": new}
    session.execute(_SAME_LINES, values)
    session.execute(_OTHER_LINES, values)


_SAME_LINES = text("""
WITH gone AS (
    DELETE FROM reservations old
    WHERE old.tenant_id = :tenant AND old.shipment_id = :old AND old.state = 'held' AND EXISTS (
        SELECT 1 FROM reservations new
        WHERE new.tenant_id = :tenant AND new.shipment_id = :new AND new.state = 'held'
          AND new.line_id = old.line_id AND new.variant_id = old.variant_id)
    RETURNING old.line_id, old.variant_id, old.units
)
UPDATE reservations held SET units = held.units + gone.units FROM gone
WHERE held.tenant_id = :tenant AND held.shipment_id = :new AND held.state = 'held'
  AND held.line_id = gone.line_id AND held.variant_id = gone.variant_id
""")
_OTHER_LINES = text("""
UPDATE reservations SET shipment_id = :new WHERE tenant_id = :tenant AND shipment_id = :old AND state = 'held'
""")


def box(
    session: Session,
    tenant: int,
    order: int,
    shipment: int,
    units: Mapping[int, int],
    lines: Mapping[int, OrderLine],
    rules: Rules,
) -> list[int]:
    """Pack a shipment's units (by order line), and answer its new parcels. `lines` are the order's, by id."""
    packables = [
        Packable(line=line, units=count, unit_grams=lines[line].unit_grams or rules.assumed_unit_grams)
        for line, count in units.items()
    ]
    return [_parcel(session, tenant, order, shipment, one) for one in packing.pack(packables, rules.box)]


def _parcel(session: Session, tenant: int, order: int, shipment: int, box: Box) -> int:
    written = {str(line): units for line, units in box.contents.items()}
    return session.execute(
        insert(Parcel)
        .values(tenant_id=tenant, shipment_id=shipment, order_id=order, shape=box.shape, contents=written)
        .returning(Parcel.id)
    ).scalar_one()
