"""Draws up how an order would leave: what it still wants, which locations send it, in which boxes. Reserves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from integrations.nouns import Consignment
from orders import (
    banning,
    bundles,
    by_hand,
    consigning,
    holds,
    making,
    packing,
    progress,
    promising,
    purchasing,
    shortage,
)
from orders.allocation import Pick
from orders.by_hand import Aside, Spot
from orders.holds import Problem
from orders.promising import Promise
from orders.routing.decision import Decision, decide, digest
from orders.routing.question import Question, Want
from orders.routing.ways import Taking, Way, quote_of
from orders.shortage import Asked
from records import decisions
from records.decisions import RoutingDecision
from records.orders import Order, OrderLine, lines_of
from records.shipments import Parcel, Shipment
from records.stock import Location
from records.tenants import Rules


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What an order still wants, with the lines that it is for."""

    wants: tuple[Want, ...]
    lines: dict[int, OrderLine]
    by_hand: Mapping[Spot, tuple[Want, ...]] = field(default_factory=dict)
    """What is to be put aside for who comes for it, by spot; none of it is among `wants`."""

    @property
    def everything(self) -> tuple[Want, ...]:
        return (*self.wants, *(want for wants in self.by_hand.values() for want in wants))

    @property
    def units(self) -> dict[int, int]:
        """Units by order line, however they get to the buyer."""
        return dict(sum((Counter({want.line: want.units}) for want in self.everything), Counter[int]()))


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A question and its answer."""

    question: Question
    decision: Decision
    rest: tuple[Pick, ...] = ()
    """What could leave, and is kept for the order while its buyer is asked about what is short."""

    @property
    def picks(self) -> tuple[Pick, ...]:
        return picks_of(self.decision.chosen, self.question) if self.decision.chosen else ()

    @property
    def short(self) -> Mapping[int, int]:
        """Units that do not leave now, by order line."""
        return self.decision.short

    @property
    def missing(self) -> Mapping[int, int]:
        """The same, also of what leaves later as the whole order waits, without what the merchant's rules keep."""
        return shortage.missing(self.decision, self.question)

    @property
    def kept(self) -> Mapping[int, int]:
        """Units that lie free and stay by the merchant's rules, by order line."""
        return shortage.kept_back(self.decision, self.question)

    @property
    def spoken_for(self) -> tuple[Taking, ...]:
        """Units that lie for lines of their own: they are sent, or kept."""
        return shortage.spoken_for(self.decision, self.question)

    @property
    def sentence(self) -> str:
        return self.decision.sentence


def demand(session: Session, tenant: int, order: int) -> Demand:
    """What is to be shipped from our own places and stands in no shipment yet."""
    lines = {line.id: line for line in lines_of(session, tenant, order)}
    waiting = _waiting(session, tenant, order, lines)
    wants = _wants(session, tenant, order, lines, _ours(session, tenant, order, lines, waiting))
    return Demand(wants=wants, lines=lines, by_hand=_by_spot(session, tenant, order, lines, waiting))


def _wants(
    session: Session, tenant: int, order: int, lines: Mapping[int, OrderLine], units: Mapping[int, int]
) -> tuple[Want, ...]:
    parts = bundles.parts_in(session, tenant, order)
    days = making.days_in(session, tenant, order)
    marked = banning.bans_in(session, tenant, order)
    return tuple(
        Want(
            line=line,
            variant=None if line in parts else lines[line].variant_id,
            units=count,
            parts=parts.get(line, ()),
            making_days=days.get(line, 0),
            hazmat=line in marked and marked[line].hazmat,
            never_to=marked[line].never_to if line in marked else (),
        )
        for line, count in units.items()
        if count > 0
    )


def _waiting(
    session: Session, tenant: int, order: int, lines: Mapping[int, OrderLine]
) -> Mapping[int, Mapping[Spot, int]]:
    """Units by line and spot that are still to be put aside; most orders have none, and are asked nothing more."""
    if not any(line.by_hand.parts for line in lines.values()):
        return {}
    planned = progress.planned(session, tenant, order)
    return by_hand.still_open(lines, planned, by_hand.in_shipments(session, tenant, order))


def _by_spot(
    session: Session,
    tenant: int,
    order: int,
    lines: Mapping[int, OrderLine],
    waiting: Mapping[int, Mapping[Spot, int]],
) -> dict[Spot, tuple[Want, ...]]:
    spots: dict[Spot, dict[int, int]] = {}
    for line, there in waiting.items():
        for spot, units in there.items():
            spots.setdefault(spot, {})[line] = units
    return {spot: _wants(session, tenant, order, lines, units) for spot, units in spots.items()}


def _ours(
    session: Session,
    tenant: int,
    order: int,
    lines: Mapping[int, OrderLine],
    waiting: Mapping[int, Mapping[Spot, int]],
) -> dict[int, int]:
    """Units by line that places of ours are still to send; what suppliers send is none of them."""
    if purchasing.concerns(session, tenant, order):
        return {line: share.here for line, share in purchasing.shares(session, tenant, order).items()}
    planned = progress.planned(session, tenant, order)
    return {id: line.to_ship - planned.get(id, 0) - sum(waiting.get(id, {}).values()) for id, line in lines.items()}


