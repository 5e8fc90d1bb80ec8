"""Reads what a buyer was delivered, for their page and their letter: codes, and links with what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.digital import kept
from records import digital
from records.digital import CODES, LINK, DigitalDelivery, DigitalGoods, DigitalLine
from records.orders import Order, OrderLine, lines_of
from records.tenants import Tenant

Opener = Callable[[bytes], Mapping[str, str]]
"""Opens what was sealed."""


@dataclass(frozen=True, kw_only=True)
class ToldLine:
    """Units that were delivered: by their codes, or by a link that may be opened so often, until then."""

    id: int
    title: str
    units: int
    kind: str
    codes: tuple[str, ...]
    openings: int
    most_openings: int
    ends_at: datetime | None
    ended: str
    """Why the link cannot be opened any more: `taken_off`, `expired`, `used_up`, `gone`; empty where it can."""

    def __repr__(self) -> str:
        return f"ToldLine(id={self.id!r}, kind={self.kind!r}, units={self.units!r})"

    @property
    def left(self) -> int:
        return self.most_openings - self.openings


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that a page or a letter says of a delivery. It names no buyer."""

    id: int
    order: int
    order_name: str
    shop: str
    lines: Sequence[ToldLine]
    cancelled: bool

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for line in self.lines for code in line.codes)

    @property
    def has_links(self) -> bool:
        return any(line.kind == LINK for line in self.lines)


def told(session: Session, row: DigitalDelivery, opened: Opener, *, now: datetime) -> Told:
    order = session.get_one(Order, (row.tenant_id, row.order_id))
    bought = {line.id: line for line in lines_of(session, row.tenant_id, row.order_id)}
    return Told(
        id=row.id,
        order=order.id,
        order_name=order.name or f"#{order.id}",
        shop=session.execute(select(Tenant.name).where(Tenant.id == row.tenant_id)).scalar_one(),
        lines=[
            _line(session, line, bought.get(line.line_id), opened, now)
            for line in digital.lines_in(session, row.tenant_id, row.id)
        ],
        cancelled=order.state in {"cancelling", "cancelled"},
    )


def why_ended(line: DigitalLine, goods: DigitalGoods | None, *, wanted: int, now: datetime) -> str:
    """Why a link cannot be opened; empty where it can. `wanted` units of it are still bought. Pure."""
    if line.kind != LINK:
        return ""
    if not wanted:
        return "taken_off"
    if goods is None or goods.sealed_link is None:
        return "gone"
    if line.ends_at is None or line.ends_at <= now:
        return "expired"
    return "used_up" if line.openings >= most_of(line, wanted) else ""


def most_of(line: DigitalLine, wanted: int) -> int:
    """How often a link may be opened for the units of it that are still bought. Pure."""
    return line.most_openings * wanted // line.units


def address(session: Session, tenant: int, line: DigitalLine, opened: Opener) -> str:
    """Where a link of the merchant's leads now; empty where there is none any more."""
    goods = digital.goods_of(session, tenant, line.variant_id)
    return opened(goods.sealed_link)["url"] if goods is not None and goods.sealed_link else ""


def site_of(url: str) -> str:
    """As much of a merchant's link as may be shown. Pure."""
    return urlsplit(url).hostname or ""


def _line(session: Session, line: DigitalLine, bought: OrderLine | None, opened: Opener, now: datetime) -> ToldLine:
    goods = digital.goods_of(session, line.tenant_id, line.variant_id) if line.kind == LINK else None
    before = digital.given_before(session, line.tenant_id, line) if line.kind == LINK else 0
    wanted = kept(line.units, before=before, bought=bought.units if bought else 0)
    most = most_of(line, wanted)
    return ToldLine(
        id=line.id,
        title=(bought.title or bought.sku) if bought else "",
        # A code that was sent stays sent.
        units=(wanted or line.units) if line.kind == LINK else line.units,
        kind=line.kind,
        codes=_codes(session, line, opened) if line.kind == CODES else (),
        openings=min(line.openings, most),
        most_openings=most,
        ends_at=line.ends_at,
        ended=why_ended(line, goods, wanted=wanted, now=now),
    )


def _codes(session: Session, line: DigitalLine, opened: Opener) -> tuple[str, ...]:
    kept = digital.codes_of(session, line.tenant_id, line.id)
    return tuple(opened(code.sealed_code)["code"] for code in kept if code.sealed_code)
