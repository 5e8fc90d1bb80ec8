"""Reads what lies where, and the movements that made each number what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from records.orders import Order
from records.stock import Location, Movement, StockLevel, Variant
from web.queries import keyset
from web.queries.keyset import Cut, Page

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One variant with its units at each location that was ever counted."""

    variant: Variant
    levels: Sequence[tuple[StockLevel, str]]

    @property
    def available(self) -> int:
        return sum(level.available for level, _ in self.levels)


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
class Ledger:
    """A level's movements, newest first, each with what was on hand and reserved once it had happened."""

    variant: Variant
    location: Location
    level: StockLevel
    page: Page[Movement]
    after: dict[int, tuple[int, int]]
    orders: dict[int, str]


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
    levels = _levels(session, tenant, rows)
    onward = Mark(sku=rows[-1].sku, id=rows[-1].id) if len(found) > PAGE else None
    return Shelves(rows=[Shelf(variant=row, levels=levels[row.id]) for row in rows], onward=onward)


def ledger(session: Session, tenant: int, variant: int, location: int, cut: Cut) -> Ledger | None:
    """The movements of one variant at one location; None where it never lay there."""
    level = session.get(StockLevel, (tenant, variant, location))
    thing, place = session.get(Variant, (tenant, variant)), session.get(Location, (tenant, location))
    if level is None or thing is None or place is None:
        return None
    found = keyset.newest_first(session, _movements(tenant, variant, location), Movement.id, cut)
    return Ledger(
        variant=thing,
        location=place,
        level=level,
        page=found,
        after=_running(level, found.rows, _sum_of_newer(session, tenant, variant, location, found.rows)),
        orders=_order_names(session, tenant, found.rows),
    )


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


def _levels(session: Session, tenant: int, variants: Sequence[Variant]) -> dict[int, list[tuple[StockLevel, str]]]:
    rows = session.execute(
        select(StockLevel, Location.name)
        .join(Location, (Location.tenant_id == StockLevel.tenant_id) & (Location.id == StockLevel.location_id))
        .where(StockLevel.tenant_id == tenant, StockLevel.variant_id.in_([variant.id for variant in variants]))
        .order_by(Location.name, Location.id)
    )
    found: dict[int, list[tuple[StockLevel, str]]] = defaultdict(list)
    for level, name in rows:
        found[level.variant_id].append((level, name))
    return found


def _movements(tenant: int, variant: int, location: int) -> Select[Movement]:
    return select(Movement).where(
        Movement.tenant_id == tenant, Movement.variant_id == variant, Movement.location_id == location
    )


def _sum_of_newer(
    session: Session, tenant: int, variant: int, location: int, rows: Sequence[Movement]
) -> tuple[int, int]:
    """What every movement newer than this page has changed since."""
    if not rows:
        return 0, 0
    changed = session.execute(
        select(
            func.coalesce(func.sum(Movement.on_hand_change), 0), func.coalesce(func.sum(Movement.reserved_change), 0)
        ).where(
            Movement.tenant_id == tenant,
            Movement.variant_id == variant,
            Movement.location_id == location,
            Movement.id > rows[0].id,
        )
    ).one()
    return int(changed[0]), int(changed[1])


def _running(level: StockLevel, rows: Sequence[Movement], newer: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """What stood there after each movement, counted back from what stands there now."""
    on_hand, reserved = level.on_hand - newer[0], level.reserved - newer[1]
    after: dict[int, tuple[int, int]] = {}
    for row in rows:
        after[row.id] = (on_hand, reserved)
        on_hand, reserved = on_hand - row.on_hand_change, reserved - row.reserved_change
    return after


def _order_names(session: Session, tenant: int, rows: Sequence[Movement]) -> dict[int, str]:
    ids = {row.order_id for row in rows if row.order_id is not None}
    named = session.execute(select(Order.id, Order.name).where(Order.tenant_id == tenant, Order.id.in_(ids)))
    return dict(named.all())
