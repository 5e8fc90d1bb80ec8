"""A place that could not send what it was asked for: who may say so, of what, and how it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders.reversal import ON_THE_ROAD
from records import decisions
from records.decisions import Refusal

# Why a place could not send something, and how that is said after the place's name.
WHY: Mapping[str, str] = {
    "no_goods": "it could not find the goods",
    "damaged": "its goods were damaged",
    "closed": "it was closed",
    "no_room": "it could not get it done in time",
    "other": "it could not send it",
}
# What lies there is not there, or is not to be sent: for any other reason the goods are in stock, and stay.
OF_GOODS = frozenset({"no_goods", "damaged"})
_LEAVING = frozenset({"allocated", "shipping", "fulfilled"})


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What decides whether a place may still say no. `parcels` are the carrier's words on its parcels."""

    order: str
    shipment: str
    parcels: Collection[str] = ()
    taken_back: bool = False
    """Something of the order is being taken back."""


def why_not(found: Sent) -> str:
    """Why a shipment is not taken from its place any more, as a sentence; empty where it is. Pure."""
    if found.taken_back:
        return "Something of the order is being taken back: wait until that is done."
    if found.shipment == "cancelled":
        return "The shipment does not leave any more already."
    if found.shipment == "handed_over" or ON_THE_ROAD & set(found.parcels):
        return "It is too late: the carrier has it."
    if found.order not in _LEAVING:
        return f"The order is {found.order}: nothing of it is to leave."
    return ""


def told(why: str, at: datetime) -> str:
    """The reason as it stands in a decision: "it could not find the goods on 2026-11-20". Pure."""
    return f"{WHY.get(why, WHY['other'])} on {at:%Y-%m-%d}"


def standing(session: Session, tenant: int, order: int) -> list[Refusal]:
    """What places still cannot send, the oldest first: who had no goods is asked again once more of them have come."""
    said = decisions.refusals_of(session, tenant, order)
    over = set(session.scalars(_OVER, {"tenant": tenant, "order": order})) if said else set()
    return [one for one in said if one.id not in over]


# Not what comes back on the shelf with a shipment that is taken back: those are the very goods.
_OVER = text("""
SELECT refused.id FROM refusals refused
JOIN order_lines line ON line.tenant_id = :tenant AND line.id = refused.line_id
WHERE refused.tenant_id = :tenant AND refused.order_id = :order AND refused.why IN ('no_goods', 'damaged') AND EXISTS (
    SELECT FROM movements came
    WHERE came.tenant_id = :tenant AND came.location_id = refused.location_id AND came.on_hand_change > 0
      AND came.cause IN ('received', 'counted', 'adjusted', 'moved', 'returned') AND came.at > refused.at
      AND came.variant_id IN (
        SELECT line.variant_id
        UNION SELECT part_id FROM bundle_parts WHERE tenant_id = :tenant AND bundle_id = line.variant_id))
""")


def write(
    session: Session,
    tenant: int,
    *,
    order: int,
    shipment: int,
    location: int,
    lines: Sequence[int],
    why: str,
    note: str,
    by: str,
) -> None:
    """Ask this place no more for these lines of the order. Said again, it stays as it was said first."""
    session.execute(
        insert(Refusal)
        .values(
            [
                {
                    "tenant_id": tenant, "order_id": order, "line_id": line, "location_id": location,
                    "shipment_id": shipment, "why": why, "note": note, "actor": by,
                }
                for line in lines
            ]
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "order_id", "line_id", "location_id", "shipment_id"])
    )  # fmt: skip
