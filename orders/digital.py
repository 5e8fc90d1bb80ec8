"""Gives a buyer what is sold and never shipped: a code of its own for each unit, or a link with limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, true, update
from sqlalchemy.orm import Session, aliased

from orders import holds
from orders.holds import Problem
from orders.signed_links import Link
from records import digital, notices, tenants
from records.digital import CODES, LINK, DigitalCode, DigitalDelivery, DigitalGoods, DigitalLine
from records.orders import OVER, Order, OrderLine

HOLD = "digital"
NOT_MAILED = "not_mailed"
# The states of an order whose money was found good: only then is anything given away.
GIVES = frozenset({"released", "allocated", "shipping", "fulfilled"})
# What was given is told to the store also when the order ended with it.
TELLS = GIVES | {"closed"}
# A buyer who comes late still reads what was delivered, and what they can do.
PAGES_OUTLIVE = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Owed:
    """Units of a line that are to be delivered and were not yet."""

    line: int
    variant: int
    title: str
    units: int


@dataclass(frozen=True, kw_only=True)
class Given:
    """What one look at an order gave away. `delivery` is None where nothing was."""

    delivery: int | None
    lines: Sequence[Owed]
    short: Mapping[Owed, int]
    """The codes that there are for what could not be delivered."""


def owed(session: Session, tenant: int, order: int) -> list[Owed]:
    """What an order's buyer is still to be given; nothing of a shop that only watches."""
    session.flush()
    sold = session.execute(_SOLD, {"tenant": tenant, "order": order}).all()
    if not sold or tenants.mode_of(session, tenant) != "live":
        return []
    given = units_given(session, tenant, order)
    return [
        Owed(line=row.id, variant=row.variant, title=row.sku or row.title, units=wanted - has)
        for row in sold
        if (wanted := min(row.units, row.to_deliver)) > (has := given.get(row.id, 0))
    ]


# By the store's own id: a line names no variant of ours where the store does not count it, as it counts no downloads.
_SOLD = text("""
SELECT line.id, line.sku, line.title, line.units, line.to_deliver, goods.variant_id AS variant
FROM order_lines line
JOIN orders ON orders.tenant_id = :tenant AND orders.id = line.order_id
JOIN variants variant ON variant.tenant_id = :tenant AND variant.connection_id = orders.connection_id
     AND variant.remote_id = line.variant_remote_id
JOIN digital_goods goods ON goods.tenant_id = :tenant AND goods.variant_id = variant.id
WHERE line.tenant_id = :tenant AND line.order_id = :order AND NOT line.needs_shipping
  AND goods.active AND orders.created_at >= goods.since
ORDER BY goods.variant_id, line.id
""")


def give(session: Session, tenant: int, order: int, *, now: datetime) -> Given:
    """Give away what is owed and there: codes are taken, links begin. The order's row is locked by the caller.

    A line gets all of its codes or none. Pools are locked in the order of their variants, so that orders that want the
    same ones wait for each other and never give a code twice.
    """
    found: list[tuple[Owed, DigitalGoods, list[int]]] = []
    short: dict[Owed, int] = {}
    for one in owed(session, tenant, order):
        goods = digital.goods_of(session, tenant, one.variant, lock=True)
        if goods is None or not goods.active:
            continue
        taken = [code for _, _, codes in found for code in codes]
        codes = _free(session, tenant, one, but=taken) if goods.kind == CODES else []
        if goods.kind == CODES and len(codes) < one.units:
            short[one] = len(codes)
        else:
            found.append((one, goods, codes))
    if not found:
        return Given(delivery=None, lines=(), short=short)
    delivery = _write(session, tenant, order, found, now=now)
    return Given(delivery=delivery, lines=[one for one, _, _ in found], short=short)


def note_shortage(session: Session, tenant: int, order: int, short: Mapping[Owed, int], *, now: datetime) -> None:
    """Hold what has no codes left, and nothing else of the order; or let go of that."""
    if not short:
        holds.release(session, tenant, order, HOLD, by="packline", now=now)
        return
    lacking = ", ".join(
        f"{one.units} × {one.title} ({there} {'code' if there == 1 else 'codes'} left)" for one, there in short.items()
    )
    problem = Problem(
        kind=HOLD,
        reason=f"Not enough codes to deliver: {lacking}. Nobody was given a code twice.",
        remedy="Paste more codes under Stock, Digital goods: it is delivered at once then. Parcels leave all the same.",
    )
    holds.place(session, tenant, order, problem, by="packline")


