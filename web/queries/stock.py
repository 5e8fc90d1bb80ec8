"""Reads what lies where, and the movements that made each number what it is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from records.counts import Count
from records.orders import Order
from records.stock import Arrival, BundlePart, Location, Movement, StockLevel, Variant
from web.queries import keyset
from web.queries.keyset import Cut, Page

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Coming:
    """Units that are on their way to a level, and the day of the first of them, where that is known."""

    units: int = 0
    due_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One variant with its units at each location where some are, were, or are on their way to."""

    variant: Variant
    levels: Sequence[tuple[StockLevel, str, Coming]]
    made_of: Sequence[str]
    """Of a bundle, each part with its units; it lies nowhere itself."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where a page of variants, ordered by SKU, goes on: after this one."""

    sku: str
    id: int


@dataclass(frozen=True, kw_only=True)
class Shelves:
    rows: Sequence[Shelf]
    onward: Mark | None


@dataclass(frozen=True, kw_only=True)
class After:
    """What stood there once a movement had happened."""

    on_hand: int
    reserved: int
    damaged: int
    safety: int


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A level's movements, newest first, each with what stood there once it had happened."""

    variant: Variant
    location: Location
    level: StockLevel
    page: Page[Movement]
    after: dict[int, After]
    orders: dict[int, str]
    places: Mapping[int, str]
    """Every location's name: units move between them."""
    coming: Coming
    is_new: bool
    """Nothing ever lay there."""
    links: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """What a reference leads to, `arrival` or `count`, with its id."""


def shelves(session: Session, tenant: int, *, search: str, short: bool, mark: Mark | None) -> Shelves:
    """One page of what is sold, by SKU. `search` is the beginning of a SKU, `short` only what has none to promise."""
    statement = select(Variant).where(Variant.tenant_id == tenant)
    if search:
        statement = statement.where(func.starts_with(func.lower(Variant.sku), search.lower()))
    if short:
        statement = statement.where(Variant.tracked, ~_any_free(tenant))
    if mark is not None:
        statement = statement.where(tuple_(Variant.sku, Variant.id) > (mark.sku, mark.id))
    found = list(session.scalars(statement.order_by(Variant.sku, Variant.id).limit(PAGE + 1)))
    rows = found[:PAGE]
    levels, parts = _levels(session, tenant, rows), _parts(session, tenant, rows)
    onward = Mark(sku=rows[-1].sku, id=rows[-1].id) if len(found) > PAGE else None
    lying = [Shelf(variant=row, levels=levels[row.id], made_of=parts[row.id]) for row in rows]
    return Shelves(rows=lying, onward=onward)


def ledger(session: Session, tenant: int, variant: int, location: int, cut: Cut) -> Ledger | None:
    """The movements of one variant at one location; None where the shop has no such thing or place."""
    thing, place = session.get(Variant, (tenant, variant)), session.get(Location, (tenant, location))
    if thing is None or place is None:
        return None
    lies = session.get(StockLevel, (tenant, variant, location), populate_existing=True)
    level = lies or StockLevel.empty(tenant, variant, location)
    found = keyset.newest_first(session, _movements(tenant, variant, location), Movement.id, cut)
    return Ledger(
        variant=thing,
        location=place,
        level=level,
        page=found,
        after=_running(level, found.rows, _sum_of_newer(session, tenant, variant, location, found.rows)),
        orders=_order_names(session, tenant, found.rows),
        places=place_names(session, tenant),
        coming=_coming(session, tenant, [variant]).get((variant, location), Coming()),
        is_new=lies is None,
        links=_links(session, tenant, found.rows),
    )


def place_names(session: Session, tenant: int) -> dict[int, str]:
    """Every location of the shop, by id, in the order of their names."""
    named = select(Location.id, Location.name).where(Location.tenant_id == tenant).order_by(Location.name, Location.id)
    return dict(session.execute(named).all())


def _any_free(tenant: int) -> ColumnElement[bool]:
    return (
        select(StockLevel.variant_id)
        .where(
            StockLevel.tenant_id == tenant,
            StockLevel.variant_id == Variant.id,
            StockLevel.on_hand - StockLevel.reserved - StockLevel.damaged - StockLevel.safety > 0,
        )
        .exists()
    )


