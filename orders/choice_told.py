"""Reads what a buyer is told of their choice: the lines that are short, when they come, and what happens otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import choosing, planning, rest, restocking, shortage, staying, swap_offers, swapping
from orders.amounts import amount
from orders.shortage import Units
from orders.swap_offers import Offer
from records.choices import OPEN, Choice
from records.orders import Order, lines_of
from records.reversals import under_way
from records.stock import Variant
from records.tenants import Tenant

_ENGLISH = Locale("en", "US")


@dataclass(frozen=True, kw_only=True)
class ShortLine:
    """A line of which units are missing. The price is of one unit; `restock` is None where nobody knows."""

    id: int
    title: str
    sku: str
    units: int
    unit_price_minor: int
    restock: date | None
    answer: str = ""
    offers: tuple[Offer, ...] = ()
    """What it can be sent as instead, at the same price."""
    instead: str = ""
    """What was chosen to be sent in its place, by its title."""
    swapped: bool = False
    """The store has it so: there is nothing to choose any more."""

    @property
    def allowed(self) -> frozenset[str]:
        """The answers that can be given now."""
        if self.swapped:
            return frozenset({self.answer})
        return frozenset({shortage.WAIT, shortage.REFUND, *(offer.answer for offer in self.offers)})

    def sent_as(self, answer: str) -> str:
        """The title of what an answer would have sent instead; empty where it has nothing sent."""
        offered = {offer.answer: offer.title for offer in self.offers}
        return offered.get(answer, self.instead if answer == self.answer else "")


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that a page or a letter says of a choice. It names no buyer."""

    id: int
    order: int
    order_name: str
    shop: str
    currency: str
    state: str
    lines: Sequence[ShortLine]
    held_back: bool
    """Something of it waits for what is not there."""
    is_here: bool
    """All of that is kept for this order: nobody else gets it."""
    unanswered: str
    answer_by: datetime
    rest: str
    answered_by: str
    final: bool
    """Nothing can be chosen any more."""
    refunding: bool
    """Money that was chosen has not gone back yet."""
    swapping: bool = False
    """The store is being told what is sent instead."""

    @property
    def can_swap(self) -> bool:
        return any(line.offers for line in self.lines)

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def by_stock(self) -> bool:
        """What was short came before anybody chose, or is not wanted any more."""
        return self.answered_by == "stock"


def told(session: Session, row: Choice, *, today: date, swaps: bool = False) -> Told:
    """All that is said of a choice. `swaps`: the store lets a line be swapped for another variant."""
    order = session.get_one(Order, (row.tenant_id, row.order_id))
    short = choosing.units_of(row.short)
    swapped = bool(swapping.asked(session, row.tenant_id, row.order_id))
    final = row.acted_at is not None or swapped
    offers = swap_offers.of_order(session, row.tenant_id, row.order_id, short) if swaps and not final else {}
    waiting = _held_back(session, row.tenant_id, row.order_id, short)
    kept = rest.kept(session, row.tenant_id, row.order_id)
    return Told(
        id=row.id,
        order=row.order_id,
        order_name=order.name or f"#{order.id}",
        shop=session.execute(select(Tenant.name).where(Tenant.id == row.tenant_id)).scalar_one(),
        currency=order.currency,
        state=row.state,
        lines=_lines(session, row, short, today, offers),
        held_back=bool(waiting),
        is_here=rest.holds(kept, waiting),
        unanswered=row.unanswered,
        answer_by=row.answer_by,
        rest=row.rest,
        answered_by=row.answered_by,
        final=final,
        swapping=swapped,
        refunding=row.acted_at is None or under_way(session, row.tenant_id, row.order_id) is not None,
    )


def holds_something(session: Session, tenant: int, order: int, short: Units) -> bool:
    """Whether an order has units that could leave and have no shipment yet."""
    return bool(_held_back(session, tenant, order, short))


def _held_back(session: Session, tenant: int, order: int, short: Units) -> Units:
    units, stay = planning.demand(session, tenant, order).units, staying.units(session, tenant, order)
    return +(Counter(units) - Counter(short) - stay)


def by_default(told_of: Told) -> str:
    """What happens without an answer, as the buyer reads it."""
    if told_of.unanswered == shortage.REFUND:
        rest = " and send the rest" if told_of.held_back else ""
        return f"we refund what is missing{rest}"
    if told_of.unanswered == shortage.SHIP_REST and told_of.held_back:
        return "we send the rest now, and what is missing when it comes"
    together = " and send everything together" if told_of.held_back else ""
    return f"we wait for what is missing{together}"


def locale_of(country: str) -> Locale:
    """English, which the letters are in, with the dates and amounts of the buyer's country where those are known."""
    try:
        return Locale.parse(f"en_{country.upper()}") if country else _ENGLISH
    except (UnknownLocaleError, ValueError):
        return _ENGLISH


def day(when: date, locale: Locale) -> str:
    return str(format_date(when, "long", locale=locale))


def moment(when: datetime, locale: Locale) -> str:
    """With its zone: nobody knows the buyer's."""
    return f"{format_date(when, 'full', locale=locale)}, {format_datetime(when, 'HH:mm', locale=locale)} UTC"


def price(line: ShortLine, currency: str, locale: Locale) -> str:
    return amount(line.unit_price_minor, currency, locale)


def _lines(
    session: Session, row: Choice, short: Units, today: date, offers: Mapping[int, tuple[Offer, ...]]
) -> list[ShortLine]:
    kept = {line.id: line for line in lines_of(session, row.tenant_id, row.order_id)}
    due = restocking.days(session, row.tenant_id, row.order_id, short, today=today)
    answered = choosing.answer_of(row).swapped
    still = swapping.left(session, row, answered)
    return [
        ShortLine(
            id=line,
            title=kept[line].title,
            sku=kept[line].sku,
            units=units,
            unit_price_minor=kept[line].unit_price_minor,
            restock=due.get(line),
            answer=str(row.answers.get(str(line), "")),
            offers=offers.get(line, ()),
            swapped=line in answered and line not in still,
            instead=_instead(session, row, line),
        )
        for line, units in sorted(short.items())
        if line in kept
    ]


def _instead(session: Session, row: Choice, line: int) -> str:
    variant = choosing.answer_of(row).swapped.get(line)
    return "" if variant is None else session.get_one(Variant, (row.tenant_id, variant)).title