def let_go(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """Nobody waits for codes of which none is wanted any more: the merchant may have delivered it by hand."""
    if not owed(session, tenant, order):
        holds.release(session, tenant, order, HOLD, by="packline", now=now)


def note_mail(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """Hold what was given to a buyer whom no mail has told of it, though the store shows it as delivered; or let go."""
    over = session.get_one(Order, (tenant, order)).state in OVER - {"closed"}
    unmailed = (
        []
        if over
        else [why for one in digital.deliveries_of(session, tenant, order) if (why := _not_mailed(session, one))]
    )
    remedy = (
        "Once this is mended, send it again on the order's page. Or copy the buyer's link to them from there, and "
        "release this hold."
    )
    problems = [
        Problem(kind=NOT_MAILED, reason=f"The buyer was not sent what they bought digitally. {why}", remedy=remedy)
        for why in unmailed[:1]
    ]
    holds.settle(session, tenant, order, problems, looked_for=(NOT_MAILED,), by="packline", now=now)


def _not_mailed(session: Session, row: DigitalDelivery) -> str:
    """Why the newest letter about a delivery was not sent; empty where it was, or is on its way."""
    ended = [one for one in notices.about(session, row.tenant_id, subject_of(row.id)) if one.state != "due"]
    return ended[-1].reason if ended and ended[-1].state in {"suppressed", "failed"} else ""


def untold(session: Session, tenant: int, order: int) -> bool:
    """Whether something was given of which the store has not been told, as far as anybody knows."""
    return any(one.fulfillments is None for one in digital.deliveries_of(session, tenant, order))


def waiting(session: Session, tenant: int) -> list[int]:
    """The orders that wait for codes, the one that waits longest first."""
    return holds.waiting_for(session, tenant, HOLD)


def open_link(session: Session, tenant: int, line: int, *, now: datetime) -> bool:
    """Count one opening of a link; answers whether there was one left for the units that are still bought, in time."""
    earlier = aliased(DigitalLine)
    before = (
        select(func.coalesce(func.sum(earlier.units), 0))
        .where(earlier.tenant_id == tenant, earlier.line_id == DigitalLine.line_id, earlier.id < DigitalLine.id)
        .correlate(DigitalLine)
        .scalar_subquery()
    )
    still_bought = func.least(DigitalLine.units, OrderLine.units - before)
    opened = session.execute(
        update(DigitalLine)
        .where(DigitalLine.tenant_id == tenant, DigitalLine.id == line, DigitalLine.kind == LINK)
        .where(OrderLine.tenant_id == tenant, OrderLine.id == DigitalLine.line_id, DigitalLine.ends_at > now)
        .where(DigitalLine.openings * DigitalLine.units < DigitalLine.most_openings * still_bought)
        .values(openings=DigitalLine.openings + 1)
        .returning(DigitalLine.id)
        .execution_options(synchronize_session=False)
    ).first()
    return opened is not None


def kept(units: int, *, before: int, bought: int) -> int:
    """Of units that were delivered, those that are still bought: what was taken off goes from the latest. Pure."""
    return max(0, min(units, bought - before))


def begin_anew(session: Session, tenant: int, delivery: int, *, now: datetime) -> None:
    """Give the links of a delivery all their openings and days again. The codes stay what they are."""
    row = session.get_one(DigitalDelivery, (tenant, delivery), with_for_update=True)
    for line in digital.lines_in(session, tenant, delivery):
        goods = digital.goods_of(session, tenant, line.variant_id)
        if line.kind == LINK and goods is not None:
            line.openings, line.most_openings = 0, goods.most_openings * line.units
            line.ends_at = now + timedelta(days=goods.days)
            row.link_until = max(row.link_until, line.ends_at + PAGES_OUTLIVE)


def link_to(row: DigitalDelivery) -> Link:
    """The buyer's link to what they were given."""
    return Link(tenant=row.tenant_id, about=row.id, version=row.link_version, until=row.link_until)


def subject_of(delivery: int) -> str:
    return f"delivery/{delivery}"


def units_given(session: Session, tenant: int, order: int, *, told: bool = False) -> dict[int, int]:
    """Units that were delivered, by order line; with `told`, only those that the store shows as delivered."""
    which = DigitalDelivery.fulfillments.is_not(None) if told else true()
    rows = session.execute(
        select(DigitalLine.line_id, func.sum(DigitalLine.units).label("units"))
        .join(
            DigitalDelivery,
            (DigitalDelivery.tenant_id == DigitalLine.tenant_id) & (DigitalDelivery.id == DigitalLine.delivery_id),
        )
        .where(DigitalLine.tenant_id == tenant, DigitalDelivery.order_id == order, which)
        .group_by(DigitalLine.line_id)
    )
    return {row.line_id: int(row.units) for row in rows}


def _free(session: Session, tenant: int, wanted: Owed, *, but: Collection[int]) -> list[int]:
    """The oldest codes of a pool that are nobody's, as many as are wanted."""
    return list(
        session.scalars(
            select(DigitalCode.id)
            .where(DigitalCode.tenant_id == tenant, DigitalCode.variant_id == wanted.variant)
            .where(DigitalCode.digital_line_id.is_(None), DigitalCode.id.not_in(but))
            .order_by(DigitalCode.id)
            .limit(wanted.units)
        )
    )


def _write(
    session: Session,
    tenant: int,
    order: int,
    found: Sequence[tuple[Owed, DigitalGoods, Sequence[int]]],
    *,
    now: datetime,
) -> int:
    days = max((goods.days for _, goods, _ in found if goods.kind == LINK), default=0)
    delivery = DigitalDelivery(tenant_id=tenant, order_id=order, link_until=now + timedelta(days=days) + PAGES_OUTLIVE)
    session.add(delivery)
    session.flush()
    for one, goods, codes in found:
        line = _line(tenant, delivery.id, one, goods, now)
        session.add(line)
        session.flush()
        if codes:
            _take(session, tenant, codes, line.id)
    return delivery.id


def _line(tenant: int, delivery: int, one: Owed, goods: DigitalGoods, now: datetime) -> DigitalLine:
    is_link = goods.kind == LINK
    return DigitalLine(
        tenant_id=tenant,
        delivery_id=delivery,
        line_id=one.line,
        variant_id=one.variant,
        kind=goods.kind,
        units=one.units,
        most_openings=goods.most_openings * one.units if is_link else 0,
        ends_at=now + timedelta(days=goods.days) if is_link else None,
    )


def _take(session: Session, tenant: int, codes: Sequence[int], line: int) -> None:
    """Make codes a line's. The pool is locked, so each of them is still nobody's; else nothing is given at all."""
    taken = session.execute(
        update(DigitalCode)
        .where(DigitalCode.tenant_id == tenant, DigitalCode.id.in_(codes), DigitalCode.digital_line_id.is_(None))
        .values(digital_line_id=line)
        .returning(DigitalCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(taken) != len(codes):
        raise RuntimeError(f"{len(codes) - len(taken)} codes were given to somebody else past the lock of their pool")
