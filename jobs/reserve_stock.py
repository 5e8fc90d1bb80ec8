"""Chooses the locations that ship an order, reserves the units there, and plans shipments and boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from integrations.nouns import Address
from jobs import closing, drop_shipping, fulfilling, pricing_ways, queue, reshaping, shadow, story, tell_stock
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import (
    banning,
    by_hand,
    choosing,
    first_come,
    holds,
    inventory,
    joining,
    lifecycle,
    not_split,
    planning,
    promised,
    promising,
    purchasing,
    replanning,
    splitting,
    still_changeable,
    swapping,
    telling_stock,
)
from orders.allocation import Pick
from orders.by_hand import Aside
from orders.inventory import Holding
from orders.planning import Chosen, Demand
from orders.promising import Promise
from orders.routing import asking, ways
from orders.routing.question import Quote
from records import tenants
from records.orders import LOCK, Order, open_holds
from records.reversals import under_way
from records.shipments import Shipment, ShipmentLine
from records.tenants import Rules

# How often a run looks again at once when others take the units between looking and taking.
_LOOKS = 5
# How long orders that have waited longer are given to take what they want of what has come.
_OTHERS_TAKE_S = 2.0


def run(work: Work) -> Outcome:
    quotes = pricing_ways.quotes(work)
    for _ in range(_LOOKS):
        try:
            with work.writing() as session:
                ended = _reserve(session, work, quotes)
        except inventory.Contended:
            continue
        # Of a shop that only watches, nothing is reserved; what would be done is asked about with nothing open.
        return ended or shadow.decide(work, quotes)
    return Snoozed(wait_s=0.5, reason="Many orders want the same units at this moment.")


def _reserve(session: Session, work: Work, quotes: Sequence[Quote]) -> Outcome | None:
    order = session.get(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
    if order is None or order.state not in {"released", "watched", "allocated", "shipping"}:
        return Cancelled(reason=f"the order is {order.state if order else 'gone'}: no stock is reserved for it")
    if holds.blocking_labels(open_holds(session, work.tenant, order.id)):
        return Done()  # a released hold asks for this job again
    if under_way(session, work.tenant, order.id) is not None:
        return Done()  # what is being taken back asks for this job again when it is done
    if tenants.mode_of(session, work.tenant) != "live":
        return None if order.state in {"released", "watched"} else Done()
    answered, freed = choosing.answer_due(session, work.tenant, order.id)
    if answered is not None:
        queue.add(session, work.tenant, "ask_buyer", choosing.subject_of(answered.id), lane=f"order/{order.id}")
        return Done()  # what is given up or swapped is taken off first, and that asks for this job again
    rules = tenants.rules_of(session, work.tenant)
    again_at = _ask_suppliers(session, work, order, rules)
    ended = _take(session, work, order, rules, quotes, freed)
    if again_at is not None:
        # After the levels: who rings waiting orders for what has landed locks that first, and then this very job's row.
        queue.add(session, work.tenant, "reserve_stock", f"order/{order.id}", due_at=again_at)
    return ended


def _take(
    session: Session, work: Work, order: Order, rules: Rules, quotes: Sequence[Quote], freed: Sequence[Pick]
) -> Outcome:
    """Plan and reserve what is there of what the order still wants."""
    wanted = planning.demand(session, work.tenant, order.id)
    if not wanted.everything:
        _ask_about(session, work, order.id, {})
        for kind in ("stock", banning.HOLD, not_split.HOLD):
            holds.release(session, work.tenant, order.id, kind, by="packline", now=work.now())
        promised.keep(session, work.tenant, order, because="as less of it is wanted")
        if order.state == "shipping":
            fulfilling.if_complete(session, work.tenant, order.id)
        else:
            closing.if_nothing_is_left(session, work.tenant, order.id, now=work.now())
        return Done()
    others = first_come.spoken_for(session, work.tenant, order.id, wanted.everything)
    aside = _aside(session, work.tenant, wanted, others)
    chosen, short = _choose(session, work, order, wanted, aside, others, quotes, rules)
    if (short or aside.short or (chosen and chosen.kept)) and others:
        _hold_on(session, work.tenant, order.id, freed)
        return Snoozed(wait_s=_OTHERS_TAKE_S, reason="Orders that have waited longer for the same units come first.")
    planning.note_shortage(session, work.tenant, order.id, short, wanted, aside, now=work.now())
    _note_what_stays(session, work, order.id, chosen, wanted)
    _ask_about(session, work, order.id, Counter(short) + Counter(aside.short_units))
    picks = (*(chosen.picks if chosen else ()), *(pick for there in aside.picks.values() for pick in there))
    if not picks:
        _hold_on(session, work.tenant, order.id, freed)
        return Done()
    again = order.state != "released"
    if not again:
        lifecycle.move(session, work.tenant, "order", order.id, "allocate")
    holdings = _put_aside(session, work, order.id, aside)
    joined: Mapping[int, int] = {}
    if chosen and chosen.picks:
        planned = _send(session, work, order, chosen, wanted, rules, again=again)
        holdings, joined = [*holdings, *planned.holdings], planned.joined
    holdings = [*holdings, *swapping.held_on(freed, picks, wanted.everything)]
    elsewhere = telling_stock.is_from_elsewhere(session, work.tenant, order.id)
    # The last statement of the transaction: popular variants stay locked from here to the commit only.
    _hold(session, work.tenant, order.id, holdings, elsewhere=elsewhere)
    for older, shipment in joined.items():
        replanning.fold(session, work.tenant, old=older, new=shipment)
    return Done()


def _hold(session: Session, tenant: int, order: int, holdings: Sequence[Holding], *, elsewhere: bool) -> None:
    if inventory.reserve(session, tenant, order, holdings, actor="packline", elsewhere=elsewhere):
        tell_stock.ask_about_unsold(session, tenant, order)


def _hold_on(session: Session, tenant: int, order: int, freed: Sequence[Pick]) -> None:
    """What is sent instead of something else stays held until it is planned, however long that takes.

    It is the store's own order: others are not edited there.
    """
    _hold(session, tenant, order, swapping.held_on(freed, ()), elsewhere=False)


def _aside(session: Session, tenant: int, wanted: Demand, others: Mapping[tuple[int, int], int]) -> Aside:
    """What the locations at which the buyer gets it have of it now, but for what others come first for."""
    if not wanted.by_hand:
        return Aside()
    variants = {variant for wants in wanted.by_hand.values() for want in wants for variant, _ in want.taken()}
    free = Counter(inventory.available(session, tenant, variants, {place for _, place in wanted.by_hand}))
    free.subtract(others)
    return by_hand.put_aside(wanted.by_hand, free)


def _choose(
    session: Session,
    work: Work,
    order: Order,
    wanted: Demand,
    aside: Aside,
    others: Mapping[tuple[int, int], int],
    quotes: Sequence[Quote],
    rules: Rules,
) -> tuple[Chosen | None, Mapping[int, int]]:
    """Where the parcels leave from, and the units that nobody has; no choice where nothing goes in a parcel."""
    if not wanted.wants:
        return None, {}
    spoken_for = Counter(others)
    for pick in (pick for there in aside.picks.values() for pick in there):
        spoken_for.update({(variant, pick.location): pick.units * each for variant, each in pick.taken()})
    question = asking.ask(
        session, work.tenant, wanted.wants, order.ship_to or Address(), rules,
        now=work.now(), spoken_for=spoken_for, quotes=quotes, order=order.id, deliver_by=order.deliver_by,
        joins=() if order.state == "released" else reshaping.joins(session, order, wanted.wants),
        standing=not_split.standing(session, work.tenant, order.id, wanted.wants),
    )  # fmt: skip
    return planning.decided_for(question, choosing.standing(session, work.tenant, order.id), rules)


def _note_what_stays(session: Session, work: Work, order: int, chosen: Chosen | None, wanted: Demand) -> None:
    """Hold it for what nobody may send, and for what is not split further, with a record of why."""
    question, decision = (chosen.question, chosen.decision) if chosen else (None, None)
    barred = banning.note(session, work.tenant, order, chosen, wanted.lines, now=work.now())
    kept = not_split.note(session, work.tenant, order, question, decision, wanted.lines, now=work.now())
    if (barred or kept) and chosen and not chosen.picks:
        planning.write_down_anew(session, work.tenant, order, chosen)


def _put_aside(session: Session, work: Work, order: int, aside: Aside) -> list[Holding]:
    """Plan what waits for who comes for it: nothing is bought for it, and a person says when it is handed over."""
    holdings = by_hand.write(session, work.tenant, order, aside)
    for sentence in by_hand.told(session, work.tenant, aside):
        story.tell(session, work, order, sentence)
    return holdings


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What to hold for the shipments that were planned, and the new shipment by the older one that leaves with it."""

    holdings: Sequence[Holding]
    joined: Mapping[int, int]


