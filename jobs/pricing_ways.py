"""Asks the carrier what the best ways to ship an order would cost, where the merchant's rules want to know.

Asked before anything is reserved and with no transaction open; what it says is part of the question that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from integrations.nouns import Address, Consignment, Rate
from integrations.ports import Permanent
from jobs.work import Work
from orders import consigning, planning, rates
from orders.allocation import Pick
from orders.holds import Problem
from orders.planning import Demand
from orders.routing import asking
from orders.routing.decision import to_be_priced
from orders.routing.question import Quote
from orders.routing.rules import NEEDS_QUOTES
from orders.routing.ways import Way
from records import shadow, tenants
from records.orders import Order
from records.shipments import Parcel, Shipment
from records.tenants import Rules

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """A way with the boxes that it would send."""

    way: Way
    boxes: tuple[Consignment, ...]


def quotes(work: Work) -> tuple[Quote, ...]:
    """What each way would cost; without those that cannot be sent so. Raises Temporary, and Permanent where no carrier
    is connected.
    """
    with work.reading() as session:
        order = session.get(Order, (work.tenant, work.subject_id))
        rules = tenants.rules_of(session, work.tenant)
        if order is None or not NEEDS_QUOTES & set(rules.routing.order):
            return ()
        drawn = _drawn(session, work, order, rules)
    priced = [quote for one in drawn if (quote := _priced(work, order, one, rules)) is not None]
    currencies = [quote.currency for quote in priced]
    common = max(sorted(set(currencies)), key=currencies.count, default="")
    return tuple(quote for quote in priced if quote.currency == common)


def _drawn(session: Session, work: Work, order: Order, rules: Rules) -> list[_Drawn]:
    wanted = planning.demand(session, work.tenant, order.id)
    taken = shadow.spoken_for(session, work.tenant, but=order.id)
    question = asking.ask(
        session, work.tenant, wanted.wants, order.ship_to or Address(), rules, now=work.now(), spoken_for=taken
    )
    found = []
    for way in to_be_priced(question):
        boxes = _boxes(session, work, order, way, wanted, rules)
        if boxes is not None:
            found.append(_Drawn(way=way, boxes=boxes))
    return found


def _boxes(
    session: Session, work: Work, order: Order, way: Way, wanted: Demand, rules: Rules
) -> tuple[Consignment, ...] | None:
    """None where something keeps it from being declared; the label's own job asks a person about that."""
    found: list[Consignment] = []
    for location in way.places:
        leaves = Shipment(tenant_id=work.tenant, order_id=order.id, location_id=location)
        for box in planning.boxes(_picks(way, location), wanted, rules):
            parcel = Parcel(shape=box.shape, contents={str(line): units for line, units in box.contents.items()})
            reference = f"asked-{order.id}-{location}"
            one = consigning.consign(session, work.tenant, order, leaves, parcel, rules, reference=reference)
            if isinstance(one, Problem):
                return None
            found.append(one)
    return tuple(found)


def _picks(way: Way, location: int) -> Sequence[Pick]:
    return [
        Pick(line=one.line, variant=one.variant, location=one.place, units=one.units)
        for one in way.takings
        if one.place == location
    ]


def _priced(work: Work, order: Order, drawn: _Drawn, rules: Rules) -> Quote | None:
    """None where a box of it cannot be sent from there, or the boxes are priced in several currencies."""
    carrier = work.carrier(work.newest_connection("carrier"))
    chosen: list[Rate] = []
    for box in drawn.boxes:
        try:
            quoted = carrier.estimate(box)
        except Permanent as refusal:
            log.info("way not priced", order=order.id, places=drawn.way.places, reason=refusal.reason)
            return None
        choice = rates.choose(quoted.rates, ships_at=work.now(), deliver_by=order.deliver_by, carriers=rules.carriers)
        if choice is None:
            return None
        chosen.append(choice.rate)
    days = [rate.transit_days for rate in chosen]
    known = [one for one in days if one is not None]
    currencies = {rate.price.currency for rate in chosen}
    if len(currencies) != 1:
        return None
    return Quote(
        way=drawn.way.places,
        cost_minor=sum(rate.price.minor for rate in chosen),
        currency=currencies.pop(),
        arrives_in_days=max(known) if len(known) == len(days) else None,
    )