def decided(question: Question) -> Chosen:
    """Where the units come from."""
    return Chosen(question=question, decision=decide(question))


def decided_for(question: Question, asked: Asked | None, rules: Rules) -> tuple[Chosen, dict[int, int]]:
    """The same for an order whose buyer may have been asked about what is short; with the units that nobody has.

    Buyers are not asked about what nobody may send, or what is not split further: that is the merchant's to settle.
    """
    chosen = decided(question.model_copy(update={"whole_or_nothing": False}))
    lacking, barred = banning.apart(question, chosen.missing, chosen.spoken_for)
    kept = chosen.kept
    if not (lacking or barred or kept):  # then it is no matter if all is wanted at once, and the shop's word is kept
        return Chosen(question=question, decision=chosen.decision), {}
    waits = rules.when_short == "wait_for_all"
    held_back = bool(lacking) and shortage.holds_back(asked, lacking, rules)
    if ((barred or kept) and waits) or held_back:
        rest = chosen.picks if held_back and shortage.asks(asked, lacking, rules) else ()
        chosen = replace(decided(question.model_copy(update={"whole_or_nothing": True})), rest=rest)
    return chosen, lacking


def picks_of(way: Way, question: Question) -> tuple[Pick, ...]:
    parts = {want.line: want.taken() for want in question.wants if want.parts}
    return tuple(
        Pick(line=one.line, variant=one.variant, location=one.place, units=one.units, parts=parts.get(one.line, ()))
        for one in way.takings
    )


def promise(session: Session, tenant: int, chosen: Chosen, location: int) -> Promise:
    """What can be said of what leaves one of the chosen places: by the rates that were asked for, or by the rule."""
    place = next(one for one in chosen.question.places if one.id == location)
    sending = session.get_one(Location, (tenant, location)).sending
    way = chosen.decision.chosen
    quote = quote_of(chosen.question, way) if way else None
    asked = None if quote is None else quote.days_from(location)
    days, said_by = (place.carrier_days, "rule") if asked is None else (asked, "quote")
    return promising.of_place(place.leaves_on, sending, days=days, said_by=said_by)


def write_down_anew(session: Session, tenant: int, order: int, chosen: Chosen) -> None:
    """The same of a choice that nothing leaves by, where that was not written down before."""
    known = decisions.of_order(session, tenant, order)
    if not known or known[0].digest != digest(chosen.decision):
        write_down(session, tenant, order, chosen)


def write_down(session: Session, tenant: int, order: int, chosen: Chosen) -> None:
    """Keep the question and the answer, so that the choice can be read and repeated."""
    session.add(
        RoutingDecision(
            tenant_id=tenant,
            order_id=order,
            version=chosen.decision.version,
            question=chosen.question.model_dump(mode="json"),
            answer=chosen.decision.model_dump(mode="json"),
            digest=digest(chosen.decision),
            sentence=chosen.sentence,
        )
    )


def note_shortage(
    session: Session,
    tenant: int,
    order: int,
    short: Mapping[int, int],
    wanted: Demand,
    aside: Aside | None = None,
    *,
    now: datetime,
) -> None:
    """Hold an order for the units that nobody has, or its own location has not; or let it go where nothing is short."""
    told = [_counted(short, wanted)] if short else []
    for (_, place), units in sorted(aside.short.items() if aside else ()):
        told.append(f"{_counted(units, wanted)} at {by_hand.name_of(session, tenant, place)}")
    if not told:
        holds.release(session, tenant, order, "stock", by="packline", now=now)
        return
    missing = ", ".join(told)
    problem = Problem(
        kind="stock",
        reason=f"Out of stock: {missing}.",
        remedy="It goes on by itself when stock is counted in; or cancel these lines in the store.",
    )
    holds.place(session, tenant, order, problem, by="packline")


def _counted(units: Mapping[int, int], wanted: Demand) -> str:
    return ", ".join(
        f"{count} × {wanted.lines[line].sku or wanted.lines[line].title}" for line, count in sorted(units.items())
    )


def boxes(picks: Sequence[Pick], wanted: Demand, rules: Rules) -> list[packing.Box]:
    """The boxes of what leaves one location."""
    packables = [
        packing.Packable(
            line=pick.line, units=pick.units, unit_grams=wanted.lines[pick.line].unit_grams or rules.assumed_unit_grams
        )
        for pick in picks
    ]
    return packing.pack(packables, rules.box)


def consignments(
    session: Session,
    tenant: int,
    order: Order,
    picks: Sequence[Pick],
    wanted: Demand,
    rules: Rules,
    *,
    reference: str,
) -> list[tuple[int, Consignment]] | Problem:
    """The boxes as a carrier is told of them, each with the location that it would leave; or what keeps one from being
    declared. Nothing of it is written.
    """
    found: list[tuple[int, Consignment]] = []
    for location in dict.fromkeys(pick.location for pick in picks):
        leaves = Shipment(tenant_id=tenant, order_id=order.id, location_id=location)
        for box in boxes([pick for pick in picks if pick.location == location], wanted, rules):
            parcel = Parcel(shape=box.shape, contents={str(line): units for line, units in box.contents.items()})
            one = consigning.consign(session, tenant, order, leaves, parcel, rules, reference=reference)
            if isinstance(one, Problem):
                return one
            found.append((location, one))
    return found
