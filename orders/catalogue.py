"""Keeps what the store sells and where it lies, as far as orders need it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.nouns import OrderSnapshot, StoreLocation, StoreVariant
from orders import gone_stock, not_found, store_counts
from records import tenants
from records.routing import Bans
from records.stock import Location, StockLevel, Variant

__all__ = [
    "StoreLocation",
    "link_lines",
    "location_ids",
    "shipping_places",
    "stocked",
    "unknown_variants",
    "write_locations",
    "write_variants",
]


def write_locations(session: Session, tenant: int, connection: str, places: Iterable[StoreLocation]) -> int:
    """Write the store's locations as they are now; answers how many there are.

    One that the merchant ships from no order stays so, whatever the store says of it.
    """
    left_out = tenants.left_out(session, tenant)
    rows = [
        {
            "tenant_id": tenant,
            "connection_id": connection,
            "remote_id": place.remote_id,
            "name": place.name,
            "address": place.address,
            "ships": place.ships and place.remote_id not in left_out,
        }
        # Two that write the same rows do so in one order, here as everywhere.
        for place in sorted(places, key=lambda place: place.remote_id)
    ]
    if rows:
        statement = insert(Location).values(rows)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "connection_id", "remote_id"],
                set_={name: statement.excluded[name] for name in ("name", "address", "ships")},
            )
        )
    return len(rows)


def write_variants(
    session: Session,
    tenant: int,
    connection: str,
    variants: Sequence[StoreVariant],
    *,
    actor: str,
    as_of: datetime | None = None,
) -> int:
    """Write variants with their stock; answers how much changed: levels, marks on where goods may go, and what is
    counted at all. `as_of` is when the reading began.

    What is on hand counts, not what is available: the store has taken the units of every order that it sent us off
    "available" already, and those are the very units that we are about to reserve. Where the store counts none of a
    variant any more, it is counted out.
    """
    if not variants:
        return 0
    marked = _newly_marked(session, tenant, connection, variants)
    ids = _write_rows(session, tenant, connection, variants)
    store_counts.lock(session, tenant, variants=ids.values())
    places = location_ids(session, tenant, connection)
    tracked = [variant for variant in variants if variant.tracked]
    levels = {
        (ids[variant.remote_id], places[level.location_remote_id]): store_counts.units_of(level)
        for variant in tracked
        for level in variant.levels
        if level.location_remote_id in places
    }
    lost = gone_stock.elsewhere(session, tenant, connection, {ids[one.remote_id] for one in tracked}) - set(levels)
    # What the store is yet to be told of, or refused, it cannot keep there: a person says what becomes of it.
    lost -= store_counts.yet_to_be_told(session, tenant, lost)
    taken = store_counts.take_over(session, tenant, levels, actor=actor, as_of=as_of)
    not_found.note(session, tenant, levels)
    return marked + taken.changed + gone_stock.count_out(session, tenant, lost, gone_stock.NOT_THERE, as_of=as_of)


def unknown_variants(session: Session, tenant: int, connection: str, snapshot: OrderSnapshot) -> list[str]:
    """The order's variants that were never read from the store."""
    wanted = {line.variant_remote_id for line in snapshot.lines if line.variant_remote_id}
    known = session.scalars(
        select(Variant.remote_id).where(
            Variant.tenant_id == tenant, Variant.connection_id == connection, Variant.remote_id.in_(wanted)
        )
    )
    return sorted(wanted - set(known))


def location_ids(session: Session, tenant: int, connection: str) -> dict[str, int]:
    rows = session.execute(
        select(Location.remote_id, Location.id).where(
            Location.tenant_id == tenant, Location.connection_id == connection
        )
    )
    return {row.remote_id: row.id for row in rows}


def shipping_places(session: Session, tenant: int, connection: str) -> frozenset[int]:
    """The store's locations that orders leave from."""
    shipping = select(Location.id).where(
        Location.tenant_id == tenant, Location.connection_id == connection, Location.ships
    )
    return frozenset(session.scalars(shipping))


