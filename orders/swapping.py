"""Keeps the wish that a line is sent as another variant, with the units held for it, until the store has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations import nouns
from orders import bundles, holds, inventory, lifecycle, store_counts, swap_offers
from orders.allocation import Pick
from orders.holds import Problem
from orders.inventory import Holding
from orders.routing.question import Want
from orders.shortage import Units
from orders.swap_offers import Offer
from records import choices, timeline
from records.choices import Choice, Swap
from records.orders import lines_of
from records.stock import Reservation, Variant

HOLD = "swap"
# Units are held for a swap before anything is planned of it: for no shipment yet.
NO_SHIPMENT = 0


class Gone(Exception):
    """What was chosen is not there any more, or was never offered: somebody was first. Nothing was written."""


def asked(session: Session, tenant: int, order: int) -> list[Swap]:
    """The swaps that the store does not have yet."""
    return [row for row in choices.swaps_of(session, tenant, order) if row.state == "asked"]


def left(session: Session, choice: Choice, wanted: Mapping[int, int]) -> dict[int, int]:
    """Those of the swaps that a choice wants which the store does not have: variants by order line."""
    done = {
        (row.line_id, row.variant_id)
        for row in choices.swaps_of(session, choice.tenant_id, choice.order_id)
        if row.choice_id == choice.id and row.state == "written"
    }
    return {line: variant for line, variant in wanted.items() if (line, variant) not in done}


def key_of(swap: int) -> str:
    """Our own key of telling the store."""
    return f"swap/{swap}"


def ask(session: Session, choice: Choice, wanted: Mapping[int, int], short: Units) -> None:
    """Write down what is sent instead, and hold its units now. Order and choice are locked.

    Raises Gone, and leaves everything as it was, where the units are not all there.
    """
    tenant, order = choice.tenant_id, choice.order_id
    if not set(wanted) <= set(short):
        raise Gone  # it was sent as something else before, or is wanted no more
    with session.begin_nested():
        before = choices.swaps_of(session, tenant, order)
        # Whoever gives levels back and takes others in one transaction locks them all first, in one order.
        store_counts.lock(session, tenant, variants={*(row.variant_id for row in before), *wanted.values()})
        done = {(row.line_id, row.variant_id) for row in before if row.state == "written"}
        held = _held(session, tenant, order)
        stay = [one for one in held if _stays(one, wanted, short) or (one.line, one.variant) in done]
        fresh = {line: variant for line, variant in wanted.items() if line not in {one.line for one in stay}}
        if len(stay) < len(held):
            inventory.release_shipment(session, tenant, order, NO_SHIPMENT, actor="packline")
        else:
            stay = []  # they are held as they are, also where the store refused them before
        offered = swap_offers.of_order(session, tenant, order, {line: short.get(line, 0) for line in fresh})
        picks = [*stay, *(_pick(line, offered.get(line, ()), variant, short) for line, variant in fresh.items())]
        for line, variant in wanted.items():
            told = {"line_id": line, "variant_id": variant, "units": short[line]}
            session.add(Swap(tenant_id=tenant, order_id=order, choice_id=choice.id, **told))
        session.flush()
        try:
            holdings = [Holding(pick=pick, shipment=NO_SHIPMENT) for pick in picks]
            inventory.reserve(session, tenant, order, holdings, actor="packline")
        except inventory.Contended:
            raise Gone from None


def note_before(row: Swap, snapshot: nouns.OrderSnapshot, *, line: str, variant: str) -> None:
    """Keep what the store's order has of both before it is told: by that a takeover sees what became of it."""
    if row.line_units is None:
        row.line_units = sum(one.units for one in snapshot.lines if one.remote_id == line)
        row.variant_units = sum(one.units for one in snapshot.lines if one.variant_remote_id == variant)


def written(session: Session, row: Swap, *, now: datetime) -> bool:
    """The store has it. Answers whether this call wrote it."""
    if not lifecycle.move(session, row.tenant_id, "swap", row.id, "write", ended_at=now):
        return False
    timeline.write(
        session, row.tenant_id, row.order_id, actor="packline", kind="fact",
        sentence=f"The store has the swap: {told(session, row)}.", swap=row.id,
    )  # fmt: skip
    return True


def refused(session: Session, row: Swap, why: str, remedy: str, *, now: datetime) -> None:
    """The store does not take it: the order waits for a person, and the units stay held for it."""
    if lifecycle.move(session, row.tenant_id, "swap", row.id, "refuse", said=why, ended_at=now):
        hold(session, row.tenant_id, row.order_id, told(session, row), why, remedy)


def hold(session: Session, tenant: int, order: int, what: str, why: str, remedy: str) -> None:
    problem = Problem(
        kind=HOLD,
        reason=f"Chosen instead of what is out of stock, and not done: {what}. {why}",
        remedy=f"{remedy} Releasing the hold tries it again; answering for the buyer anew ends it.",
    )
    holds.place(session, tenant, order, problem, by="packline")


def lock_levels(session: Session, tenant: int, order: int, *, besides: Collection[int] = ()) -> None:
    """Lock every level that an order may give back or take in this transaction, a bundle's parts among them, and those
    of variants `besides`.

    Whoever gives levels back and takes others in one transaction locks them all first, in one order.
    """
    lines = {line.variant_id for line in lines_of(session, tenant, order) if line.variant_id}
    parts = {part.variant for made_of in bundles.parts_in(session, tenant, order).values() for part in made_of}
    swaps = {row.variant_id for row in choices.swaps_of(session, tenant, order)}
    store_counts.lock(session, tenant, variants={*lines, *parts, *swaps, *besides})


