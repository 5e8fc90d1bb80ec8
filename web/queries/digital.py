"""Reads what variants deliver digitally, how many codes are left, and what an order's buyer was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.keyring import CannotOpen
from orders import digital, digital_told
from orders.buyer_links import BuyerLinks
from orders.digital_told import Opener
from records import notices
from records.digital import DigitalCode, DigitalGoods, DigitalLine, deliveries_of, lines_in
from records.notices import Notice
from records.orders import lines_of
from records.stock import Variant

MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What one variant delivers. Of its link only the site is shown, and of its codes how many there are."""

    variant: Variant
    row: DigitalGoods
    site: str
    free: int
    given: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """Units that were delivered, as the order's page shows them."""

    row: DigitalLine
    title: str


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a buyer was given at one time, what they were written about it, and the link that lets them in."""

    id: int
    lines: Sequence[Line]
    notices: Sequence[Notice]
    link: str
    has_links: bool
    untold: bool
    """The store has not been told of it."""


def all_of(session: Session, tenant: int, opened: Opener) -> list[Goods]:
    """The variants that deliver something, or did, by their SKU: as many as a page shows."""
    rows = session.execute(
        select(Variant, DigitalGoods)
        .join(DigitalGoods, (DigitalGoods.tenant_id == Variant.tenant_id) & (DigitalGoods.variant_id == Variant.id))
        .where(Variant.tenant_id == tenant)
        .order_by(DigitalGoods.active.desc(), Variant.sku, Variant.id)
        .limit(MOST_SHOWN)
    ).all()
    codes = _codes(session, tenant, [variant.id for variant, _ in rows])
    return [
        Goods(
            variant=variant,
            row=goods,
            site=_site(goods, opened),
            free=codes.get(variant.id, (0, 0))[0],
            given=codes.get(variant.id, (0, 0))[1],
        )
        for variant, goods in rows
    ]


def of_order(session: Session, tenant: int, order: int, links: BuyerLinks) -> list[Delivery]:
    titles = {line.id: line.sku or line.title for line in lines_of(session, tenant, order)}
    found = []
    for row in deliveries_of(session, tenant, order):
        lines = [Line(row=one, title=titles.get(one.line_id, "")) for one in lines_in(session, tenant, row.id)]
        found.append(
            Delivery(
                id=row.id,
                lines=lines,
                notices=notices.about(session, tenant, digital.subject_of(row.id)),
                link=links.leading_to("delivered").address(digital.link_to(row)),
                has_links=any(line.row.kind == "link" for line in lines),
                untold=row.fulfillments is None,
            )
        )
    return found


def _codes(session: Session, tenant: int, variants: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Codes that are free, and codes that were given, by variant."""
    rows = session.execute(
        select(
            DigitalCode.variant_id,
            func.count().filter(DigitalCode.digital_line_id.is_(None)).label("free"),
            func.count().filter(DigitalCode.digital_line_id.is_not(None)).label("given"),
        )
        .where(DigitalCode.tenant_id == tenant, DigitalCode.variant_id.in_(variants))
        .group_by(DigitalCode.variant_id)
    )
    return {row.variant_id: (row.free, row.given) for row in rows}


def _site(goods: DigitalGoods, opened: Opener) -> str:
    try:
        return digital_told.site_of(opened(goods.sealed_link)["url"]) if goods.sealed_link else ""
    except CannotOpen:
        return "an address that was sealed with a key that is gone: set it again"
