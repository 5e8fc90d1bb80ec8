"""Finds which variant and location a counted row means, by its SKU and the location's name, or says why none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import count_sheet
from orders.count_sheet import Row, Sheet, shown
from records.stock import Location, Variant

_AT_ONCE = 5_000


def lines(session: Session, tenant: int, count: int, sheet: Sheet) -> list[dict[str, Any]]:
    """A count's lines for the rows of a sheet, in their order."""
    skus = _by_sku(session, tenant, {row.sku for row in sheet.rows if not row.problem})
    places = _by_name(session, tenant)
    meant = {row.line: matched(row, skus, places) for row in sheet.rows}
    again = count_sheet.doubles((line, level) for line, level in meant.items() if not isinstance(level, str))
    return [_line(tenant, count, row, meant[row.line], again.get(row.line)) for row in sheet.rows]


def scanned(session: Session, tenant: int, code: str) -> Variant | str:
    """The variant that a scanned code means, or what is wrong with it and what to do."""
    found = _by_sku(session, tenant, {code}).get(code, [])
    return _only_one(code, found)


def matched(
    row: Row, skus: Mapping[str, Sequence[Variant]], places: Mapping[str, Sequence[int]]
) -> tuple[int, int] | str:
    """The variant and the location that a row means, or what is wrong. Pure."""
    if row.problem:
        return row.problem
    variant = _only_one(row.sku, skus.get(row.sku, []))
    if isinstance(variant, str):
        return variant
    found = places.get(row.location.casefold(), [])
    if not found:
        return f"There is no location “{shown(row.location)}”. Write its name as the store has it."
    if len(found) > 1:
        return (
            f"{len(found)} locations are called “{shown(row.location)}”. Give them different names in the store first."
        )
    return variant.id, found[0]


def _only_one(sku: str, found: Sequence[Variant]) -> Variant | str:
    if not found:
        return (
            f"There is no SKU “{shown(sku)}”. Look how the store writes it: spreadsheets cut zeros off that a number "
            "begins with."
        )
    if len(found) > 1:
        return f"{len(found)} products have the SKU “{shown(sku)}”. Count them on their own pages."
    if not found[0].tracked:
        return f"The store does not count “{shown(sku)}”. Have it track the quantity there first."
    return found[0]


def _line(tenant: int, count: int, row: Row, meant: tuple[int, int] | str, first: int | None) -> dict[str, Any]:
    problem = meant if isinstance(meant, str) else ""
    if first is not None:
        problem = f"Line {first:,} names the same SKU and location. Leave one of the two out."
    variant, location = (None, None) if isinstance(meant, str) or problem else meant
    return {
        "tenant_id": tenant, "count_id": count, "place": row.line, "variant_id": variant, "location_id": location,
        "units": row.units, "seen": row.seen, "reason": row.reason, "problem": problem,
    }  # fmt: skip


def _by_sku(session: Session, tenant: int, skus: Collection[str]) -> dict[str, list[Variant]]:
    found: dict[str, list[Variant]] = defaultdict(list)
    wanted = sorted(skus)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        for variant in session.scalars(select(Variant).where(Variant.tenant_id == tenant, Variant.sku.in_(some))):
            found[variant.sku].append(variant)
    return found


def _by_name(session: Session, tenant: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place in session.scalars(select(Location).where(Location.tenant_id == tenant)):
        found[place.name.strip().casefold()].append(place.id)
    return found
