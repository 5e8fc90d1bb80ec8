"""Decides what would be done for an order of a shop that only watches, and sees what the merchant does instead.

Nothing is reserved and nothing is left at a vendor: rates are asked for without a shipment, addresses not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from integrations.nouns import Address, Consignment, Money, Rate, StoreOrder, StoreShipment
from integrations.ports import Permanent
from jobs import couriering, letting_go, story
from jobs.outcomes import Done, Outcome
from jobs.work import Work
from orders import banning, choosing, consigning, holds, lifecycle, not_split, planning, rates, watching
from orders.allocation import Pick
from orders.holds import Problem
from orders.routing import asking
from orders.routing.question import Quote
from orders.watching import Priced
from records import shadow, tenants
from records.orders import LOCK, Order, open_holds
from records.shadow import ShadowDecision
from records.stock import Location
from records.tenants import Rules

# The decisions of one shop are made one after the other: each has to see what the one before it would have taken.
_ONE_AFTER_THE_OTHER = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('packline decisions/' || cast(:tenant AS text), 0))"
)
_STILL_HERE = frozenset({"received", "verified", "released", "watched"})


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What would leave, before anybody was asked what it costs."""

    order: int
    picks: tuple[Pick, ...]
    boxes: tuple[tuple[Priced, Consignment], ...]
    couriers: tuple[tuple[Rate, ...], ...]
    """The shop's own who would be weighed for each of the boxes."""
    digest: str
    deliver_by: datetime | None
    rules: Rules


def decide(work: Work, quotes: Sequence[Quote] = ()) -> Outcome:
    """Decide how an order would leave and write that down, instead of having it leave."""
    with work.writing() as session:
        drawn = _draw(session, work, quotes)
    if drawn is None:
        return Done()
    leaves_at = work.now()
    boxes = [
        _priced(work, drawn, box, consignment, couriers, leaves_at)
        for (box, consignment), couriers in zip(drawn.boxes, drawn.couriers, strict=True)
    ]
    with work.writing() as session:
        _write(session, work, drawn, boxes, leaves_at)
    return Done()


def has_ended(session: Session, work: Work, order: Order, store: StoreOrder, shipped: Sequence[StoreShipment]) -> bool:
    """Write down what the merchant shipped of an order; answers whether that was all of it, and the order is over."""
    if order.state not in _STILL_HERE or not any(one.stands for one in shipped):
        return False
    did = watching.merchant_did(
        shipped, _names(session, work.tenant, order.connection_id), shipping_paid=store.snapshot.shipping_paid
    )
    if shadow.find(session, work.tenant, order.id, shadow.SHIP) is None:
        early = "The merchant shipped it before Packline had decided how."
        shadow.record(session, work.tenant, order.id, key=shadow.SHIP, act="none", sentence=early)
    rest = any(line.ships and line.units for line in store.asked)
    shadow.write_what_merchant_did(session, work.tenant, order.id, did, compared_at=None if rest else work.now())
    if rest:
        return False  # decided anew, about what is left
    let_go(session, work.tenant, order.id, f"The merchant has shipped it: {watching.told(did)}.", now=work.now())
    return True


def let_go(session: Session, tenant: int, order: int, sentence: str, *, now: datetime) -> bool:
    """End an order that somebody else ships: nothing holds it any more; answers whether it was open."""
    if not lifecycle.move(session, tenant, "order", order, "leave"):
        return False
    for hold in open_holds(session, tenant, order):
        holds.release(session, tenant, order, hold.kind, by="packline", now=now)
    choosing.end_with_order(session, tenant, order, now=now)
    letting_go.of_all(session, tenant, order)
    story.fact(session, tenant, order, sentence)
    return True


