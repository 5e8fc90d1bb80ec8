"""A supplier of the drills, who ships what the shop has no stock of, and whose own machine is told so."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config import boot
from drills.shops import Shop
from jobs import drop_shipping
from orders import supplier_book, supplier_hooks
from records import database
from records.stock import Variant
from records.suppliers import Supplier

ANVIL = "ANVIL"


def have_them_shipped(shop: Shop) -> None:
    """Have anvils shipped by a supplier with a machine in the sandbox."""
    with database.transaction(shop.engine, shop.tenant) as session:
        said = {"name": f"Anvils of {shop.tenant}", "email": "orders@anvils.example", "lead_days": "3"}
        supplier_book.keep(session, shop.tenant, None, said)
        supplier = session.scalars(select(Supplier).where(Supplier.tenant_id == shop.tenant)).one()
        supplier.hook_url = f"{shop.settings.easypost_api_base}/supplier"
        supplier.sealed_hook_secret = boot.keyring(shop.settings).seal({"secret": supplier_hooks.new_secret()})
        drop_shipping.supply(session, shop.tenant, _anvil(session, shop), supplier.id, sku="A-1", cost="9.00")


def ship_them_ourselves(shop: Shop) -> None:
    with database.transaction(shop.engine, shop.tenant) as session:
        supplier_book.stop_supplying(session, shop.tenant, _anvil(session, shop).id)


def let_the_days_pass(shop: Shop) -> None:
    """Have the reminder looked at that was to be written in some days: nothing is to be shipped any more."""
    with database.transaction(shop.engine, shop.tenant) as session:
        session.execute(_REMINDERS, {"tenant": shop.tenant})


_REMINDERS = text("UPDATE jobs SET due_at = now() WHERE tenant_id = :tenant AND kind = 'send_notice' AND state = 'due'")


def _anvil(session: Session, shop: Shop) -> Variant:
    return session.scalars(select(Variant).where(Variant.tenant_id == shop.tenant, Variant.sku == ANVIL)).one()
