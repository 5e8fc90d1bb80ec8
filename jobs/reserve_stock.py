"""Chooses the locations that ship an order, reserves the units there, and plans shipments and boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from integrations.nouns import Address
from jobs import (
    closing,
    drop_shipping,
    fulfilling,
    intake,
    looking_again,
    pricing_ways,
    queue,
    reshaping,
    sending,
    shadow,
    story,
    tell_stock,
)
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.sending import Planned
from jobs.work import Work
from orders import (
    backorders,
    banning,
    by_hand,
    choosing,
    first_come,
    holds,
    inventory,
    lifecycle,
    not_split,
    planning,
    promised,
    purchasing,
    replanning,
    rest,
    still_changeable,
    swapping,
    telling_stock,
)
from orders.allocation import Pick
from orders.by_hand import Aside
from orders.inventory import Holding
from orders.planning import Chosen, Demand
from orders.routing import asking
from orders.routing.question import Quote
from orders.shortage import Asked
from records import tenants
from records.orders import LOCK, Order
from records.reversals import under_way
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
    if looking_again.keeps_waiting(session, work.tenant, order.id, now=work.now()):
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
    tenant = work.tenant
    wanted = planning.demand(session, tenant, order.id)
    asked = choosing.standing(session, tenant, order.id)
    kept = rest.kept(session, tenant, order.id) if asked else []
    if not wanted.everything:
        _nothing_is_wanted(session, work, order, kept)
        return _done(session, tenant, order.id, freed=rest.levels([*freed, *kept]))
    others = first_come.spoken_for(session, tenant, order.id, wanted.everything)
    spoken_for = Counter(others)
    spoken_for.subtract(rest.to_plan_with(session, tenant, order.id, kept))
    lying = Counter(backorders.lying(session, tenant, wanted.everything))
    aside = _aside(session, tenant, wanted, spoken_for)
    chosen, short = _choose(session, work, order, wanted, aside, spoken_for, asked, quotes, rules)
    if (short or aside.short or (chosen and chosen.kept)) and others:
        _hold(session, tenant, order.id, swapping.held_on(freed, ()))
        return Snoozed(wait_s=_OTHERS_TAKE_S, reason="Orders that have waited longer for the same units come first.")
    planning.note_shortage(session, tenant, order.id, short, wanted, aside, now=work.now())
    _note_what_stays(session, work, order.id, chosen, wanted)
    _ask_about(session, work, order.id, Counter(short) + Counter(aside.short_units))
    planned = _plan(session, work, order, chosen, aside, wanted, rules)
    stays = chosen.rest if chosen else ()
    holdings = [*planned.holdings, *_held_on(planned, freed, stays, wanted)]
    taken = [*holdings, *rest.holdings(stays)]
    if not rest.same(kept, stays):
        rest.give_back(session, tenant, order.id, kept)
        holdings = taken
    # Among the last statements of the transaction: popular variants stay locked from here to the commit only.
    _hold(session, tenant, order.id, holdings)
    for older, shipment in planned.joined.items():
        replanning.fold(session, tenant, old=older, new=shipment)
    done = _done(session, tenant, order.id, freed=rest.levels([*freed, *kept]) - rest.levels(one.pick for one in taken))
    lying.update(rest.levels(kept))
    backorders.make_sure(session, tenant, wanted.everything, lying, taken)
    return done


def _nothing_is_wanted(session: Session, work: Work, order: Order, kept: Sequence[Pick]) -> None:
    """Let go of all that the order waits for, and end it where it is over with that."""
    rest.give_back(session, work.tenant, order.id, kept)
    _ask_about(session, work, order.id, {})
    for kind in ("stock", banning.HOLD, not_split.HOLD):
        holds.release(session, work.tenant, order.id, kind, by="packline", now=work.now())
    promised.keep(session, work.tenant, order, because="as less of it is wanted")
    if order.state == "shipping":
        fulfilling.if_complete(session, work.tenant, order.id)
    else:
        closing.if_nothing_is_left(session, work.tenant, order.id, now=work.now())


def _plan(
    session: Session, work: Work, order: Order, chosen: Chosen | None, aside: Aside, wanted: Demand, rules: Rules
) -> Planned:
    """Write what leaves in parcels, and what is put aside; nothing where nothing does."""
    again = order.state != "released"
    if not again and (any(aside.picks.values()) or (chosen and chosen.picks)):
        lifecycle.move(session, work.tenant, "order", order.id, "allocate")
    holdings = _put_aside(session, work, order.id, aside)
    if chosen is None or not chosen.picks:
        return Planned(holdings=holdings, joined={})
    planned = sending.plan(session, work, order, chosen, wanted, rules, again=again)
    return replace(planned, holdings=[*holdings, *planned.holdings])


def _held_on(planned: Planned, freed: Sequence[Pick], stays: Sequence[Pick], wanted: Demand) -> Sequence[Holding]:
    """What is sent instead of something else stays held until it is planned, however long that takes. Pure."""
    return swapping.held_on(freed, [*(one.pick for one in planned.holdings), *stays], wanted.everything)


def _hold(session: Session, tenant: int, order: int, holdings: Sequence[Holding]) -> None:
    elsewhere = bool(holdings) and telling_stock.is_from_elsewhere(session, tenant, order)
    if inventory.reserve(session, tenant, order, holdings, actor="packline", elsewhere=elsewhere):
        tell_stock.ask_about_unsold(session, tenant, order)


def _done(session: Session, tenant: int, order: int, *, freed: Counter[tuple[int, int]]) -> Done:
    """Whoever waits looks again where units were held and are not any more: no count of the store's will say so."""
    if freed:
        intake.fill_backorders(session, tenant)
        tell_stock.ask_about_unsold(session, tenant, order)
    return Done()


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
    asked: Asked | None,
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
    return planning.decided_for(question, asked, rules)


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


def _ask_suppliers(session: Session, work: Work, order: Order, rules: Rules) -> datetime | None:
    """Ask suppliers for their part once the buyer's time for changes is over; answers when to come back for it."""
    left_s = still_changeable.time_left_s(order.placed_at, rules.minutes_to_change, now=work.now())
    if not left_s:
        drop_shipping.bring_up_to_date(session, work.tenant, order, now=work.now())
    elif purchasing.concerns(session, work.tenant, order.id):
        return work.now() + timedelta(seconds=left_s)
    return None


def _ask_about(session: Session, work: Work, order: int, short: Mapping[int, int]) -> None:
    """Have the buyer asked what is to become of what is short, or left in peace where nothing is any more."""
    for choice in choosing.note(session, work.tenant, order, short, now=work.now()):
        queue.add(session, work.tenant, "ask_buyer", choosing.subject_of(choice), lane=f"order/{order}")