def _send(
    session: Session, work: Work, order: Order, chosen: Chosen, wanted: Demand, rules: Rules, *, again: bool
) -> Planned:
    """Plan what leaves in parcels, and write down why from there."""
    planning.write_down(session, work.tenant, order.id, chosen)
    story.tell(session, work, order.id, chosen.sentence, kind="choice", picks=[vars(pick) for pick in chosen.picks])
    queue.add(session, work.tenant, "assign_work", f"order/{order.id}")
    planned = _plan(session, work, order, chosen, wanted, rules, again=again)
    session.flush()
    promised.keep(session, work.tenant, order, because=_leaving_otherwise(chosen))
    session.flush()
    return planned


def _ask_suppliers(session: Session, work: Work, order: Order, rules: Rules) -> datetime | None:
    """Ask suppliers for their part once the buyer's time for changes is over; answers when to come back for it."""
    left_s = still_changeable.time_left_s(order.placed_at, rules.minutes_to_change, now=work.now())
    if not left_s:
        drop_shipping.bring_up_to_date(session, work.tenant, order, now=work.now())
    elif purchasing.concerns(session, work.tenant, order.id):
        return work.now() + timedelta(seconds=left_s)
    return None


def _leaving_otherwise(chosen: Chosen) -> str:
    names = {place.id: place.name for place in chosen.question.places}
    places = dict.fromkeys(names.get(pick.location, "another place") for pick in chosen.picks)
    return f"because it leaves from {' and '.join(places)}"


