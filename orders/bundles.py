"""Bundles: what is sold as one thing and lies on the shelves as several. The merchant says what is in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders.routing.question import Part
from records.stock import BundlePart, Variant

# More is a catalogue, not a bundle; and every part is a row to lock when one is reserved.
MOST_PARTS = 50
MOST_UNITS = 10_000


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why something cannot be in a bundle, and what to do; with the field that it is about."""

    field: str
    why: str


def parts_in(session: Session, tenant: int, order: int) -> dict[int, tuple[Part, ...]]:
    """The parts of every line of an order that sells a bundle, but for those that the store does not count: they are
    never short.
    """
    found: dict[int, list[Part]] = defaultdict(list)
    for row in session.execute(_PARTS_IN, {"tenant": tenant, "order": order}):
        found[row.line_id] += [Part(variant=row.part_id, units=row.units)] if row.tracked else []
    return {line: tuple(parts) for line, parts in found.items()}


_PARTS_IN = text("""
SELECT line.id AS line_id, held.part_id, held.units, part.tracked
FROM order_lines line
JOIN orders o ON o.tenant_id = line.tenant_id AND o.id = line.order_id
JOIN variants sold ON sold.tenant_id = line.tenant_id AND sold.connection_id = o.connection_id
                  AND sold.remote_id = line.variant_remote_id
JOIN bundle_parts held ON held.tenant_id = line.tenant_id AND held.bundle_id = sold.id
JOIN variants part ON part.tenant_id = held.tenant_id AND part.id = held.part_id
WHERE line.tenant_id = :tenant AND line.order_id = :order
ORDER BY line.id, held.part_id
""")


def parts_of(session: Session, tenant: int, variant: int) -> tuple[Part, ...] | None:
    """What one unit of a bundle takes off the shelves; None where it is no bundle."""
    rows = session.execute(_PARTS_OF, {"tenant": tenant, "variant": variant}).all()
    return tuple(Part(variant=row.part_id, units=row.units) for row in rows if row.tracked) if rows else None


_PARTS_OF = text("""
SELECT held.part_id, held.units, part.tracked FROM bundle_parts held
JOIN variants part ON part.tenant_id = held.tenant_id AND part.id = held.part_id
WHERE held.tenant_id = :tenant AND held.bundle_id = :variant ORDER BY held.part_id
""")


def put_in(session: Session, tenant: int, bundle: int, part: int, units: int) -> Refused | None:
    """Say that one unit of a bundle has so many units of a part; answers why it cannot have, where it cannot.

    Orders that hold units already hold what they were promised; those that come after it take the new parts.
    """
    refused = _why_not(session, tenant, bundle, part, units)
    if refused is None:
        row = insert(BundlePart).values(tenant_id=tenant, bundle_id=bundle, part_id=part, units=units)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["tenant_id", "bundle_id", "part_id"], set_={"units": row.excluded.units}
            )
        )
    return refused


def take_out(session: Session, tenant: int, bundle: int, part: int) -> bool:
    """A part is in a bundle no more; answers whether it was. With its last part, it is a thing like any other again."""
    gone = session.execute(
        delete(BundlePart)
        .where(BundlePart.tenant_id == tenant, BundlePart.bundle_id == bundle, BundlePart.part_id == part)
        .returning(BundlePart.part_id)
    )
    return gone.first() is not None


def can_be_made(free: Mapping[tuple[int, int], int], parts: Mapping[int, int]) -> dict[int, int]:
    """How many bundles each place could send. `free` is units by (variant, place), `parts` units in one by variant."""
    places = {place for _, place in free}
    made = {
        place: min(max(0, free.get((part, place), 0)) // units for part, units in parts.items()) for place in places
    }
    return {place: count for place, count in sorted(made.items()) if count}


def _why_not(session: Session, tenant: int, bundle: int, part: int, units: int) -> Refused | None:
    if not 0 < units <= MOST_UNITS:
        return Refused(field="units", why=f"A whole number from 1 to {MOST_UNITS:,}.")
    if bundle == part:
        return Refused(field="part", why="A bundle cannot have itself in it.")
    # Two people who make bundles of each other's parts at once meet here, in one order.
    rows = session.scalars(
        select(Variant)
        .where(Variant.tenant_id == tenant, Variant.id.in_([bundle, part]))
        .order_by(Variant.id)
        .with_for_update()
    ).all()
    shown = {row.id: row.sku or row.title for row in rows}
    if len(shown) < 2:
        return Refused(field="part", why="It is not among what this shop sells.")
    rest = session.execute(_AMONG_BUNDLES, {"tenant": tenant, "bundle": bundle, "part": part}).one()
    if rest.part_is_bundle:
        return Refused(field="part", why=f"{shown[part]} is a bundle itself: put its parts in one by one.")
    if rest.bundle_is_part:
        return Refused(field="bundle", why=f"{shown[bundle]} is a part of another bundle: take it out there first.")
    if rest.part_is_supplied:
        why = f"{shown[part]} is shipped by a supplier, and a bundle leaves our own shelves: ship it from stock first."
        return Refused(field="part", why=why)
    if rest.parts >= MOST_PARTS:
        return Refused(field="part", why=f"A bundle has at most {MOST_PARTS} different parts.")
    return None


_AMONG_BUNDLES = text("""
SELECT EXISTS (SELECT 1 FROM bundle_parts WHERE tenant_id = :tenant AND bundle_id = :part) AS part_is_bundle,
       EXISTS (SELECT 1 FROM bundle_parts WHERE tenant_id = :tenant AND part_id = :bundle) AS bundle_is_part,
       EXISTS (SELECT 1 FROM supplied_variants WHERE tenant_id = :tenant AND variant_id = :part) AS part_is_supplied,
       (SELECT count(*) FROM bundle_parts
        WHERE tenant_id = :tenant AND bundle_id = :bundle AND part_id <> :part) AS parts
""")
