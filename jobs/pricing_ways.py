"""Asks the carrier what the best ways to ship an order would cost, where the merchant's rules want to know.

Asked before anything is reserved and with no transaction open; what it says is part of the question that is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from integrations.nouns import Address, Consignment, Rate
from integrations.ports import Permanent
from jobs import couriering, reshaping
from jobs.work import Work
from orders import holds, not_split, planning, rates, rest
from orders.holds import Problem
from orders.routing import asking
from orders.routing.decision import to_be_priced
from orders.routing.question import Place, Quote
from orders.routing.rules import NEEDS_QUOTES
from orders.routing.ways import Way
from records import shadow, tenants
from records.orders import Order, open_holds
from records.stock import Location
from records.tenants import Rules

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Box:
    """A box with the couriers of the shop's own who would bring it, and when it leaves its place."""

    place: int
    consignment: Consignment
    couriers: Sequence[Rate]
    leaves_at: datetime


_Drawn = tuple[Way, Sequence[_Box]]
"""A way with the boxes that it would send."""


def quotes(work: Work) -> tuple[Quote, ...]:
    """What each way would cost; without those that cannot be sent so. Raises Temporary, and Permanent where no carrier
    is connected.
    """
    with work.reading() as session:
        order = session.get(Order, (work.tenant, work.subject_id))
        rules = tenants.rules_of(session, work.tenant)
        if order is None or not NEEDS_QUOTES & set(rules.routing.order):
            return ()
        if holds.blocking_labels(open_holds(session, work.tenant, order.id)):
            return ()
        drawn = _drawn(session, work, order, rules)
    priced = [quote for one in drawn if (quote := _priced(work, order, one, rules)) is not None]
    currencies = [quote.currency for quote in priced]
    common = max(sorted(set(currencies)), key=currencies.count, default="")
    return tuple(quote for quote in priced if quote.currency == common)


def _drawn(session: Session, work: Work, order: Order, rules: Rules) -> list[_Drawn]:
    """Without the ways that cannot be declared; the label's own job asks a person about those."""
    wanted = planning.demand(session, work.tenant, order.id)
    taken = Counter(shadow.spoken_for(session, work.tenant, but=order.id))
    taken.subtract(rest.levels(rest.kept(session, work.tenant, order.id)))
    to, now = order.ship_to or Address(), work.now()
    joins = reshaping.joins(session, order, wanted.wants)
    standing = not_split.standing(session, work.tenant, order.id, wanted.wants)
    question = asking.ask(
        session, work.tenant, wanted.wants, to, rules,
        now=now, spoken_for=taken, order=order.id, joins=joins, standing=standing,
    )  # fmt: skip
    found: list[_Drawn] = []
    for way in to_be_priced(question):
        picks, reference = planning.picks_of(way, question), f"asked-{order.id}"
        boxes = planning.consignments(session, work.tenant, order, picks, wanted, rules, reference=reference)
        if not isinstance(boxes, Problem):
            weighed = couriering.beside(session, work.tenant, question, boxes, now=now)
            leaves = {place.id: _leaves_at(session, work.tenant, place, now) for place in question.places}
            priced = [
                _Box(place=place, consignment=box, couriers=couriers, leaves_at=leaves[place])
                for (place, box), couriers in zip(boxes, weighed, strict=True)
            ]
            found.append((way, priced))
    return found


def _leaves_at(session: Session, tenant: int, place: Place, now: datetime) -> datetime:
    """When the day begins on which it leaves, by the place's own calendar; never one that is over there."""
    zone = ZoneInfo(session.get_one(Location, (tenant, place.id)).sending.time_zone)
    return now.astimezone(zone) if place.leaves_on is None else datetime.combine(place.leaves_on, time(), tzinfo=zone)


def _priced(work: Work, order: Order, drawn: _Drawn, rules: Rules) -> Quote | None:
    """None where a box of it cannot be sent from there, or the boxes are priced in several currencies."""
    way, boxes = drawn
    carrier = work.newest_carrier()
    chosen: list[tuple[int, Rate]] = []
    for box in boxes:
        try:
            offered = carrier.estimate(box.consignment).rates
        except Permanent as refusal:  # a courier of the shop's own may bring it all the same
            log.info("no carrier prices this box", order=order.id, place=box.place, reason=refusal.reason)
            offered = ()
        choice = rates.choose(
            offered, ships_at=box.leaves_at, deliver_by=order.deliver_by, carriers=rules.carriers,
            couriers=box.couriers,
        )  # fmt: skip
        if choice is None:
            return None
        chosen.append((box.place, choice.rate))
    return _in_all(way, chosen)


def _in_all(way: Way, chosen: Sequence[tuple[int, Rate]]) -> Quote | None:
    currencies = {rate.price.currency for _, rate in chosen}
    if len(currencies) != 1:
        return None
    days: dict[int, list[int | None]] = {}
    for place, rate in chosen:
        days.setdefault(place, []).append(rate.transit_days)
    known = {
        place: max(said)
        for place, told in days.items()
        if len(said := [one for one in told if one is not None]) == len(told)
    }
    return Quote(
        way=way.places,
        cost_minor=sum(rate.price.minor for _, rate in chosen),
        currency=currencies.pop(),
        arrives_in_days=max(known.values()) if known and len(known) == len(days) else None,
        by_place=known,
    )
