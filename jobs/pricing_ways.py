"""Asks the carrier what the best ways to ship an order would cost, where the merchant's rules want to know.

Asked before anything is reserved and with no transaction open; what it says is part of the question that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from integrations.nouns import Address, Consignment, Rate
from integrations.ports import Permanent
from jobs import couriering, reshaping
from jobs.work import Work
from orders import holds, not_split, planning, promising, rates
from orders.holds import Problem
from orders.routing import asking
from orders.routing.decision import to_be_priced
from orders.routing.question import Question, Quote
from orders.routing.rules import NEEDS_QUOTES
from orders.routing.ways import Way
from records import shadow, tenants
from records.orders import Order, open_holds
from records.tenants import Rules

log = structlog.get_logger(__name__)

_Box = tuple[Consignment, Sequence[Rate]]
"""A box with the couriers of the shop's own who would bring it."""
_Drawn = tuple[Way, Sequence[_Box], datetime]
"""A way with the boxes that it would send, and when the last of them leaves."""


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
    taken = shadow.spoken_for(session, work.tenant, but=order.id)
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
            priced = [(box, couriers) for (_, box), couriers in zip(boxes, weighed, strict=True)]
            found.append((way, priced, _leaves_at(way, question, now)))
    return found


def _leaves_at(way: Way, question: Question, now: datetime) -> datetime:
    days = [place.leaves_on for place in question.places if place.id in way.places]
    return promising.ships_at(now, max((day for day in days if day is not None), default=None))


def _priced(work: Work, order: Order, drawn: _Drawn, rules: Rules) -> Quote | None:
    """None where a box of it cannot be sent from there, or the boxes are priced in several currencies."""
    way, boxes, leaves_at = drawn
    carrier = work.newest_carrier()
    chosen: list[Rate] = []
    for box, couriers in boxes:
        try:
            quoted = carrier.estimate(box)
        except Permanent as refusal:
            log.info("way not priced", order=order.id, places=way.places, reason=refusal.reason)
            return None
        choice = rates.choose(
            quoted.rates,
            ships_at=leaves_at, deliver_by=order.deliver_by, carriers=rules.carriers, couriers=couriers,
        )  # fmt: skip
        if choice is None:
            return None
        chosen.append(choice.rate)
    days = [rate.transit_days for rate in chosen]
    known = [one for one in days if one is not None]
    currencies = {rate.price.currency for rate in chosen}
    if len(currencies) != 1:
        return None
    return Quote(
        way=way.places,
        cost_minor=sum(rate.price.minor for rate in chosen),
        currency=currencies.pop(),
        arrives_in_days=max(known) if len(known) == len(days) else None,
    )