def stocked(session: Session, tenant: int, connection: str) -> frozenset[str]:
    """The remote ids of the variants of which any are on hand."""
    lying = (
        select(Variant.remote_id)
        .join(StockLevel, (StockLevel.tenant_id == Variant.tenant_id) & (StockLevel.variant_id == Variant.id))
        .where(Variant.tenant_id == tenant, Variant.connection_id == connection, StockLevel.on_hand > 0)
    )
    return frozenset(session.scalars(lying))


def link_lines(session: Session, tenant: int, order: int, connection: str) -> None:
    """Point an order's lines at the variants that they sell; a line without a variant of ours has no stock to count."""
    session.execute(_LINK, {"tenant": tenant, "order": order, "connection": connection})
    session.expire_all()


_LINK = text("""
UPDATE order_lines line SET variant_id = CASE WHEN variant.tracked THEN variant.id END,
       unit_grams = CASE WHEN line.unit_grams > 0 THEN line.unit_grams
                         WHEN variant.unit_grams > 0 THEN variant.unit_grams
                         ELSE coalesce((SELECT sum(part.unit_grams * held.units) FROM bundle_parts held
                                        JOIN variants part ON part.tenant_id = :tenant AND part.id = held.part_id
                                        WHERE held.tenant_id = :tenant AND held.bundle_id = variant.id), 0) END
FROM variants variant
WHERE line.tenant_id = :tenant AND line.order_id = :order AND variant.tenant_id = :tenant
  AND variant.connection_id = :connection AND variant.remote_id = line.variant_remote_id
""")


# What people say here of a variant: the store knows nothing of it, and reading it again changes nothing.
_OURS = ("making_days", "bans")


def _newly_marked(session: Session, tenant: int, connection: str, variants: Sequence[StoreVariant]) -> int:
    """How many variants the store marks otherwise than when it was read last, or counts no more."""
    rows = session.execute(
        select(Variant.remote_id, Variant.store_bans, Variant.tracked).where(
            Variant.tenant_id == tenant,
            Variant.connection_id == connection,
            Variant.remote_id.in_([variant.remote_id for variant in variants]),
        )
    )
    known = {row.remote_id: (row.store_bans, row.tracked) for row in rows}
    return sum(
        bans != _marks(variant) or (was_counted and not variant.tracked)
        for variant in variants
        for bans, was_counted in [known.get(variant.remote_id, (Bans(), False))]
    )


def _marks(variant: StoreVariant) -> Bans:
    return Bans(hazmat=variant.hazmat, never_to=variant.never_to)


def _write_rows(session: Session, tenant: int, connection: str, variants: Sequence[StoreVariant]) -> dict[str, int]:
    statement = insert(Variant).values(
        [
            {
                "tenant_id": tenant,
                "connection_id": connection,
                "remote_id": variant.remote_id,
                "inventory_remote_id": variant.inventory_remote_id,
                "product_remote_id": variant.product_remote_id,
                "sku": variant.sku,
                "title": variant.title,
                "unit_price_minor": variant.unit_price.minor,
                "currency": variant.unit_price.currency,
                "unit_grams": variant.unit_grams,
                "needs_shipping": variant.needs_shipping,
                "tracked": variant.tracked,
                "hs_code": variant.hs_code,
                "origin_country": variant.origin_country,
                "store_bans": _marks(variant),
            }
            for variant in sorted(variants, key=lambda variant: variant.remote_id)
        ]
    )
    kept = {"tenant_id", "connection_id", "remote_id", "id", *_OURS}
    rows = session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "connection_id", "remote_id"],
            set_={column.name: column for column in statement.excluded if column.name not in kept},
        ).returning(Variant.remote_id, Variant.id)
    )
    return {row.remote_id: row.id for row in rows}
