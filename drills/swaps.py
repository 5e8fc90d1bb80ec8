"""Swaps in a drill's shop: what nobody has is sent as something else of the same price."""

from __future__ import annotations

from sqlalchemy import select, update

from drills.shops import Placed, Shop
from jobs import desk
from orders import choosing, shortage
from records import choices, database
from records.stock import Variant
from records.tenants import Connection

_BY = "person:drill"


def allow(shop: Shop) -> None:
    """Write down that the store lets its orders be edited, as a look at the connection does."""
    with database.transaction(shop.engine, shop.tenant) as session:
        mine = (Connection.tenant_id == shop.tenant, Connection.vendor == "shopify")
        session.execute(update(Connection).where(*mine).values(scopes=["write_orders", "write_order_edits"]))


def swap_what_is_short(shop: Shop, placed: Placed, sku: str) -> None:
    """Have a person here answer for the buyer that this is sent instead."""
    with database.transaction(shop.engine, shop.tenant) as session:
        asked = choices.latest_of(session, shop.tenant, shop.order_number(session, placed))
        mine = select(Variant.id).where(Variant.tenant_id == shop.tenant, Variant.sku == sku)
        said = shortage.swap_for(session.execute(mine).scalar_one())
        if asked is not None:
            lines = dict.fromkeys(choosing.units_of(asked.short), said)
            if desk.answer_choice(session, shop.tenant, asked.id, lines, ship_rest=True, by=_BY, reason="a drill"):
                placed.lines = ((sku, 1),)
