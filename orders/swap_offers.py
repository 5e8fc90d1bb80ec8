"""Says what can be sent in the place of what is short: other variants of the same product that cost the same.

Nothing is offered that would move money, and nothing that is not sent from a shelf of ours in a parcel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import banning, bundles, first_come, inventory, may_send, shortage
from orders.routing.question import Want
from orders.shortage import Units
from records.orders import Order, OrderLine, find_order, lines_of

# More is a catalogue, not a choice.
MOST_OFFERED = 12
Free = Mapping[tuple[int, int], int]
"""Units that nobody has spoken for, by variant and location."""


@dataclass(frozen=True, kw_only=True)
class Kin:
    """A variant of the same product as a line's. `plain`: it is counted, shipped, and no bundle or supplier's."""

    line: int
    variant: int
    title: str
    sku: str
    unit_price_minor: int
    currency: str
    plain: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a line can be sent as, and the location that has enough of it."""

    variant: int
    title: str
    sku: str
    location: int

    @property
    def answer(self) -> str:
        return shortage.swap_for(self.variant)


def offers(
    line: OrderLine, units: int, kin: Sequence[Kin], free: Free, *, currency: str, discounted: bool
) -> tuple[Offer, ...]:
    """What may be sent instead of these units, by title. Pure.

    A discount stays with the line that it was given on, so that what takes its place would cost more.
    """
    if discounted or not line.needs_shipping or line.by_hand.parts or units < 1:
        return ()
    found = []
    for one in kin:
        if one.line != line.id or not one.plain or one.variant == line.variant_id:
            continue
        if (one.unit_price_minor, one.currency) != (line.unit_price_minor, currency):
            continue
        enough = [(left, -place) for (variant, place), left in free.items() if variant == one.variant and left >= units]
        if enough:
            found.append(Offer(variant=one.variant, title=one.title, sku=one.sku, location=-max(enough)[1]))
    return tuple(sorted(found, key=lambda offer: (offer.title, offer.sku, offer.variant))[:MOST_OFFERED])


def is_discounted(order: Order, lines: Collection[OrderLine]) -> bool:
    """Whether an order's goods cost less than their prices: a discount is on it, and nobody told us where. Pure.

    Where the store has not said what they cost, the whole order tells, unless shipping and taxes make up for it.
    """
    cost = order.total_minor if order.goods_minor is None else order.goods_minor
    return cost < sum(line.units * line.unit_price_minor for line in lines)


def of_order(session: Session, tenant: int, order_id: int, short: Units) -> dict[int, tuple[Offer, ...]]:
    """What can be sent instead of what is short of an order now, by order line; a line without offers is left out."""
    order = find_order(session, tenant, order_id)
    if order is None or not short:
        return {}
    made_of_parts = bundles.parts_in(session, tenant, order_id)
    lines = {line.id: line for line in lines_of(session, tenant, order_id)}
    asked = {id: units for id, units in short.items() if id in lines and id not in made_of_parts}
    kin = _kin(session, tenant, order, asked)
    wants = [Want(line=one.line, variant=one.variant, units=asked[one.line]) for one in kin]
    free = dict(inventory.free_to_ship(session, tenant, {one.variant for one in kin})) if kin else {}
    for level, units in first_come.spoken_for(session, tenant, order_id, wants).items() if wants else ():
        free[level] = free.get(level, 0) - units
    barred = _barred(session, tenant, order.ship_to or Address(), {one.variant for one in kin}) if kin else set()
    free = {level: units for level, units in free.items() if level not in barred}
    discounted = is_discounted(order, lines.values())
    found = {
        id: offers(lines[id], units, kin, free, currency=order.currency, discounted=discounted)
        for id, units in asked.items()
    }
    return {id: offered for id, offered in found.items() if offered}


def _barred(session: Session, tenant: int, to: Address, variants: Collection[int]) -> set[tuple[int, int]]:
    """The levels (variant, location) that may not be sent there: nobody is offered what would only be held."""
    marks = {variant: banning.bans_of(session, tenant, variant) for variant in sorted(variants)}
    wants = [
        Want(line=variant, variant=variant, units=1, hazmat=marked.hazmat, never_to=marked.never_to)
        for variant, marked in marks.items()
    ]
    return {(variant, place) for place, variant in may_send.closed(session, tenant, to, wants)}


def _kin(session: Session, tenant: int, order: Order, lines: Collection[int]) -> list[Kin]:
    rows = session.execute(_KIN, {"tenant": tenant, "order": order.id, "lines": list(lines)})
    return [Kin(**row) for row in rows.mappings()]


_KIN = text("""
SELECT line.id AS line, other.id AS variant, other.title, other.sku, other.unit_price_minor, other.currency,
       other.tracked AND other.needs_shipping
       AND NOT EXISTS (SELECT 1 FROM bundle_parts b WHERE b.tenant_id = :tenant AND b.bundle_id = other.id)
       AND NOT EXISTS (SELECT 1 FROM supplied_variants s WHERE s.tenant_id = :tenant AND s.variant_id = other.id)
       AND NOT EXISTS (SELECT 1 FROM digital_goods d WHERE d.tenant_id = :tenant AND d.variant_id = other.id) AS plain
FROM order_lines line
JOIN orders o ON o.tenant_id = :tenant AND o.id = line.order_id
JOIN variants sold ON sold.tenant_id = :tenant AND sold.connection_id = o.connection_id
                  AND sold.remote_id = line.variant_remote_id
JOIN variants other ON other.tenant_id = :tenant AND other.connection_id = o.connection_id
                   AND other.product_remote_id = sold.product_remote_id AND other.id <> sold.id
WHERE line.tenant_id = :tenant AND line.order_id = :order AND line.id = ANY(cast(:lines AS bigint[]))
  AND sold.product_remote_id <> ''
ORDER BY line.id, other.id
""")
