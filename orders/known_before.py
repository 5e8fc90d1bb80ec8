"""What is known of an order before the store is asked about it: what its answer is held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Money, OrderedLine, OrderSnapshot, PaymentStanding
from orders.forgetting import MARK
from records import tenants
from records.orders import Order, OrderLine, find_order, lines_of
from records.shipments import shipments_of
from records.stock import Location
from records.tenants import Rules, Tenant


@dataclass(frozen=True, kw_only=True)
class Before:
    """The order as we had it when the run began."""

    connection: str
    remote_id: str
    state: str
    known_for: timedelta
    told: OrderSnapshot | None
    address_digest: str
    forgotten: bool
    """Its buyer was forgotten: nobody knows who it was, and nobody is asked."""
    rules: Rules
    home_country: str
    real_postage: bool
    """Whether a label that is bought costs real money."""
    only_watched: bool
    """The shop does nothing itself for this order now: no address is checked, and the merchant's doings are seen."""
    by_hand: bool
    """By our last reading, something of it goes or went to its buyer without a carrier."""
    live_since: str
    """The day from which the merchant lets Packline ship, in ISO 8601; empty where that is no matter to this order."""


def look(session: Session, tenant: int, id: int, *, now: datetime) -> Before | None:
    order = find_order(session, tenant, id)
    if order is None:
        return None
    shop = session.get_one(Tenant, tenant)
    lines = lines_of(session, tenant, order.id)
    return Before(
        connection=order.connection_id,
        remote_id=order.remote_id,
        state=order.state,
        known_for=now - order.created_at,
        told=_as_told(order, lines),
        address_digest=order.address_digest,
        forgotten=order.content_digest == MARK,
        rules=shop.rules,
        home_country=_home_country(session, tenant),
        real_postage=_real_postage(session, tenant),
        only_watched=only_watched(session, shop, order.id),
        by_hand=any(line.by_hand.parts for line in lines),
        live_since=_live_since(session, shop, order.id),
    )


def only_watched(session: Session, shop: Tenant, order: int) -> bool:
    """Whether the shop does nothing itself for an order now. On the way to that, what was begun is finished."""
    return shop.mode == "shadow" or (shop.mode == "settling" and not _begun(session, shop.id, order))


def _begun(session: Session, tenant: int, order: int) -> bool:
    return any(shipment.state != "cancelled" for shipment in shipments_of(session, tenant, order))


def _live_since(session: Session, shop: Tenant, order: int) -> str:
    """What was begun is finished, whenever it was placed."""
    since = shop.setup.get("live_since") or ""
    return "" if not since or _begun(session, shop.id, order) else str(since)


def _as_told(order: Order, lines: list[OrderLine]) -> OrderSnapshot | None:
    """The version that arrived, to be held against the store's own answer; None where only the id arrived."""
    if order.remote_updated_at is None or order.placed_at is None:
        return None
    return OrderSnapshot(
        remote_id=order.remote_id,
        name=order.name,
        placed_at=order.placed_at,
        updated_at=order.remote_updated_at,
        currency=order.currency,
        total=Money(minor=order.total_minor, currency=order.currency),
        standing=PaymentStanding(order.standing),
        lines=tuple(
            OrderedLine(
                remote_id=line.remote_id,
                sku=line.sku,
                title=line.title,
                units=line.units,
                unit_price=Money(minor=line.unit_price_minor, currency=order.currency),
            )
            for line in lines
        ),
    )


def _home_country(session: Session, tenant: int) -> str:
    addresses = session.scalars(
        select(Location.address).where(Location.tenant_id == tenant, Location.ships).order_by(Location.id)
    )
    return next((address.country for address in addresses), "")


def _real_postage(session: Session, tenant: int) -> bool:
    connection = tenants.connection_for(session, tenant, "carrier")
    return connection is not None and connection.live
