"""Divides what leaves one location into two shipments, while no label is bought for any of it.

The old shipment is cancelled and two take its place, because its boxes, and what was quoted for them, are no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import lifecycle, replanning
from orders.promised import of_shipment
from records.orders import lines_of
from records.shipments import Shipment, ShipmentLine
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
    replanning.give_up_quotes(session, tenant, shipment.id)
    stays, moved = parts(units, apart)
    lines = {line.id: line for line in lines_of(session, tenant, shipment.order_id)}
    first, second = (replanning.plan(session, tenant, shipment, part, of_shipment(shipment)) for part in (stays, moved))
    for new, part in ((second, moved), (first, stays)):
        replanning.hold_for(session, tenant, old=shipment.id, new=new, part=part)
    boxes = [
        box
        for new, part in ((first, stays), (second, moved))
        for box in replanning.box(session, tenant, shipment.order_id, new, part, lines, rules)
    ]
    return Divided(stays=first, apart=second, parcels=tuple(boxes))


def units_of(session: Session, tenant: int, shipment: int) -> dict[int, int]:
    rows = session.scalars(
        select(ShipmentLine)
        .where(ShipmentLine.tenant_id == tenant, ShipmentLine.shipment_id == shipment)
        .order_by(ShipmentLine.line_id)
    )
    return {row.line_id: row.units for row in rows}
