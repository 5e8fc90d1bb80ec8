"""Divides what leaves one location into two shipments, while no label is bought for any of it.

The old shipment is cancelled and two take its place, because its boxes, and what was quoted for them, are no more. The
units stay reserved all the time: only the shipment that they are for changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from integrations.nouns import Parcel as ParcelShape
from orders import lifecycle, packing
from orders.packing import Packable
from records.orders import OrderLine, lines_of
from records.shipments import LIVE_LABEL, Label, Parcel, Shipment, ShipmentLine
from records.tenants import Rules

_BOUGHT = "It is too late: a label is bought for this shipment. Give it back first, with another label or a cancel."


@dataclass(frozen=True, kw_only=True)
class Divisible:
    """What decides whether a shipment may be divided. `units` is by order line."""

    order: str
    shipment: str
    units: Mapping[int, int]
    labels: tuple[str, ...]
    """The states of its parcels' labels."""
    by_hand: bool = False
    """The buyer comes for it, or the shop brings it itself."""
    buying: bool
    """A purchase runs for one of them, or was begun and nobody knows how it ended."""
    taken_back: bool
    """Something of the order is being taken back."""


@dataclass(frozen=True, kw_only=True)
class Divided:
    """The two shipments that took the old one's place, and their parcels."""

    stays: int
    apart: int
    parcels: tuple[int, ...]


def why_not(found: Divisible, apart: Mapping[int, int]) -> str:
    """Why these units cannot leave in a shipment of their own, as a sentence; empty where they can. Pure."""
    if found.order not in {"allocated", "shipping"}:
        return f"The order is {found.order}: there is nothing of it left to divide."
    if found.taken_back:
        return "Something of the order is being taken back: wait until that is done."
    if found.shipment == "cancelled":
        return "The shipment was cancelled or divided already."
    if found.by_hand:
        return "It leaves in no parcel: say what the buyer has once they have it."
    if found.shipment != "planned" or "bought" in found.labels:
        return _BOUGHT
    if found.buying:
        return "It is too late: a label is being bought for this shipment at this moment."
    return odd_units(found.units, apart)


def odd_units(units: Mapping[int, int], apart: Mapping[int, int]) -> str:
    """What is wrong with units that should leave apart, as a sentence; empty where nothing is. Pure."""
    if any(count < 0 or count > units.get(line, 0) for line, count in apart.items()):
        return "More units were asked for than the shipment has."
    if not sum(apart.values()):
        return "Choose at least one unit that leaves apart."
    if sum(apart.values()) == sum(units.values()):
        return "At least one unit has to stay: all of them leave together already."
    return ""


def parts(units: Mapping[int, int], apart: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """What stays together and what leaves apart, by order line, without lines of no units. Pure."""
    moved = {line: count for line, count in apart.items() if count}
    return {line: rest for line, count in units.items() if (rest := count - moved.get(line, 0))}, moved


def divide(
    session: Session, tenant: int, shipment: Shipment, units: Mapping[int, int], apart: Mapping[int, int], rules: Rules
) -> Divided | None:
    """Put two shipments in the place of one; None where somebody else has moved it on. Nobody is asked to buy yet."""
    if not lifecycle.move(session, tenant, "shipment", shipment.id, "cancel"):
        return None
    _give_up_quotes(session, tenant, shipment.id)
    stays, moved = parts(units, apart)
    lines = {line.id: line for line in lines_of(session, tenant, shipment.order_id)}
    first, second = (_planned(session, tenant, shipment, part) for part in (stays, moved))
    for new, part in ((second, moved), (first, stays)):
        _hold_for(session, tenant, old=shipment.id, new=new, part=part)
    boxes = [
        box
        for new, part in ((first, stays), (second, moved))
        for box in _boxes(session, tenant, shipment.order_id, new, part, lines, rules)
    ]
    return Divided(stays=first, apart=second, parcels=tuple(boxes))


def units_of(session: Session, tenant: int, shipment: int) -> dict[int, int]:
    rows = session.scalars(
        select(ShipmentLine)
        .where(ShipmentLine.tenant_id == tenant, ShipmentLine.shipment_id == shipment)
        .order_by(ShipmentLine.line_id)
    )
    return {row.line_id: row.units for row in rows}


def _give_up_quotes(session: Session, tenant: int, shipment: int) -> None:
    """Nothing was bought for these boxes, and they are no more."""
    quoted = session.scalars(
        select(Label.id)
        .join(Parcel, (Parcel.tenant_id == Label.tenant_id) & (Parcel.id == Label.parcel_id))
        .where(Label.tenant_id == tenant, Parcel.shipment_id == shipment, Label.state.in_(LIVE_LABEL))
    ).all()
    for label in quoted:
        lifecycle.move(session, tenant, "label", label, "fail")


def _planned(session: Session, tenant: int, like: Shipment, part: Mapping[int, int]) -> int:
    made = session.execute(
        insert(Shipment)
        .values(
            tenant_id=tenant, order_id=like.order_id, location_id=like.location_id,
            ship_by=like.ship_by, arrives_on=like.arrives_on, arrival_said_by=like.arrival_said_by,
        )
        .returning(Shipment.id)
    ).scalar_one()  # fmt: skip
    session.execute(
        insert(ShipmentLine),
        [{"tenant_id": tenant, "shipment_id": made, "line_id": line, "units": count} for line, count in part.items()],
    )
    return made


def _hold_for(session: Session, tenant: int, *, old: int, new: int, part: Mapping[int, int]) -> None:
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
              held.each, held.part
)
INSERT INTO reservations (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, "each", part)
SELECT :tenant, order_id, line_id, variant_id, location_id, :new, units, each, part FROM less
""")  # nosec B608 # composed of our own constants; every value is bound
_WHOLE_LINES = text(f"""
UPDATE reservations held SET shipment_id = :new FROM {_PART}
WHERE held.tenant_id = :tenant AND held.shipment_id = :old AND held.state = 'held'
  AND held.line_id = part.line_id AND held.units = part.units * held.each
""")  # nosec B608 # composed of our own constants; every value is bound


def _boxes(
    session: Session,
    tenant: int,
    order: int,
    shipment: int,
    part: Mapping[int, int],
    lines: Mapping[int, OrderLine],
    rules: Rules,
) -> Sequence[int]:
    packables = [
        Packable(line=line, units=count, unit_grams=lines[line].unit_grams or rules.assumed_unit_grams)
        for line, count in part.items()
    ]
    return [
        _box(session, tenant, order, shipment, box.shape, box.contents) for box in packing.pack(packables, rules.box)
    ]


def _box(
    session: Session, tenant: int, order: int, shipment: int, shape: ParcelShape, contents: Mapping[int, int]
) -> int:
    written = {str(line): units for line, units in contents.items()}
    return session.execute(
        insert(Parcel)
        .values(tenant_id=tenant, shipment_id=shipment, order_id=order, shape=shape, contents=written)
        .returning(Parcel.id)
    ).scalar_one()
