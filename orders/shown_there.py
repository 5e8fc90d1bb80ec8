"""Finds which fulfillments without a tracking number show what a buyer has: each of their units is of one shipment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from integrations.nouns import StoreShipment
from orders import splitting
from records.digital import deliveries_of
from records.orders import lines_of
from records.shipments import shipments_of

Units = Counter[str]
"""How many units of each order line, by the storefront's id of it."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """A shipment whose units the buyer may have, by what the store says; the place is the storefront's id of it."""

    shipment: int
    location_remote_id: str
    """Empty where it may be shown at any: a courier's is made wherever the store keeps the work."""
    units: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Fulfillments that are known to show something else; all that they show, where no units are told."""

    fulfillments: tuple[str, ...]
    units: Mapping[str, int] = field(default_factory=dict)


def claims(session: Session, tenant: int, order: int, *, but: int | None = None) -> tuple[Claim, ...]:
    """What the store shows for the shipments and digital deliveries of an order; `but` names one that is left out."""
    remote_ids = {line.id: line.remote_id for line in lines_of(session, tenant, order)}
    return (
        *(
            Claim(
                fulfillments=tuple(str(id) for id in one.fulfillments),
                units={remote_ids[line]: units for line, units in splitting.units_of(session, tenant, one.id).items()},
            )
            for one in shipments_of(session, tenant, order)
            if one.id != but and one.fulfillments
        ),
        *(
            Claim(fulfillments=tuple(str(id) for id in one.fulfillments))
            for one in deliveries_of(session, tenant, order)
            if one.fulfillments
        ),
    )


def known(claims: Sequence[Claim]) -> frozenset[str]:
    """The fulfillments that show something which is known. Pure."""
    return frozenset(id for claim in claims for id in claim.fulfillments)


def shared_out(gone: Sequence[Gone], shown: Sequence[StoreShipment], claims: Sequence[Claim]) -> dict[int, list[str]]:
    """Which fulfillments show each shipment; none is named where its units are not all shown. Pure."""
    free = _unclaimed(shown, claims)
    found: dict[int, list[str]] = {}
    for one in gone:
        places = {"", one.location_remote_id}
        there = [each.remote_id for each in shown if not one.location_remote_id or each.location_remote_id in places]
        taken = _taken(Counter(one.units), {id: free[id] for id in there if id in free})
        for id, units in taken.items():
            free[id] = free[id] - units
        if taken:
            found[one.shipment] = list(taken)
    return found


def _unclaimed(shown: Sequence[StoreShipment], claims: Sequence[Claim]) -> dict[str, Units]:
    free = {
        one.remote_id: Counter({line.line_remote_id: line.units for line in one.lines})
        for one in shown
        if one.stands and not one.numbers
    }
    for claim in claims:
        left = Counter(claim.units)
        for id in claim.fulfillments:
            if id in free:
                taken = left & free[id] if claim.units else free[id]
                free[id], left = free[id] - taken, left - taken
    return free


def _taken(wanted: Units, free: Mapping[str, Units]) -> dict[str, Units]:
    """From which fulfillments the units are: one that shows just these, or as few as possible."""
    just = next((id for id, units in free.items() if units == wanted), None)
    if just is not None:
        return {just: wanted}
    left, taken = wanted, {}
    for id, units in sorted(free.items(), key=lambda one: -(wanted & one[1]).total()):
        part = left & units
        if part:
            taken[id] = part
            left = left - part
    return {} if left else taken
