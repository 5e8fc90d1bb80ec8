"""Keeps which of a store's goods and places are to be read again, each once, however often the store tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from integrations.nouns import AboutGoods, GoodsChanged, PlaceChanged, StockChanged
from records.stock import Outdated, Variant


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something to read, and how often it had been told when we began to."""

    thing: str
    remote_id: str
    times: int


def note(session: Session, tenant: int, connection: str, fact: AboutGoods) -> None:
    """Keep what a fact names, to be read later."""
    match fact:
        case PlaceChanged():
            _keep(session, tenant, connection, "place", [fact.remote_id])
        case StockChanged():
            named = _as_variants(session, tenant, connection, [fact.inventory_remote_id])
            _keep(session, tenant, connection, "goods", named)
        case GoodsChanged():
            ours = _of_product(session, tenant, connection, fact.product_remote_id) if fact.product_remote_id else []
            named = _as_variants(session, tenant, connection, fact.remote_ids)
            _keep(session, tenant, connection, "goods", [*named, *ours])


def some(session: Session, tenant: int, connection: str, *, most: int) -> list[Told]:
    """What has waited longest."""
    rows = session.execute(
        select(Outdated.thing, Outdated.remote_id, Outdated.told)
        .where(Outdated.tenant_id == tenant, Outdated.connection_id == connection)
        .order_by(Outdated.first_told_at, Outdated.remote_id)
        .limit(most)
    )
    return [Told(thing=row.thing, remote_id=row.remote_id, times=row.told) for row in rows]


def was_read(session: Session, tenant: int, connection: str, read: Sequence[Told]) -> None:
    """Let go what was read; what was told of again meanwhile stays, because it may have changed after the reading."""
    session.execute(
        _WAS_READ,
        {
            "tenant": tenant,
            "connection": connection,
            "things": [one.thing for one in read],
            "ids": [one.remote_id for one in read],
            "times": [one.times for one in read],
        },
    )


_WAS_READ = text("""
DELETE FROM outdated o
USING unnest(cast(:things AS text[]), cast(:ids AS text[]), cast(:times AS bigint[])) AS r (thing, remote_id, told)
WHERE o.tenant_id = :tenant AND o.connection_id = :connection AND o.thing = r.thing AND o.remote_id = r.remote_id
  AND o.told = r.told
""")


def _as_variants(session: Session, tenant: int, connection: str, remote_ids: Sequence[str]) -> list[str]:
    """The same goods, each by its variant where we know that, so that its stock and itself are read once."""
    rows = session.execute(
        select(Variant.inventory_remote_id, Variant.remote_id).where(
            Variant.tenant_id == tenant,
            Variant.connection_id == connection,
            Variant.inventory_remote_id.in_(remote_ids),
        )
    )
    of_stock = {row.inventory_remote_id: row.remote_id for row in rows}
    return [of_stock.get(remote_id, remote_id) for remote_id in remote_ids]


def _of_product(session: Session, tenant: int, connection: str, product: str) -> list[str]:
    """The product's variants that we have: the store may have one of them no more."""
    return list(
        session.scalars(
            select(Variant.remote_id).where(
                Variant.tenant_id == tenant,
                Variant.connection_id == connection,
                Variant.product_remote_id == product,
            )
        )
    )


def _keep(session: Session, tenant: int, connection: str, thing: str, remote_ids: Iterable[str]) -> None:
    """In one order always, so that two deliveries never wait for each other in a ring."""
    asked = {"tenant": tenant, "connection": connection, "thing": thing, "ids": sorted(set(remote_ids))}
    session.execute(_KEEP, asked)


_KEEP = text("""
INSERT INTO outdated (tenant_id, connection_id, thing, remote_id)
SELECT :tenant, :connection, :thing, id FROM unnest(cast(:ids AS text[])) AS id
ON CONFLICT (tenant_id, connection_id, thing, remote_id) DO UPDATE SET told = outdated.told + 1
""")
