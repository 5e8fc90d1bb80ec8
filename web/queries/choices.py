"""Reads what the buyer of an order was asked last, what they were written about it, and the link that lets them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from orders import choice_told, choosing
from orders.buyer_links import BuyerLinks
from orders.choice_told import Told
from records import choices, notices
from records.choices import Choice
from records.notices import Notice


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A choice as the order's page shows it."""

    row: Choice
    told: Told
    otherwise: str
    notices: Sequence[Notice]
    link: str


def of_order(session: Session, tenant: int, order: int, links: BuyerLinks, *, today: date) -> Asked | None:
    """What the buyer was asked last; None where they never were."""
    row = choices.latest_of(session, tenant, order)
    if row is None:
        return None
    told = choice_told.told(session, row, today=today)
    return Asked(
        row=row,
        told=told,
        otherwise=choice_told.by_default(told),
        notices=notices.about(session, tenant, choosing.subject_of(row.id)),
        link=links.address(choosing.link_of(row)),
    )
