"""Reads every level as a sheet of counts wants it, page by page, so that no shop is too large for it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, func, select, tuple_

from records import database
from records.stock import Location, StockLevel, Variant

_AT_ONCE = 2_000


def each(engine: Engine, tenant: int, *, search: str) -> Iterator[tuple[str, str, int]]:
    """SKU, location and units on hand of each level that the store counts; what has no SKU cannot be named in a sheet.

    `search` is the beginning of a SKU, as on the page.
    """
    after: tuple[str, int, int] | None = None
    while True:
        statement = (
            select(Variant.sku, Variant.id, Location.id, Location.name, StockLevel.on_hand)
            .join(StockLevel, (StockLevel.tenant_id == Variant.tenant_id) & (StockLevel.variant_id == Variant.id))
            .join(Location, (Location.tenant_id == StockLevel.tenant_id) & (Location.id == StockLevel.location_id))
            .where(Variant.tenant_id == tenant, Variant.tracked, Variant.sku != "")
            .order_by(Variant.sku, Variant.id, Location.id)
            .limit(_AT_ONCE)
        )
        if search:
            statement = statement.where(func.starts_with(func.lower(Variant.sku), search.lower()))
        if after is not None:
            statement = statement.where(tuple_(Variant.sku, Variant.id, Location.id) > after)
        with database.transaction(engine, tenant) as session:
            rows = session.execute(statement).all()
        yield from ((sku, place, on_hand) for sku, _, _, place, on_hand in rows)
        if len(rows) < _AT_ONCE:
            return
        after = (rows[-1][0], rows[-1][1], rows[-1][2])
