"""Tells the store that lines of an order are sent as other variants, one edit each, and lets the order go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from integrations import nouns
from integrations.ports import SWAP_REFUSED, Permanent
from jobs import intake, outward, queue, tell_stock
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import catalogue, choosing, placing, rest, swapping, wanted
from records import choices
from records.choices import Choice, Swap
from records.orders import LOCK, OVER, Order, OrderLine
from records.stock import Variant

# What the merchant reads in the store's own timeline of the order.
_NOTE = "Packline: what is out of stock is sent as another variant, as was chosen. The price is the same."


# All that was wanted of it has left, or it ended otherwise: nothing is sent instead of anything any more.
_OVER = OVER | {"fulfilled"}


@dataclass(frozen=True, kw_only=True)
class Due:
    """A swap that the store is to be told of, in the store's own words."""

    id: int
    connection: str
    order: str
    line: str
    variant: str
    units: int
    line_units: int | None
    variant_units: int | None


def run(work: Work) -> Outcome:
    while (due := _next(work)) is not None:
        _tell(work, due)
    with work.writing() as session:
        order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        if order.state in _OVER:
            return Cancelled(reason=f"the order is {order.state}: nothing of it is swapped")
    return Done()


def drop(session: Session, tenant: int, order: int, why: str, *, now: datetime) -> None:
    """Give the swaps of an order up that is over, and what is kept of it while its buyer is asked: what the store was
    told by then is no matter any more.

    It locks levels and rings orders that wait, and comes before whatever else locks jobs: as where stock lands.
    """
    kept = rest.kept(session, tenant, order)
    if not kept and not choices.swaps_of(session, tenant, order):
        return
    swapping.lock_levels(session, tenant, order)
    for row in swapping.asked(session, tenant, order):
        swapping.withdraw(session, row, why, now=now)
        outward.settle(session, tenant, swapping.key_of(row.id), "abandon", reason=why)
    swapping.let_go(session, tenant, order)
    rest.give_back(session, tenant, order, kept)
    # What was held for it is free, and no count of the store's will say so.
    intake.fill_backorders(session, tenant)
    tell_stock.ask_about_unsold(session, tenant, order)


def give_up(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """A person gave the job up: the order waits for them. Where the store had heard of it, its own order says so."""
    for row in swapping.asked(session, tenant, order):
        outward.settle(session, tenant, swapping.key_of(row.id), "abandon", reason="It was given up here.")
        remedy = "Look at the order in the store: where it shows the swap, releasing the hold goes on with that."
        swapping.refused(session, row, "It was given up here.", remedy, now=now)


def _next(work: Work) -> Due | None:
    with work.writing() as session:
        order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        if order.state in _OVER:
            drop(session, work.tenant, order.id, f"The order is {order.state}.", now=work.now())
        row = next(iter(swapping.asked(session, work.tenant, order.id)), None)
        return None if row is None else _due(session, order, row)


def _due(session: Session, order: Order, row: Swap) -> Due:
    return Due(
        id=row.id,
        connection=order.connection_id,
        order=order.remote_id,
        line=session.get_one(OrderLine, (row.tenant_id, row.line_id)).remote_id,
        variant=session.get_one(Variant, (row.tenant_id, row.variant_id)).remote_id,
        units=row.units,
        line_units=row.line_units,
        variant_units=row.variant_units,
    )


def _tell(work: Work, due: Due) -> None:
    storefront = work.storefront(due.connection)
    if due.line_units is None:
        due = _look_before(work, due, storefront.read_order(due.order))
    wish = nouns.Swap(
        line_remote_id=due.line,
        line_units=due.line_units or 0,
        variant_remote_id=due.variant,
        variant_units=due.variant_units or 0,
        units=due.units,
    )
    key = swapping.key_of(due.id)
    act = Act(key=key, kind="swap_line", subject=work.claim.subject, request=wish.model_dump())
    try:
        # It reads first what the order shows, and leaves one that shows the swap already alone.
        outward.once(work, act, perform=lambda _keys: storefront.swap(due.order, wish, note=_NOTE))
    except Permanent as refusal:
        if refusal.code != SWAP_REFUSED:
            raise  # the connection is to be mended, and the order waits; a retry tells the store then
        with work.writing() as session:
            session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
            row = session.get_one(Swap, (work.tenant, due.id), with_for_update=True)
            swapping.refused(session, row, refusal.reason, refusal.remedy, now=work.now())
        return
    store = storefront.read_order(due.order)
    with work.writing() as session:
        _written(session, work, due.id, store)
        outward.settle(session, work.tenant, key, "succeed", reference=due.order)


def _look_before(work: Work, due: Due, store: nouns.StoreOrder) -> Due:
    with work.writing() as session:
        order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        row = session.get_one(Swap, (work.tenant, due.id), with_for_update=True, populate_existing=True)
        swapping.note_before(row, store.snapshot, line=due.line, variant=due.variant)
        return _due(session, order, row)


def _written(session: Session, work: Work, swap: int, store: nouns.StoreOrder) -> None:
    """Take the store's own answer, as if it had told us; what it tells later is the same, and changes nothing."""
    order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
    row = session.get_one(Swap, (work.tenant, swap), with_for_update=True, populate_existing=True)
    if not swapping.written(session, row, now=work.now()):
        return
    placing.take(session, work.tenant, order.connection_id, store.snapshot, said_by="store", final=True)
    # Whoever plans the order before it is checked again wants what it is now, and not the line that was given up.
    session.flush()
    wanted.write(session, work.tenant, order.id, store)
    catalogue.link_lines(session, work.tenant, order.id, order.connection_id)
    if not swapping.asked(session, work.tenant, order.id):
        choice = session.get_one(Choice, (work.tenant, row.choice_id), with_for_update=True, populate_existing=True)
        said = choosing.answer_of(choice)
        if said.refunded or swapping.left(session, choice, said.swapped):
            queue.add(session, work.tenant, "ask_buyer", choosing.subject_of(choice.id), lane=f"order/{order.id}")
        else:
            choosing.act(session, choice, now=work.now())
    queue.add(session, work.tenant, "verify_order", f"order/{order.id}")
