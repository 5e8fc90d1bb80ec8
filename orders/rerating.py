"""Says whether a parcel may be quoted anew: while nothing is bought for it, and nobody is buying. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from records.orders import OVER


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """What decides whether the carrier is asked anew for a parcel."""

    order: str
    shipment: str
    courier: str = ""
    """Who brings it in a carrier's place."""
    label: str
    """The state of its newest label, or empty where none was begun."""
    buying: bool
    """A purchase runs, or was begun and nobody knows how it ended."""
    holds: tuple[str, ...]
    """The kinds of the open holds that stop a label."""


def why_not(parcel: Unlabelled) -> str:
    """Why no new rates are asked for, as a sentence for a person; empty where they may be."""
    if parcel.order in OVER:
        return f"The order is {parcel.order}: no label is bought for it."
    if parcel.shipment != "planned" or parcel.label == "bought":
        return "It has its label: ask for another label instead."
    if parcel.courier:
        return f"{parcel.courier} brings it: have a carrier bring it first."
    if parcel.buying:
        return "A label is being bought for it at this moment."
    if parcel.holds:
        return f"The order is on hold ({', '.join(kind.replace('_', ' ') for kind in parcel.holds)})."
    return ""