def _ask_about(session: Session, work: Work, order: int, short: Mapping[int, int]) -> None:
    """Have the buyer asked what is to become of what is short, or left in peace where nothing is any more."""
    for choice in choosing.note(session, work.tenant, order, short, now=work.now()):
        queue.add(session, work.tenant, "ask_buyer", choosing.subject_of(choice), lane=f"order/{order}")


def _plan(
    session: Session, work: Work, order: Order, chosen: Chosen, wanted: Demand, rules: Rules, *, again: bool
) -> Planned:
    """Write a shipment for each location with its boxes, and ask for a label for each box."""
    holdings: list[Holding] = []
    joined: dict[int, int] = {}
    spare = ways.spare(chosen.question, chosen.decision.chosen) if chosen.decision.chosen else 0
    for location in dict.fromkeys(pick.location for pick in chosen.picks):
        there = [pick for pick in chosen.picks if pick.location == location]
        units = joining.together([{pick.line: pick.units} for pick in there])
        said = planning.promise(session, work.tenant, chosen, location)
        older = None
        if again:
            older = reshaping.beside(session, order, location, units, said, now=work.now(), waits=spare < 1)
            spare -= older is None and location in chosen.question.joins
        if older is not None:
            units = joining.together([splitting.units_of(session, work.tenant, older.id), units])
            said = promising.in_one([promised.of_shipment(older), said])
            joining.give_up(session, work.tenant, older)
        by_carrier = older is not None and older.by_carrier
        shipment = _shipment(session, work.tenant, order.id, location, said, units, by_carrier=by_carrier)
        if older is not None:
            joined[older.id] = shipment
            sentence = f"Shipment {shipment} leaves in place of {older.id}, with what is added to it."
            story.tell(session, work, order.id, sentence, shipment=shipment)
        holdings += [Holding(pick=pick, shipment=shipment) for pick in there]
        for parcel in replanning.box(session, work.tenant, order.id, shipment, units, wanted.lines, rules):
            queue.add(session, work.tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{order.id}")
    return Planned(holdings=holdings, joined=joined)


def _shipment(
    session: Session,
    tenant: int,
    order: int,
    location: int,
    said: Promise,
    units: Mapping[int, int],
    *,
    by_carrier: bool,
) -> int:
    shipment = session.execute(
        insert(Shipment)
        .values(
            tenant_id=tenant, order_id=order, location_id=location,
            ship_by=said.ship_by, arrives_on=said.arrives_on, arrival_said_by=said.said_by,
            by_carrier=by_carrier,
        )
        .returning(Shipment.id)
    ).scalar_one()  # fmt: skip
    lines = [
        {"tenant_id": tenant, "shipment_id": shipment, "line_id": line, "units": count} for line, count in units.items()
    ]
    session.execute(insert(ShipmentLine), lines)
    return shipment
