"""Codes that the drills sell: delivered by mail, each to one order."""

from __future__ import annotations

from itertools import count

from sqlalchemy import select

from config import boot
from drills.shops import Shop
from jobs import digital_desk
from records import database
from records.stock import Variant

VOUCHER = "VOUCHER"
_fresh = count(1)


def paste_one(shop: Shop) -> None:
    """Put one code that was never there into the shop's pool."""
    with database.transaction(shop.engine, shop.tenant) as session:
        variant = session.execute(
            select(Variant.id).where(Variant.tenant_id == shop.tenant, Variant.sku == VOUCHER)
        ).scalar_one()
        keyring = boot.keyring(shop.settings)
        digital_desk.add_codes(session, keyring, shop.tenant, variant, [f"VOUCHER-{shop.tenant}-{next(_fresh)}"])
