"""Finds the label files of several orders, to be printed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.orders import Order
from records.shipments import Label


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """One label as the carrier made it; `number` counts the labels of its order from 1."""

    order: str
    number: int
    media_type: str
    content: bytes


def files(session: Session, tenant: int, orders: Sequence[int]) -> list[LabelFile]:
    """The files of the labels that these orders travel with, oldest order first. Those without one have none here."""
    rows = session.execute(
        select(Order.id, Order.name, Label.media_type, Label.content)
        .join(Label, (Label.tenant_id == Order.tenant_id) & (Label.order_id == Order.id))
        .where(Order.tenant_id == tenant, Order.id.in_(orders), Label.state == "bought", Label.content.is_not(None))
        .order_by(Order.id, Label.id)
    )
    found: list[LabelFile] = []
    numbers: dict[int, int] = {}
    for row in rows:
        numbers[row.id] = numbers.get(row.id, 0) + 1
        named = row.name or f"order-{row.id}"
        found.append(LabelFile(order=named, number=numbers[row.id], media_type=row.media_type, content=row.content))
    return found
