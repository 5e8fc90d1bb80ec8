"""Reads what an order's page shows of its buyer's page: the link, what may still be changed there, and what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from jobs import changing
from orders import readdressing
from orders.buyer_links import BuyerLinks
from orders.still_changeable import FORGOTTEN, Still
from records import notices
from records.address_changes import AddressChange, latest_of
from records.notices import Notice
from records.orders import Order


@dataclass(frozen=True, kw_only=True)
class BuyerPage:
    still: Still
    link: str
    change: AddressChange | None
    notices: Sequence[Notice]


def of_order(session: Session, order: Order, links: BuyerLinks, *, now: datetime) -> BuyerPage | None:
    """None where nobody knows any more whose page it would be."""
    still = changing.look(session, order.tenant_id, order.id)
    if still.why == FORGOTTEN:
        return None
    return BuyerPage(
        still=still,
        link=links.leading_to("order").address(readdressing.link_of(order, given_at=now)),
        change=latest_of(session, order.tenant_id, order.id),
        notices=notices.about(session, order.tenant_id, f"order/{order.id}"),
    )