def withdraw(session: Session, row: Swap, why: str, *, now: datetime) -> None:
    """The order is over: nothing is sent instead of anything. Order locked."""
    if lifecycle.move(session, row.tenant_id, "swap", row.id, "refuse", said=why, ended_at=now):
        inventory.release_shipment(session, row.tenant_id, row.order_id, NO_SHIPMENT, actor="packline")


def let_go(session: Session, tenant: int, order: int) -> list[Pick]:
    """Free what was held for swaps, so that who plans the order in this transaction can take it for the new lines;
    answers it, without what a count has not found. What they do not take is to be held again before the transaction
    ends (`held_on`).
    """
    rows = choices.swaps_of(session, tenant, order)
    if not rows or any(row.state == "asked" for row in rows):
        return []
    lock_levels(session, tenant, order)
    held = _held(session, tenant, order)
    inventory.release_shipment(session, tenant, order, NO_SHIPMENT, actor="packline")
    return _still_there(session, tenant, held)


def hold_what_is_written(session: Session, tenant: int, order: int, freed: Sequence[Pick]) -> None:
    """Of what was freed, keep what the store's order has by now: it is the order's, whatever else is chosen."""
    done = {(row.line_id, row.variant_id) for row in choices.swaps_of(session, tenant, order) if row.state == "written"}
    holdings = [Holding(pick=one, shipment=NO_SHIPMENT) for one in freed if (one.line, one.variant) in done]
    inventory.reserve(session, tenant, order, holdings, actor="packline")


def held_on(freed: Sequence[Pick], taken: Sequence[Pick], wants: Sequence[Want] = ()) -> list[Holding]:
    """What stays held for swaps: the units that were freed and are in no pick of what is planned, be it from there or
    from elsewhere, or as a part of a bundle. What leaves from elsewhere while as much of it is still wanted (of all
    that the order `wants`) is another line's. Pure.
    """
    planned: Counter[tuple[int, int]] = Counter()
    for pick in taken:
        planned.update({(variant, pick.location): pick.units * each for variant, each in pick.taken()})
    still = _still_wanted(wants, planned)
    here = [_beyond(pick, planned, {pick.location}) for pick in freed]
    rest = [_beyond(pick, planned, {place for _, place in planned}) for pick in here]
    for pick in rest:
        still.subtract({variant: pick.units for variant, _ in pick.taken()})
    rest = [_kept(pick, lying.units, still) for pick, lying in zip(rest, here, strict=True)]
    return [Holding(pick=pick, shipment=NO_SHIPMENT) for pick in rest if pick.units]


def _still_wanted(wants: Sequence[Want], planned: Counter[tuple[int, int]]) -> Counter[int]:
    """Units of each variant that are wanted and not planned."""
    still: Counter[int] = Counter()
    for want in wants:
        still.update({variant: want.units * each for variant, each in want.taken()})
    for (variant, _), units in planned.items():
        still[variant] -= units
    return still


def _kept(held: Pick, most: int, still: Counter[int]) -> Pick:
    """The same with the units, of at most as many as lie there, that are still wanted; these are taken off."""
    more = max(0, min(most - held.units, *(still[variant] for variant, _ in held.taken())))
    still.subtract({variant: more for variant, _ in held.taken()})
    return replace(held, units=held.units + more)


def _beyond(freed: Pick, planned: Counter[tuple[int, int]], places: Collection[int]) -> Pick:
    """The units of it that are not planned at these places; those that are, are taken off what is planned."""
    left = freed.units
    for variant, _ in freed.taken():
        for place in sorted(places):
            there = min(left, max(0, planned[variant, place]))
            planned[variant, place] -= there
            left -= there
    return replace(freed, units=left)


def told(session: Session, row: Swap) -> str:
    """What is swapped for what, in words."""
    line = next(line for line in lines_of(session, row.tenant_id, row.order_id) if line.id == row.line_id)
    variant = session.get_one(Variant, (row.tenant_id, row.variant_id))
    return f"{row.units} × {variant.sku or variant.title} instead of {line.sku or line.title}"


def _held(session: Session, tenant: int, order: int) -> list[Pick]:
    rows = session.scalars(
        select(Reservation)
        .where(Reservation.tenant_id == tenant, Reservation.order_id == order, Reservation.state == "held")
        .where(Reservation.shipment_id == NO_SHIPMENT)
        .order_by(Reservation.id)
    )
    return [Pick(line=row.line_id, variant=row.variant_id, location=row.location_id, units=row.units) for row in rows]


def _still_there(session: Session, tenant: int, freed: Sequence[Pick]) -> list[Pick]:
    if not freed:
        return []
    variants = {variant for pick in freed for variant, _ in pick.taken()}
    free = Counter(inventory.available(session, tenant, variants, {pick.location for pick in freed}))
    there = []
    for pick in freed:
        units = min(pick.units, *(max(0, free[variant, pick.location]) // each for variant, each in pick.taken()))
        free.subtract({(variant, pick.location): units * each for variant, each in pick.taken()})
        there.append(replace(pick, units=units))
    return [pick for pick in there if pick.units]


def _stays(held: Pick, wanted: Mapping[int, int], short: Units) -> bool:
    """Whether units that are held are the very ones that are wanted. Pure."""
    return wanted.get(held.line) == held.variant and short.get(held.line) == held.units


def _pick(line: int, offered: tuple[Offer, ...], variant: int, short: Units) -> Pick:
    found = next((offer for offer in offered if offer.variant == variant), None)
    if found is None:
        raise Gone
    return Pick(line=line, variant=variant, location=found.location, units=short[line])
