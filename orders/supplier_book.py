"""Keeps a shop's suppliers, and says which variants they ship: name, address and days, their own SKU and their cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from integrations.nouns import exponent
from integrations.nouns.mail import is_mailbox, one_line
from records.stock import BundlePart, Variant
from records.suppliers import SuppliedVariant, Supplier

LONGEST_NAME, LONGEST_SKU = 100, 100
MOST_LEAD_DAYS = 365
_MOST_COST_MINOR = 10**12
_TAKEN = "Another supplier has this name: what they are asked for could not be told apart."


def keep(session: Session, tenant: int, supplier: int | None, said: dict[str, str]) -> dict[str, str]:
    """Write a new supplier (None) or change one; answers what is wrong, by field, and then nothing was written.

    `said` has name, email, lead_days.
    """
    name, email, days = one_line(said["name"]), said["email"].strip(), said["lead_days"]
    wrong = {}
    if not name or len(name) > LONGEST_NAME:
        wrong["name"] = f"A name of at most {LONGEST_NAME} characters."
    elif _named(session, tenant, name, but=supplier):
        wrong["name"] = _TAKEN
    if not is_mailbox(email):
        wrong["email"] = "One plain mail address: orders@example.com, for example."
    if not (days.isascii() and days.isdigit()) or len(days) > len(str(MOST_LEAD_DAYS)) or int(days) > MOST_LEAD_DAYS:
        wrong["lead_days"] = f"A whole number from 0 to {MOST_LEAD_DAYS}, without a unit."
    if not wrong and not _written(session, tenant, supplier, name=name, email=email, lead_days=int(days)):
        wrong["name"] = _TAKEN
    return wrong


def end(session: Session, tenant: int, supplier: int, *, now: datetime) -> bool:
    """They get no purchase orders any more; answers whether that can be, which it cannot while they ship something."""
    row = session.get_one(Supplier, (tenant, supplier), with_for_update=True)
    ships = session.scalar(
        select(func.count())
        .select_from(SuppliedVariant)
        .where(SuppliedVariant.tenant_id == tenant, SuppliedVariant.supplier_id == supplier)
    )
    if ships:
        return False
    row.ended_at = row.ended_at or now
    return True


def supply(session: Session, tenant: int, variant: Variant, supplier: int, *, sku: str, cost: str) -> dict[str, str]:
    """Say that a supplier ships a variant; answers what is wrong, by field. `cost` is as typed, of one unit."""
    wrong = {}
    row = session.get(Supplier, (tenant, supplier), with_for_update={"key_share": True})
    if row is None or row.ended_at is not None:
        wrong["supplier"] = "They are no supplier of this shop any more."
    if len(sku) > LONGEST_SKU:
        wrong["their_sku"] = f"At most {LONGEST_SKU} characters."
    # Who puts it into a bundle at once has this row locked, and looks for a supplier under it.
    session.refresh(variant, with_for_update=True)
    if _in_a_bundle(session, tenant, variant.id):
        wrong["sku"] = "It is a part of a bundle, which leaves as a whole from one place: take it out there first."
    cost_minor, odd = read_cost(cost, variant.currency)
    if odd:
        wrong["cost"] = odd
    if wrong:
        return wrong
    said = {"supplier_id": supplier, "sku": sku, "cost_minor": cost_minor, "currency": variant.currency}
    session.execute(
        insert(SuppliedVariant)
        .values(tenant_id=tenant, variant_id=variant.id, **said)
        .on_conflict_do_update(index_elements=["tenant_id", "variant_id"], set_=said)
    )
    return {}


def stop_supplying(session: Session, tenant: int, variant: int) -> bool:
    """It is shipped from our own stock again; answers whether a supplier shipped it."""
    gone = session.execute(
        delete(SuppliedVariant)
        .where(SuppliedVariant.tenant_id == tenant, SuppliedVariant.variant_id == variant)
        .returning(SuppliedVariant.variant_id)
    )
    return gone.first() is not None


def read_cost(text: str, currency: str) -> tuple[int | None, str]:
    """Minor units of a currency out of what was typed, and what is wrong with it. Pure. Empty is not known."""
    if not text:
        return None, ""
    places = exponent(currency)
    try:
        amount = Decimal(text) if text.isascii() and len(text) <= len(str(_MOST_COST_MINOR)) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    minor = amount.scaleb(places) if amount.is_finite() else amount
    if not minor.is_finite() or minor < 0 or minor != minor.to_integral_value() or minor > _MOST_COST_MINOR:
        example = f"12.{'5'.ljust(places, '0')}" if places else "12"
        return None, f"An amount in {currency} with a point, and at most {places} decimals: {example}, for example."
    return int(minor), ""


def _written(session: Session, tenant: int, supplier: int | None, **said: Any) -> bool:
    """Whether it could be written: somebody may have taken the name since it was looked for."""
    try:
        with session.begin_nested():
            row = Supplier(tenant_id=tenant) if supplier is None else session.get_one(Supplier, (tenant, supplier))
            for name, value in said.items():
                setattr(row, name, value)
            session.add(row)
    except IntegrityError as refused:
        if "uq_suppliers_name" not in str(refused):
            raise
        return False
    return True


def _named(session: Session, tenant: int, name: str, *, but: int | None) -> bool:
    found = session.scalars(
        select(Supplier.id).where(
            Supplier.tenant_id == tenant, Supplier.name_as_searched == func.lower(name), Supplier.ended_at.is_(None)
        )
    )
    return any(id != but for id in found)


def _in_a_bundle(session: Session, tenant: int, variant: int) -> bool:
    return (
        session.execute(
            select(BundlePart.part_id).where(BundlePart.tenant_id == tenant, BundlePart.part_id == variant).limit(1)
        ).first()
        is not None
    )
