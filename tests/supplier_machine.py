"""A supplier who ships sofas, and has a machine that is told of purchase orders."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from jobs import drop_shipping
from orders import supplier_book
from records.stock import Variant
from records.suppliers import Supplier

SECRET = "plsec_test"


def told(world: Any, url: str, sku: str = "SOFA") -> int:
    """Have Sofas Inc ship it, and their machine told there; answers the supplier."""
    said = {"name": "Sofas Inc", "email": "orders@sofas.example", "lead_days": "3"}
    with world.reading() as session:
        assert supplier_book.keep(session, world.tenant, None, said) == {}
        supplier = session.scalars(select(Supplier).where(Supplier.tenant_id == world.tenant)).one()
        sold = session.scalars(select(Variant).where(Variant.tenant_id == world.tenant, Variant.sku == sku)).one()
        assert drop_shipping.supply(session, world.tenant, sold, supplier.id, sku="S-1", cost="120.50") == {}
        supplier.hook_url = url
        supplier.sealed_hook_secret = world.services.keyring.seal({"secret": SECRET})
        session.commit()
        return int(supplier.id)
