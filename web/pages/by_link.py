"""Opens what a signed link is good for: the one way into the pages of buyers and suppliers, who have no login."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from flask import abort
from sqlalchemy.orm import Session

from orders.signed_links import LinkEnded, NoLink, SignedLinks
from records import database
from records.choices import Choice
from records.digital import DigitalDelivery
from records.orders import Order
from records.suppliers import PurchaseOrder
from records.tenants import Tenant
from web import show
from web.pages import shop

Row = TypeVar("Row", Choice, DigitalDelivery, Order, PurchaseOrder)


@contextmanager
def opened(
    links: SignedLinks, token: str, find: Callable[[Session, int, int], Row | None]
) -> Iterator[tuple[Session, Row]]:
    """What a link is about, found by tenant and id, in its shop's transaction; 404 for any other link, 410 for one that
    ended.
    """
    try:
        link = links.read(token, now=show.now())
    except NoLink:
        abort(404)
    except LinkEnded:
        abort(410)
    with database.transaction(shop.engine(), link.tenant) as session:
        row = find(session, link.tenant, link.about)
        tenant = session.get(Tenant, link.tenant)
        if row is None or row.link_version != link.version or tenant is None or tenant.closed_at is not None:
            abort(404)
        yield session, row
