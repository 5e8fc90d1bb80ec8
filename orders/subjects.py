"""Tells which order the subject of a job or an act (`parcel/7`, `event/9`) belongs to, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.choices import Choice
from records.digital import DigitalDelivery
from records.inbox import InboxEvent
from records.notices import Notice
from records.orders import Order, Payment
from records.shipments import Label, Parcel, Shipment
from records.suppliers import PurchaseOrder

_OrderPart = Choice | Notice | DigitalDelivery | Parcel | PurchaseOrder | Shipment | Label | Payment
_OF_AN_ORDER: Mapping[str, type[_OrderPart]] = MappingProxyType(
    {
        "choice": Choice,
        "notice": Notice,
        "delivery": DigitalDelivery,
        "payment": Payment,
        "parcel": Parcel,
        "shipment": Shipment,
        "label": Label,
        "purchase_order": PurchaseOrder,
    }
)


def is_here(session: Session, tenant: int, subject: str) -> bool:
    """Whether the tenant has the row that a subject names; what names no row with a number is taken to be here."""
    thing, _, number = subject.partition("/")
    table = {**_OF_AN_ORDER, "order": Order}.get(thing)
    return table is None or session.get(table, (tenant, int(number))) is not None


def order_of(session: Session, tenant: int, subject: str) -> int | None:
    """The order that a job's subject (`order/4`, `parcel/7`, `event/9`) belongs to, if any."""
    thing, _, number = subject.partition("/")
    if thing == "order":
        return int(number)
    if thing in _OF_AN_ORDER:
        table = _OF_AN_ORDER[thing]
        return session.execute(
            select(table.order_id).where(table.tenant_id == tenant, table.id == int(number))
        ).scalar_one_or_none()
    if thing == "event":
        about = session.execute(
            select(InboxEvent.subject).where(InboxEvent.tenant_id == tenant, InboxEvent.id == int(number))
        ).scalar_one_or_none()
        return int(about.removeprefix("order/")) if about and about.startswith("order/") else None
    return None