def _parts(session: Session, tenant: int, variants: Sequence[Variant]) -> dict[int, list[str]]:
    rows = session.execute(
        select(BundlePart.bundle_id, BundlePart.units, Variant.sku, Variant.title)
        .join(Variant, (Variant.tenant_id == BundlePart.tenant_id) & (Variant.id == BundlePart.part_id))
        .where(BundlePart.tenant_id == tenant, BundlePart.bundle_id.in_([variant.id for variant in variants]))
        .order_by(BundlePart.bundle_id, Variant.sku, Variant.id)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for bundle, units, sku, title in rows:
        found[bundle].append(f"{units} × {sku or title}")
    return found


def _levels(
    session: Session, tenant: int, variants: Sequence[Variant]
) -> dict[int, list[tuple[StockLevel, str, Coming]]]:
    ids = [variant.id for variant in variants]
    places, coming = place_names(session, tenant), _coming(session, tenant, ids)
    rows = session.scalars(select(StockLevel).where(StockLevel.tenant_id == tenant, StockLevel.variant_id.in_(ids)))
    lying = {(level.variant_id, level.location_id): level for level in rows}
    found: dict[int, list[tuple[StockLevel, str, Coming]]] = defaultdict(list)
    for place, name in places.items():
        for id in ids:
            if (id, place) in lying or (id, place) in coming:
                level = lying.get((id, place)) or StockLevel.empty(tenant, id, place)
                found[id].append((level, name, coming.get((id, place), Coming())))
    return found


def _coming(session: Session, tenant: int, variants: Sequence[int]) -> dict[tuple[int, int], Coming]:
    rows = session.execute(
        select(Arrival.variant_id, Arrival.location_id, func.sum(Arrival.units), func.min(Arrival.due_on))
        .where(Arrival.tenant_id == tenant, Arrival.variant_id.in_(variants), Arrival.state == "expected")
        .group_by(Arrival.variant_id, Arrival.location_id)
    )
    return {(variant, place): Coming(units=int(units), due_on=due) for variant, place, units, due in rows}


def _movements(tenant: int, variant: int, location: int) -> Select[Movement]:
    return select(Movement).where(
        Movement.tenant_id == tenant, Movement.variant_id == variant, Movement.location_id == location
    )


def _sum_of_newer(session: Session, tenant: int, variant: int, location: int, rows: Sequence[Movement]) -> After:
    """What every movement newer than this page has changed since."""
    changes = (Movement.on_hand_change, Movement.reserved_change, Movement.damaged_change, Movement.safety_change)
    changed = session.execute(
        select(*(func.coalesce(func.sum(change), 0) for change in changes)).where(
            Movement.tenant_id == tenant,
            Movement.variant_id == variant,
            Movement.location_id == location,
            Movement.id > (rows[0].id if rows else 0),
        )
    ).one()
    return After(on_hand=int(changed[0]), reserved=int(changed[1]), damaged=int(changed[2]), safety=int(changed[3]))


def _running(level: StockLevel, rows: Sequence[Movement], newer: After) -> dict[int, After]:
    """What stood there after each movement, counted back from what stands there now."""
    stood = After(
        on_hand=level.on_hand - newer.on_hand,
        reserved=level.reserved - newer.reserved,
        damaged=level.damaged - newer.damaged,
        safety=level.safety - newer.safety,
    )
    after: dict[int, After] = {}
    for row in rows:
        after[row.id] = stood
        stood = After(
            on_hand=stood.on_hand - row.on_hand_change,
            reserved=stood.reserved - row.reserved_change,
            damaged=stood.damaged - row.damaged_change,
            safety=stood.safety - row.safety_change,
        )
    return after


def _links(session: Session, tenant: int, rows: Sequence[Movement]) -> dict[str, tuple[str, int]]:
    """What references lead to that is still there."""
    found = {
        row.reference: match for row in rows if (match := re.fullmatch(r"(arrival|count)/(\d{1,18})", row.reference))
    }
    here = {
        kind: set(session.scalars(select(table.id).where(table.tenant_id == tenant, table.id.in_(ids))))
        for kind, table in (("arrival", Arrival), ("count", Count))
        if (ids := [int(match[2]) for match in found.values() if match[1] == kind])
    }
    return {
        reference: (match[1], int(match[2]))
        for reference, match in found.items()
        if int(match[2]) in here.get(match[1], set())
    }


def _order_names(session: Session, tenant: int, rows: Sequence[Movement]) -> dict[int, str]:
    ids = {row.order_id for row in rows if row.order_id is not None}
    named = session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(ids)))
    return dict(named.all())
