"""Reads what each bundle is made of, and how many of it could leave from where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders import bundles, inventory
from records.stock import BundlePart, Location, Variant

PAGE = 100
NOTHING = "Nothing with this SKU is sold here. Read the store anew if it is new."
SEVERAL = "Several things have this SKU: give each one of its own in the store."


@dataclass(frozen=True, kw_only=True)
class Held:
    """A part, its units in one bundle, and how many of it are free to promise wherever it lies."""

    variant: Variant
    units: int
    free: int


@dataclass(frozen=True, kw_only=True)
class Bundle:
    variant: Variant
    parts: Sequence[Held]
    can_be_made: Sequence[tuple[str, int]]
    """By location; a part that the store does not count limits none."""

    @property
    def uncounted(self) -> bool:
        return not any(part.variant.tracked for part in self.parts)


def all_of(session: Session, tenant: int) -> list[Bundle]:
    """The shop's bundles, by SKU."""
    made_of = _parts(session, tenant)
    variants = _variants(session, tenant, {*made_of, *(part for parts in made_of.values() for part, _ in parts)})
    places = dict(
        session.execute(select(Location.id, Location.name).where(Location.tenant_id == tenant, Location.ships)).all()
    )
    free = inventory.available(session, tenant, list(variants), list(places))
    found = [_bundle(variants, id, parts, free, places) for id, parts in made_of.items()]
    return sorted(found, key=lambda one: (one.variant.sku, one.variant.id))


def named(session: Session, tenant: int, sku: str) -> list[Variant]:
    """What the shop sells under a SKU, whichever way its letters are written."""
    return list(
        session.scalars(
            select(Variant)
            .where(Variant.tenant_id == tenant, func.lower(Variant.sku) == sku.lower(), Variant.sku != "")
            .order_by(Variant.id)
            .limit(2)
        )
    )


def _parts(session: Session, tenant: int) -> dict[int, list[tuple[int, int]]]:
    first = (
        select(BundlePart.bundle_id)
        .where(BundlePart.tenant_id == tenant)
        .distinct()
        .order_by(BundlePart.bundle_id)
        .limit(PAGE)
    )
    rows = session.scalars(
        select(BundlePart)
        .where(BundlePart.tenant_id == tenant, BundlePart.bundle_id.in_(first))
        .order_by(BundlePart.bundle_id, BundlePart.part_id)
    )
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        found[row.bundle_id].append((row.part_id, row.units))
    return found


def _variants(session: Session, tenant: int, ids: set[int]) -> dict[int, Variant]:
    rows = session.scalars(select(Variant).where(Variant.tenant_id == tenant, Variant.id.in_(ids)))
    return {row.id: row for row in rows}


def _bundle(
    variants: dict[int, Variant],
    id: int,
    parts: Sequence[tuple[int, int]],
    free: dict[tuple[int, int], int],
    places: dict[int, str],
) -> Bundle:
    counted = {part: units for part, units in parts if variants[part].tracked}
    made = bundles.can_be_made(free, counted) if counted else {}
    return Bundle(
        variant=variants[id],
        parts=[Held(variant=variants[part], units=units, free=_everywhere(free, part)) for part, units in parts],
        can_be_made=[(places[place], count) for place, count in made.items()],
    )


def _everywhere(free: dict[tuple[int, int], int], part: int) -> int:
    return sum(max(0, units) for (variant, _), units in free.items() if variant == part)
