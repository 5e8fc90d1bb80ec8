"""Says which planned shipments of an order leave together, and lets them: what leaves one place goes in one shipment.

More of an order comes to be sent when stock lands or its buyer adds to it. While no label is bought for what is planned
at the same place, it joins that; the carriers ask less for one parcel than for two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, select, text
from sqlalchemy.orm import Session

from orders import lifecycle, promising, replanning
from orders.inventory import Contended
from orders.promised import of_shipment
from orders.splitting import units_of
from records.orders import lines_of
from records.shipments import BY_HAND, Shipment
from records.tenants import Rules


@dataclass(frozen=True, kw_only=True)
class Joinable:
    """What decides whether shipments may leave together."""

    order: str
    shipments: int
    """How many are planned to leave the place in parcels."""
    labels: tuple[str, ...]
    """The states of their parcels' labels."""
    buying: bool
    """A purchase runs for one of them, or was begun and nobody knows how it ended."""
    taken_back: bool
    """Something of the order is being taken back."""
    torn_bundle: bool = False
    """Units of one bundle's line stand in several of them: what its parts are may have changed in between."""


def why_not(found: Joinable) -> str:
    """Why these shipments cannot leave together, as a sentence; empty where they can. Pure."""
    if found.order not in {"allocated", "shipping"}:
        return f"The order is {found.order}: there is nothing of it left to send together."
    if found.taken_back:
        return "Something of the order is being taken back: wait until that is done."
    if found.shipments < 2:
        return "There is nothing else at this place that waits for a label."
    if "bought" in found.labels:
        return "It is too late: a label is bought for one of them."
    if found.buying:
        return "It is too late: a label is being bought for one of them at this moment."
    if found.torn_bundle:
        return "A bundle stands in several of them, and its parts may have changed in between."
    return ""


def planned_at(session: Session, tenant: int, order: int, location: int) -> list[Shipment]:
    """What is planned to leave a place in parcels, the oldest first."""
    return list(
        session.scalars(
            select(Shipment)
            .where(
                Shipment.tenant_id == tenant,
                Shipment.order_id == order,
                Shipment.location_id == location,
                Shipment.state == "planned",
                Shipment.way.not_in(BY_HAND),
                Shipment.courier.is_(None),  # it has no label, and is spoken for all the same
            )
            .order_by(Shipment.id)
        )
    )


def together(units: Sequence[Mapping[int, int]]) -> dict[int, int]:
    """Units by order line of several shipments. Pure."""
    return dict(sum((Counter(one) for one in units), Counter[int]()))


def torn(units: Sequence[Collection[int]], bundles: Collection[int]) -> bool:
    """Whether units of one bundle's line stand in several shipments. Pure."""
    return any(sum(line in one for one in units) > 1 for line in bundles)


def held_as_parts(session: Session, tenant: int, shipments: Collection[int]) -> set[int]:
    """The lines for which these shipments hold parts of a bundle, whatever is in the bundle now."""
    return set(session.scalars(_HELD_AS_PARTS, {"tenant": tenant, "shipments": sorted(shipments)}))


_HELD_AS_PARTS = text("""
SELECT DISTINCT line_id FROM reservations
WHERE tenant_id = :tenant AND shipment_id = ANY(cast(:shipments AS bigint[])) AND state = 'held' AND part
""").columns(line_id=BigInteger)


def join(session: Session, tenant: int, shipments: Sequence[Shipment], rules: Rules) -> tuple[int, list[int]]:
    """Put one shipment in the place of several at one place; answers it and its parcels. Nobody is asked to buy yet.

    Raises Contended where somebody else has moved one of them on: then nothing of it may be committed.
    """
    units = together([units_of(session, tenant, one.id) for one in shipments])
    said, by_carrier = promising.in_one(map(of_shipment, shipments)), any(one.by_carrier for one in shipments)
    made = replanning.plan(session, tenant, shipments[0], units, said, by_carrier=by_carrier)
    for one in shipments:
        give_up(session, tenant, one)
        replanning.fold(session, tenant, old=one.id, new=made)
    lines = {line.id: line for line in lines_of(session, tenant, shipments[0].order_id)}
    return made, replanning.box(session, tenant, shipments[0].order_id, made, units, lines, rules)


def give_up(session: Session, tenant: int, shipment: Shipment) -> None:
    """End a planned shipment whose units leave in another. Raises Contended where somebody else has moved it on."""
    if not lifecycle.move(session, tenant, "shipment", shipment.id, "cancel"):
        raise Contended(f"shipment {shipment.id} of tenant {tenant} is not planned any more")
    replanning.give_up_quotes(session, tenant, shipment.id)