def _draw(session: Session, work: Work, quotes: Sequence[Quote]) -> Drawn | None:
    """None where there is nothing to decide, or nothing new."""
    session.execute(_ONE_AFTER_THE_OTHER, {"tenant": work.tenant})
    order = session.get(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
    known = shadow.find(session, work.tenant, work.subject_id, shadow.SHIP)
    if order is None or order.state not in {"released", "watched"} or (known and known.compared_at):
        return None
    rules = tenants.rules_of(session, work.tenant)
    wanted = planning.demand(session, work.tenant, order.id)
    taken = shadow.spoken_for(session, work.tenant, but=order.id)
    to, now = order.ship_to or Address(), work.now()
    question = asking.ask(
        session, work.tenant, wanted.wants, to, rules,
        now=now, spoken_for=taken, quotes=quotes, order=order.id, deliver_by=order.deliver_by,
        standing=not_split.standing(session, work.tenant, order.id, wanted.wants),
    )  # fmt: skip
    chosen = planning.decided(question)
    short, _ = banning.apart(question, chosen.missing, chosen.spoken_for)
    banning.note(session, work.tenant, order.id, chosen, wanted.lines, now=work.now())
    not_split.note(session, work.tenant, order.id, question, chosen.decision, wanted.lines, now=work.now())
    planning.note_shortage(session, work.tenant, order.id, short, wanted, now=work.now())
    leaving = planning.consignments(
        session, work.tenant, order, chosen.picks, wanted, rules, reference=f"watched-{order.id}"
    )
    if isinstance(leaving, Problem):
        holds.place(session, work.tenant, order.id, leaving, by="packline")
        return None
    named = {location: session.get_one(Location, (work.tenant, location)).name for location, _ in leaving}
    boxes = [
        (Priced(warehouse=named[location], weight_grams=consignment.parcel.weight_grams), consignment)
        for location, consignment in leaving
    ]
    drawn = Drawn(
        order=order.id,
        picks=chosen.picks,
        boxes=tuple(boxes),
        couriers=tuple(couriering.beside(session, work.tenant, question, leaving, now=now)),
        digest=_digest(chosen.picks, [consignment for _, consignment in boxes]),
        deliver_by=order.deliver_by,
        rules=rules,
    )
    if not boxes or (order.state == "watched" and known and _says_all_of(drawn, known)):
        return None
    _keep(session, work, drawn, [box for box, _ in boxes], work.now(), priced=False)
    return drawn


def _says_all_of(drawn: Drawn, known: ShadowDecision) -> bool:
    """Whether a decision is the same, and the carrier was asked about it to the end: a run may die before that."""
    return known.decided.get("digest") == drawn.digest and known.decided.get("priced") is True


def _digest(picks: Sequence[Pick], consignments: Sequence[Consignment]) -> str:
    told = [repr(pick) for pick in picks] + [consigning.digest(one) for one in consignments]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def _priced(
    work: Work, drawn: Drawn, box: Priced, consignment: Consignment, couriers: Sequence[Rate], leaves_at: datetime
) -> Priced:
    """What the box would cost. A carrier's no is no reason to ask a person: nobody is to buy anything."""
    try:
        quoted = work.newest_carrier().estimate(consignment)
    except Permanent as refusal:
        return replace(box, problem=refusal.reason)
    choice = rates.choose(
        quoted.rates,
        ships_at=leaves_at, deliver_by=drawn.deliver_by, carriers=drawn.rules.carriers, couriers=couriers,
    )  # fmt: skip
    if choice is None:
        return replace(box, problem=" ".join(quoted.remarks) or "No carrier offers a rate.")
    return replace(
        box,
        carrier=choice.rate.carrier,
        service=choice.rate.service,
        cost=Money(minor=choice.rate.price.minor, currency=choice.rate.price.currency),
        transit_days=choice.rate.transit_days,
        why=choice.sentence,
    )


def _write(session: Session, work: Work, drawn: Drawn, boxes: Sequence[Priced], leaves_at: datetime) -> None:
    if tenants.mode_of(session, work.tenant, lock=True) == "live":
        return  # the shop went live meanwhile, and has had its open orders begun anew
    _keep(session, work, drawn, boxes, leaves_at, priced=True)
    order = session.get_one(Order, (work.tenant, drawn.order), with_for_update=LOCK)
    if order.state == "released":
        lifecycle.move(session, work.tenant, "order", drawn.order, "watch")
    if order.state == "watched":
        said = watching.sentence(boxes, leaves_at)
        story.tell(session, work, drawn.order, f"Packline only watches. It would be: {said}", kind="choice")


def _keep(
    session: Session, work: Work, drawn: Drawn, boxes: Sequence[Priced], leaves_at: datetime, *, priced: bool
) -> None:
    """The first time without prices: what comes after sees by then what this one takes."""
    shadow.record(
        session,
        work.tenant,
        drawn.order,
        key=shadow.SHIP,
        act="buy_label",
        sentence=watching.sentence(boxes, leaves_at),
        decided=watching.decided(drawn.picks, boxes, digest=drawn.digest, leaves_at=leaves_at, priced=priced),
    )


def _names(session: Session, tenant: int, connection: str) -> dict[str, str]:
    rows = session.execute(
        select(Location.remote_id, Location.name).where(
            Location.tenant_id == tenant, Location.connection_id == connection
        )
    )
    return {row.remote_id: row.name for row in rows}
